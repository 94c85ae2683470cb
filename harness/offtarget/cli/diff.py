"""`offtarget diff`: what changed between two audits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offtarget.cli.ui import echo_json, note, small, table

if TYPE_CHECKING:
    from offtarget.audit.change_records import Difference

MOST = 15


def diff(
    old: Annotated[Path, typer.Argument(help="Folder made by `offtarget audit`.")],
    new: Annotated[Path, typer.Argument(help="An audit of the same vocabulary (made with --like OLD).")],
    as_json: Annotated[bool, typer.Option("--json", help="All that was compared, for programs.")] = False,
) -> None:
    """Effects and findings that changed, with tests clustered by prompt over both; then rows, lens, warnings."""
    from offtarget.audit.difference import read_difference

    found = read_difference(old, new)
    if as_json:
        echo_json(found.model_dump(mode="json"))
        return
    for text in found.notes:
        note(f"note: {text}")
    _rows(found)
    _effects(found)
    _findings(found)
    _facts(found)


def _rows(found: "Difference") -> None:
    r = found.rows
    typer.echo(
        f"rows: {r.old} before, {r.new} now, {r.shared} in both (of which {r.altered} altered); "
        f"prompts: {r.prompts_old} before, {r.prompts_new} now, {r.prompts_shared} in both"
    )


def _effects(found: "Difference") -> None:
    for view, family in found.families.items():
        rest = "".join(f"; {n} not tested: {why}" for why, n in family.left_out.items())
        typer.echo(f"{view}: {family.changed} of {family.tested} effects changed (q < 0.05){rest}")
    changed = found.changes
    if not changed:
        return
    rows = [
        (
            f"{e.old:+.3f}",
            f"{e.new:+.3f}",
            f"{e.difference:+.3f}",
            f"{e.ci[0]:+.3f} to {e.ci[1]:+.3f}",
            small(e.q),
            e.unit,
            e.where[:28],
            e.label,
        )
        for e in changed[:MOST]
    ]
    typer.echo("\neffects that changed")
    table(("before", "now", "change", "95 % interval", "q", "unit", "where", "concept"), rows)
    _more(len(changed))


def _findings(found: "Difference") -> None:
    if not found.findings:
        return
    typer.echo(
        "\nfindings that appeared, vanished or turned around (q of the change tells chance from change)"
    )

    def show(value: float | None, form: str) -> str:
        return "untested" if value is None else format(value, form)

    rows = [
        (
            f.what,
            show(f.old, "+.3f"),
            show(f.new, "+.3f"),
            show(f.q, ".1e"),
            f.unit,
            f.where[:28],
            f.label,
        )
        for f in found.findings[:MOST]
    ]
    table(("finding", "before", "now", "q of change", "unit", "where", "concept"), rows)
    _more(len(found.findings))


def _facts(found: "Difference") -> None:
    facts = [*found.dataset, *found.lens]
    if facts:
        typer.echo("\nwhat else is other")
        table(("what", "before", "now"), [(f.name, _short(f.old), _short(f.new)) for f in facts])
    for head, lines in (("new warning", found.warnings_new), ("warning gone", found.warnings_gone)):
        for line in lines:
            typer.echo(f"{head}: {line}")


def _more(n: int) -> None:
    if n > MOST:
        typer.echo(f"... and {n - MOST} more; --json has all")


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:40]
