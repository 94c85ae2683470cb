"""t of one context and concept after another when the contexts are dealt out again over prompts.

The same figures as `inside.inside_test` gives, from sums by prompt: many draws of a context at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.arrays import Floats, Ints, group_sums
from offtarget.audit.statistics.inside import ROUNDING, InsideTest

LARGE = 0.1
"""Share of a side's rows, beyond which a prompt changes places only with prompts of its own size."""
AT_ONCE = 2e6
"""Numbers held at once."""

Cell = tuple[int, int]
"""Context and concept."""


def normal_of_t(t: Floats, df: Floats) -> Floats:
    """The normal quantile of a Student t of this many degrees of freedom (Wallace 1959, doi 10.1214/aoms/1177705904)."""
    scale = (8 * df + 1) / (8 * df + 3)
    return np.asarray(np.sign(t) * scale * np.sqrt(df * np.log1p(t**2 / df)))


def t_of_normal(z: Floats, df: Floats) -> Floats:
    """The inverse of `normal_of_t`."""
    scale = (8 * df + 1) / (8 * df + 3)
    return np.asarray(np.sign(z) * np.sqrt(df * np.expm1(np.minimum((z / scale) ** 2 / df, 700.0))))


@dataclass(frozen=True, eq=False)
class _Sums:
    """What all draws share."""

    n: Floats
    """Rows of each prompt."""
    sums: Floats
    """`(n_groups, n_columns)`"""
    total: Floats
    squares: Floats
    """Σ of the squared sums over prompts."""
    cross: Floats
    """Σ of size times sum over prompts."""
    rows: Floats
    """Σ u² over rows."""


def size_class(sizes: Ints) -> Ints:
    """The class of a prompt by its number of rows: 1, 2-3, 4-7, and so on."""
    return np.floor(np.log2(np.maximum(sizes, 1))).astype(np.int64)


def draw_z(
    u: NDArray[Any], membership: Any, codes: Ints, test: InsideTest, cells: Sequence[Cell], *, draws: int, seed: int
) -> NDArray[np.float32]:
    """Z of every cell in every draw, `(draws, n_cells)`.

    Args:
        u: `(n_rows, n_concepts)`.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`.
        codes: prompt of each row, 0 to G - 1, each of them with rows.
        test: of the contexts as they are; a cell that separates in a draw has the z of one that did so here.
        cells: contexts and concepts.
        draws: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    used = np.unique([m for _, m in cells])
    column = {int(m): j for j, m in enumerate(used)}
    x = np.ascontiguousarray(u[:, used], dtype=np.float64)
    n = np.bincount(codes).astype(np.float64)
    sums = group_sums(x, codes, len(n))
    shared = _Sums(n, sums, sums.sum(axis=0), (sums**2).sum(axis=0), n @ sums, (x**2).sum(axis=0))
    by_context: dict[int, list[int]] = {}
    for j, (k, _) in enumerate(cells):
        by_context.setdefault(k, []).append(j)
    patterns, apart = {}, {}
    for k in by_context:
        inside = np.bincount(codes[membership[k].indices], minlength=len(n)).astype(np.float64)
        patterns[k] = (np.flatnonzero(inside), inside[inside > 0])
        few = LARGE * min(inside.sum(), n.sum() - inside.sum())
        if (n > few).any():
            apart[k] = np.where(n > few, 1 + size_class(n.astype(np.int64)), 0)
    mixed = any((i < n[g]).any() for g, i in patterns.values())
    out = np.empty((draws, len(cells)), dtype=np.float32)
    most = max((len(patterns[k][0]) * len(js) for k, js in by_context.items()), default=1)
    step = int(np.clip(AT_ONCE / max(most, len(n)), 1, draws))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        everywhere = _change_places(np.zeros(len(n), dtype=np.int64), some, rng)
        running = _running(x, codes, rng) if mixed else None
        for k, js in by_context.items():
            to = _change_places(apart[k], some, rng) if k in apart else everywhere
            at = np.array([column[cells[j][1]] for j in js])
            t, df, separated = _studentised(shared, patterns[k], to, at, running, rng, len(u))
            z = normal_of_t(t, df)
            if separated.any():
                exact = np.abs(test.t[k, [cells[j][1] for j in js]]).max(initial=8.0)
                z = np.where(separated, np.sign(t) * exact, z)
            out[start : start + some, js] = z
    return out


def _change_places(classes: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """Prompts put in random order within each class, `(draws, n_groups)`."""
    to = np.empty((draws, len(classes)), dtype=np.int64)
    for c in np.unique(classes):
        mine = np.flatnonzero(classes == c)
        to[:, mine] = rng.permuted(np.tile(mine, (draws, 1)), axis=1)
    return to


def _running(x: Floats, codes: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Running sums of the rows, prompt by prompt and in random order within each, and where each prompt begins."""
    order = np.lexsort((rng.random(len(codes)), codes))
    total = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x[order], axis=0)])
    return total, np.concatenate([[0], np.cumsum(np.bincount(codes))]).astype(np.int64)


