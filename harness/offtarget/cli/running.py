"""A run and its board: what `run` and `demo` share."""

from pathlib import Path
from typing import Any

from offtarget.engine.recipe import Recipe
from offtarget.progress import Progress


def run_grid(
    recipe: Recipe, base: Path, folder: Path, *, limit: int | None, report: Progress, reuse: Any = None
) -> list[tuple[Any, Path]]:
    """All cells of a recipe, then the board over them (board.md, board.html, board.json) in `folder`."""
    from offtarget.board.folder import read_cells
    from offtarget.board.rank import rank
    from offtarget.board.render import board_command, write_boards
    from offtarget.engine.grid import cells
    from offtarget.engine.run import start
    from offtarget.store import Store

    run = start(recipe, base, folder, store=Store(), limit=limit, progress=report)
    if recipe.selection is not None:
        run = _select(run)
    try:
        return cells(run, recipe.seeds, reuse)
    finally:  # also when interrupted: a board of what is there
        if (folder / "cells").is_dir():  # none where the plans already failed: their error is what is said
            found = read_cells(folder / "cells")
            if found.cells:
                formats = ("md", "html", "json")
                command = board_command(folder / "cells", formats, folder)
                write_boards(rank(found.cells, found.problems), formats, folder, command=command)


def require_taught(cells: list[Any], below: float) -> None:
    """Say that a run is no result where plain DPO does not teach every target in each seed.

    Raises:
        UndecidedError: names the targets and seeds.
    """
    from offtarget.board.taught import untaught, what_is_taught
    from offtarget.errors import UndecidedError

    missed = untaught(what_is_taught(cells), below)
    if missed:
        named = ", ".join(f"{t.behaviour} in seed {t.seed}" for t in missed)
        raise UndecidedError(
            f"this run is no result: plain DPO does not change {named} for the worse at q < {below:g}, so nothing can be "
            "said of what takes it back; train longer, or measure more prompts (cells and board are written)"
        )


def _select(run: Any) -> Any:
    """The run with its strengths chosen, the page of the sweep and the board over its cells written."""
    from offtarget.engine.selection import FOLDER, select
    from offtarget.report.selection_html import render_selection

    chosen, record = select(run)
    amplifies = any(v.decision == "amplify" for v in run.verdicts.verdicts)
    render_selection(record, amplifies, run.out / FOLDER / "selection.html")
    return chosen
