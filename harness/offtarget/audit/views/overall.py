"""The overall view: does the whole set lean?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Q_FINDING
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.flips import flip_p, refine, typical_values
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.audit.statistics.resampling import shuffled_means
from offtarget.audit.stock import hold_beside
from offtarget.audit.stock_records import OnStock
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
    that_differ,
)
from offtarget.audit.workings import FEW_ROWS, MAX_ROWS, rank_rows


@dataclass(frozen=True, eq=False)
class Overall:
    """The overall view, and what the prediction re-uses of it."""

    result: ViewResult
    test: st.MeanTest
    ci: Floats
    tested: Ints
    """Concept numbers with any difference at all; `test` and `ci` are in this order."""
    equal: controls.EqualLength
    """The same columns at equal length."""


def overall_view(rows: Rows, concepts: Sequence[str], c: Contrasts, among: Ints, *, seed: int) -> Overall:
    """Does the whole set lean? One hypothesis per concept: the mean of u differs from zero.

    Args:
        rows: all rows.
        concepts: ids, in the order of the columns of u.
        c: the contrasts.
        among: numbers of the concepts of this view.
        seed: of the random labellings.
    """
    tested = that_differ(c, among)
    u = c.of_all(tested)
    test = st.mean_test(u, rows.codes)
    test = replace(test, d=c.d_of_read(test.d, test.mean, tested))
    ci = st.t_interval(test.mean, test.se, test.n_groups - 1)
    p = test.p.copy()
    top = np.lexsort((-np.abs(test.t), p))[:MAX_CONTROLLED]
    sizes = np.bincount(rows.codes).astype(np.float64)
    sums = st.group_sums(u, rows.codes, test.n_groups)
    if len(top):
        typical = typical_values(sums[:, top], sizes, seed=seed)
        ci[top], p[top] = typical.ci, refine(typical, p[top])
    q_by_prompt = st.bh(p)
    beside = hold_beside(rows.stock, rows.codes, u, p, ci, top, seed=seed)
    p, ci = beside.p, beside.ci
    order = np.lexsort((-np.abs(test.t), p))
    q = st.bh(p)
    tests = Tested(
        effect=test.mean,
        d=test.d,
        z=test.t,
        p=p,
        q=q,
        welch_z=test.row_z,
        split=st.agreement(*st.half_means(u, rows.half)),
        parity=st.agreement(*st.half_means(u, st.half_by_parity(len(u)))),
    )
    equal = controls.at_equal_length(u, rows.lengths, rows.codes, seed=seed, drawn=top)
    drawn = {int(j): k for k, j in enumerate(top)}
    reasons = [equal.reason(int(j)) for j in top]
    held = Held(equal.effect[top], equal.ci[top], equal.p[top], reasons).records(len(tested))
    everyone = np.arange(len(u))
    listed = []
    for j in order[:MAX_LISTED]:
        n = MAX_ROWS if q[j] < Q_FINDING else FEW_ROWS
        ranked = rank_rows(u[:, j], c.v[:, tested[j]], everyone, tests.sign(j), n)
        at = drawn.get(int(j))
        listed.append(
            tests.hypothesis(
                j,
                view="overall",
                concept=concepts[tested[j]],
                context=None,
                interval=(float(ci[j, 0]), float(ci[j, 1])),
                ci_method="t" if at is None else "flip",
                control=(None, BEYOND) if at is None else held[at],
                n_inside=len(u),
                n_groups_inside=test.n_groups,
                inside_mean=float(test.mean[j]),
                on_stock=OnStock(
                    q=float(q_by_prompt[j]),
                    effect_without=None if beside.effect_without is None else float(beside.effect_without[j]),
                )
                if rows.stock.records
                else None,
                rows=[rows.pair_ids[i] for i in ranked],
            )
        )
    left_out = {"no difference in any row": len(among) - len(tested)}
    found = []
    if len(tested):
        null = flip_p(sums, shuffled_means(u, rows.codes, seed=seed) * len(u))
        found = [int((st.bh(one) < Q_FINDING).sum()) for one in null]
    family = family_of(q, len(listed), len(top), left_out, shuffled_family(found))
    result = ViewResult(tuple(listed), family)
    return Overall(result, test, ci, tested, equal)
