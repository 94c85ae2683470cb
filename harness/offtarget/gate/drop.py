"""`offtarget drop`: a new drop of data against the audit of an earlier one: what changed, by whom, in which rows."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.diff.records import ColumnChange, Difference, EffectChange
from offtarget.audit.diff.run import known_cells, same_rows
from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Q_FINDING
from offtarget.data.pairs import Pair
from offtarget.gate.changes import beyond_chance, from_rows
from offtarget.gate.records import Change, GateReport, Settings, Status
from offtarget.records import Record
from offtarget.report.amounts import difference_text, in_unit, small
from offtarget.report.html import environment, render_page
from offtarget.store import write_atomic

IDS, PAGE = "drop-ids.csv", "drop.html"
FIRST = ("concept", "id", "side", "u", "prompt")
"""Columns of the file before those of the metadata."""


class ByValue(Record):
    """An effect among the rows of the new drop that have one value of a metadata column, and among the others."""

    column: str
    value: str
    n: int
    effect: float
    others: float
    q: float | None
    """Of the hypothesis that these rows differ from the others (metadata view); None where it was not tested."""


class DropChange(Record):
    """One effect over the whole set that is not what it was."""

    concept: str
    label: str
    unit: str
    old: float
    new: float
    change: Change
    status: Status | None
    """What the gate says of it; None where it says nothing."""
    by: tuple[ByValue, ...]
    """The value that differs most from the others, of each column."""
    rows: int
    """Rows behind it, in drop-ids.csv."""


class Drop(Record):
    """All that `offtarget drop` says."""

    schema_version: int = 1
    old: str
    """Folder of the earlier audit."""
    new: str
    changes: tuple[DropChange, ...]
    """The surest first."""
    tested: int
    composition: tuple[ColumnChange, ...]
    gate: GateReport


def make_drop(
    old: AuditFolder,
    new: AuditFolder,
    pairs: Sequence[Pair],
    columns: Sequence[str],
    found: Difference,
    report: GateReport,
    settings: Settings,
) -> tuple[Drop, str]:
    """What changed, and the text of drop-ids.csv.

    Args:
        old: the earlier audit.
        new: the audit of the drop.
        pairs: its rows, in the order of the audit.
        columns: of metadata, by which changes are shown.
        found: the comparison of the two.
        report: what the gate said.
        settings: from when on a change matters.
    """
    tests = from_rows(found)
    changed = [
        e for e in found.effects
        if e.view == "overall" and beyond_chance(tests[e.view, e.concept, None], e.unit, settings)
    ]  # fmt: skip
    status = {o.concept: o.status for o in report.outcomes if o.context is None and o.rule is None}
    q = {
        (concept, context): value[1]
        for (_, concept, context), value in known_cells(new, ["metadata"]).items()
        if context
    }
    kept = same_rows(new.workings, old.workings)
    out, lines = [], []
    for e in changed:
        rows = _behind(e, old, new, kept)
        out.append(
            DropChange(
                concept=e.concept,
                label=e.label,
                unit=e.unit,
                old=e.old,
                new=e.new,
                change=tests[e.view, e.concept, None],
                status=status.get(e.concept),
                by=tuple(v for name in columns if (v := _most_unlike(e.concept, name, new, pairs, q)) is not None),
                rows=len(rows),
            )
        )
        u = new.workings.column(e.concept)
        lines += [(e.concept, pairs[i], float(u[i])) for i in rows]
    drop = Drop(
        old=str(old.path),
        new=str(new.path),
        changes=tuple(out),
        tested=found.families["overall"].tested,
        composition=found.composition,
        gate=report,
    )
    return drop, _csv(lines, columns)


def _behind(e: EffectChange, old: AuditFolder, new: AuditFolder, kept: NDArray[np.int64]) -> list[int]:
    """Rows that push the effect the way it changed, the strongest first, without those that were there before."""
    u, was = new.workings.column(e.concept), old.workings.column(e.concept)
    sign = np.sign(e.difference)
    same = (kept >= 0) & (u == was[np.maximum(kept, 0)])
    rows = np.flatnonzero((u * sign > 0) & ~same)
    return [int(i) for i in rows[np.argsort(-np.abs(u[rows]), kind="stable")]]


def _most_unlike(
    concept: str, column: str, new: AuditFolder, pairs: Sequence[Pair], q: dict[tuple[str, str], float]
) -> ByValue | None:
    """The value of a column whose rows differ most surely from the others."""
    u = new.workings.column(concept).astype(np.float64)
    best: tuple[float, ByValue] | None = None
    for value in new.audit.metadata:
        if value.name != column:
            continue
        for v in value.values:
            if v.context is None:
                continue
            inside = new.workings.inside(v.context)
            if inside.all() or not inside.any():
                continue
            at = q.get((concept, v.context))
            effect, others = float(u[inside].mean()), float(u[~inside].mean())
            found = ByValue(column=column, value=v.value, n=int(inside.sum()), effect=effect, others=others, q=at)
            rank = (1.0 if at is None else at) - 1e-9 * abs(effect - others)
            if best is None or rank < best[0]:
                best = (rank, found)
    return best[1] if best else None


def _csv(lines: Sequence[tuple[str, Pair, float]], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIRST, *(f"meta_{n}" if n in FIRST else n for n in columns)])
    for concept, p, u in lines:
        side = "chosen" if u > 0 else "rejected"
        writer.writerow([concept, p.id, side, f"{u:.6g}", p.group, *(p.meta.get(n) for n in columns)])
    return text.getvalue()


def sentence(c: DropChange) -> str:
    """`offers of help: +0.8 points → +4.8 points; vendor acme +14.0 points, others +0.7 points; 132 rows`."""
    parts = [f"{c.label}: {in_unit(c.old, c.unit)} → {in_unit(c.new, c.unit)} to chosen (q {small(c.change.q)})"]
    for v in c.by:
        if v.q is not None and v.q < Q_FINDING:
            parts.append(f"{v.column} {v.value} {in_unit(v.effect, c.unit)}, others {in_unit(v.others, c.unit)}")
        else:
            parts.append(f"no {v.column} stands out")
    parts.append(f"{c.rows} rows")
    return "; ".join(parts)


def lines_of(drop: Drop) -> list[str]:
    """What changed, in sentences: the set's composition, then each effect."""
    head = f"{drop.gate.dataset} against {drop.old}: {len(drop.changes)} of {drop.tested} effects over the whole set changed"
    return [head, *_composition(drop), *(sentence(c) for c in drop.changes)]


def _composition(drop: Drop) -> list[str]:
    """Values of metadata whose share of rows changed by a point or more, a line a column."""
    out = []
    for column in drop.composition:
        moved = [v for v in column.values if abs(v.new - v.old) >= 0.01][:6]
        if moved:
            shares = ", ".join(f"{v.value} {v.old:.0%} → {v.new:.0%}" for v in moved)
            out.append(f"{column.name}: {shares}")
    return out


def page(drop: Drop) -> str:
    """The page: what changed, then what the gate says of it."""
    values: dict[str, Any] = {
        "drop": drop,
        "lines": [
            *(("plain", text) for text in _composition(drop)),
            *(("up" if c.change.difference > 0 else "down", sentence(c)) for c in drop.changes),
        ],
        "in_unit": in_unit,
        "difference_text": difference_text,
        "judged": drop.gate.of("error", "undecided", "warn"),
    }
    return render_page(environment(Path(__file__).parent / "templates"), "drop.html.j2", **values)


def write_drop(folder: Path, drop: Drop, ids: str) -> None:
    """Write drop-ids.csv and drop.html into the folder of the audit."""
    write_atomic(folder / IDS, ids)
    write_atomic(folder / PAGE, page(drop))
