"""Degenerate repetition: a text that says one thing over and over, as a model does that has lost its way."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Place = tuple[int, int]
"""First character, and the one after the last."""

_UNIT, _TIMES, _RUN = 80, 5, 60
"""Repetition: a stretch of at most this many characters, this many times without a break, together this long."""
_LINE_TIMES, _LINE_CHARS = 5, 15
_GRAM = 8
_FEW_CHARS = 10_000
_STEP = 16
"""Any run has three places in a row, so far apart, that are as one period further on: at least 48 characters are."""


def repetition(text: str, may_run: bool = True) -> Place | None:
    """The longest run of one stretch over and over: at most 80 characters with a letter, five times or more.

    Where there is none, a line that is there five times or more and makes half of all lines: from its first time
    to its last.

    Args:
        text: any text.
        may_run: what `may_repeat` says of it, where that was asked.
    """
    if len(text) < _RUN:
        return None
    run = _run(text) if may_run and _may_run(text) else None
    return run or (_lines(text) if text.count("\n") >= _LINE_TIMES - 1 else None)


def may_repeat(texts: Sequence[str]) -> "NDArray[np.bool_]":
    """Whether there may be a run in each text: what `_may_run` asks, of all texts at once.

    Signs are compared by the last byte of their code points, so it may be true of a text without one.
    """
    import numpy as np

    if sum(map(len, texts)) < _FEW_CHARS:  # then one after another is quicker
        return np.fromiter(map(_may_run, texts), bool, len(texts))
    joined = "\n".join([*texts, " " * (_UNIT + 2 * _GRAM)])
    if joined.isascii():
        signs = np.frombuffer(joined.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", errors="surrogatepass"), np.dtype("<u4"))
        signs = codes.astype(np.uint8)
    grams = signs.astype(np.uint64)
    for step in (1, 2, 4):
        grams = grams[:-step] | grams[step:] << np.uint64(8 * step)
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    begins = np.concatenate([[0], np.cumsum(lengths + 1)])
    n_places = np.maximum(0, -(-(lengths - _STEP) // _STEP))
    text = np.repeat(np.arange(len(texts)), n_places)
    place = begins[text] + _STEP * (np.arange(len(text)) - np.repeat(np.cumsum(n_places) - n_places, n_places))
    here = grams[place]
    out = np.zeros(len(texts), bool)
    for period in range(1, _UNIT + 1):
        same = np.flatnonzero(grams[place + period] == here)
        at = place[same] + _GRAM
        out[text[same[grams[at + period] == grams[at]]]] = True
    return out


def _may_run(text: str) -> bool:
    """Whether some `_STEP` characters come again within one period; quick, and true of every text that has a run.

    A run is at least `max(_RUN, period * _TIMES)` long, so without its last period it is long enough that one of the
    stretches of `_STEP` characters that are looked at, which follow each other, lies wholly in it.
    """
    find = text.find
    return any(
        find(text[at : at + _STEP], at + 1, at + _STEP + _UNIT) >= 0 for at in range(0, len(text) - _STEP, _STEP)
    )


def _run(text: str) -> Place | None:
    """The longest stretch that is equal to itself moved by one period of at most `_UNIT` characters."""
    import numpy as np

    codes = np.frombuffer(text.encode("utf-32-le", errors="replace"), dtype=np.uint32)
    best: Place | None = None
    for period in _periods(codes):
        same = codes[period:] == codes[:-period]
        breaks = np.flatnonzero(np.concatenate(([True], ~same, [True])))
        lengths = np.diff(breaks) - 1
        k = int(lengths.argmax())
        start, length = int(breaks[k]), int(lengths[k]) + period
        if length < max(_RUN, period * _TIMES) or (best and length <= best[1] - best[0]):
            continue
        if any(map(str.isalpha, text[start : start + period])):
            best = (start, start + length)
    return best


def _periods(codes: "NDArray[np.uint32]") -> list[int]:
    """Periods of up to `_UNIT` at which three places in a row, `_STEP` apart, come again: those a run may have."""
    import numpy as np

    ahead = np.lib.stride_tricks.sliding_window_view(np.concatenate([codes, np.zeros(_UNIT, np.uint32)]), _UNIT + 1)
    sampled = ahead[::_STEP]
    same = sampled[:, 1:] == sampled[:, :1]
    return [int(p) + 1 for p in np.flatnonzero((same[2:] & same[1:-1] & same[:-2]).any(axis=0))]


def _lines(text: str) -> Place | None:
    """From the first to the last time of a line that makes half of all lines."""
    filled = Counter(x for x in map(str.strip, text.split("\n")) if x)
    if not filled:
        return None
    (most, times), n = filled.most_common(1)[0], filled.total()
    letters = sum(map(str.isalpha, most))
    if times < max(_LINE_TIMES, n / 2) or len(most) < _LINE_CHARS or 2 * letters < len(most):
        return None
    return text.find(most), text.rfind(most) + len(most)
