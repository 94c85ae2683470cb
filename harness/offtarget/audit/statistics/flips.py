"""Tests and intervals of a sum over prompts, from what it would be had whole prompts been labelled the other way.

Under the null that labels say nothing, swapping chosen and rejected of a whole prompt changes nothing in distribution:
the sum T = Σ_g S_g is one draw of Σ_g ε_g S_g with independent signs ε_g. That holds for any number of rows in a
prompt, any correlation among them and however few prompts hold most rows, where a t test of the same sum does not.

Two ways to the same distribution. `flip_p` gives its tail by a saddlepoint approximation (Barndorff-Nielsen's r*, with
Daniels's second continuity correction where the sums lie on a lattice; Butler 2007, Saddlepoint Approximations, 1.2
and 2.4), as small as it may be. `typical_values` draws it: an estimate T/Σ_g w_g has as the limits of its 95 %
interval the 2.5 and 97.5 % quantiles of the estimates from random subsets of the prompts, each prompt in or out by a
coin (Hartigan 1969, the typical values of a mean), which is the set of values that the flip test does not reject.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.arrays import TINY_P, Floats, column_blocks

FLIPS = 1999
"""Random labellings drawn for an interval, and for p down to about 0.02."""
FEW = 30
"""With fewer draws than this beyond the observed sum, p is the saddlepoint's where that is smaller."""
DRAWS_AT_ONCE = 250
ITERATIONS = 60
ROUNDING = 1e-9
"""Sums that differ by less than this share of Σ|S| are equal."""
LARGEST_RATIO = 1e9
"""Of two sums of a lattice; beyond it whole numbers are not told from others."""
KEPT, RUNS = 128, 256
"""Of many sums the largest are kept, and the rest are put into this many runs of like size."""
GRID = 33
"""Points at which the tail is worked out where many sums are asked for; between them it is interpolated."""


@dataclass(frozen=True, eq=False)
class Typical:
    """What random subsets of the prompts say, each array by column."""

    ci: Floats
    """95 %, `(n_columns, 2)`; leaves out 0 exactly where p < 0.05."""
    p: Floats
    """Two-sided, 2 (1 + draws on the other side of zero or on it) / (1 + draws)."""
    beyond: NDArray[np.int64]
    """Draws on the other side of zero or on it."""


def flip_p(sums: Floats, totals: Floats | None = None) -> Floats:
    """P(|Σ ε_g S_g| ≥ |T|) of each column, ε_g independent signs.

    Where all prompts with any difference lean one way it is exact, 2^(1 - number of such prompts).

    Args:
        sums: S, `(n_groups, n_columns)`.
        totals: T, `(n_columns,)` or `(n_draws, n_columns)`; the columns' own sums where None.

    Returns:
        The shape of T; 1 where a column is all zero.
    """
    asked = sums.sum(axis=0) if totals is None else totals
    wanted = np.atleast_2d(asked)
    out = np.ones(wanted.shape)
    for cols in column_blocks(sums.shape[1]):
        out[:, cols] = _block(np.abs(sums[:, cols]), np.abs(wanted[:, cols]))
    return out[0] if asked.ndim == 1 else out


def lattice_unit(sizes: Floats) -> Floats:
    """The largest number of which all of a column's sums are multiples, and 0 where there is none worth the name.

    Args:
        sizes: |S|, `(n_groups, n_columns)`.
    """
    with np.errstate(invalid="ignore"):
        least = np.where(sizes > 0, sizes, np.inf).min(axis=0, initial=np.inf)
    unit = np.zeros(sizes.shape[1])
    for j in np.flatnonzero(np.isfinite(least)):
        ratio = sizes[:, j] / least[j]
        if ratio.max() > LARGEST_RATIO:
            continue
        for part in (1, 2, 3):  # the least sum may itself be two or three units
            whole = np.rint(ratio * part)
            if np.abs(ratio * part - whole).max() < 1e-4:
                unit[j] = least[j] / part * np.gcd.reduce(whole.astype(np.int64))
                break
    return unit


def _block(sizes: Floats, wanted: Floats) -> Floats:
    """Two-sided p of the totals of some columns; `(n_draws, n_columns)`."""
    top = sizes.sum(axis=0)
    active = (sizes > 0).sum(axis=0)
    unit = lattice_unit(sizes)
    out = np.ones(wanted.shape)
    live = np.flatnonzero(active > 0)
    if not len(live):
        return out
    sizes, wanted, unit, top = sizes[:, live], wanted[:, live], unit[live], top[live]
    scale = np.sqrt((sizes**2).sum(axis=0))
    (s, times), x, h = _runs(sizes / scale), wanted / scale, unit / scale
    if len(x) <= GRID:
        z = np.stack([_tail(s, times, row, h) for row in x])
    else:
        # the normal quantile of the tail is nearly the sum itself, so few points say all
        grid = np.linspace(0.0, 1.0, GRID)[:, None] * x.max(axis=0)
        at = np.stack([_tail(s, times, row, h) for row in grid])
        z = np.stack([np.interp(x[:, j], grid[:, j], at[:, j]) for j in range(x.shape[1])], axis=1)

    p = np.clip(2 * tails.normal_sf(z), TINY_P, 1.0)
    least = np.maximum(2.0 ** (1.0 - active[live]), TINY_P)
    p = np.maximum(p, least)
    out[:, live] = np.where(wanted >= top * (1 - ROUNDING), least, p)
    return out


