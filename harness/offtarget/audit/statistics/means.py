"""Tests of a mean over preference pairs, for all concepts at once.

Estimand throughout: the mean of u over the rows of a population of prompts from which this dataset's
prompts were drawn. Rows of one prompt are not independent, so every standard error is clustered by
prompt group. `u` is `(n_pairs, n_concepts)`; `codes` number the groups 0..G-1, one per row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.arrays import TINY_P, Floats, Ints, column_blocks, group_sums, indicator
from offtarget.audit.statistics.flips import flip_p
from offtarget.data.splitting import half_by_group
from offtarget.errors import UndecidedError

__all__ = ["TINY_P", "Floats", "Ints", "column_blocks", "group_sums", "half_by_group", "indicator"]

MIN_PAIRS = 30
MIN_GROUPS = 10
D_CAP = 100.0
SIGN_EPS = 1e-6
"""An effect no larger than this has no sign (arXiv 2606.12360, section on split halves)."""


@dataclass(frozen=True, eq=False)
class MeanTest:
    """One test per concept, each array `(n_concepts,)`."""

    mean: Floats
    se: Floats
    """Clustered by group."""
    t: Floats
    p: Floats
    """Two-sided, from labels swapped by whole prompts (`flips.flip_p`)."""
    d: Floats
    """mean / sd of u."""
    row_z: Floats
    """mean over its standard error if rows were independent; for ranking only."""
    n_groups: int


def require_enough(codes: Ints, unit: str = "") -> None:
    """Refuse to test what cannot be tested.

    Args:
        codes: group of each row.
        unit: the column that the groups are values of, in words; empty where they are prompts.

    Raises:
        UndecidedError: below 30 pairs or 10 groups, or where a few of them hold so many of the rows that they are as good
            as fewer than 10 (Kish's effective number).
    """
    n_pairs, n_groups = len(codes), len(np.unique(codes))
    if (n_pairs < MIN_PAIRS or n_groups < MIN_GROUPS) and unit:
        raise UndecidedError(
            f"{n_pairs} pairs in {n_groups} groups ({unit}) are too few to test anything: at least {MIN_PAIRS} pairs in "
            f"{MIN_GROUPS} groups are needed; --columns group=prompt makes prompts the groups"
        )
    if n_pairs < MIN_PAIRS or n_groups < MIN_GROUPS:
        raise UndecidedError(
            f"{n_pairs} pairs from {n_groups} prompts are too few to test anything: at least {MIN_PAIRS} "
            f"pairs from {MIN_GROUPS} different prompts are needed; add rows or raise --limit"
        )
    effective = effective_groups(codes)
    if effective < MIN_GROUPS:
        largest = np.bincount(codes).max() / n_pairs
        what = f"groups ({unit})" if unit else "prompts"
        raise UndecidedError(
            f"{n_pairs} pairs from {n_groups} {what}, but as good as {effective:.1f} of equal size (one holds {largest:.0%} "
            f"of the rows): at least {MIN_GROUPS} are needed to test anything; add rows of others, or keep fewer of the largest"
        )


def group_codes(groups: Sequence[str]) -> Ints:
    """Number the groups 0..G-1 in order of first appearance; one code per row."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(g, len(seen)) for g in groups], dtype=np.int64)


def mean_test(u: NDArray[Any], codes: Ints) -> MeanTest:
    """Test that the mean of each column is zero, by prompt.

    The error is that of the cluster sandwich of the regression on a constant, G/(G-1) · Σ_g (Σ_{i∈g} (u_i - ū))² / N²
    squared; with one row per group t is that of the ordinary one-sample test. p does not come from t, which claims too
    much where a few prompts hold most rows, but from the labels swapped by whole prompts. Where every row has the same
    nonzero value the error is zero: there p is 2^(1-G), and t the normal quantile of it.

    Args:
        u: `(n_pairs, n_concepts)`, no column all zero.
        codes: group of each row.
    """
    n = len(u)
    n_groups = int(codes.max()) + 1
    sizes = np.bincount(codes, minlength=n_groups).astype(np.float64)
    mean, squares, p = np.zeros(u.shape[1]), np.zeros(u.shape[1]), np.ones(u.shape[1])
    for cols in column_blocks(u.shape[1]):
        sums = group_sums(u[:, cols], codes, n_groups)
        mean[cols] = sums.sum(axis=0) / n
        squares[cols] = ((sums - sizes[:, None] * mean[cols]) ** 2).sum(axis=0)
        p[cols] = flip_p(sums)
    se = np.sqrt(n_groups / (n_groups - 1) * squares) / n
    sd = _column_sd(u, mean)
    flat = (se <= 1e-12 * np.abs(mean)) & (mean != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, mean / se, 0.0)
        d = np.where(sd > 0, mean / sd, np.sign(mean) * D_CAP)
    if flat.any():
        t[flat] = np.sign(mean[flat]) * tails.normal_isf(p[flat] / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        row_z = np.where(flat | (sd == 0), t, mean / sd * np.sqrt(n))
    return MeanTest(mean, se, t, p, np.clip(d, -D_CAP, D_CAP), row_z, n_groups)


def _column_sd(u: NDArray[Any], mean: Floats) -> Floats:
    """Sample sd of each column in float64, by blocks of rows to keep memory flat."""
    total = np.zeros(u.shape[1])
    for start in range(0, len(u), 8192):
        total += ((u[start : start + 8192].astype(np.float64) - mean) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(total / (len(u) - 1)))


def t_interval(mean: Floats, se: Floats, df: float | Floats, level: float = 0.95) -> Floats:
    """Mean ± t·se, `(n, 2)`."""
    half = tails.t_ppf(0.5 + level / 2, df) * se
    return np.stack([mean - half, mean + half], axis=-1)


def bh(p: Floats) -> Floats:
    """Benjamini-Hochberg q of a family of p values of any shape.

    To the last bit that of `scipy.stats.false_discovery_control`, whose checks take ten times as long as the arithmetic:
    a null of dealt labels asks for it thousands of times.

    Raises:
        ValueError: a p is no number.
    """
    if p.size == 0:
        return p.astype(np.float64)
    flat = np.clip(p, 0.0, 1.0).ravel()
    if np.isnan(flat).any():
        raise ValueError("a p value is no number")
    order = np.argsort(flat)
    q = flat[order] * (len(flat) / np.arange(1, len(flat) + 1, dtype=flat.dtype))
    out = np.empty_like(flat)
    out[order] = np.minimum.accumulate(q[::-1])[::-1]
    return np.clip(out, 0.0, 1.0).reshape(p.shape)


def bh_of_part(p: Floats, family: int) -> Floats:
    """BH q of the p values that were computed, out of a family of which the rest counts as p = 1.

    The part was picked by its size of effect, so a correction over the part alone would be too kind.
    """
    return bh(np.concatenate([p, np.ones(max(family - len(p), 0))]))[: len(p)]


def half_by_parity(n: int) -> NDArray[np.bool_]:
    """Half by row number, as arXiv 2606.12360 does; rows of one prompt may lie on both sides."""
    return np.asarray(np.arange(n) % 2 == 1)


def half_means(u: NDArray[Any], half: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean of each column in either half; zero where a half is empty."""
    sums = group_sums(u, half.astype(np.int64), 2)
    sizes = np.maximum(np.bincount(half.astype(np.int64), minlength=2), 1)
    return sums[0] / sizes[0], sums[1] / sizes[1]


def agreement(a: Floats, b: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Whether two effects agree in sign, and the smaller of their sizes (Δ^min of the paper)."""
    agree = (np.abs(a) > SIGN_EPS) & (np.abs(b) > SIGN_EPS) & (np.sign(a) == np.sign(b))
    return agree, np.minimum(np.abs(a), np.abs(b))


def correlations(u: NDArray[Any], v: NDArray[Any]) -> Floats:
    """Pearson r between the columns of two matrices over the same rows; zero where one is constant.

    Returns:
        `(u columns, v columns)`.
    """
    total = np.zeros((u.shape[1], v.shape[1]))
    if 0 in total.shape:
        return total
    u_mean, v_mean = u.mean(axis=0, dtype=np.float64), v.mean(axis=0, dtype=np.float64)
    u_ss, v_ss = np.zeros(u.shape[1]), np.zeros(v.shape[1])
    for start in range(0, len(u), 8192):
        a = u[start : start + 8192].astype(np.float64) - u_mean
        b = v[start : start + 8192].astype(np.float64) - v_mean
        total += a.T @ b
        u_ss += (a**2).sum(axis=0)
        v_ss += (b**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(total / np.sqrt(np.outer(u_ss, v_ss)), posinf=0.0, neginf=0.0)


def effective_groups(codes: Ints) -> float:
    """Kish's number of groups: (Σ n_g)² / Σ n_g², small where a few prompts hold most rows."""
    sizes = np.bincount(codes).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())
