"""Policies at several strengths of their adapters: dose and response, and side effects at equal effect."""
