"""Boards as text: markdown, HTML, CSV and JSON. Nothing is computed here."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from offtarget.board.cell_tables import long_table
from offtarget.board.folder import CellFolder
from offtarget.board.markdown import markdown
from offtarget.board.page import page
from offtarget.board.records import Boards
from offtarget.board.site import write_site
from offtarget.board.tables import as_csv, printable_json
from offtarget.errors import ConfigError, unknown_name
from offtarget.store import write_atomic

FORMATS = ("md", "html", "csv", "json")


def board_command(
    folders: Path | Sequence[Path], formats: Sequence[str] = ("html",), out: str | Path | None = None
) -> str:
    """The command line that makes a board, as it is on every board."""
    where = "" if out is None else f" --out {shlex.quote(str(out))}"
    named = " ".join(shlex.quote(str(f)) for f in ([folders] if isinstance(folders, str | Path) else folders))
    return f"offtarget board {named} --format {','.join(formats)}{where}"


def render(boards: Boards, form: str, *, command: str) -> str:
    """All boards in one format.

    Args:
        boards: from `rank`.
        form: md, html, csv or json.
        command: the command that makes this board again.

    Raises:
        ConfigError: no such format.
    """
    if form == "md":
        return markdown(boards, command)
    if form == "html":
        return page(boards, command)
    if form == "csv":
        return as_csv(long_table(boards))
    if form == "json":
        return printable_json(boards.model_dump_json(indent=1)) + "\n"
    raise unknown_name("board format", form, FORMATS)


def write_boards(
    boards: Boards, formats: Iterable[str], out: Path, *, command: str, cells: CellFolder | None = None
) -> list[Path]:
    """Write `board.<format>` for each format into a folder; of html also a page for each cell.

    Args:
        boards: from `rank`.
        formats: md, html, csv, json.
        out: output folder.
        command: the command that makes these files again.
        cells: what the boards were made of, for the pages of cells.

    Raises:
        ConfigError: no such format, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; name a folder")
    site = {"html"} if cells is not None else set()
    texts = {form: render(boards, form, command=command) for form in formats if form not in site}
    written = {form: write_atomic(out / f"board.{form}", text) for form, text in texts.items()}
    if cells is not None and "html" in formats:
        written["html"] = write_site(boards, cells, out, command=command)
    return [written[form] for form in formats]
