"""The static site of a folder of cells: the boards on one page, and a page for each cell. It needs no server."""

import shlex
from pathlib import Path

from offtarget.board.beside import beside
from offtarget.board.cell_page import cell_page
from offtarget.board.folder import CellFolder
from offtarget.board.page import page
from offtarget.board.records import Boards
from offtarget.store import write_atomic

PAGES = "pages"
"""Folder of the pages of cells, beside the page of the boards."""
INDEX = "board.html"


def write_site(boards: Boards, found: CellFolder, out: Path, *, command: str) -> Path:
    """Write `board.html` and `pages/<12 hex of the key>.html` for each cell whose file is known.

    Args:
        boards: from `rank`.
        found: the cells, with their files.
        out: output folder.
        command: the command that makes the site again.
    """
    pages = {c.key: f"{PAGES}/{c.key[:12]}.html" for c in found.cells if c.key in found.paths}
    for cell in found.cells:
        if cell.key in pages:
            path, at = found.paths[cell.key], out / pages[cell.key]
            again = f"offtarget reproduce {shlex.quote(str(path))}"
            text = cell_page(cell, beside(cell, path, at), back=f"../{INDEX}", command=again)
            if not at.is_file() or at.read_bytes() != text.encode():
                write_atomic(at, text, sync=False)
    return write_atomic(out / INDEX, page(boards, command, pages))
