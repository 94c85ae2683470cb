"""`offtarget board`: boards computed from cells, and checks of cells that somebody else made."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from offtarget.cli.options import AsJson
from offtarget.cli.ui import echo_json, note, table


class FoldersFirst(TyperGroup):
    """`offtarget board FOLDER` makes boards; what comes first may also be the name of another command."""

    default = "make"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command before what is none of the others."""
        if args and args[0] not in self.commands:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=FoldersFirst, help="Boards computed from cells, never edited.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Boards computed from cells, never edited: `offtarget board FOLDER` makes them, `check` looks at cells of others."""


@app.command("make")
def board(
    folders: Annotated[list[Path], typer.Argument(help="Folders of cells; cells that compare are on one board.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="Formats, separated by commas: md, html (with --out a site: board.html, and a page for each cell), csv, json.",
        ),
    ] = "md",
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions", help="Make the board of the verifications in the folder (md, csv, json, svg, validity)."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Output folder; without it one format is printed.")] = None,
) -> None:
    """A board computed from cells, never edited: `offtarget board FOLDER` (of a folder called check: ./check)."""
    from offtarget.board.contributions import contributions_of, unverified
    from offtarget.board.folder import read_folders
    from offtarget.board.rank import rank
    from offtarget.board.render import board_command, render, write_boards
    from offtarget.errors import ConfigError

    formats = [f.strip() for f in form.split(",") if f.strip()]
    if out is None and len(formats) != 1:
        raise ConfigError("several formats need a folder: give --out DIR")
    if predictions:
        if len(folders) > 1:
            raise ConfigError("--predictions reads one folder; name one")
        _predictions(folders[0], formats, out)
        return
    found = read_folders(folders)
    pointers, broken = contributions_of(folders)
    problems = (*found.problems, *broken)
    for problem in problems:
        note(f"note: {problem}")
    boards = rank(found.cells, problems, unverified=unverified(found.cells, pointers))
    command = board_command(folders, formats, out)
    if out is None:
        typer.echo(render(boards, formats[0], command=command))
        return
    for path in write_boards(boards, formats, out, command=command, cells=found):
        note(f"wrote {path}")


def _predictions(folder: Path, formats: list[str], out: Path | None) -> None:
    from offtarget.store import write_atomic
    from offtarget.verification.board import read_verifications, render_predictions
    from offtarget.verification.predictor_board import VALIDITY

    where = "" if out is None else f" --out {out}"
    command = f"offtarget board {folder} --predictions{where}"
    texts = {form: render_predictions(read_verifications(folder), form, command) for form in formats}
    for form, text in texts.items():
        if out is None:
            typer.echo(text)
        else:
            name = VALIDITY if form == "validity" else f"board.{form}"
            note(f"wrote {write_atomic(out / name, text)}")


@app.command("check")
def check(
    path: Annotated[Path, typer.Argument(help="A cell, a folder of cells, or contrib/NAME.yaml.")],
    against: Annotated[
        Path | None, typer.Option(help="Folder of the cells that they will stand beside, such as results/cells.")
    ] = None,
    checkout: Annotated[
        Path | None, typer.Option(help="Checkout of the repository that a contribution points to; its file is hashed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check cells of others before they go on a board; exit 1: something is wrong, 3: a person has to look."""
    from offtarget.board.checking import check_cells

    found = check_cells(path, against, checkout)
    if as_json:
        faults = [f.model_dump(mode="json") for f in found.faults]
        echo_json({"cells": found.cells, "contributions": found.contributions, "faults": faults})
    else:
        if found.faults:
            table(("", "where", "what"), [(f.kind, f.where, f.what) for f in found.faults])
        wrong = sum(f.kind == "wrong" for f in found.faults)
        odd = len(found.faults) - wrong
        looked = f"{found.cells} cells" + (f", {found.contributions} contributions" if found.contributions else "")
        if not (found.cells or found.contributions) and not found.faults:
            note(f"{path}: no cell and no contribution is there, so nothing was checked")
        else:
            note(f"{looked}: " + (f"{wrong} wrong, {odd} odd" if found.faults else "nothing wrong"))
    if found.exit_code:
        raise typer.Exit(found.exit_code)
