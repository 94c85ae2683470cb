"""Concepts and contexts: what hypotheses are about, how u is read, and what things are called."""
