"""Inside against outside: does a concept lean more in one context than in the rest of the data?

Estimand, for context k and concept m: mean of u over the prompts' rows in k minus the mean over all other
rows of the pool (arXiv 2606.12360, Δ_{k,m}), so that a lean of the whole dataset cancels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.means import D_CAP, MIN_GROUPS, TINY_P, Floats, Ints, column_blocks, indicator

MIN_ROWS = 25
MIN_ACTIVE = 10
ROUNDING = 1e-7
"""An error this small against the difference is none: sums of squares cancel to about 1e-8."""


@dataclass(frozen=True, eq=False)
class InsideTest:
    """One test per context and concept, each array `(n_contexts, n_concepts)` unless said."""

    inside_mean: Floats
    outside_mean: Floats
    delta: Floats
    robust_se: Floats
    """Cluster sandwich of the regression of u on an indicator of the context."""
    se: Floats
    """The larger of `robust_se` and the pooled standard error of independent rows."""
    t: Floats
    p: Floats
    df: Floats
    d: Floats
    welch_z: Floats
    testable: NDArray[np.bool_]
    gathered: NDArray[np.bool_]
    """Fewer than 10 active rows would be expected inside: it can be tested only because more have gathered there."""
    n_rows: Ints
    """(n_contexts,)"""
    n_groups: Ints
    """(n_contexts,)"""


def partition(contexts: Ints, n_contexts: int) -> Any:
    """Membership of contexts that do not overlap, from the context number of each row (-1: none)."""
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(contexts >= 0)
    cells = (np.ones(len(rows), dtype=bool), (contexts[rows], rows))
    return csr_matrix(cells, shape=(n_contexts, len(contexts)))


def inside_test(u: NDArray[Any], membership: Any, codes: Ints) -> InsideTest:
    """Test every context against all other rows, for every concept. Contexts may overlap.

    The influence of row i on Δ is (u_i - ū_in)/n_in inside and -(u_i - ū_out)/n_out outside; influences
    are summed by prompt group, squared and added, times G/(G-1)·(N-1)/(N-2). A prompt with rows on both
    sides is thereby counted with its covariance.

    With few or no active rows inside, the sandwich is far too small (it is zero where all u inside are
    equal), so the larger of it and the pooled error of independent rows is used; a cell is testable only
    with 25 rows from 10 prompts inside and 10 active rows inside, seen or expected from the pool. Where u is
    constant on either side, both errors are zero: there p is that of the exact permutation test over
    prompts, 1 / (G choose G_in), one arrangement being as extreme in this direction. Degrees of
    freedom are Welch-Satterthwaite's over the two sides, counting groups by Kish's effective number.

    Args:
        u: `(n_rows, n_concepts)`.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`.
        codes: prompt group of each row.
    """
    from scipy.sparse import csr_matrix

    n, n_concepts = u.shape
    n_contexts = membership.shape[0]
    _, codes = np.unique(codes, return_inverse=True)
    n_groups = int(codes.max()) + 1
    # a cell is what one prompt has inside one context
    entries = membership.tocoo()
    cell_number = entries.row.astype(np.int64) * n_groups + codes[entries.col]
    cells, cell_of_entry = np.unique(cell_number, return_inverse=True)
    cell_k, cell_g = np.divmod(cells, n_groups)
    ones = np.ones(len(cell_of_entry))
    to_cells = csr_matrix((ones, (cell_of_entry, entries.col)), shape=(len(cells), n))
    to_groups = indicator(codes, n_groups)
    cell_n = np.bincount(cell_of_entry, minlength=len(cells)).astype(np.float64)
    group_n = np.bincount(codes).astype(np.float64)
    edges = np.searchsorted(cell_k, np.arange(n_contexts + 1))
    n_in = np.bincount(entries.row, minlength=n_contexts).astype(np.float64)
    n_out = n - n_in
    shape = (n_contexts, n_concepts)
    out = {name: np.zeros(shape) for name in ("in", "out", "var", "v_in", "v_out", "ss_in", "ss_out", "act")}
    for cols in column_blocks(n_concepts):
        block = u[:, cols].astype(np.float64)
        cell_sum, cell_ss = to_cells @ block, to_cells @ block**2
        cell_act = to_cells @ (block != 0)
        group_sum = to_groups @ block
        total, total_ss = block.sum(axis=0), (block**2).sum(axis=0)
        squares, cross = (group_sum**2).sum(axis=0), group_n @ group_sum
        sizes2 = float((group_n**2).sum())
        for k in range(n_contexts):
            if n_in[k] < 2 or n_out[k] < 2:
                continue
            part = slice(edges[k], edges[k + 1])
            inner, inner_n = cell_sum[part], cell_n[part, None]
            whole, whole_n = group_sum[cell_g[part]], group_n[cell_g[part], None]
            m_in = inner.sum(axis=0) / n_in[k]
            m_out = (total - inner.sum(axis=0)) / n_out[k]
            infl_in = (inner - inner_n * m_in) / n_in[k]
            infl_out = ((whole - inner) - (whole_n - inner_n) * m_out) / n_out[k]
            touching = ((whole - whole_n * m_out) ** 2).sum(axis=0)
            others = squares - 2 * m_out * cross + m_out**2 * sizes2 - touching
            others = np.maximum(others, 0.0) / n_out[k] ** 2
            ss_in = cell_ss[part].sum(axis=0)
            out["in"][k, cols], out["out"][k, cols] = m_in, m_out
            out["var"][k, cols] = ((infl_in - infl_out) ** 2).sum(axis=0) + others
            out["v_in"][k, cols] = (infl_in**2).sum(axis=0)
            out["v_out"][k, cols] = (infl_out**2).sum(axis=0) + others
            out["ss_in"][k, cols] = np.maximum(ss_in - n_in[k] * m_in**2, 0.0)
            out["ss_out"][k, cols] = np.maximum(total_ss - ss_in - n_out[k] * m_out**2, 0.0)
            out["act"][k, cols] = cell_act[part].sum(axis=0)
    delta = out["in"] - out["out"]
    ni, no = np.maximum(n_in, 2)[:, None], np.maximum(n_out, 2)[:, None]
    robust_se = np.sqrt(n_groups / max(n_groups - 1, 1) * (n - 1) / (n - 2) * out["var"])
    s_pooled = np.sqrt((out["ss_in"] + out["ss_out"]) / (n - 2))
    welch_se = np.sqrt(out["ss_in"] / (ni - 1) / ni + out["ss_out"] / (no - 1) / no)
    se = np.maximum(robust_se, s_pooled * np.sqrt(1 / ni + 1 / no))
    groups_in = np.diff(edges)
    expected = ni * (u != 0).sum(axis=0) / n
    enough = (n_in >= MIN_ROWS) & (n_out >= MIN_ROWS) & (groups_in >= MIN_GROUPS)
    df = _degrees_of_freedom(out["v_in"], out["v_out"], cell_k, cell_n, group_n, edges, cell_g)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, delta / se, 0.0)
        d = np.where(s_pooled > 0, delta / s_pooled, 0.0)
        welch = np.where(welch_se > 0, delta / welch_se, 0.0)
    p = 2 * tails.t_sf(np.abs(t), df)
    apart = (se <= ROUNDING * np.abs(delta)) & (delta != 0)
    if apart.any():
        p_apart = _separated_p(groups_in, n_groups)[:, None] + np.zeros_like(p)
        p[apart] = p_apart[apart]
        t[apart] = np.sign(delta[apart]) * tails.normal_isf(p_apart[apart] / 2)
        d[apart], welch[apart] = np.sign(delta[apart]) * D_CAP, t[apart]
    return InsideTest(
        inside_mean=out["in"],
        outside_mean=out["out"],
        delta=delta,
        robust_se=robust_se,
        se=se,
        t=t,
        p=p,
        df=df,
        d=np.clip(d, -D_CAP, D_CAP),
        welch_z=welch,
        testable=enough[:, None] & (np.maximum(out["act"], expected) >= MIN_ACTIVE) & ((se > 0) | apart),
        gathered=expected < MIN_ACTIVE,
        n_rows=n_in.astype(np.int64),
        n_groups=groups_in.astype(np.int64),
    )


def _separated_p(groups_in: Ints, n_groups: int) -> Floats:
    """The p of a perfect separation: one over the ways to choose the prompts inside, `(n_contexts,)`."""
    from scipy.special import gammaln

    outside = np.maximum(n_groups - groups_in, 0)
    log_ways = gammaln(n_groups + 1) - gammaln(groups_in + 1) - gammaln(outside + 1)
    return np.asarray(np.maximum(np.exp(-log_ways), TINY_P))


def _degrees_of_freedom(
    v_in: Floats, v_out: Floats, cell_k: Ints, cell_n: Floats, group_n: Floats, edges: Ints, cell_g: Ints
) -> Floats:
    """Welch-Satterthwaite over the two sides, with Kish's effective number of groups on each."""
    df = np.ones_like(v_in)
    all_sq = float((group_n**2).sum())
    for k in range(len(v_in)):
        part = slice(edges[k], edges[k + 1])
        n_in, n_cell, n_whole = cell_n[part].sum(), cell_n[part], group_n[cell_g[part]]
        if n_in == 0 or n_in == group_n.sum():
            continue
        rest_sq = all_sq - (n_whole**2).sum() + ((n_whole - n_cell) ** 2).sum()
        kish_in = n_in**2 / (n_cell**2).sum()
        kish_out = (group_n.sum() - n_in) ** 2 / max(rest_sq, 1.0)
        denominator = v_in[k] ** 2 / max(kish_in - 1, 0.5) + v_out[k] ** 2 / max(kish_out - 1, 0.5)
        total = (v_in[k] + v_out[k]) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            df[k] = np.where(denominator > 0, total / denominator, kish_in - 1)
    return np.maximum(df, 1.0)


def half_differences(u: NDArray[Any], membership: Any, half: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Δ of every context and concept in either half of the rows; zero where a side is empty.

    Returns:
        Two arrays `(n_contexts, n_concepts)`.
    """
    sides = []
    for side in (False, True):
        rows = np.flatnonzero(half == side)
        inside = membership[:, rows].astype(np.float64)
        sizes = np.asarray(inside.sum(axis=1)).reshape(-1, 1)
        rest_n = len(rows) - sizes
        delta = np.zeros((membership.shape[0], u.shape[1]))
        for cols in column_blocks(u.shape[1]):
            block = u[rows, cols].astype(np.float64)
            sums = np.asarray(inside @ block)
            rest = block.sum(axis=0) - sums
            with np.errstate(divide="ignore", invalid="ignore"):
                delta[:, cols] = np.where((sizes > 0) & (rest_n > 0), sums / sizes - rest / rest_n, 0.0)
        sides.append(delta)
    return sides[0], sides[1]
