"""Pass or fail on an audit: a person's decisions, limits, and what changed since a baseline.

`offtarget.gate(data)` calls the function of `offtarget.api`.
"""

from offtarget import _make_callable

_make_callable(__name__)
