"""Distinct responses and pairs, in two halves by prompt: what names are made on, and what they are tried on."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Ints, half_by_group
from offtarget.data.identity import normalise
from offtarget.data.pairs import Pair, text_of


@dataclass(frozen=True, eq=False)
class Units:
    """Texts, or pairs of texts, each once however often the set repeats it (but for case, white space, Unicode form)."""

    rows: Ints
    """Where each comes first: a row number, of responses with chosen above rejected."""
    made: NDArray[np.bool_]
    """Whether names are made on it; the others are held out. What is in both halves of the prompts is not held out."""

    @property
    def held(self) -> NDArray[np.bool_]:
        """The held-out ones."""
        return ~self.made


def distinct_responses(pairs: Sequence[Pair]) -> Units:
    """The distinct responses of some rows, with `rows` in 0..2n: chosen first."""
    half = _half(pairs)
    texts = [normalise(text_of(p.chosen)) for p in pairs] + [normalise(text_of(p.rejected)) for p in pairs]
    return _distinct(texts, np.concatenate([half, half]))


def distinct_pairs(pairs: Sequence[Pair]) -> Units:
    """The distinct pairs of texts of some rows, whichever of the two was chosen."""
    texts = [tuple(sorted(normalise(text_of(side)) for side in (p.chosen, p.rejected))) for p in pairs]
    return _distinct(texts, _half(pairs))


def _half(pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    half = half_by_group([p.group for p in pairs])
    if half.all() or not half.any():  # a prompt or two: rows must do
        half = np.arange(len(pairs)) % 2 == 0
    return half


def _distinct(keys: Sequence[Hashable], half: NDArray[np.bool_]) -> Units:
    first: dict[Hashable, int] = {}
    number = np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)
    rows, code = np.unique(number, return_inverse=True)
    made = np.zeros(len(rows), dtype=bool)
    made[code[half]] = True
    return Units(rows, made)
