"""`offtarget board`: cells, or verifications, into boards."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import note


def board(
    folders: Annotated[list[Path], typer.Argument(help="Folders of cells; cells that compare are on one board.")],
    form: Annotated[str, typer.Option("--format", help="Formats, separated by commas: md, html, csv, json.")] = "md",
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Make the board of the verifications in the folder (md, csv, json).")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Output folder; without it one format is printed.")] = None,
) -> None:
    """A board computed from cells, never edited."""
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
    for problem in found.problems:
        note(f"note: {problem}")
    boards = rank(found.cells, found.problems)
    command = board_command(folders, formats, out)
    if out is None:
        typer.echo(render(boards, formats[0], command=command))
        return
    for path in write_boards(boards, formats, out, command=command, cells=found):
        note(f"wrote {path}")


def _predictions(folder: Path, formats: list[str], out: Path | None) -> None:
    from offtarget.store import write_atomic
    from offtarget.verification.board import read_verifications, render_predictions

    where = "" if out is None else f" --out {out}"
    command = f"offtarget board {folder} --predictions{where}"
    texts = {form: render_predictions(read_verifications(folder), form, command) for form in formats}
    for form, text in texts.items():
        if out is None:
            typer.echo(text)
        else:
            note(f"wrote {write_atomic(out / f'board.{form}', text)}")
