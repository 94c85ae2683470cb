"""What changed by metadata: first what the two sets are made of, then the effects within each value.

Estimand of a value's change: the mean of u over its rows in the population of the new set minus that in the
population of the old one. It is the overall view's effect restricted to the value, and not the metadata view's
comparison with the other rows: where one vendor alone changes, the others' effects against the rest change too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.diff.records import ColumnChange, MixChange, ShareChange
from offtarget.audit.diff.test import Comparison, DifferenceTest
from offtarget.audit.folder import AuditWithRows
from offtarget.audit.records import Audit
from offtarget.audit.statistics.means import Floats, Ints


def composition(old: Audit, new: Audit) -> tuple[ColumnChange, ...]:
    """The shares of every listed value of the columns that both audits have, the largest change first."""
    now = {c.name: c for c in new.metadata}
    out = []
    for column in old.metadata:
        other = now.get(column.name)
        if other is None or other.cuts != column.cuts:
            continue
        before, after = ({v.value: v for v in c.values} for c in (column, other))
        found = []
        for value in dict.fromkeys([*before, *after]):
            a, b = before.get(value), after.get(value)
            found.append(
                ShareChange(
                    value=value,
                    old_rows=a.n if a else 0,
                    new_rows=b.n if b else 0,
                    old=a.n / old.dataset.n_pairs if a else 0.0,
                    new=b.n / new.dataset.n_pairs if b else 0.0,
                    old_longer=a.chosen_longer if a and a.n else None,
                    new_longer=b.chosen_longer if b and b.n else None,
                )
            )
        found.sort(key=lambda s: -abs(s.new - s.old))
        out.append(ColumnChange(name=column.name, values=tuple(found)))
    return tuple(out)


def value_tests(
    old: AuditWithRows,
    new: AuditWithRows,
    u_new: NDArray[np.float32],
    codes: tuple[Ints, Ints],
    same: Ints,
    concepts: Ints,
) -> list[tuple[str | None, Ints, DifferenceTest]]:
    """Within each value that both audits tested: did the mean of u change?

    Args:
        old: the earlier audit.
        new: the later one.
        u_new: its u in the order of the earlier one's concepts.
        codes: prompt of each row, in the old and in the new audit; an equal number is the same prompt.
        same: for each old row the number of the same new row, or -1.
        concepts: numbers of the concepts to test.

    Returns:
        Context, numbers of the concepts, and the test of them.
    """
    a, b = old.workings, new.workings
    u_old = a.effects()
    there = {c.id for c in new.audit.contexts if c.kind == "metadata"}
    out: list[tuple[str | None, Ints, DifferenceTest]] = []
    for context in [c.id for c in old.audit.contexts if c.kind == "metadata" and c.id in there]:
        rows_old, rows_new = (np.flatnonzero(w.inside(context)) for w in (a, b))
        place = np.full(len(u_new) + 1, -1, dtype=np.int64)  # the last one answers for -1
        place[rows_new] = np.arange(len(rows_new))
        _, dense = np.unique(np.concatenate([codes[0][rows_old], codes[1][rows_new]]), return_inverse=True)
        n_groups = int(dense.max()) + 1
        compared = Comparison(
            (u_old[rows_old], dense[: len(rows_old)]),
            (u_new[rows_new], dense[len(rows_old) :]),
            place[same[rows_old]],
            n_groups,
        )
        out.append((context, concepts, compared.test(concepts)))
    return out


def by_mix(
    old: AuditWithRows, new: AuditWithRows, u_new: NDArray[np.float32], concepts: Sequence[int]
) -> list[tuple[MixChange, ...]]:
    """What of an overall change comes from other shares of values, and what from changes within them.

    Kitagawa (1955), "Components of a difference between two rates": with shares s and means m of the values v,
    Σ_v (s'_v - s_v)(m_v + m'_v)/2 + Σ_v (m'_v - m_v)(s_v + s'_v)/2. Rows of values that were not tested in both audits
    count as one value. It is arithmetic on these rows, without its own error.

    Args:
        old: the earlier audit.
        new: the later one.
        u_new: its u in the order of the earlier one's concepts.
        concepts: their numbers.

    Returns:
        For each concept its parts by column.
    """
    out: list[list[MixChange]] = [[] for _ in concepts]
    columns = [c.name for c in composition(old.audit, new.audit)]
    for name in columns:
        shared = [
            v.context
            for v in next(c for c in old.audit.metadata if c.name == name).tested
            if v.context in new.workings.context_ids
        ]
        sides = []
        for side, u in ((old, old.workings.effects()), (new, u_new)):
            code = np.full(len(u), len(shared), dtype=np.int64)
            for k, context in enumerate(shared):
                code[side.workings.inside(context)] = k
            sides.append(_shares_and_means(code, u[:, list(concepts)], len(shared) + 1))
        (s0, m0), (s1, m1) = sides
        # a value of one audit alone has no mean in the other: its rows are a change of the mix
        m0, m1 = np.where(s0[:, None] > 0, m0, m1), np.where(s1[:, None] > 0, m1, m0)
        mix = ((s1 - s0)[:, None] * (m0 + m1) / 2).sum(axis=0)
        within = ((m1 - m0) * (s0 + s1)[:, None] / 2).sum(axis=0)
        for j, parts in enumerate(out):
            parts.append(MixChange(column=name, mix=float(mix[j]), within=float(within[j])))
    return [tuple(parts) for parts in out]


def _shares_and_means(code: Ints, u: NDArray[np.float32], k: int) -> tuple[Floats, Floats]:
    n = np.bincount(code, minlength=k).astype(np.float64)
    sums = np.zeros((k, u.shape[1]))
    np.add.at(sums, code, u.astype(np.float64))
    return n / len(code), sums / np.maximum(n, 1)[:, None]
