"""`offtarget drop`: a new drop of data against the audit of an earlier one: what changed, by whom, in which rows."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.diff.records import ColumnChange, Difference, EffectChange
from offtarget.audit.diff.run import same_rows
from offtarget.audit.evidence import Rates
from offtarget.audit.folder import AuditFolder
from offtarget.data.pairs import Pair, PairSet
from offtarget.gate.changes import beyond_chance, from_rows
from offtarget.gate.locations import Locations
from offtarget.gate.measure import rates_of
from offtarget.gate.records import Change, GateReport, Outcome, Settings, Status
from offtarget.gate.whose import ByValue, whose
from offtarget.records import Record
from offtarget.report.amounts import in_means, in_unit, small
from offtarget.report.amounts import parts as signed
from offtarget.report.html import environment, render_page
from offtarget.store import write_atomic

IDS, PAGE = "drop-ids.csv", "drop.html"
FIRST = ("concept", "id", "line", "side", "u", "prompt")
"""Columns of the file before those of the metadata. `u` is chosen less rejected in the concept: 1, 0 or -1 of what a
response shows or does not, the difference in log(1+n) of a length or count, else in the unit of its values."""


class DropChange(Record):
    """One effect over the whole set that is not what it was."""

    concept: str
    label: str
    unit: str
    old: float
    new: float
    old_rates: Rates | None = None
    """The means behind it, where it is a ratio."""
    new_rates: Rates | None = None
    change: Change
    status: Status | None
    """What the gate says of it; None where it says nothing."""
    by: tuple[ByValue, ...]
    """The value whose rows changed most surely, of each column."""
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
    pairs: PairSet,
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
    kept = same_rows(new.workings, old.workings)
    out: list[DropChange] = []
    lines: list[tuple[str, Pair, float]] = []
    for e, values in zip(changed, whose(changed, columns, old, new), strict=True):
        rows = _behind(e, old, new, kept)
        by = tuple(v.model_copy(update={"rows": int(inside[rows].sum())}) for v, inside in values)
        for v, inside in values:
            if v.stands_out:
                rows = _by_value(rows, inside, v.column, pairs.pairs)
                break
        out.append(
            DropChange(
                concept=e.concept,
                label=e.label,
                unit=e.unit,
                old=e.old,
                new=e.new,
                old_rates=rates_of(old.audit.concept(e.concept).evidence),
                new_rates=rates_of(new.audit.concept(e.concept).evidence),
                change=tests[e.view, e.concept, None],
                status=status.get(e.concept),
                by=by,
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
    return drop, _csv(lines, columns, _lines_in_file(new, report, pairs, [p.id for _, p, _ in lines]))


def _behind(e: EffectChange, old: AuditFolder, new: AuditFolder, kept: NDArray[np.int64]) -> list[int]:
    """Rows that push the effect the way it changed, the strongest first, without those that were there before."""
    u, was = new.workings.column(e.concept), old.workings.column(e.concept)
    sign = np.sign(e.difference)
    same = (kept >= 0) & (u == was[np.maximum(kept, 0)])
    rows = np.flatnonzero((u * sign > 0) & ~same)
    return [int(i) for i in rows[np.argsort(-np.abs(u[rows]), kind="stable")]]


def _by_value(rows: list[int], inside: NDArray[np.bool_], column: str, pairs: Sequence[Pair]) -> list[int]:
    """Rows of the value that stands out first, then those of each other value; within a value in the order that they had."""
    others = sorted({str(pairs[i].meta.get(column)) for i in rows if not inside[i]})
    return sorted(rows, key=lambda i: -1 if inside[i] else others.index(str(pairs[i].meta.get(column))))


def _lines_in_file(new: AuditFolder, report: GateReport, pairs: PairSet, ids: Sequence[str]) -> dict[str, int]:
    """Line of each row in a plain file; none of other data."""
    data = new.audit.reading.data if new.audit.reading else None
    if not isinstance(data, str) or not ids:
        return {}
    asked = Outcome.model_construct(severity="warn", rows=tuple(dict.fromkeys(ids)), rule=None)
    there = Locations(new, report.model_copy(update={"outcomes": (asked,)}), root=Path(data).parent, pairs=pairs)
    return {row: line for _, line, row in there.of(asked) if row}


def _csv(lines: Sequence[tuple[str, Pair, float]], columns: Sequence[str], at: dict[str, int]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(dict.fromkeys([*columns, *(name for _, p, _ in lines for name in p.meta)]))
    writer.writerow([*FIRST, *(f"meta_{n}" if n in FIRST else n for n in names)])
    for concept, p, u in lines:
        side = "chosen" if u > 0 else "rejected"
        writer.writerow([concept, p.id, at.get(p.id), side, f"{u:.6g}", p.group, *(p.meta.get(n) for n in names)])
    return text.getvalue()


def sentence(c: DropChange) -> str:
    """What changed, what of it is whose, and how many rows are behind it.

    `offers of help: +0.8 → +4.8 points to chosen (q 0.001); by vendor: acme +0.6 → +14.0 points to chosen, all others +0.9 →
    +0.7; 90 of the 132 rows behind it are vendor acme's`
    """
    text, about = f"{signed(c.old, c.unit)[0]} → {in_unit(c.new, c.unit)} to chosen", f"q {small(c.change.q)}"
    if c.old_rates is not None and c.new_rates is not None:
        text, about = f"{in_means(c.old_rates)} → {in_means(c.new_rates)}", f"{text}, {about}"
    parts = [f"{c.label}: {text} ({about})"]
    first = next((v for v in c.by if v.stands_out), None)
    for v in c.by:
        if not v.stands_out:
            parts.append(f"no {v.column} stands out")
            continue
        side = "chosen" if v.effect >= 0 else "rejected"
        own = f"{_before(v.before, c.unit)}{in_unit(v.effect, c.unit)} to {side}"
        others = f"{_before(v.others_before, c.unit)}{signed(v.others, c.unit)[0]}"
        parts.append(f"by {v.column}: {v.value} {own}, all others {others}")
    whose_rows = f"{first.rows} of the {c.rows} rows behind it are {first.column} {first.value}'s" if first else ""
    rows = whose_rows or f"{c.rows} rows are behind it"
    return "; ".join([*parts, rows])


def _before(value: float | None, unit: str) -> str:
    """`+0.6 → `; empty where it is not known."""
    if value is None:
        return ""
    return f"{signed(value, unit)[0]} → "


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
        "in_means": in_means,
        "signed": signed,
        "judged": drop.gate.of("error", "undecided", "warn"),
    }
    return render_page(environment(Path(__file__).parent / "templates"), "drop.html.j2", **values)


def write_drop(folder: Path, drop: Drop, ids: str) -> None:
    """Write drop-ids.csv and drop.html into the folder of the audit."""
    write_atomic(folder / IDS, ids)
    write_atomic(folder / PAGE, page(drop))
