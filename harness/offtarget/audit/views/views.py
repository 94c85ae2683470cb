"""The two views of an audit as lists of hypotheses: overall, and global (topic by topic)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.records import Family, Hypothesis, LengthControlled, SplitHalf
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.inside import MIN_ROWS, InsideTest, half_differences, inside_test
from offtarget.audit.statistics.means import MIN_GROUPS, Floats, Ints
from offtarget.audit.statistics.resampling import bootstrap_difference, bootstrap_mean
from offtarget.audit.workings import rank_rows

MAX_CONTROLLED = 500
"""Of a view: so many of the largest |z| get a bootstrap interval and the length control."""
MAX_LISTED = 2000
"""Of a view: so many of the largest |z| are written out."""
BEYOND = f"beyond the {MAX_CONTROLLED} largest |z| of its view"


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of an audit as the tests see them."""

    pair_ids: tuple[str, ...]
    codes: Ints
    half: NDArray[np.bool_]
    length: Floats


@dataclass(frozen=True, eq=False)
class ViewResult:
    """The hypotheses of one view."""

    hypotheses: tuple[Hypothesis, ...]
    family: Family


@dataclass(frozen=True, eq=False)
class Overall:
    """The overall view, and what the prediction re-uses of it."""

    result: ViewResult
    test: st.MeanTest
    ci: Floats
    tested: Ints
    """Concept numbers with any difference at all; `test` and `ci` are in this order."""
    is_length: NDArray[np.bool_]


def overall_view(rows: Rows, concepts: Sequence[str], c: Contrasts, *, seed: int) -> Overall:
    """Does the whole set lean? One hypothesis per concept: the mean of u differs from zero."""
    tested = np.flatnonzero(c.u.any(axis=0))
    u = np.ascontiguousarray(c.u[:, tested])
    test = st.mean_test(u, rows.codes)
    q = st.bh(test.p)
    order = np.lexsort((-np.abs(test.t), test.p))
    top = order[:MAX_CONTROLLED]
    ci = st.t_interval(test.mean, test.se, test.n_groups - 1)
    ci[top] = bootstrap_mean(u[:, top], rows.codes, seed=seed)
    split = st.agreement(*st.half_means(u, rows.half))
    parity = st.agreement(*st.half_means(u, st.half_by_parity(len(u))))
    is_length = controls.is_length(u, rows.length)
    held = _controlled(
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
        name = concepts[tested[j]]
        sign = 1.0 if test.mean[j] >= 0 else -1.0
        ranked = rank_rows(u[:, j], c.v[:, tested[j]], everyone, sign)
        control, note = held.get(int(j), (None, BEYOND))
        listed.append(
            Hypothesis(
                id=f"overall:{name}",
                view="overall",
                concept=name,
                direction="chosen" if sign > 0 else "rejected",
                effect=float(test.mean[j]),
                ci=(float(ci[j, 0]), float(ci[j, 1])),
                ci_method="bootstrap" if j in top else "t",
                d=float(test.d[j]),
                z=float(test.t[j]),
                p=float(test.p[j]),
                q=float(q[j]),
                welch_z=float(test.row_z[j]),
                split_half=SplitHalf(agree=bool(split[0][j]), min=float(split[1][j])),
                parity=SplitHalf(agree=bool(parity[0][j]), min=float(parity[1][j])),
                length_controlled=control,
                length_note=note,
                n_inside=len(u),
                n_groups_inside=test.n_groups,
                inside_mean=float(test.mean[j]),
                rows=tuple(rows.pair_ids[i] for i in ranked),
            )
        )
    left_out = {"no difference in any row": len(concepts) - len(tested)}
    result = ViewResult(tuple(listed), _family(q, len(listed), min(len(top), len(tested)), left_out))
    return Overall(result, test, ci, tested, is_length)


def global_view(
    rows: Rows,
    concepts: Sequence[str],
    c: Contrasts,
    contexts: Ints,
    context_ids: Sequence[str],
    tested: Ints,
    *,
    seed: int,
) -> tuple[ViewResult, dict[str, NDArray[Any]]]:
    """In which topic does a concept lean more than elsewhere? One hypothesis per topic and concept.

    Rows of no topic (`contexts` -1) are left out on both sides.

    Returns:
        The view, and the whole family as arrays `(n_contexts, n_concepts)`.
    """
    pool = np.flatnonzero(contexts >= 0)
    k, topic = len(context_ids), contexts[pool]
    if k < 2 or len(pool) < 2 * MIN_ROWS or len(tested) == 0:
        return ViewResult((), _family(np.zeros(0), 0, 0, {"fewer than two topics": 1})), {}
    u = np.ascontiguousarray(c.u[np.ix_(pool, tested)])
    codes = rows.codes[pool]
    test = inside_test(u, topic, codes, k)
    q = np.ones_like(test.p)
    q[test.testable] = st.bh(test.p[test.testable])
    split = st.agreement(*half_differences(u, topic, rows.half[pool], k))
    parity = st.agreement(*half_differences(u, topic, st.half_by_parity(len(rows.codes))[pool], k))
    cells = np.argwhere(test.testable)
    order = np.lexsort((-np.abs(test.t[test.testable]), test.p[test.testable]))
    cells = cells[order]
    top = [(int(a), int(b)) for a, b in cells[:MAX_CONTROLLED]]
    place = {cell: j for j, cell in enumerate(top)}
    ci = bootstrap_difference(u, topic, top, codes, seed=seed) if top else np.zeros((0, 2))
    held = _controlled(
        [(j, u[:, m], topic == kk) for j, (kk, m) in enumerate(top)],
        controls.is_length(u[:, [m for _, m in top]], rows.length[pool]),
        rows.length[pool],
        codes,
        family=len(cells),
        seed=seed,
    )
    members = [pool[topic == kk] for kk in range(k)]
    wide = st.t_interval(test.delta, test.se, test.df)
    listed = []
    for a, b in cells[:MAX_LISTED]:
        cell = (int(a), int(b))
        name, j = concepts[tested[b]], place.get(cell)
        sign = 1.0 if test.delta[cell] >= 0 else -1.0
        ranked = rank_rows(c.u[:, tested[b]], c.v[:, tested[b]], members[a], sign)
        control, note = held[j] if j is not None else (None, BEYOND)
        low, high = ci[j] if j is not None else wide[cell]
        listed.append(
            Hypothesis(
                id=f"global:{name}@{context_ids[a]}",
                view="global",
                concept=name,
                context=context_ids[a],
                direction="chosen" if sign > 0 else "rejected",
                effect=float(test.delta[cell]),
                ci=(float(low), float(high)),
                ci_method="bootstrap" if j is not None else "t",
                d=float(test.d[cell]),
                z=float(test.t[cell]),
                p=float(test.p[cell]),
                q=float(q[cell]),
                welch_z=float(test.welch_z[cell]),
                split_half=SplitHalf(agree=bool(split[0][cell]), min=float(split[1][cell])),
                parity=SplitHalf(agree=bool(parity[0][cell]), min=float(parity[1][cell])),
                length_controlled=control,
                length_note=note,
                n_inside=int(test.n_rows[a]),
                n_groups_inside=int(test.n_groups[a]),
                inside_mean=float(test.inside_mean[cell]),
                outside_mean=float(test.outside_mean[cell]),
                rows=tuple(rows.pair_ids[i] for i in ranked),
            )
        )
    family = _family(q[test.testable], len(listed), len(top), _untested(test))
    arrays = {
        "effect": test.delta,
        "d": test.d,
        "z": test.t,
        "p": test.p,
        "q": q,
        "welch_z": test.welch_z,
        "agree": split[0],
        "split_min": split[1],
        "tested": test.testable,
    }
    return ViewResult(tuple(listed), family), {
        n: _spread(x, tested, len(concepts)) for n, x in arrays.items()
    }


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
        f"topics with fewer than {MIN_ROWS} rows": int(few_rows.sum()),
        f"topics with fewer than {MIN_GROUPS} prompts": int(few_groups.sum()),
        "concepts too rare in a topic": int(fine.sum() * n_concepts - test.testable[fine].sum()),
    }


