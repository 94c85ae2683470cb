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
FEW_OF = 16
"""From this many numbers for each that is drawn on, numbers that came twice are drawn again, in place of ordering all."""
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
    """`(n_columns, n_groups)`: gathered column by column, so that no call copies them all."""
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
    by_column = np.ascontiguousarray(sums.T)
    shared = _Sums(n, by_column, sums.sum(axis=0), (sums**2).sum(axis=0), n @ sums, (x**2).sum(axis=0))
    x = np.ascontiguousarray(x.T)
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
        everywhere = rng.permuted(np.tile(np.arange(len(n)), (some, 1)), axis=1)
        running = _running(x, codes, rng) if mixed else None
        for k, js in by_context.items():
            prompts = patterns[k][0]
            to = _change_places(apart[k], prompts, some, rng) if k in apart else everywhere[:, prompts]
            at = np.array([column[cells[j][1]] for j in js])
            exact = np.abs(test.t[k, [cells[j][1] for j in js]]).max(initial=8.0)
            t, df, separated = _studentised(shared, patterns[k], to, at, running, rng, len(u))
            out[start : start + some, js] = np.where(separated, np.sign(t) * exact, normal_of_t(t, df))
    return out


def _change_places(classes: Ints, prompts: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """Where some prompts go when all are put in random order within each class, `(draws, n_prompts)`."""
    to = np.empty((draws, len(prompts)), dtype=np.int64)
    own = classes[prompts]
    for c in np.unique(own):
        mine, asked = np.flatnonzero(classes == c), np.flatnonzero(own == c)
        to[:, asked] = mine[_distinct(len(mine), len(asked), draws, rng)]
    return to


def _distinct(n: int, k: int, draws: int, rng: np.random.Generator) -> Ints:
    """K different numbers below n in random order, `(draws, k)`."""
    if k * FEW_OF > n:
        return np.asarray(rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)[:, :k])
    out = rng.integers(n, size=(draws, k))
    open_rows = np.arange(draws)
    while len(open_rows):  # a number that was there before is drawn again: sampling one after another
        some = out[open_rows]
        order = np.argsort(some, axis=1, kind="stable")
        ranked = np.take_along_axis(some, order, axis=1)
        row, rank = np.nonzero(ranked[:, 1:] == ranked[:, :-1])
        out[open_rows[row], order[row, rank + 1]] = rng.integers(n, size=len(row))
        open_rows = open_rows[np.unique(row)]
    return out


def _running(x: Floats, codes: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Running sums of the rows `(n_columns, 1 + n_rows)`, prompt by prompt and in random order within each, and where each begins."""
    order = np.lexsort((rng.random(len(codes)), codes))
    total = np.zeros((len(x), 1 + len(codes)))
    np.cumsum(x[:, order], axis=1, out=total[:, 1:])
    return total, np.concatenate([[0], np.cumsum(np.bincount(codes))]).astype(np.int64)


def _studentised(
    s: _Sums,
    pattern: tuple[Ints, Floats],
    h: Ints,
    at: Ints,
    running: tuple[Floats, Ints] | None,
    rng: np.random.Generator,
    n_rows: int,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """T and df of `inside.inside_test` for one context in some draws, each `(n_draws, n_columns)`.

    Args:
        s: sums over all prompts.
        pattern: prompts with rows inside, and how many of each.
        h: the prompt that the pattern of each of these goes to, `(n_draws, n_prompts)`.
        at: columns.
        running: running sums of rows, where some prompts are not inside as a whole.
        rng: for the rows of such prompts.
        n_rows: rows in all.

    Returns:
        t, degrees of freedom, and where both sides are constant (there t has only a sign).
    """
    prompts, rows = pattern
    whole, n_h = _taken(s.sums, at, h), s.n[h]  # (column, draw, prompt)
    inner, i = whole, n_h
    part = rows < s.n[prompts]
    if part.any() and running is not None:
        i, inner = n_h.copy(), whole.copy()
        share = rows[part] * n_h[:, part] / s.n[prompts[part]]
        i[:, part] = np.floor(share + rng.random(share.shape))
        inner[:, :, part] = _some_rows(running, h[:, part], i[:, part], n_h[:, part], at, rng)
    n_in = np.maximum(i.sum(axis=1), 1.0)
    n_out = np.maximum(n_rows - n_in, 1.0)
    total = inner.sum(axis=2)
    m_in, m_out = total / n_in, (s.total[at, None] - total) / n_out
    i2 = (i**2).sum(axis=1)
    own = np.einsum("mdc,mdc->md", inner, inner)
    cross = np.einsum("mdc,dc->md", inner, i)
    v_in = np.maximum(own - 2 * m_in * cross + m_in**2 * i2, 0.0) / n_in**2
    n2 = (n_h**2).sum(axis=1)
    if i is n_h:
        touching = own - 2 * m_out * cross + m_out**2 * n2
        both, v_rest, rest2 = v_in, 0.0, 0.0
    else:
        rest = (whole - inner - (n_h - i) * m_out[:, :, None]) / n_out[:, None]
        infl = (inner - i * m_in[:, :, None]) / n_in[:, None]
        touching = np.einsum("mdc,mdc->md", whole, whole)
        touching += m_out**2 * n2 - 2 * m_out * np.einsum("mdc,dc->md", whole, n_h)
        infl -= rest
        both, v_rest = np.einsum("mdc,mdc->md", infl, infl), np.einsum("mdc,mdc->md", rest, rest)
        rest2 = ((n_h - i) ** 2).sum(axis=1)
    all2 = float((s.n**2).sum())
    others = s.squares[at, None] - 2 * m_out * s.cross[at, None] + m_out**2 * all2 - touching
    others = np.maximum(others, 0.0) / n_out**2
    n_groups = len(s.n)
    robust2 = n_groups / (n_groups - 1) * (n_rows - 1) / (n_rows - 2) * (both + others)
    pooled2 = np.maximum(s.rows[at, None] - n_in * m_in**2 - n_out * m_out**2, 0.0) / (n_rows - 2)
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
    return np.where(apart, np.sign(delta), t).T, np.maximum(df, 1.0).T, apart.T


def _taken(of: Floats, columns: Ints, index: Ints) -> Floats:
    """Entries of some columns (rows of `of`), `(n_columns, *index.shape)`."""
    out = np.empty((len(columns), *index.shape))
    for column, place in zip(columns, out, strict=True):
        np.take(of[column], index, out=place)
    return out


def _some_rows(
    running: tuple[Floats, Ints], h: Ints, i: Floats, n: Floats, at: Ints, rng: np.random.Generator
) -> Floats:
    """Sums of this many rows of each prompt, taken in a circle from a random one: `(n_columns, n_draws, n_prompts)`."""
    total, begin = running
    first = np.floor(rng.random(h.shape) * n)
    end = first + i
    over = np.maximum(end - n, 0).astype(np.int64)
    a = begin[h]
    stop, start = a + np.minimum(end, n).astype(np.int64), a + first.astype(np.int64)
    out = _taken(total, at, stop)
    out -= _taken(total, at, start)
    out += _taken(total, at, a + over)
    out -= _taken(total, at, a)
    return out
