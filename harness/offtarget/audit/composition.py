"""What a set is made of, by columns of metadata: rows, prompts, length, and the main effects of every value."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from offtarget.audit.concepts.contrast import Contrasts
from offtarget.audit.concepts.metadata import MOST_VALUES, Column
from offtarget.audit.context_records import MetadataColumn, MetadataValue, ValueEffect
from offtarget.audit.records import Hypothesis
from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.flips import typical_values
from offtarget.audit.statistics.length import EXTENT
from offtarget.audit.statistics.means import Floats, Ints

MAIN = 3
"""Concepts of a column's table by their differences between values, and as many by their lean over the whole set."""
ALIKE = 0.7
"""A concept whose u correlates by this much with one that is shown already is left out of the table."""
NEARLY = 0.7
"""Share of a z that is nearly as sure."""


def compose(
    columns: Sequence[Column],
    names: Sequence[str],
    c: Contrasts,
    codes: Ints,
    length: Floats,
    overall: Sequence[Hypothesis],
    by_value: Sequence[Hypothesis],
    q_of: dict[tuple[str, str], float],
    first: frozenset[str],
) -> tuple[MetadataColumn, ...]:
    """The records of all columns.

    The effect of a value is the mean of u over its rows, the estimand of the overall view restricted to them; it
    is not the hypothesis of the metadata view, which compares it with the mean of all other rows.

    Args:
        columns: the metadata over the rows.
        names: concept ids, in the order of the columns of u.
        c: the contrasts.
        codes: prompt group of each row.
        length: difference of log length.
        overall: hypotheses of the overall view.
        by_value: hypotheses of the metadata view.
        q_of: q by concept and context, of the whole metadata view.
        first: concepts that are before all others where they have findings (those of plain columns).
    """
    at = {name: j for j, name in enumerate(names)}
    out = []
    for column in columns:
        mine = {column.context_id(int(k)) for k in column.testable}
        main = _main(c, at, overall, [h for h in by_value if h.context in mine], first)
        n, testable = column.n_rows, set(column.testable.tolist())
        order = range(len(column.values)) if column.cuts else np.argsort(-n, kind="stable")
        values = []
        for k in [int(k) for k in order][:MOST_VALUES]:
            rows = np.flatnonzero(column.codes == k)
            context = column.context_id(k) if k in testable else None
            values.append(
                MetadataValue(
                    value=column.values[k],
                    context=context,
                    n=len(rows),
                    n_groups=int(column.n_prompts[k]),
                    chosen_longer=float((length[rows] > 0).mean()) if len(rows) else 0.0,
                    effects=_effects(c, [at[m] for m in main], main, rows, codes, context, q_of),
                )
            )
        out.append(
            MetadataColumn(
                name=column.name,
                cuts=column.cuts,
                n_values=len(column.values),
                values=tuple(values),
                concepts=tuple(main),
            )
        )
    return tuple(out)


def _main(
    c: Contrasts,
    at: dict[str, int],
    overall: Sequence[Hypothesis],
    by_value: Sequence[Hypothesis],
    first: frozenset[str],
) -> list[str]:
    """The concepts of a table: those that differ most surely between values, then those that lean most in all.

    A count that grows with length leaves its place to what it goes with, if that differs nearly as surely.
    """
    chosen: list[str] = []

    def alike(h: Hypothesis, others: Sequence[str]) -> Any:
        return np.abs(st.correlations(c.u[:, [at[h.concept]]], c.u[:, [at[x] for x in others]])[0])

    def speaker(h: Hypothesis, ranked: Sequence[Hypothesis], key: str) -> Hypothesis:
        if h.concept not in EXTENT:
            return h
        near = [
            x
            for x in ranked
            if x.finding and x.concept not in EXTENT and abs(getattr(x, key)) >= NEARLY * abs(getattr(h, key))
        ]
        r = alike(h, [x.concept for x in near]) if near else np.zeros(0)
        return next((x for x, with_it in zip(near, r, strict=True) if with_it >= ALIKE), h)

    def take(found: Sequence[Hypothesis], key: str, most: int) -> None:
        ranked = sorted(found, key=lambda h: (h.concept not in first, -abs(getattr(h, key)), h.id))
        for h in ranked:
            if len(chosen) >= most:
                return
            if not h.finding or h.concept in chosen:
                continue
            says = speaker(h, ranked, key)
            if says.concept not in chosen and (not chosen or alike(says, chosen).max() < ALIKE):
                chosen.append(says.concept)

    take(by_value, "z", MAIN)
    take(overall, "d", len(chosen) + MAIN)
    return chosen


def _effects(
    c: Contrasts,
    main_at: Sequence[int],
    main: Sequence[str],
    rows: Ints,
    codes: Ints,
    context: str | None,
    q_of: dict[tuple[str, str], float],
) -> tuple[ValueEffect, ...]:
    if context is None or not main:
        return ()
    _, dense = np.unique(codes[rows], return_inverse=True)
    sizes = np.bincount(dense).astype(np.float64)
    sums = st.group_sums(c.of_parts(rows, np.array(main_at)), dense, len(sizes))
    mean, ci = sums.sum(axis=0) / len(rows), typical_values(sums, sizes, seed=0).ci
    return tuple(
        ValueEffect(
            concept=concept,
            effect=float(mean[j]),
            ci=(float(ci[j, 0]), float(ci[j, 1])),
            q=q_of.get((concept, context)),
        )
        for j, concept in enumerate(main)
    )
