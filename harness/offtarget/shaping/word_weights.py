"""Weights of words by how strongly they show a concept: what token protocols and their controls share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.shaping.context import CLIP, ShapingContext, within
from offtarget.shaping.plan import WeightedSpans

Floats = NDArray[np.float64]
MOST, UNIT = 3.0, "nats per standard deviation of a word's score"
"""With scores cut at 3, one target then weighs a word between e⁻⁹ and e⁹."""


@dataclass(frozen=True, eq=False)
class SideWeights:
    """The words of one side's answers and what they weigh, one after the other."""

    spans: NDArray[np.int64]
    """(n_words, 2) characters of each word in its answer."""
    rows: NDArray[np.int64]
    """(n_words,) the pair of each."""
    weights: Floats
    """(n_words,)"""

    def column(self, n_pairs: int) -> tuple[WeightedSpans, ...]:
        """(n_pairs,) the words that weigh other than 1, as a plan holds them."""
        out: list[list[tuple[int, int, float]]] = [[] for _ in range(n_pairs)]
        for k in np.flatnonzero(self.weights != 1):
            out[self.rows[k]].append((int(self.spans[k, 0]), int(self.spans[k, 1]), float(self.weights[k])))
        return tuple(tuple(row) for row in out)


def word_weights(
    ctx: ShapingContext, strength: float, readout: str = "feature", threshold: float = 0.0
) -> tuple[SideWeights, SideWeights]:
    """What each word of the chosen and of the rejected answers weighs: exp(γ s) in chosen, exp(−γ s) in rejected.

    s is the word's score, cut at 3 standard deviations, where it is above the threshold, else 0; γ the effective strength;
    several targets multiply. Positive γ amplifies: what shows the concept is learned more where it is preferred, and
    unlearned less where it is not.

    Args:
        ctx: pairs, targets and scores of words.
        strength: before the verdict's own.
        readout: of the scores of words.
        threshold: standard deviations over all words.

    Raises:
        ConfigError: a strength beyond all sense, or no scores of words.
    """
    exponents: tuple[list[Floats], list[Floats]] = ([], [])
    found: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
    for target in ctx.targets:
        gamma = within(target.effective(strength), MOST, UNIT)
        inside = ctx.inside(target)
        for k, (side, sign) in enumerate(zip(ctx.readings.words(target.concept, readout), (1, -1), strict=True)):
            scores = [np.where(w.scores > threshold, np.clip(w.scores, -CLIP, CLIP), 0.0) for w in side]
            exponents[k].append(sign * gamma * _flat([s * on for s, on in zip(scores, inside, strict=True)]))
            found[k][:] = [w.spans for w in side]  # of all concepts the same words
    chosen, rejected = (
        SideWeights(
            np.concatenate([np.zeros((0, 2), np.int64), *spans]),
            np.repeat(np.arange(len(spans)), [len(s) for s in spans]),
            np.exp(np.sum(of_targets, axis=0)),
        )
        for spans, of_targets in zip(found, exponents, strict=True)
    )
    return chosen, rejected


def _flat(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])


def said(chosen: SideWeights, rejected: SideWeights) -> str:
    """How many words weigh other than 1, and what they weigh, in one line."""
    words = len(chosen.weights) + len(rejected.weights)
    parts = []
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        other = side.weights[side.weights != 1]
        low, high = (f"{x:.3g}" for x in (other.min(), other.max())) if len(other) else ("", "")
        of = f", each {low}" if low == high else f", from {low} to {high}"
        parts.append(f"{len(other):,} in {name}{of if len(other) else ''}")
    return f"of {words:,} words these weigh other than 1: {'; '.join(parts)}"
