"""Policies at several strengths of their adapters: dose and response, and side effects at equal effect."""

from offtarget import _make_callable

_make_callable(__name__)