def _studentised(
    s: _Sums,
    pattern: tuple[Ints, Floats],
    to: Ints,
    at: Ints,
    running: tuple[Floats, Ints] | None,
    rng: np.random.Generator,
    n_rows: int,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """T and df of `inside.inside_test` for one context in some draws, each `(n_draws, n_columns)`.

    Args:
        s: sums over all prompts.
        pattern: prompts with rows inside, and how many of each.
        to: the prompt that each prompt's pattern goes to, `(n_draws, n_groups)`.
        at: columns.
        running: running sums of rows, where some prompts are not inside as a whole.
        rng: for the rows of such prompts.
        n_rows: rows in all.

    Returns:
        t, degrees of freedom, and where both sides are constant (there t has only a sign).
    """
    prompts, rows = pattern
    h = to[:, prompts]
    whole = s.sums[:, at]
    inner, n_h = whole[h], s.n[h]
    i = n_h
    part = rows < s.n[prompts]
    if part.any() and running is not None:
        i = n_h.copy()
        share = rows[part] * n_h[:, part] / s.n[prompts[part]]
        i[:, part] = np.floor(share + rng.random(share.shape))
        inner = inner.copy()
        inner[:, part] = _some_rows(running, h[:, part], i[:, part], n_h[:, part], at, rng)
    n_in = np.maximum(i.sum(axis=1), 1.0)[:, None]
    n_out = np.maximum(n_rows - n_in, 1.0)
    total = inner.sum(axis=1)
    m_in, m_out = total / n_in, (s.total[at] - total) / n_out
    i2 = (i**2).sum(axis=1)[:, None]
    own = np.einsum("dcm,dcm->dm", inner, inner)
    cross = np.einsum("dcm,dc->dm", inner, i)
    v_in = np.maximum(own - 2 * m_in * cross + m_in**2 * i2, 0.0) / n_in**2
    n2 = (n_h**2).sum(axis=1)[:, None]
    if i is n_h:
        touching = own - 2 * m_out * cross + m_out**2 * n2
        both, v_rest, rest2 = v_in, 0.0, 0.0
    else:
        all_of = whole[h]
        rest = (all_of - inner - (n_h - i)[:, :, None] * m_out[:, None]) / n_out[:, None]
        infl = (inner - i[:, :, None] * m_in[:, None]) / n_in[:, None]
        touching = np.einsum("dcm,dcm->dm", all_of, all_of)
        touching += m_out**2 * n2 - 2 * m_out * np.einsum("dcm,dc->dm", all_of, n_h)
        both, v_rest = ((infl - rest) ** 2).sum(axis=1), (rest**2).sum(axis=1)
        rest2 = ((n_h - i) ** 2).sum(axis=1)[:, None]
    all2 = float((s.n**2).sum())
    others = s.squares[at] - 2 * m_out * s.cross[at] + m_out**2 * all2 - touching
    others = np.maximum(others, 0.0) / n_out**2
    n_groups = len(s.n)
    robust2 = n_groups / (n_groups - 1) * (n_rows - 1) / (n_rows - 2) * (both + others)
    pooled2 = np.maximum(s.rows[at] - n_in * m_in**2 - n_out * m_out**2, 0.0) / (n_rows - 2)
    se = np.sqrt(np.maximum(robust2, pooled2 * (1 / n_in + 1 / n_out)))
    v_out = v_rest + others
    kish_in = n_in**2 / np.maximum(i2, 1.0)
    kish_out = n_out**2 / np.maximum(all2 - n2 + rest2, 1.0)
    delta = m_in - m_out
    with np.errstate(divide="ignore", invalid="ignore"):
        below = v_in**2 / np.maximum(kish_in - 1, 0.5) + v_out**2 / np.maximum(kish_out - 1, 0.5)
        df = np.where(below > 0, (v_in + v_out) ** 2 / below, kish_in - 1)
        t = np.where(se > 0, delta / se, 0.0)
    apart = (se <= ROUNDING * np.abs(delta)) & (delta != 0)
    return np.where(apart, np.sign(delta), t), np.maximum(df, 1.0), apart


def _some_rows(
    running: tuple[Floats, Ints], h: Ints, i: Floats, n: Floats, at: Ints, rng: np.random.Generator
) -> Floats:
    """Sums of this many rows of each prompt, taken in a circle from a random one: `(n_draws, n_prompts, n_columns)`."""
    total, begin = running
    total = total[:, at]
    first = np.floor(rng.random(h.shape) * n)
    end = first + i
    over = np.maximum(end - n, 0).astype(np.int64)
    a = begin[h]
    first, end = first.astype(np.int64), np.minimum(end, n).astype(np.int64)
    return np.asarray(total[a + end] - total[a + first] + total[a + over] - total[a])
