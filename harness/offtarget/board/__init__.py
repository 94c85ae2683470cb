"""Cells (one immutable JSON for each run) and the boards computed from them.

`offtarget.board(folder)` calls the function of `offtarget.api`.
"""

from offtarget import _make_callable

_make_callable(__name__)
