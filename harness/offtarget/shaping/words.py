"""Words of a response, and what marks or single tokens in it say of each."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_WORD = re.compile(r"\S+")


def word_spans(text: str) -> NDArray[np.int64]:
    return np.array([m.span() for m in _WORD.finditer(text)], np.int64).reshape(-1, 2)


def covered(spans: NDArray[np.int64], found: Sequence[tuple[int, int]]) -> Floats:
    """1 for words that any of the places touches, else 0."""
    out = np.zeros(len(spans))
    for a, b in found:
        out[(spans[:, 0] < b) & (spans[:, 1] > a)] = 1.0
    return out


def largest(spans: NDArray[np.int64], where: NDArray[np.int64], values: NDArray[np.floating[Any]]) -> Floats:
    """(n_words,) the largest value of a word's tokens; words without one (cut off) get the smallest of all."""
    out = np.full(len(spans), -np.inf)
    real = where[:, 1] > where[:, 0] if len(where) else np.zeros(0, bool)
    if len(spans) and real.any():
        # a token belongs to the word in which it ends: it may begin with the space before it
        word = np.searchsorted(spans[:, 0], where[real, 1], side="left") - 1
        inside = (word >= 0) & (where[real, 0] < spans[np.maximum(word, 0), 1])
        np.maximum.at(out, word[inside], np.asarray(values, float)[real][inside])
    least = float(np.min(values)) if len(values) else 0.0
    return np.where(np.isfinite(out), out, least)
