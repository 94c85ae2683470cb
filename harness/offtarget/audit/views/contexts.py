"""The views by context: where does a concept lean more than elsewhere?

In a topic (global), a kind of prompt (local), or the rows of one value of metadata (metadata).
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Q_FINDING
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.dealing import Judged, judge
from offtarget.audit.statistics.dealing_t import Cell, normal_of_t
from offtarget.audit.statistics.inside import MIN_ROWS, InsideTest, half_differences, inside_test
from offtarget.audit.statistics.length_inside import inside_at_equal_length
from offtarget.audit.statistics.means import MIN_GROUPS, Ints
from offtarget.audit.views.common import (
    BEYOND,
    MAX_CONTROLLED,
    MAX_LISTED,
    Held,
    Rows,
    Tested,
    ViewResult,
    family_of,
    shuffled_family,
)
from offtarget.audit.workings import FEW_ROWS, MAX_ROWS, rank_rows


def context_view(
    view: Literal["global", "local", "metadata"],
    rows: Rows,
    concepts: Sequence[str],
    c: Contrasts,
    membership: Any,
    pool: Ints,
    context_ids: Sequence[str],
    tested: Ints,
    *,
    seed: int,
) -> tuple[ViewResult, dict[str, NDArray[Any]]]:
    """One hypothesis per context and concept: the mean of u inside differs from that of the pool's other rows.

    Args:
        view: which one this is.
        rows: all rows.
        concepts: ids, in the order of the columns of u.
        c: the contrasts.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`; contexts may overlap.
        pool: numbers of the rows that are compared; those outside it count on no side.
        context_ids: names of the contexts.
        tested: numbers of the concepts that are tested.
        seed: of the resampling.

    Returns:
        The view, and the whole family as arrays `(n_contexts, n_concepts)`.
    """
    if len(context_ids) == 0 or len(pool) < 2 * MIN_ROWS or len(tested) == 0:
        return ViewResult((), family_of(np.zeros(0), 0, 0, {"no context to test": 1})), {}
    u = c.of_parts(pool, tested)
    codes, inside = rows.codes[pool], membership[:, pool]
    test = inside_test(u, inside, codes)
    found = judge(u, inside, codes, test, seed=seed)
    testable = found.testable
    q = np.ones_like(found.p)
    q[testable] = st.bh(found.p[testable])
    tests = Tested(
        effect=test.delta,
        d=np.clip(test.d / np.sqrt(c.read[tested]), -st.D_CAP, st.D_CAP),
        z=test.t,
        p=found.p,
        q=q,
        welch_z=test.welch_z,
        split=st.agreement(*half_differences(u, inside, rows.half[pool])),
        parity=st.agreement(*half_differences(u, inside, st.half_by_parity(len(rows.codes))[pool])),
    )
    cells = np.argwhere(testable)
    cells = cells[np.lexsort((-np.abs(test.t[testable]), found.p[testable]))]
    top = [cell for a, b in cells[:MAX_CONTROLLED] if (cell := (int(a), int(b))) in found.drawn]
    held = dict(zip(top, _held(u, rows, pool, inside, codes, top, test, found).records(len(cells)), strict=True))
    members = [np.sort(pool[inside[kk].indices]) for kk in range(len(context_ids))]
    listed = []
    for a, b in cells[:MAX_LISTED]:
        cell = (int(a), int(b))
        n = MAX_ROWS if q[cell] < Q_FINDING else FEW_ROWS
        ranked = rank_rows(c.u[:, tested[b]], c.v[:, tested[b]], members[a], tests.sign(cell), n)
        low, high = found.ci[cell]
        listed.append(
            tests.hypothesis(
                cell,
                view=view,
                concept=concepts[tested[b]],
                context=context_ids[a],
                interval=(float(low), float(high)),
                ci_method="dealt" if cell in found.drawn else "t",
                control=held.get(cell, (None, BEYOND)),
                n_inside=int(test.n_rows[a]),
                n_groups_inside=int(test.n_groups[a]),
                inside_mean=float(test.inside_mean[cell]),
                outside_mean=float(test.outside_mean[cell]),
                rows=[rows.pair_ids[i] for i in ranked],
            )
        )
    family = family_of(
        q[testable],
        len(listed),
        len(top),
        _untested(test, found, rows.unit),
        shuffled_family(found.dealt.findings, "contexts"),
    )
    arrays = {
        "effect": test.delta,
        "d": tests.d,
        "z": test.t,
        "p": found.p,
        "q": q,
        "welch_z": test.welch_z,
        "agree": tests.split[0],
        "split_min": tests.split[1],
        "tested": testable,
    }
    return ViewResult(tuple(listed), family), {n: _spread(x, tested, len(concepts)) for n, x in arrays.items()}


def _held(
    u: NDArray[Any],
    rows: Rows,
    pool: Ints,
    inside: Any,
    codes: Ints,
    top: Sequence[Cell],
    test: InsideTest,
    found: Judged,
) -> Held:
    """The effects at equal length of some cells, context by context, judged as the cells themselves are."""
    basis, difference = rows.lengths.basis()[pool], rows.lengths.difference[pool]
    effect, se, df = np.zeros(len(top)), np.zeros(len(top)), np.ones(len(top))
    reason: list[str | None] = [None] * len(top)
    measures = controls.is_length(u[:, [m for _, m in top]], difference)
    for k in sorted({k for k, _ in top}):
        mine = [j for j, (kk, _) in enumerate(top) if kk == k]
        columns = [top[j][1] for j in mine]
        held = inside_at_equal_length(u[:, columns], basis, _mask(inside, k), codes)
        effect[mine], se[mine], df[mine] = held.effect, held.se, test.df[k, columns]
        for j, why in zip(mine, held.reason, strict=True):
            reason[j] = controls.IS_LENGTH if measures[j] else why
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, effect / se, 0.0)
    of = np.array([found.drawn[cell] for cell in top], dtype=np.int64)
    dealt = found.dealt
    return Held(effect, dealt.interval(effect, se, df, of), dealt.p(normal_of_t(t, df), of), reason)


def _mask(membership: Any, k: int) -> NDArray[np.bool_]:
    mask = np.zeros(membership.shape[1], dtype=bool)
    mask[membership[k].indices] = True
    return mask


def _spread(x: NDArray[Any], tested: Ints, n_concepts: int) -> NDArray[Any]:
    """Put tested columns back among all concepts."""
    blank = np.ones if x.dtype.kind == "f" else np.zeros
    out = blank((len(x), n_concepts), dtype=np.float32 if x.dtype.kind == "f" else bool)
    out[:, tested] = x
    return out


def _untested(test: InsideTest, found: Judged, unit: str) -> dict[str, int]:
    n_concepts = test.testable.shape[1]
    few_rows = test.n_rows < MIN_ROWS
    few_groups = ~few_rows & (test.n_groups < MIN_GROUPS)
    uneven = found.uneven & ~few_rows & ~few_groups
    fine = ~few_rows & ~few_groups & ~uneven
    return {
        f"contexts with fewer than {MIN_ROWS} rows": int(few_rows.sum()),
        f"contexts with fewer than {MIN_GROUPS} {unit}": int(few_groups.sum()),
        f"contexts where a few {unit} hold most rows (as good as fewer than {MIN_GROUPS})": int(uneven.sum()),
        "concepts too rare in a context": int(fine.sum() * n_concepts - found.testable[fine].sum()),
    }
