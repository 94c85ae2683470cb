"""Did an effect change between two audits? For all concepts at once, over rows that may overlap.

Estimand: the effect in the population that the new rows were drawn from minus that in the population of the
old rows. The effect is the mean of u (overall), or the mean inside a context minus the mean of the other rows.

The error comes from influences summed by prompt over the union of both audits: a prompt's influence on the new
effect minus its influence on the old one. Where no prompt is in both, the variance is the sum of the two
clustered variances (a two-sample test). Where prompts or rows are shared, their covariance is counted: rows
that did not change cancel, and with the same prompts on both sides it is the paired test. A test that took
overlapping audits for two samples would see far too little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.inside import BLOCK, MIN_ACTIVE, ROUNDING
from offtarget.audit.statistics.means import D_CAP, MIN_GROUPS, TINY_P, Floats, Ints, group_sums


@dataclass(frozen=True, eq=False)
class Side:
    """The rows of one audit."""

    u: NDArray[Any]
    """`(n_rows, n_concepts)`"""
    codes: Ints
    """Prompt of each row; the same number is the same prompt on both sides."""
    inside: NDArray[np.bool_] | None = None
    """Rows of the context, some of them and not all; None: the effect is the mean over all rows."""

    @property
    def strata(self) -> list[NDArray[np.bool_]]:
        """What the effect is made of: the rows inside and those outside, or all rows."""
        if self.inside is None:
            return [np.ones(len(self.u), dtype=bool)]
        return [self.inside, ~self.inside]


@dataclass(frozen=True, eq=False)
class DifferenceTest:
    """One test per concept, each array `(n_concepts,)`."""

    old: Floats
    new: Floats
    difference: Floats
    """new - old"""
    se: Floats
    t: Floats
    p: Floats
    df: Floats
    d: Floats
    """Difference over the sd of u within both audits."""
    differs: NDArray[np.bool_]
    """Whether any row that the effect stands on is other than before."""
    testable: NDArray[np.bool_]


def difference_test(old: Side, new: Side, same: Ints, n_groups: int) -> DifferenceTest:
    """Test for each concept that the effect is the same on both sides.

    With s_g the influence of prompt g, the variance is Σ_g (s_g,new - s_g,old)², each side times its own
    G/(G-1), for a context also (N-1)/(N-2), as in the audit's own tests. Where a concept is rare this is far too
    small (zero, if no row of one side has it), so the larger of it and the error of independent rows with
    pooled variance is used, in which a row that stands unchanged on both sides weighs |1/N_new - 1/N_old|.
    Degrees of freedom are the smallest of Welch-Satterthwaite's, the number of prompts less one, and Kish's
    effective number of prompts less one, where what did not change weighs as little as it does in the error.

    A concept is testable if at least 10 prompts have rows (inside) that are not the same on both sides, and if 10
    rows could tell: rows that changed, and on each side with rows of its own as many active ones, seen or
    expected from the share over all rows. Where u is constant on each side, p is that of exchanging prompts
    between the audits: 2 / (2^b · C(o + n, n)) for b prompts in both, o and n in one alone.

    Args:
        old: rows of the old audit.
        new: rows of the new one, with the same concepts.
        same: for each old row the number of the new row that has the same id and prompt, or -1.
        n_groups: how many prompts there are in both together.
    """
    from scipy import stats

    pairs = np.stack([np.flatnonzero(same >= 0), same[same >= 0]])
    parts = [
        _block(old, new, pairs, n_groups, slice(start, start + BLOCK))
        for start in range(0, old.u.shape[1], BLOCK)
    ]
    out = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    difference = out["new"] - out["old"]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(out["se"] > 0, difference / out["se"], 0.0)
        d = np.where(out["sd"] > 0, difference / out["sd"], np.sign(difference) * D_CAP)
    p = 2 * stats.t.sf(np.abs(t), out["df"])
    apart = (out["se"] <= ROUNDING * np.abs(difference)) & (difference != 0)
    p[apart] = out["p_apart"][apart]
    t[apart] = np.sign(difference[apart]) * stats.norm.isf(p[apart] / 2)
    enough = (out["n_telling"] >= MIN_ACTIVE) & (out["n_prompts"] >= MIN_GROUPS)
    return DifferenceTest(
        old=out["old"],
        new=out["new"],
        difference=difference,
        se=out["se"],
        t=t,
        p=p,
        df=out["df"],
        d=np.clip(d, -D_CAP, D_CAP),
        differs=out["differs"],
        testable=enough & out["differs"] & ((out["se"] > 0) | apart),
    )


def _block(old: Side, new: Side, pairs: Ints, n_groups: int, cols: slice) -> dict[str, Floats]:
    """All that the test needs of some columns."""
    u, v = old.u[:, cols].astype(np.float64), new.u[:, cols].astype(np.float64)
    m = u.shape[1]
    influence = [np.zeros((n_groups, m)), np.zeros((n_groups, m))]
    effect = [np.zeros(m), np.zeros(m)]
    weight = np.zeros((n_groups, m))
    weight2, residual, changed_any = np.zeros(m), np.zeros(m), np.zeros(m, dtype=bool)
    telling: dict[str, Any] = {}
    strata = list(zip(old.strata, new.strata, strict=True))
    for place, (in_old, in_new) in enumerate(strata):
        sign = 1.0 - 2.0 * place
        sizes, totals = [], []
        for k, (x, codes, rows) in enumerate(((u, old.codes, in_old), (v, new.codes, in_new))):
            n_g = np.bincount(codes[rows], minlength=n_groups).astype(np.float64)
            sums, n = group_sums(x[rows], codes[rows], n_groups), rows.sum()
            mean = sums.sum(axis=0) / n
            effect[k] += sign * mean
            influence[k] += sign * (sums - n_g[:, None] * mean) / n
            residual += ((x[rows] - mean) ** 2).sum(axis=0)
            sizes.append(n_g[:, None])
            totals.append(float(n))
        both = pairs[:, in_old[pairs[0]] & in_new[pairs[1]]]
        equal = u[both[0]] == v[both[1]]
        kept = group_sums(equal, old.codes[both[0]], n_groups)
        a, b = totals
        shift = abs(1 / b - 1 / a)
        weight += (sizes[0] - kept) / a + (sizes[1] - kept) / b + kept * shift
        n_kept = equal.sum(axis=0)
        weight2 += (a - n_kept) / a**2 + (b - n_kept) / b**2 + n_kept * shift**2
        changed_any |= (n_kept < a) | (n_kept < b)
        if place == 0:
            telling = _telling(old, new, u, v, in_old, in_new, both, equal)
            touched = (sizes[0] - kept > 0) | (sizes[1] - kept > 0)
            telling["n_prompts"] = touched.sum(axis=0).astype(np.float64)
            telling["p_apart"] = np.full(m, _exchange_p(sizes[0] > 0, sizes[1] > 0))
    n_rows = (len(u), len(v))
    variances = []
    for k, side in enumerate((old, new)):
        g = len(np.unique(side.codes))
        correction = g / (g - 1)
        if len(strata) == 2:
            correction *= (n_rows[k] - 1) / (n_rows[k] - 2)
        influence[k] *= np.sqrt(correction)
        variances.append(((influence[k] ** 2).sum(axis=0), g))
    robust = np.sqrt(((influence[1] - influence[0]) ** 2).sum(axis=0))
    sd = np.sqrt(residual / (sum(n_rows) - 2 * len(strata)))
    (v_old, g_old), (v_new, g_new) = variances
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = (v_old + v_new) ** 2 / (v_old**2 / (g_old - 1) + v_new**2 / (g_new - 1))
        kish = (weight**2).sum(axis=0) ** 2 / (weight**4).sum(axis=0) - 1
    df = np.fmin(np.fmin(welch, kish), n_groups - 1)
    return {
        "old": effect[0],
        "new": effect[1],
        "se": np.maximum(robust, sd * np.sqrt(weight2)),
        "sd": sd,
        "df": np.maximum(df, 1.0),
        "differs": changed_any,
        **telling,
    }


def _telling(
    old: Side,
    new: Side,
    u: Floats,
    v: Floats,
    in_old: NDArray[np.bool_],
    in_new: NDArray[np.bool_],
    both: Ints,
    equal: NDArray[np.bool_],
) -> dict[str, Any]:
    """How many rows could tell a change: those that changed, and the active ones of one audit alone."""
    share = ((u != 0).sum(axis=0) + (v != 0).sum(axis=0)) / (len(u) + len(v))
    alone = []
    for x, rows, shared in ((u, in_old, both[0]), (v, in_new, both[1])):
        own = rows.copy()
        own[shared] = False
        if own.any():
            alone.append(np.maximum((x[own] != 0).sum(axis=0), own.sum() * share))
    changed = (~equal).sum(axis=0).astype(np.float64)
    return {"n_telling": changed + (np.min(alone, axis=0) if alone else 0.0)}


def _exchange_p(in_old: NDArray[np.bool_], in_new: NDArray[np.bool_]) -> float:
    """The p of audits whose values do not overlap: two arrangements of the prompts in all that there are."""
    from scipy.special import gammaln

    shared, first, second = (
        int((in_old & in_new).sum()),
        int((in_old & ~in_new).sum()),
        int((in_new & ~in_old).sum()),
    )
    ways = shared * np.log(2) + gammaln(first + second + 1) - gammaln(first + 1) - gammaln(second + 1)
    return float(min(1.0, max(2 * np.exp(-ways), TINY_P)))
