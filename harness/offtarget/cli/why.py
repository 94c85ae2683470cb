"""`offtarget why`: from a row to the hypotheses it feeds."""

from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AsJson, AuditDir
from offtarget.cli.ui import echo_json, note, printable, table

if TYPE_CHECKING:
    from offtarget.data.pairs import Pair

MOST = 5
"""Findings that are printed without --all."""
CHARACTERS = 400
"""Of each text that are printed."""


def why(
    audit_dir: AuditDir,
    row: Annotated[str, typer.Argument(help="Id of a pair.")],
    every: Annotated[
        bool, typer.Option("--all", help=f"All hypotheses that the row feeds, not the {MOST} findings it adds most to.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a row and the findings it feeds: its share of what the rows of that side sum to, and its rank among them."""
    from offtarget.audit.folder import AuditFolder
    from offtarget.audit.records import lean
    from offtarget.audit.tracing import why as trace
    from offtarget.engine.as_audited import audited_pairs

    folder = AuditFolder(audit_dir)
    found = trace(folder, row)
    if as_json:
        echo_json([c.model_dump(mode="json") for c in found])
        return
    pairs, reason = audited_pairs(folder)
    if reason:
        note(f"note: {reason}")
    else:
        _show(pairs[row])
    shown = found if every else [c for c in found if c.finding][:MOST]
    if not shown:
        typer.echo("the row feeds no finding")
    else:
        contexts = {c.id: c.label for c in folder.audit.contexts}
        table(
            ("finding", "share", "rank", "leans", "where", "concept"),
            [
                (
                    "yes" if c.finding else "no",
                    f"{c.share:.2%}",
                    c.rank,
                    lean(c.direction, c.context),
                    "everywhere" if c.context is None else contexts.get(c.context, c.context),
                    c.label,
                )
                for c in shown
            ],
        )
        typer.echo("(share: of the sum over all rows that lean that way; rows that add as much share a rank)")
    if len(found) > len(shown):
        note(f"{len(found) - len(shown)} more hypotheses that the row feeds: --all")


def _show(pair: "Pair") -> None:
    from offtarget.data.pairs import text_of

    for name, messages in (("prompt", pair.prompt), ("chosen", pair.chosen), ("rejected", pair.rejected)):
        text = " ".join(text_of(messages).split())
        cut = text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}..."
        typer.echo(f"{name:<9}{printable(cut)}")
    if pair.meta:
        typer.echo("metadata " + printable(", ".join(f"{k}={v}" for k, v in pair.meta.items())))
    typer.echo("")