def _runs(s: Floats) -> tuple[Floats, Floats]:
    """The same columns with fewer rows: sums of like size stand for each other, Σ S² kept.

    Returns:
        Sizes `(n_rows, n_columns)`, and how often each is, `(n_rows, 1)`.
    """
    if len(s) <= KEPT + RUNS:
        return s, np.ones((len(s), 1))
    s = np.sort(s, axis=0)
    small, large = s[:-KEPT], s[-KEPT:]
    edges = np.linspace(0, len(small), RUNS + 1).astype(np.int64)
    times = np.diff(edges)[:, None].astype(np.float64)
    runs = np.sqrt(np.add.reduceat(small**2, edges[:-1], axis=0) / times)
    return np.concatenate([runs, large]), np.concatenate([times, np.ones((KEPT, 1))])


def _tail(s: Floats, times: Floats, x: Floats, h: Floats) -> Floats:
    """The normal quantile of P(Σ ε S ≥ x) of each column: its upper tail is that probability.

    With K(t) = Σ log cosh(t S), K'(t̂) = x - h (h half a lattice step): r = ±√(2 (t̂ (x - h) - K(t̂))),
    v = sinh(t̂ h)/h · √K''(t̂), r* = r + log(v/r)/r.

    Args:
        s: |S| with Σ S² = 1, `(n_rows, n_columns)`.
        times: how often each row occurs, `(n_rows, 1)`.
        x: not negative, `(n_columns,)`.
        h: half a step of the lattice that the sum lies on (its unit), 0 without one.
    """
    goal = x - h
    top = (times * s).sum(axis=0)
    goal = np.clip(goal, -top * (1 - 1e-7), top * (1 - 1e-7))
    side = np.sign(goal)
    goal = np.abs(goal)
    t = goal.copy()
    todo = np.arange(len(t))
    for _ in range(ITERATIONS):
        # K' is concave to the right of 0 and is below its tangent there: Newton comes from the left and never overshoots
        th = np.tanh(s[:, todo] * t[todo])
        miss = goal[todo] - (times * s[:, todo] * th).sum(axis=0)
        slope = (times * s[:, todo] ** 2 * (1 - th**2)).sum(axis=0)
        step = miss / np.maximum(slope, 1e-300)
        t[todo] += step
        todo = todo[np.abs(step) > 1e-8 * (1 + t[todo])]
        if not len(todo):
            break
    a = s * t
    k = (times * (np.logaddexp(a, -a) - np.log(2))).sum(axis=0)
    k2 = (times * s**2 / np.cosh(np.minimum(a, 350.0)) ** 2).sum(axis=0)
    r = np.sqrt(np.maximum(2 * (t * goal - k), 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        v = np.where(h > 0, np.sinh(t * h) / np.where(h > 0, h, 1.0), t) * np.sqrt(k2)
        shift = np.where(r > 1e-3, np.log(v / r) / r, 0.0)
    return np.asarray(side * (r + shift))


def typical_values(
    sums: Floats, weights: Floats, *, seed: int, n: int = FLIPS, stretch: Floats | None = None
) -> Typical:
    """95 % interval of ΣS/Σw and p that it is 0, from random subsets of the prompts.

    Args:
        sums: S, `(n_groups, n_columns)`.
        weights: w, not negative, `(n_groups,)`.
        seed: of the subsets.
        n: how many.
        stretch: at least 1, `(n_columns,)`: how much farther from the estimate the subsets' estimates are taken to lie.
    """
    rng = np.random.default_rng(seed)
    n_groups, n_columns = sums.shape
    all_in = weights.sum()
    estimate = sums.sum(axis=0) / all_in
    values = np.empty((n, n_columns))
    for start in range(0, n, DRAWS_AT_ONCE):
        inside = rng.integers(0, 2, size=(min(DRAWS_AT_ONCE, n - start), n_groups), dtype=np.int8).astype(np.float64)
        weight = inside @ weights
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (inside @ sums) / weight[:, None]
        part[weight == 0] = 0.0
        values[start : start + len(part)] = part
    if stretch is not None:
        values = estimate + stretch * (values - estimate)
    close = ROUNDING * np.abs(sums).sum(axis=0) / all_in
    wrong = (values * np.where(estimate >= 0, 1.0, -1.0) <= close).sum(axis=0)
    p = np.minimum(2 * (1 + wrong) / (n + 1), 1.0)
    rank = int(np.ceil(0.025 * (n + 1))) - 1  # the draws beyond it are as many as p < 0.05 allows
    values.sort(axis=0)
    return Typical(np.stack([values[rank - 1], values[n - rank]], axis=1), p, wrong)


def refine(typical: Typical, tail: Floats) -> Floats:
    """P of the draws, and where few of them lie beyond zero the saddlepoint's if that is smaller."""
    return np.where(typical.beyond < FEW, np.minimum(typical.p, tail), typical.p)
