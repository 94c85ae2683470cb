"""Sentences of a text, by plain rules."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

STOPS = "\n。！？"
"""Signs at which a sentence ends, whatever follows."""
ENDS = ".!?…؟।"
"""Signs at which one ends where a space follows them, or `CLOSERS` and then a space."""
CLOSERS = "\"'”’»)]"
SAYS = re.compile(r"[^\W_]")
_CLOSER = re.escape(CLOSERS)
_MARK = re.compile(rf"[{STOPS}]|(?<![{ENDS}])[{ENDS}]++[{_CLOSER}]*+(?=\s|\Z)")
_SHORT = ("e.g", "i.e", "vs", "etc", *(a + b for a in "DMS" for b in "rst"), "Mrs", "No", "Prof")
ABBREVIATION = re.compile(rf"\b(?:[A-Z]|{'|'.join(map(re.escape, _SHORT))})\.\Z")
"""An initial or a common abbreviation, with its dot."""


def sentences(prose: str) -> Iterator[tuple[int, int]]:
    """First character and the one after the last of each stretch between sentence ends that has a letter or digit.

    A sentence ends at a line end, at 。！？, or at a run of end marks (and closing quotes) before a space,
    unless it is the dot of an initial or a common abbreviation.
    """
    begin = 0
    for mark in _MARK.finditer(prose):
        stop = mark.end()
        if mark[0] == "." and ABBREVIATION.search(prose, max(0, stop - 6), stop):
            continue
        if SAYS.search(prose, begin, stop):
            yield begin, stop
        begin = stop
    if SAYS.search(prose, begin):
        yield begin, len(prose)


def may_abbreviate(before: NDArray[np.unsignedinteger], last: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Whether the two signs before a dot may end what `ABBREVIATION` finds; quick, and true of all that it does.

    Args:
        before: code points of the last but one.
        last: code points of the last.
    """
    found: NDArray[np.bool_] = _endings()[np.minimum(before, 128), np.minimum(last, 128)]
    return found


@cache
def _endings() -> NDArray[np.bool_]:
    """By two ASCII signs (128 for any other) whether an abbreviation ends in them."""
    out = np.zeros((129, 129), bool)
    out[:, ord("A") : ord("Z") + 1] = True
    for short in _SHORT:
        out[ord(short[-2]), ord(short[-1])] = True
    return out
