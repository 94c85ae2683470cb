"""A run and its board: what `run` and `demo` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from offtarget.engine.recipe import Recipe


def run_grid(
    recipe: Recipe, base: Path, folder: Path, *, limit: int | None, report: Callable[[str, int, int], None]
) -> list[tuple[Any, Path]]:
    """All cells of a recipe, then the board over them (board.md, board.html, board.json) in `folder`."""
    from offtarget.board.folder import read_cells
    from offtarget.board.rank import rank
    from offtarget.board.render import board_command, write_boards
    from offtarget.engine.grid import cells, start
    from offtarget.store import Store

    folder.mkdir(parents=True, exist_ok=True)
    run = start(recipe, base, folder, store=Store(), limit=limit, progress=report)
    made = cells(run, recipe.seeds)
    found = read_cells(folder / "cells")
    write_boards(
        rank(found.cells, found.problems),
        ("md", "html", "json"),
        folder,
        command=board_command(folder / "cells"),
    )
    return made
