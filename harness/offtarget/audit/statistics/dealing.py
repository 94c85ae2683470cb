"""What an effect inside a context would be if contexts had nothing to do with it: contexts dealt out again over prompts.

Labels stay as they are, and every prompt gets the contexts of another prompt. That is the null of the views by context;
swapped labels are another, under which every concept leans both ways and so none is "hardly ever here". Each cell is compared
with itself: its t inside the dealt contexts, as a normal quantile z, is what noise makes of this concept in a context like
this. Two-sided p is twice the share of draws beyond the observed z on its side, and past the draws the normal tail of z/λ, with
λ ≥ 1 from the draws' own largest values.

Which prompts are inside is no noise where sizes differ: a prompt that holds more than a tenth of the rows of a side changes
places only with prompts of about as many rows (a factor of two). Where a context's prompts have other numbers of rows than
the rest throughout, p is the larger of that and of t, and a test needs ten effective prompts (Kish) inside and outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import tails
from offtarget.audit.statistics.arrays import Floats, Ints
from offtarget.audit.statistics.dealing_t import Cell, draw_z, normal_of_t, size_class, t_of_normal
from offtarget.audit.statistics.inside import InsideTest
from offtarget.audit.statistics.means import MIN_GROUPS, bh, t_interval

DRAWS = 999
NULL_DRAWS = 200
"""More of them, to count what the whole view would find."""
FEWEST_DRAWS = 199
BUDGET = 5e8
"""Prompts inside times concepts times draws, up to which the whole view is dealt (seconds); beyond it its first cells."""
FIRST = 500
"""Cells with the smallest p of t, which are dealt where a view is too large."""
ALIKE = 0.5
"""Share of what could be exchanged if all prompts had as many rows; below it sizes are another thing inside."""
LEVELS = (0.003, 0.005, 0.0125)
"""Upper shares of the draws at which λ is read."""
FEW = 0.015
"""With a smaller share of the draws than this beyond the observed z, p is read from the tail where that is smaller."""


@dataclass(frozen=True, eq=False)
class Dealt:
    """The draws of some cells."""

    z: NDArray[np.float32]
    """Sorted from below, `(n_draws, n_cells)`."""
    unlike: NDArray[np.bool_]
    """Cells whose context has prompts of other sizes, or where a rare concept has gathered: t has a say too."""
    findings: tuple[int, ...]
    """How many cells of each further draw had q < 0.05; empty where the view is too large for it."""

    def p(self, z: Floats, cells: Ints | None = None) -> Floats:
        """Two-sided p of observed z, `(n_cells,)` or `(n_draws, n_cells)`.

        Args:
            z: normal quantiles of t (`normal_of_t`).
            cells: which cells they are of; None: all.
        """
        null = self.z if cells is None else self.z[:, cells]
        unlike = self.unlike if cells is None else self.unlike[cells]
        n = len(null)
        rows = np.atleast_2d(z)
        beyond = np.empty(rows.shape)
        for j in range(rows.shape[1]):
            at_most = np.searchsorted(null[:, j], rows[:, j].astype(np.float32), side="right")
            below = np.searchsorted(null[:, j], rows[:, j].astype(np.float32), side="left")
            beyond[:, j] = np.where(rows[:, j] >= 0, n - below, at_most)
        share = np.minimum(2 * (1 + beyond) / (n + 1), 1.0)
        upper, lower = _stretch(null)
        tail = 2 * tails.normal_sf(np.abs(rows) / np.where(rows >= 0, upper, lower))
        p = np.where(beyond < FEW * n, np.minimum(share, tail), share)
        p = np.where(unlike, np.maximum(p, 2 * tails.normal_sf(np.abs(rows))), p)
        return np.asarray(p[0] if z.ndim == 1 else p)

    def interval(self, effect: Floats, se: Floats, df: Floats, cells: Ints | None = None) -> Floats:
        """95 % interval of each cell, `(n_cells, 2)`: 0 is outside where p < 0.05."""
        null = self.z if cells is None else self.z[:, cells]
        unlike = self.unlike if cells is None else self.unlike[cells]
        beyond = int(np.ceil(0.025 * (len(null) + 1))) - 1  # this many draws beyond z leave p at 0.05
        edge = 1e-6  # draws as large as what was observed count as beyond it, up to rounding
        # the side that p looks at is that of the effect, which the interval holds
        low = np.minimum(null[beyond - 1], 0.0) * (1.0 + edge)
        high = np.maximum(null[-beyond], 0.0) * (1.0 + edge)
        low, high = (np.where(unlike, np.minimum(low, -1.96), low), np.where(unlike, np.maximum(high, 1.96), high))
        return np.stack([effect - t_of_normal(high, df) * se, effect - t_of_normal(low, df) * se], axis=1)


def unlike_contexts(membership: Any, codes: Ints) -> NDArray[np.bool_]:
    """Contexts whose prompts have other numbers of rows than those of the rest, `(n_contexts,)`.

    Of classes of size s with N_s rows, I_s of them inside, Σ I_s (N_s - I_s)/N_s can change places; of one class I(N - I)/N.
    """
    strata = size_class(np.bincount(codes))[codes]
    total = np.maximum(np.bincount(strata), 1).astype(np.float64)
    out = np.zeros(membership.shape[0], dtype=bool)
    for k in range(membership.shape[0]):
        inside = np.bincount(strata[membership[k].indices], minlength=len(total)).astype(np.float64)
        free = (inside * (total - inside) / total).sum()
        n = inside.sum()
        out[k] = free < ALIKE * n * (total.sum() - n) / total.sum()
    return out


def few_prompts(membership: Any, codes: Ints, least: int) -> NDArray[np.bool_]:
    """Contexts that hold, or leave, fewer than this many effective prompts (Kish), `(n_contexts,)`."""
    sizes = np.bincount(codes).astype(np.float64)
    out = np.zeros(membership.shape[0], dtype=bool)
    for k in range(membership.shape[0]):
        inside = np.bincount(codes[membership[k].indices], minlength=len(sizes))
        for side in (inside, sizes - inside):
            out[k] |= side.sum() ** 2 < least * (side**2).sum()
    return out


@dataclass(frozen=True, eq=False)
class Judged:
    """What a view by context may say, arrays `(n_contexts, n_concepts)` unless said."""

    p: Floats
    ci: Floats
    """95 %, `(n_contexts, n_concepts, 2)`; leaves out 0 exactly where p < 0.05."""
    testable: NDArray[np.bool_]
    uneven: NDArray[np.bool_]
    """Contexts that are not tested since a few prompts hold most rows, `(n_contexts,)`."""
    dealt: Dealt
    drawn: dict[Cell, int]
    """Where in `dealt` the cells are that were dealt; the others have p and interval of t."""


def judge(u: NDArray[Any], membership: Any, codes: Ints, test: InsideTest, *, seed: int) -> Judged:
    """P and interval of every context and concept, from contexts dealt out again over prompts.

    Args:
        u: `(n_rows, n_concepts)`.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`; they may overlap, and change within a
            prompt.
        codes: prompt of each row.
        test: of the contexts as they are.
        seed: of the draws.
    """
    _, codes = np.unique(codes, return_inverse=True)
    unlike = unlike_contexts(membership, codes)
    uneven = unlike & few_prompts(membership, codes, MIN_GROUPS)
    testable = test.testable & ~uneven[:, None]
    cells = np.argwhere(testable)
    cells = cells[np.lexsort((-np.abs(test.t[testable]), test.p[testable]))]
    dealt, first = deal(u, membership, codes, test, [(int(k), int(m)) for k, m in cells], unlike, seed=seed)
    p, ci = test.p.copy(), t_interval(test.delta, test.se, test.df)
    if first:
        at = tuple(np.array(first).T)
        t, df = test.t[at], test.df[at]
        p[at] = dealt.p(normal_of_t(t, df))
        ci[at] = dealt.interval(test.delta[at], test.se[at], df)
    return Judged(p, ci, testable, uneven, dealt, {cell: j for j, cell in enumerate(first)})


def deal(
    u: NDArray[Any],
    membership: Any,
    codes: Ints,
    test: InsideTest,
    cells: Sequence[Cell],
    unlike: NDArray[np.bool_],
    *,
    seed: int,
) -> tuple[Dealt, list[Cell]]:
    """Deal the contexts out again.

    Args:
        u: `(n_rows, n_concepts)`.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`.
        codes: prompt of each row, 0 to G - 1, each of them with rows.
        test: of the contexts as they are.
        cells: those that are tested, the smallest p first.
        unlike: contexts whose prompts have other sizes than the rest, `(n_contexts,)`.
        seed: of the draws.

    Returns:
        The draws, and the cells that they are of: all, or the first ones.
    """
    cost = float(sum(test.n_groups[k] for k, _ in cells))
    whole = cost * (DRAWS + NULL_DRAWS) <= BUDGET
    cells = list(cells) if whole else list(cells[:FIRST])
    cost = max(float(sum(test.n_groups[k] for k, _ in cells)), 1.0)
    draws = DRAWS if whole else int(np.clip(BUDGET / cost, FEWEST_DRAWS, DRAWS))
    extra = NULL_DRAWS if whole else 0
    if not cells:
        return Dealt(np.zeros((draws, 0), dtype=np.float32), np.zeros(0, dtype=bool), ()), []
    z = draw_z(u, membership, codes, test, cells, draws=draws + extra, seed=seed)
    # of rare concepts the cells where they have gathered were picked out, which dealing does not know
    of_cell = np.array([unlike[k] or test.gathered[k, m] for k, m in cells], dtype=bool)
    dealt = Dealt(np.sort(z[:draws], axis=0), of_cell, ())
    if extra:
        found = [int((bh(p) < 0.05).sum()) for p in dealt.p(z[draws:].astype(np.float64))]
        dealt = Dealt(dealt.z, of_cell, tuple(found))
    return dealt, cells


def _stretch(null: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """λ of the upper and of the lower tail of each cell, at least 1."""
    n = len(null)
    ranks = np.unique(np.maximum(np.rint(np.array(LEVELS) * n), 2).astype(np.int64))
    want = tails.normal_isf((ranks - 0.5) / n)[:, None]
    upper, lower = null[n - ranks] / want, -null[ranks - 1] / want
    return np.maximum(1.0, upper.max(axis=0)), np.maximum(1.0, lower.max(axis=0))
