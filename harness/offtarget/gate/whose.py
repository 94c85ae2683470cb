"""Whose change it is: the value of a metadata column whose rows changed more surely than all others.

Estimand: how far the mean of u among a value's rows, less that among the other rows, moved between two audits. A vendor that
always leant otherwise is not the one that changed. Of a value that the earlier audit did not test there is no before: its rows
are compared with the others of the drop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.diff.records import EffectChange
from offtarget.audit.diff.sums import sums_of, two_sample
from offtarget.audit.folder import AuditWithRows
from offtarget.audit.records import Q_FINDING
from offtarget.audit.statistics.means import Floats, Ints, bh
from offtarget.records import Record


class ByValue(Record):
    """An effect among the rows that have one value of a metadata column, and among the others, before and now."""

    column: str
    value: str
    n: int
    """Rows of the drop that have it."""
    effect: float
    others: float
    before: float | None = None
    """In the earlier audit; None where that did not test the value."""
    others_before: float | None = None
    rows: int = 0
    """How many of the rows behind the change have this value."""
    q: float | None
    """That these rows changed as the others did (without a before: that they are as the others are), Benjamini-Hochberg over
    all values and changed effects; None where it could not be tested."""

    @property
    def stands_out(self) -> bool:
        """Whether its rows are shown to differ from the others in what changed."""
        return self.q is not None and self.q < Q_FINDING


@dataclass(frozen=True, eq=False)
class _Value:
    """One value of a column, with a test for each changed effect."""

    column: str
    value: str
    inside: NDArray[np.bool_]
    """Rows of the drop."""
    inside_old: NDArray[np.bool_] | None
    t: Floats
    p: Floats
    """NaN where it could not be tested."""


def whose(
    changed: Sequence[EffectChange], columns: Sequence[str], old: AuditWithRows, new: AuditWithRows
) -> list[list[tuple[ByValue, NDArray[np.bool_]]]]:
    """For each change and column the value whose rows moved most surely the way of the change, and which rows those are.

    `ByValue.rows` is left to who knows the rows behind a change.
    """
    at = [
        np.array([w.concepts.index(e.concept) for e in changed], dtype=np.int64) for w in (old.workings, new.workings)
    ]
    values = [v for name in columns for v in _values(name, at, old, new)] if changed else []
    q = _q(values)
    out = []
    for k, e in enumerate(changed):
        u_old, u_new = (audited.workings.column(e.concept).astype(np.float64) for audited in (old, new))
        mine = []
        for name in columns:
            found = [(float(np.sign(e.difference) * v.t[k]), i) for i, v in enumerate(values) if v.column == name]
            found = [(t, i) for t, i in found if np.isfinite(t)] or found[:1]
            if not found:
                continue
            t, i = max(found)
            v = values[i]
            known = None if np.isnan(q[i][k]) else float(q[i][k])
            by = ByValue(
                column=name,
                value=v.value,
                n=int(v.inside.sum()),
                effect=float(u_new[v.inside].mean()),
                others=float(u_new[~v.inside].mean()),
                before=None if v.inside_old is None else float(u_old[v.inside_old].mean()),
                others_before=None if v.inside_old is None else float(u_old[~v.inside_old].mean()),
                q=known if known is None or t > 0 else 1.0,  # it moved the other way
            )
            mine.append((by, v.inside))
        out.append(mine)
    return out


def _values(name: str, at: Sequence[Ints], old: AuditWithRows, new: AuditWithRows) -> list[_Value]:
    """The tested values of a column in the drop, with their tests."""
    out = []
    for v in (v for column in new.audit.metadata if column.name == name for v in column.values):
        if v.context is None:
            continue
        inside = new.workings.inside(v.context)
        if inside.all() or not inside.any():
            continue
        inside_old = old.workings.inside(v.context) if v.context in old.workings.context_ids else None
        (now,) = sums_of(new.workings, [(v.context, at[1])])
        if inside_old is None or inside_old.all() or not inside_old.any():
            difference, se, df = now.effect, now.se, now.prompts_all - 1
            p, inside_old = _two_sided(difference, se, df), None
        else:
            (was,) = sums_of(old.workings, [(v.context, at[0])])
            test = two_sample(was, now)
            difference, se, p = test.difference, test.se, np.where(test.testable, test.p, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(se > 0, difference / se, np.sign(difference) * np.inf)
        t = np.where(np.isnan(p), np.nan, np.clip(t, -1e6, 1e6))
        out.append(_Value(name, v.value, inside, inside_old, t, p))
    return out


def _two_sided(difference: Floats, se: Floats, df: Floats) -> Floats:
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(se > 0, 2 * stats.t.sf(np.abs(difference / se), df), np.nan))


def _q(values: Sequence[_Value]) -> list[Floats]:
    """Benjamini-Hochberg over all that was tested, in the shape of the p."""
    if not values:
        return []
    p = np.array([v.p for v in values])
    q = np.full(p.shape, np.nan)
    can = np.isfinite(p)
    q[can] = bh(p[can])
    return list(q)
