"""Where a concept fires in a text: the stretches that a report highlights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.lens.features import FeatureMatrix, peak_place

AROUND = 90
"""Characters of text on either side of the strongest token in an excerpt."""
LINES, LINE_CHARS = 16, 64
"""Of an excerpt, so that nothing of it is below what is in view."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, highlighted or not."""

    text: str
    marked: bool = False


class Marks:
    """The strongest tokens of every latent in every response, as lenses that keep them say.

    Args:
        features: matrices of an audit's lenses; those without a `peak` mark nothing.
    """

    def __init__(self, features: Sequence[FeatureMatrix]) -> None:
        self._column: dict[str, tuple[FeatureMatrix, int]] = {}
        self._row: dict[str, int] = {}
        for part in features:
            if ("chosen", "peak") in part.values:
                self._column |= {c.id: (part, j) for j, c in enumerate(part.columns)}
            self._row |= {name: i for i, name in enumerate(part.pair_ids)}

    def places(self, members: Sequence[str], row: str, side: str) -> list[tuple[int, int]]:
        """Where some latents fire strongest in one response: (start, stop) in characters, none overlapping."""
        found = set()
        i = self._row.get(row)
        known = [self._column[m] for m in members if m in self._column]
        if i is None or not known:
            return []
        part = known[0][0]
        peaks: Any = part.values[side, "peak"][i]  # type: ignore[index]
        code = dict(zip(peaks.indices.tolist(), peaks.data.tolist(), strict=True))
        for _, j in known:
            if code.get(j):
                found.add(peak_place(code[j]))
        out: list[tuple[int, int]] = []
        for start, stop in sorted(p for p in found if p[1] > p[0]):
            if not out or start >= out[-1][1]:
                out.append((start, stop))
        return out


def pieces(text: str, places: Sequence[tuple[int, int]], limit: int) -> list[Piece]:
    """A text cut to `limit` characters and `LINES` lines, in stretches that are highlighted or not.

    Where the first highlight (or, of a long one, its beginning) lies beyond the cut, the excerpt begins shortly before
    it: what is shown always holds a highlight, if there is one.

    Args:
        text: the whole text.
        places: (start, stop) in order, none overlapping.
        limit: most characters shown.
    """
    begin = 0
    if places:
        first = min(places[0][1], places[0][0] + AROUND)
        if first > _end(text, 0, limit):
            begin = max(0, places[0][0] - AROUND)
            if _end(text, begin, limit) < first:  # a tail of short lines before it
                begin = places[0][0]
    end = _end(text, begin, limit)
    out = [Piece("…")] if begin else []
    at = begin
    for start, stop in places:
        if start >= end or stop <= at:
            continue
        if start > at:
            out.append(Piece(text[at:start]))
        out.append(Piece(text[max(start, at) : min(stop, end)], marked=True))
        at = min(stop, end)
    if at < end:
        out.append(Piece(text[at:end]))
    if end < len(text):
        out.append(Piece("…"))
    return out


def _end(text: str, begin: int, limit: int) -> int:
    """Where an excerpt ends: after `limit` characters or `LINES` lines, of which long ones are broken."""
    end, lines, at = min(len(text), begin + limit), 0, begin
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        lines += max(1, -(-(stop - at) // LINE_CHARS))
        if lines >= LINES:
            return min(end, stop)
        at = stop + 1
    return end
