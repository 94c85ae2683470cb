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
from offtarget.audit.statistics.inside import MIN_ROWS, InsideTest, half_differences, inside_test
from offtarget.audit.statistics.means import MIN_GROUPS, Ints
from offtarget.audit.statistics.resampling import bootstrap_difference, random_signs
from offtarget.audit.views.common import (
    BEYOND,
    MAX_CONTROLLED,
    MAX_LISTED,
    Rows,
    Tested,
    ViewResult,
    controlled,
    family_of,
    shuffled_family,
)
from offtarget.audit.workings import rank_rows

CONTEXT_SHUFFLES = 20
MAX_SHUFFLED = 20_000_000
"""Cells of u, inside contexts or in all, up to which the labels of a view are shuffled (seconds)."""


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
    u = np.ascontiguousarray(c.u[np.ix_(pool, tested)])
    codes, inside = rows.codes[pool], membership[:, pool]
    test = inside_test(u, inside, codes)
    q = np.ones_like(test.p)
    q[test.testable] = st.bh(test.p[test.testable])
    tests = Tested(
        effect=test.delta,
        d=test.d,
        z=test.t,
        p=test.p,
        q=q,
        welch_z=test.welch_z,
        split=st.agreement(*half_differences(u, inside, rows.half[pool])),
        parity=st.agreement(*half_differences(u, inside, st.half_by_parity(len(rows.codes))[pool])),
    )
    cells = np.argwhere(test.testable)
    order = np.lexsort((-np.abs(test.t[test.testable]), test.p[test.testable]))
    cells = cells[order]
    top = [(int(a), int(b)) for a, b in cells[:MAX_CONTROLLED]]
    place = {cell: j for j, cell in enumerate(top)}
    ci = bootstrap_difference(u, inside, top, codes, seed=seed) if top else np.zeros((0, 2))
    held = controlled(
        [(j, u[:, m], _mask(inside, kk)) for j, (kk, m) in enumerate(top)],
        controls.is_length(u[:, [m for _, m in top]], rows.length[pool]),
        rows.length[pool],
        codes,
        family=len(cells),
        seed=seed,
    )
    members = [np.sort(pool[inside[kk].indices]) for kk in range(len(context_ids))]
    wide = st.t_interval(test.delta, test.se, test.df)
    listed = []
    for a, b in cells[:MAX_LISTED]:
        cell = (int(a), int(b))
        j = place.get(cell)
        ranked = rank_rows(c.u[:, tested[b]], c.v[:, tested[b]], members[a], tests.sign(cell))
        low, high = ci[j] if j is not None else wide[cell]
        listed.append(
            tests.hypothesis(
                cell,
                view=view,
                concept=concepts[tested[b]],
                context=context_ids[a],
                interval=(float(low), float(high)),
                resampled=j is not None,
                control=held[j] if j is not None else (None, BEYOND),
                n_inside=int(test.n_rows[a]),
                n_groups_inside=int(test.n_groups[a]),
                inside_mean=float(test.inside_mean[cell]),
                outside_mean=float(test.outside_mean[cell]),
                rows=[rows.pair_ids[i] for i in ranked],
            )
        )
    shuffled = shuffled_family(_shuffled_findings(u, inside, codes, seed))
    family = family_of(q[test.testable], len(listed), len(top), _untested(test), shuffled)
    arrays = {
        "effect": test.delta,
        "d": test.d,
        "z": test.t,
        "p": test.p,
        "q": q,
        "welch_z": test.welch_z,
        "agree": tests.split[0],
        "split_min": tests.split[1],
        "tested": test.testable,
    }
    return ViewResult(tuple(listed), family), {
        n: _spread(x, tested, len(concepts)) for n, x in arrays.items()
    }


def _shuffled_findings(u: NDArray[Any], inside: Any, codes: Ints, seed: int) -> list[int]:
    """Findings of each of `CONTEXT_SHUFFLES` shuffles; none are made where that would take minutes."""
    if u.size > MAX_SHUFFLED or inside.nnz * u.shape[1] > MAX_SHUFFLED:
        return []
    found = []
    for draw in range(CONTEXT_SHUFFLES):
        signs = random_signs(codes, seed=seed + 1 + draw)
        test = inside_test(u * signs[:, None], inside, codes)
        found.append(int((st.bh(test.p[test.testable]) < Q_FINDING).sum()))
    return found


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


def _untested(test: InsideTest) -> dict[str, int]:
    n_concepts = test.testable.shape[1]
    few_rows = test.n_rows < MIN_ROWS
    few_groups = ~few_rows & (test.n_groups < MIN_GROUPS)
    fine = ~few_rows & ~few_groups
    return {
        f"contexts with fewer than {MIN_ROWS} rows": int(few_rows.sum()),
        f"contexts with fewer than {MIN_GROUPS} prompts": int(few_groups.sum()),
        "concepts too rare in a context": int(fine.sum() * n_concepts - test.testable[fine].sum()),
    }
