"""`offtarget reproduce`: a cell made again."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, progress, table


def reproduce(
    cell: Annotated[Path, typer.Argument(help="File of a cell.")],
    data: Annotated[
        str | None, typer.Option(help="Where its dataset is here: registry name, file, or hf:org/name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for what is made again; default: a temporary one, removed at the end.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Your name: writes the result into the cell's file (`reproduced`).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a cell again, from rows to scores: same, within seed noise, or different. Exit 1: different, 3: cannot be made."""
    from offtarget.reproduction.run import record
    from offtarget.reproduction.run import reproduce as make

    with progress() as report:
        found = make(cell, out, data=data, progress=report)
    if by:
        record(cell, found, by)
    for text in found.notes:
        note(f"note: {text}")
    if as_json:
        echo_json(found.model_dump(mode="json"))
    else:
        typer.echo(f"{found.run} ({found.cell[:12]}): {found.conclusion}\n")

        def show(value: float | None) -> str:
            return "" if value is None else f"{value:.4g}"

        head = ("behaviour", "then", "now", "sd of seeds", "conclusion", "why")
        table(
            head,
            [(a.behaviour, show(a.then), show(a.now), show(a.seed_sd), a.conclusion, a.why) for a in found.behaviours],
        )
        if found.same_plan is not None:
            loss = "" if found.loss_apart is None else f"; losses of a step at most {found.loss_apart:.2g} apart"
            typer.echo(f"\nthe plan is {'the same' if found.same_plan else 'another'}{loss}")
    if by:
        note(f"wrote it into {cell}")
    if found.conclusion == "different":
        raise typer.Exit(1)
