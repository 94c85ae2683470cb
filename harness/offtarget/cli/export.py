"""`offtarget export`: cells in the formats of others."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import note

app = typer.Typer(help="Cells in the formats of others.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Cells in the formats of others."""


@app.command("eee")
def eee(
    folders: Annotated[list[Path], typer.Argument(help="Folders of cells.")],
    out: Annotated[Path, typer.Option(help="Output folder; `data/offtarget/DEVELOPER/MODEL/UUID.json` is made in it.")],
    organisation: Annotated[
        str, typer.Option(help="Who trained and measured: the developer of the policies.")
    ] = "offtarget",
    relationship: Annotated[
        str, typer.Option(help="Of the evaluator to the models: first_party, third_party, collaborative, other.")
    ] = "first_party",
) -> None:
    """Records of Every Eval Ever 0.3.0, one for each cell: scores with intervals, no samples and no text."""
    from offtarget.board.every_eval_ever import RELATIONSHIPS, write_records
    from offtarget.board.folder import read_folders
    from offtarget.errors import ConfigError, unknown_name

    if relationship not in RELATIONSHIPS:
        raise unknown_name("relationship", relationship, RELATIONSHIPS)
    if out.is_file():
        raise ConfigError(f"--out {out} is a file; name a folder")
    found = read_folders(folders)
    paths, left = write_records(found.cells, out, organisation=organisation, relationship=relationship)
    for line in (*found.problems, *left):
        note(f"note: {line}")
    note(f"wrote {len(paths)} records below {out / 'data'}")
