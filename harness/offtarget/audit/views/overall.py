"""The overall view: does the whole set lean?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Q_FINDING
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.audit.statistics.resampling import bootstrap_mean, shuffled_t
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
    that_differ,
)
from offtarget.audit.workings import rank_rows


@dataclass(frozen=True, eq=False)
class Overall:
    """The overall view, and what the prediction re-uses of it."""

    result: ViewResult
    test: st.MeanTest
    ci: Floats
    tested: Ints
    """Concept numbers with any difference at all; `test` and `ci` are in this order."""
    is_length: NDArray[np.bool_]


def overall_view(rows: Rows, concepts: Sequence[str], c: Contrasts, among: Ints, *, seed: int) -> Overall:
    """Does the whole set lean? One hypothesis per concept: the mean of u differs from zero.

    Args:
        rows: all rows.
        concepts: ids, in the order of the columns of u.
        c: the contrasts.
        among: numbers of the concepts of this view.
        seed: of the resampling.
    """
    from scipy import stats

    tested = that_differ(c, among)
    u = np.ascontiguousarray(c.u[:, tested])
    test = st.mean_test(u, rows.codes)
    q = st.bh(test.p)
    order = np.lexsort((-np.abs(test.t), test.p))
    top = order[:MAX_CONTROLLED]
    ci = st.t_interval(test.mean, test.se, test.n_groups - 1)
    ci[top] = bootstrap_mean(u[:, top], rows.codes, seed=seed)
    tests = Tested(
        effect=test.mean,
        d=test.d,
        z=test.t,
        p=test.p,
        q=q,
        welch_z=test.row_z,
        split=st.agreement(*st.half_means(u, rows.half)),
        parity=st.agreement(*st.half_means(u, st.half_by_parity(len(u)))),
    )
    is_length = controls.is_length(u, rows.length)
    held = controlled(
        [(int(j), u[:, j], None) for j in top],
        is_length,
        rows.length,
        rows.codes,
        family=len(tested),
        seed=seed,
    )
    everyone = np.arange(len(u))
    listed = []
    for j in order[:MAX_LISTED]:
        ranked = rank_rows(u[:, j], c.v[:, tested[j]], everyone, tests.sign(j))
        listed.append(
            tests.hypothesis(
                j,
                view="overall",
                concept=concepts[tested[j]],
                context=None,
                interval=(float(ci[j, 0]), float(ci[j, 1])),
                resampled=j in top,
                control=held.get(int(j), (None, BEYOND)),
                n_inside=len(u),
                n_groups_inside=test.n_groups,
                inside_mean=float(test.mean[j]),
                rows=[rows.pair_ids[i] for i in ranked],
            )
        )
    left_out = {"no difference in any row": len(among) - len(tested)}
    null_p = 2 * stats.t.sf(np.abs(shuffled_t(u, rows.codes, seed=seed)), test.n_groups - 1)
    shuffled = shuffled_family([int((st.bh(p) < Q_FINDING).sum()) for p in null_p] if len(tested) else [])
    family = family_of(q, len(listed), min(len(top), len(tested)), left_out, shuffled)
    result = ViewResult(tuple(listed), family)
    return Overall(result, test, ci, tested, is_length)
