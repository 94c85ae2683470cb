"""A whole experiment: audit, decide, shape, retrain, score, and the board over its cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.board.cell import Cell
from offtarget.board.folder import read_cells
from offtarget.board.rank import rank
from offtarget.board.render import board_command, write_boards
from offtarget.board.taught import untaught, what_is_taught
from offtarget.engine.executors.crew import Crew
from offtarget.engine.grid import CELLS, cells, tasks
from offtarget.engine.recipe import Recipe, validate
from offtarget.engine.reuse import Earlier
from offtarget.engine.run import Run, start
from offtarget.engine.selection import FOLDER, select
from offtarget.errors import ConfigError, UndecidedError
from offtarget.progress import Progress
from offtarget.report.selection_html import render_selection
from offtarget.store import Store
from offtarget.verdicts import Verdicts

FORMATS = ("md", "html", "json")
"""Of the board in a run folder."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """What a recipe made, and where it is."""

    recipe: Recipe
    """As it was carried out, with what its audit added to it."""
    out: Path
    cells: tuple[tuple[Cell, Path], ...]
    """Each result with its file: the start model and every protocol, seed by seed."""
    audit: AuditFolder
    verdicts: Verdicts
    """What was decided."""
    boards: dict[str, Path]
    """Format -> file: md, html and json."""
    reused: tuple[str, ...] = ()
    """Cells that were taken from earlier ones, by name."""
    refused: tuple[str, ...] = ()
    """Earlier cells that are almost what was asked, each with what differs."""

    @property
    def board(self) -> str:
        """The board as markdown."""
        return self.boards["md"].read_text(encoding="utf-8")

    def require_taught(self) -> None:
        """Refuse the result where plain DPO does not teach every target in each seed, if the recipe asks for that.

        Raises:
            UndecidedError: names the targets and seeds.
        """
        below = self.recipe.must_teach
        if below is None:
            return
        if missed := untaught(what_is_taught([cell for cell, _ in self.cells]), below):
            named = ", ".join(f"{t.behaviour} in seed {t.seed}" for t in missed)
            raise UndecidedError(
                f"this run is no result: plain DPO does not change {named} for the worse at q < {below:g}, so nothing can "
                "be said of what takes it back; train longer, or measure more prompts (cells and board are written)"
            )


def run(
    recipe: Recipe,
    out: Path,
    *,
    base: Path = Path(),
    reuse: Path | None = None,
    limit: int | None = None,
    seeds: Sequence[int] | None = None,
    takes: Callable[[int], bool] = lambda _: True,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Carry out a recipe. Interrupted, it goes on where it was; what is there already is not made again.

    Args:
        recipe: what to do.
        out: folder of the run: the audit, `cells/`, and the board over them.
        base: folder that relative paths of the recipe start from.
        reuse: folder of earlier cells; identical ones are reused.
        limit: at most N pairs.
        seeds: training seeds other than the recipe's.
        takes: whether the cell at this position of the grid is made; a share of a grid makes the others elsewhere.
        crew: workers that make the cells; None: this process does.
        progress: called with (what, done, total).

    Raises:
        ConfigError: something in the recipe does not exist or cannot be carried out, or `out` is a file.
        DataError: rows that cannot be used.
        UndecidedError: too few rows, or verdicts of another vocabulary.
    """
    if out.is_file():
        raise ConfigError(f"--out {out}: a file of that name is in the way")
    if seeds is not None:
        recipe = validate({**recipe.model_dump(mode="json"), "seeds": list(seeds)}, "the recipe with these seeds")
    earlier = given = Earlier.read(reuse) if reuse else None
    begun = start(recipe, base, out, store=Store(), limit=limit, progress=progress)
    if recipe.selection is not None:
        begun = _selected(begun)
    boards: dict[str, Path] = {}
    try:
        grid = tasks(begun, recipe.seeds)
        if crew is not None:
            # what lies in earlier cells is taken here, so that workers find it done
            cells(begun, grid, earlier, lambda k: earlier is not None and grid[k].asked.key in earlier.cells)
            crew.make(begun, grid)
            earlier = Earlier.read(out / CELLS)
        made = cells(begun, grid, earlier, takes)
    finally:  # also when interrupted: a board of what is there
        boards = _write_boards(out)
    return Experiment(
        recipe=begun.recipe,
        out=out,
        cells=tuple(made),
        audit=begun.audit_folder,
        verdicts=begun.verdicts,
        boards=boards,
        reused=tuple(given.reused) if given else (),
        refused=tuple(given.refused) if given else (),
    )


def _write_boards(out: Path) -> dict[str, Path]:
    """The boards over the cells of a run folder; none where the plans already failed: their error is what is said."""
    folder = out / CELLS
    found = read_cells(folder) if folder.is_dir() else None
    if found is None or not found.cells:
        return {}
    command = board_command(folder, FORMATS, out)
    written = write_boards(rank(found.cells, found.problems), FORMATS, out, command=command, cells=found)
    return dict(zip(FORMATS, written, strict=True))


def _selected(begun: Run) -> Run:
    """The run with its strengths chosen; the page of the sweep and the board over its cells are written."""
    chosen, record = select(begun)
    amplifies = any(v.decision == "amplify" for v in begun.verdicts.verdicts)
    render_selection(record, amplifies, begun.out / FOLDER / "selection.html")
    return chosen
