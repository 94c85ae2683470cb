"""`offtarget diff`: what changed between two audits."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.options import AuditDir
from offtarget.cli.ui import echo_json, note, table

if TYPE_CHECKING:
    from offtarget.audit.diff.records import Difference, EffectChange, FindingChange

MOST = 15
SHOWN_VALUES = 8
"""Values of a metadata column that are printed."""
LEADING = 8
"""Concepts whose smallest visible change is printed where nothing changed."""
SAID_ABOVE = {"n_pairs", "n_groups", "rows_sha256"}
"""Facts of the dataset that the line on rows says already."""


def diff(
    old: AuditDir,
    new: Annotated[Path, typer.Argument(help="An audit of the same vocabulary (made with --like OLD).")],
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also show findings that appeared or vanished without a change, and warnings that differ only in figures.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that was compared as JSON.")] = False,
) -> None:
    """What the sets are made of, effects that changed (tested by prompt over both), then lens and warnings."""
    from offtarget.audit.diff.run import read_difference

    found = read_difference(old, new)
    if as_json:
        echo_json(found.model_dump(mode="json"))
        return
    for text in found.notes:
        note(f"note: {text}")
    _rows(found)
    _composition(found)
    _counts(found)
    _effects(found)
    _by_value(found)
    _visible(found)
    quiet = [] if every else _quiet(found)
    if every:
        _findings(found.findings)
    _facts(found, every)
    if quiet:
        typer.echo(f"not shown: {'; '.join(quiet)} (--all)")


def _rows(found: "Difference") -> None:
    r = found.rows
    typer.echo(
        f"rows: {r.old} before, {r.new} now, {r.shared} in both (of which {r.altered} altered); "
        f"prompts: {r.prompts_old} before, {r.prompts_new} now, {r.prompts_shared} in both"
    )


def _composition(found: "Difference") -> None:
    for column in found.composition:
        shown = column.values[:SHOWN_VALUES]
        shares = ", ".join(f"{v.value} {v.old:.1%} → {v.new:.1%}" for v in shown)
        more = len(column.values) - len(shown)
        typer.echo(f"{column.name}: {shares}" + (f", {more} more values that changed less" if more else ""))


VIEWS = {
    "overall": "whole set",
    "global": "single topics",
    "local": "kinds of prompt",
    "metadata": "values of metadata",
}


def _counts(found: "Difference") -> None:
    for view, family in found.families.items():
        rest = "".join(f"; {n} not tested: {why}" for why, n in family.left_out.items())
        typer.echo(f"{VIEWS[view]}: {family.changed} of {family.tested} effects changed (q < 0.05){rest}")


def _effects(found: "Difference") -> None:
    from offtarget.report.amounts import small

    changed = found.changes
    if not changed:
        return
    what = {(f.view, f.concept, f.context): f.what for f in found.findings}
    rows = [
        (
            _level(e.old, e.unit),
            _level(e.new, e.unit),
            _level(e.difference, e.unit),
            f"{_level(e.ci[0], e.unit)} to {_level(e.ci[1], e.unit)}",
            small(e.q),
            _either_way(e.detectable, e.unit),
            _unit(e.unit),
            what.get((e.view, e.concept, e.context), ""),
            e.label,
            e.where,
        )
        for e in changed[:MOST]
    ]
    typer.echo("\neffects that changed (visible: the smallest change that would be found with 80 % power)")
    table(("before", "now", "change", "95 % interval", "q", "visible", "unit", "finding", "concept", "where"), rows)
    _more(len(changed))
    _means(changed[:MOST])


def _by_value(found: "Difference") -> None:
    """Each changed effect of the whole set, value by value."""
    inside: dict[str, list[EffectChange]] = {}
    for e in found.effects:
        if e.view == "metadata":
            inside.setdefault(e.concept, []).append(e)
    for e in [e for e in found.changes if e.view == "overall" and e.concept in inside][:MOST]:
        typer.echo(f"\n{e.label}: {_level(e.difference, e.unit)} {_unit(e.unit)} in all")
        for part in e.by_mix:
            mine = [x for x in inside[e.concept] if x.where.startswith(f"{part.column} is ")]
            mine.sort(key=lambda x: -abs(x.difference))
            values = ", ".join(
                f"{x.where.removeprefix(f'{part.column} is ')} {_level(x.difference, x.unit)}{'' if x.changed else ' (n.s.)'}"
                for x in mine[:SHOWN_VALUES]
            )
            typer.echo(
                f"  change by {part.column}: {values or 'no value has enough rows in both'}; of the whole "
                f"{_level(part.mix, e.unit)} because the shares of {part.column} changed, "
                f"{_level(part.within, e.unit)} within its values"
            )


def _visible(found: "Difference") -> None:
    """Where the whole set did not change: what these rows would have shown."""
    effects = [e for e in found.effects if e.view == "overall"]
    if not effects or any(e.changed for e in effects):
        return
    leading = sorted(effects, key=lambda e: -max(abs(e.old), abs(e.new)) / max(e.detectable, 1e-12))[:LEADING]
    typer.echo("\nthe smallest changes over the whole set that would be found with 80 % power")
    rows = [
        (_either_way(e.detectable, e.unit), _level(e.old, e.unit), _level(e.new, e.unit), _unit(e.unit), e.label)
        for e in leading
    ]
    table(("visible", "before", "now", "unit", "concept"), rows)
    _means(leading)


def _quiet(found: "Difference") -> list[str]:
    """What is not printed without `--all`, counted."""
    out = []
    changed = {(e.view, e.concept, e.context) for e in found.changes}
    n = sum((f.view, f.concept, f.context) not in changed for f in found.findings)
    if n:
        out.append(f"{n} findings of one audit alone whose effect did not change beyond chance, or was not tested")
    kept = sum(len(lines) for lines in _warnings(found, every=False))
    if alike := len(found.warnings_new) + len(found.warnings_gone) - kept:
        out.append(f"{alike} warnings that differ in figures alone")
    return out


def _findings(findings: "Sequence[FindingChange]") -> None:
    from offtarget.report.amounts import small

    if not findings:
        return
    typer.echo("\nfindings that appeared, vanished or turned around (q of the change tells chance from change)")

    def show(value: float | None, unit: str) -> str:
        return "untested" if value is None else _level(value, unit)

    rows = [
        (
            f.what,
            show(f.old, f.unit),
            show(f.new, f.unit),
            "untested" if f.q is None else small(f.q),
            _unit(f.unit),
            f.label,
            f.where,
        )
        for f in findings[:MOST]
    ]
    table(("finding", "before", "now", "q of change", "unit", "concept", "where"), rows)
    _more(len(findings))


def _facts(found: "Difference", every: bool) -> None:
    facts = [
        f
        for f in (*found.dataset, *found.lens)
        if every or not (f.name in SAID_ABOVE or f.name.endswith(": cautions"))  # which are warnings
    ]
    if facts:
        typer.echo("\nwhat else differs")
        table(("what", "before", "now"), [(f.name, _short(f.old), _short(f.new)) for f in facts])
    for head, lines in zip(("new warning", "warning gone"), _warnings(found, every=every), strict=True):
        for line in lines:
            typer.echo(f"{head}: {line}")


def _warnings(found: "Difference", *, every: bool) -> tuple[list[str], list[str]]:
    """New warnings and those that are gone; without `every`, none that the other audit has with other figures."""
    new, gone = list(found.warnings_new), list(found.warnings_gone)
    if every:
        return new, gone
    before, after = ({_without_figures(w) for w in side} for side in (gone, new))
    return (
        [w for w in new if _without_figures(w) not in before],
        [w for w in gone if _without_figures(w) not in after],
    )


def _without_figures(text: str) -> str:
    return re.sub(r"\d[\d.,]*", "#", text)


def _level(value: float, unit: str) -> str:
    """An effect or a difference of two: shares as points, the others in their unit."""
    if _unit(unit) == "points":
        return f"{round(100 * value, 1) + 0.0:+.1f}"  # no -0.0
    return f"{round(value, 3) + 0.0:+.3f}"


def _either_way(value: float, unit: str) -> str:
    """The size of a change, whichever way it goes."""
    return _level(abs(value), unit).replace("+", "±")


def _means(effects: "Iterable[EffectChange]") -> None:
    """What is on log(1+n), said as people read it: the means before and now."""
    from offtarget.report.amounts import in_means

    for e in effects:
        if e.means is not None:
            typer.echo(f"{e.label}: chosen against rejected {' → '.join(map(in_means, e.means))}")


def _unit(unit: str) -> str:
    from offtarget.audit.evidence import LOG
    from offtarget.report.amounts import LOG_NAME

    return "points" if unit.startswith("share of ") else LOG_NAME if unit == LOG else unit


def _more(n: int) -> None:
    if n > MOST:
        typer.echo(f"... and {n - MOST} more; --json has all")


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " / ".join(_short(v) for v in value)[:80] or "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:60]
