"""Side effects at equal effect: where each curve's target has shifted by a level, how far its other behaviours have.

Strengths of protocols have units of their own, so the same number is not the same dose. What can be held equal is the
effect. On the line through the points (scale, shift of the target) the first scale is found at which the shift is the level,
and on that of every other behaviour its shift there. Estimand: the shift of the other behaviours, over prompts and training
seeds, at the scale at which the expected shift of the target is the level.

The interval is a percentile bootstrap of all of that: prompts are drawn with replacement, the same for all curves and for
behaviours on the same prompts, and each seed's deviation from the mean of S seeds with variance S/(S − 1) times that of
drawing seeds, so that it is s²/S, and widened by t(S − 1)/z, since a bootstrap of three seeds is as narrow as if they were
many. A curve of one seed has no such noise, and its interval is about that policy. On simulated curves the interval held the
truth in 95 to 99 % (tests/bench/bench_equal_effect.py).
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from offtarget.evals.panel import Floats
from offtarget.evals.scores import cluster_of

DRAWS = 2000
MOST_OUTSIDE = 0.05
"""With more draws than this that do not reach the level, there is no interval."""


@dataclass(frozen=True)
class Shifts:
    """One curve: how far each behaviour shifts from start at each scale."""

    label: str
    scales: tuple[float, ...]
    """Ascending, the first 0."""
    values: Mapping[str, Floats]
    """Behaviour -> (n_scales, n_seeds, n_samples), policy minus start."""
    ids: Mapping[str, tuple[str, ...]]
    """Behaviour -> its samples."""

    def mean(self, behaviour: str) -> Floats:
        """Shift at each scale, (n_scales,)."""
        return np.asarray(self.values[behaviour].mean(axis=(1, 2)), dtype=np.float64)

    def drawn(self, behaviour: str, draws: int) -> Floats:
        """(draws, n_scales): the means in each draw of prompts and seeds."""
        values = self.values[behaviour]
        n_scales, n_seeds, n = values.shape
        prompts = _prompt_weights(self.ids[behaviour], draws)
        by_seed = (prompts @ values.reshape(-1, n).T).reshape(draws, n_scales, n_seeds)
        seeds = _seed_weights(self.label, n_seeds, draws)
        return np.asarray((by_seed * seeds[:, None, :]).sum(axis=2), dtype=np.float64)


@dataclass(frozen=True)
class At:
    """The scale at which a curve's target has shifted by the level, and what else has shifted there."""

    scale: float
    scales: Floats
    """(draws,), NaN where the level is not reached."""
    shifts: Mapping[str, float]
    drawn: Mapping[str, Floats]
    """(draws,) of each other behaviour."""

    @property
    def outside(self) -> float:
        """Share of the draws that do not reach the level."""
        return float(np.isnan(self.scales).mean())


def at_level(curve: Shifts, target: str, level: float, draws: int = DRAWS) -> At | None:
    """A curve where its target has shifted by a level; None where it does not within the scales.

    Args:
        curve: the shifts.
        target: the behaviour that is held equal.
        level: its shift, other than 0.
        draws: of the bootstrap.
    """
    x = np.asarray(curve.scales, dtype=np.float64)
    (scale,) = crossing(x, curve.mean(target)[None], level)
    if math.isnan(scale):
        return None
    scales = crossing(x, curve.drawn(target, draws), level)
    others = [b for b in curve.values if b != target]
    return At(
        scale=float(scale),
        scales=scales,
        shifts={b: float(along(x, curve.mean(b)[None], np.array([scale]))[0]) for b in others},
        drawn={b: along(x, curve.drawn(b, draws), scales) for b in others},
    )


def crossing(x: Floats, y: Floats, level: float) -> Floats:
    """The first place on each line at which it takes a value, NaN where it does not.

    Args:
        x: (k,), ascending.
        y: (n, k), the lines' values there; linear in between.
        level: the value.
    """
    apart = y - level
    hit = (apart[:, :-1] * apart[:, 1:] <= 0) & (apart[:, :-1] != apart[:, 1:])
    first = hit.argmax(axis=1)
    rows = np.arange(len(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = apart[rows, first] / (apart[rows, first] - apart[rows, first + 1])
    found = x[first] + share * (x[first + 1] - x[first])
    return np.where(hit.any(axis=1), found, np.nan)


def along(x: Floats, y: Floats, at: Floats) -> Floats:
    """The value of each line at its own place, (n,); NaN at NaN."""
    known = np.where(np.isnan(at), x[0], at)
    k = np.clip(np.searchsorted(x, known, side="right") - 1, 0, len(x) - 2)
    rows = np.arange(len(y))
    share = (known - x[k]) / (x[k + 1] - x[k])
    return np.where(np.isnan(at), np.nan, y[rows, k] + share * (y[rows, k + 1] - y[rows, k]))


def interval(drawn: Floats) -> tuple[float, float] | None:
    """95 % of the draws; None where more than 5 % of them are NaN."""
    missing = np.isnan(drawn)
    if missing.mean() > MOST_OUTSIDE or missing.all():
        return None
    low, high = np.quantile(drawn[~missing], [0.025, 0.975])
    return float(low), float(high)


def usual_level(curves: Mapping[str, Floats]) -> float:
    """Half of the largest shift of the target that every curve reaches which goes the way of the first; 0 where none moves.

    Args:
        curves: label -> (n_scales,) shifts of the target; the first says which way.
    """
    first = next(iter(curves.values()))
    way = float(np.sign(first[np.abs(first).argmax()]))
    reach = [float((way * y).max()) for y in curves.values()]
    return way * min((r for r in reach if r > 0), default=0.0) / 2


def _prompt_weights(ids: tuple[str, ...], draws: int) -> Floats:
    """(draws, n) what each sample counts, whole prompts drawn with replacement; each line sums to 1."""
    names, code = np.unique([cluster_of(i) for i in ids], return_inverse=True)
    weights = _drawn("\n".join(names), len(names), draws)[:, code].astype(np.float64)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


@lru_cache(maxsize=16)
def _drawn(names: str, n: int, draws: int) -> Floats:
    rng = np.random.default_rng(zlib.crc32(names.encode()))
    return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)


def _seed_weights(label: str, n: int, draws: int) -> Floats:
    """(draws, n) what each training seed counts; each line sums to 1."""
    if n == 1:
        return np.ones((draws, 1))
    from scipy.special import ndtri, stdtrit

    rng = np.random.default_rng([zlib.crc32(label.encode()), n])
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=draws) / n
    wider = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, 0.975) / ndtri(0.975))
    return np.asarray(1 / n + wider * (drawn - 1 / n), dtype=np.float64)