def _controlled(
    cells: Sequence[tuple[int, NDArray[Any], NDArray[np.bool_] | None]],
    is_length: NDArray[np.bool_],
    length: Floats,
    codes: Ints,
    *,
    family: int,
    seed: int,
) -> dict[int, tuple[LengthControlled | None, str | None]]:
    """The length-controlled effect of each cell, q over the family (what was not fitted counts as p = 1)."""
    fits: dict[int, tuple[float, float] | str] = {}
    for number, u, inside in cells:
        fits[number] = (
            controls.IS_LENGTH
            if is_length[number]
            else controls.length_controlled(u, length, codes, inside=inside, seed=seed)
        )
    done = [number for number, fit in fits.items() if not isinstance(fit, str)]
    q = st.bh_of_part(np.array([float(fits[number][1]) for number in done]), family)
    q_of = dict(zip(done, q, strict=True))
    out: dict[int, tuple[LengthControlled | None, str | None]] = {}
    for number, fit in fits.items():
        if isinstance(fit, str):
            out[number] = (None, fit)
        else:
            out[number] = (LengthControlled(effect=fit[0], p=fit[1], q=float(q_of[number])), None)
    return out


def _family(q: Floats, listed: int, controlled: int, left_out: dict[str, int]) -> Family:
    return Family(
        tested=len(q),
        findings=int((q < 0.05).sum()),
        listed=listed,
        controlled=controlled,
        left_out={reason: n for reason, n in left_out.items() if n},
    )
