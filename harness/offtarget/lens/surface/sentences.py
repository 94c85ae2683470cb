"""Sentences of a text, by plain rules."""

import re
from collections.abc import Iterator

_MARK = re.compile(r"\n|[。！？]|(?<![.!?…؟।])[.!?…؟।]++[\"'”’»)\]]*+(?=\s|\Z)")
_SAYS = re.compile(r"[^\W_]")
_ABBREVIATION = re.compile(r"(?:\b[A-Z]|\be\.g|\bi\.e|\bvs|\betc|\b[DMS][rst]|\bMrs|\bNo|\bProf)\.\Z")


def sentences(prose: str) -> Iterator[tuple[int, int]]:
    """First character and the one after the last of each stretch between sentence ends that has a letter or digit.

    A sentence ends at a line end, at 。！？, or at a run of end marks (and closing quotes) before a space,
    unless it is the dot of an initial or a common abbreviation.
    """
    begin = 0
    for mark in _MARK.finditer(prose):
        stop = mark.end()
        if mark[0] == "." and _ABBREVIATION.search(prose, max(0, stop - 6), stop):
            continue
        if _SAYS.search(prose, begin, stop):
            yield begin, stop
        begin = stop
    if _SAYS.search(prose, begin):
        yield begin, len(prose)
