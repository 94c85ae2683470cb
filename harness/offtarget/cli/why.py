"""`offtarget why`: from a row to the hypotheses it feeds, and from a concept to the rows that would teach it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offtarget.cli.options import AsJson, AuditDir
from offtarget.cli.ui import echo_json, note, printable, progress, table

if TYPE_CHECKING:
    from offtarget.data.pairs import Pair

MOST = 5
"""Findings that are printed without --all."""
CHARACTERS = 400
"""Of each text that are printed."""


def why(
    audit_dir: AuditDir,
    row: Annotated[str | None, typer.Argument(help="Id of a pair.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Rank all rows by how far training on each would move a concept: influence (a gradient step towards it on the "
            "other rows' answers) or kernel (forward passes alone). Needs --concept."
        ),
    ] = None,
    concept: Annotated[str | None, typer.Option(help="With --by: id of the concept.")] = None,
    top: Annotated[int, typer.Option(min=1, help="With --by: rows that are printed from each end.")] = 10,
    every: Annotated[
        bool, typer.Option("--all", help=f"All hypotheses that the row feeds, not the {MOST} findings it adds most to.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a row and the findings it feeds: its share of what the rows of that side sum to, and its rank among them.

    With --by and --concept instead: which rows would teach a concept, beside the rows that show it.
    """
    from offtarget.errors import ConfigError

    if by is not None or concept is not None:
        if by is None or concept is None or row is not None:
            raise ConfigError(
                "to rank rows give --by and --concept, and no row: offtarget why AUDIT --by influence --concept ID"
            )
        _ranked(audit_dir, concept, by, top, as_json)
        return
    if row is None:
        raise ConfigError("name a row (its id), or rank all with --by influence --concept ID")
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


def _ranked(folder: Path, concept: str, by: str, top: int, as_json: bool) -> None:
    from offtarget.engine.ranked_rows import ranked_rows
    from offtarget.store import Store

    with progress() as report:
        found = ranked_rows(folder, concept, by, store=Store(), progress=report)  # type: ignore[arg-type]
    if as_json:
        echo_json(found.model_dump(mode="json"))
        return
    n = len(found.rows)
    typer.echo(
        f"{n} rows by what training on each does to {concept} (by {by}, from {found.effective:.0f} effective answers); "
        f"rank correlation with the rows' own differences {found.agreement:+.2f}"
    )
    ends = found.rows if n <= 2 * top else (*found.rows[:top], *found.rows[-top:])
    table(
        ("rank", "row", "share", "u", "rank by u"),
        [(r.rank, r.id, f"{r.share:+.2%}", f"{r.u:+.3g}", r.rank_by_score) for r in ends],
    )
    way = "more" if found.shift > 0 else "less"
    typer.echo(
        f"(share: of the sum of all rows' sizes; the whole set teaches {way} of it, {found.shift:+.0%} of that sum)"
    )


def _show(pair: "Pair") -> None:
    from offtarget.data.pairs import text_of

    for name, messages in (("prompt", pair.prompt), ("chosen", pair.chosen), ("rejected", pair.rejected)):
        text = " ".join(text_of(messages).split())
        cut = text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}..."
        typer.echo(f"{name:<9}{printable(cut)}")
    if pair.meta:
        typer.echo("metadata " + printable(", ".join(f"{k}={v}" for k, v in pair.meta.items())))
    typer.echo("")
