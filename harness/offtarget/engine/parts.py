"""A recipe in parts: the same grid on several data sets, whole or in shares, with one set of boards over all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offtarget.board.folder import read_folders
from offtarget.board.rank import rank
from offtarget.board.render import board_command, write_boards
from offtarget.engine.executors.crew import Crew
from offtarget.engine.experiment import FORMATS, Experiment, run
from offtarget.engine.recipe import WHOLE, Recipe
from offtarget.engine.shard import ALL, Shard
from offtarget.errors import UndecidedError
from offtarget.progress import Progress


@dataclass(frozen=True, eq=False)
class PartsRun:
    """What was made of a recipe's parts, and the boards over all of them."""

    out: Path
    parts: dict[str, Experiment]
    """Those in which this share has a cell."""
    boards: dict[str, Path]
    """Format -> file; empty where there is no cell yet."""

    def require_taught(self) -> None:
        """As `Experiment.require_taught`, of every part; all that fail are named.

        Raises:
            UndecidedError: plain DPO does not teach a target of some part.
        """
        failed = []
        for name, experiment in self.parts.items():
            try:
                experiment.require_taught()
            except UndecidedError as e:
                failed.append(f"{name}: {e}" if name else str(e))
        if failed:
            raise UndecidedError("; ".join(failed))


def run_parts(
    recipes: Mapping[str, Recipe],
    out: Path,
    *,
    base: Path,
    reuse: Path | None = None,
    limit: int | None = None,
    shard: Shard = ALL,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> PartsRun:
    """Carry out each part of a recipe in a folder of its name; a recipe without parts in `out` itself.

    Args:
        recipes: part -> recipe, of `read_parts`.
        out: folder of the run.
        base: folder that relative paths of the recipe start from.
        reuse: folder of earlier cells; identical ones are reused.
        limit: at most N pairs of each part.
        shard: which of the cells to make, counted over all parts.
        crew: workers that make them, part after part; None: this process does.
        progress: called with (what, done, total).

    Raises:
        ConfigError: something in a recipe does not exist or cannot be carried out.
        DataError: rows that cannot be used.
        UndecidedError: too few rows, or verdicts of another vocabulary.
    """
    made: dict[str, Experiment] = {}
    first = 0
    for name, recipe in recipes.items():
        size = len(recipe.seeds) * (1 + len(recipe.protocols))
        mine = {k for k in range(size) if shard.takes(first + k)}
        first += size
        if mine:
            made[name] = run(
                recipe,
                out / name if name else out,
                base=base,
                reuse=reuse,
                limit=limit,
                takes=mine.__contains__,
                crew=crew,
                progress=progress if not name or progress is None else _of(name, progress),
            )
    return PartsRun(out, made, _boards(recipes, out, made))


def _of(name: str, progress: Progress) -> Progress:
    return lambda what, done, total: progress(f"{name}: {what}", done, total)


def _boards(recipes: Mapping[str, Recipe], out: Path, made: Mapping[str, Experiment]) -> dict[str, Path]:
    if WHOLE in made:
        return made[WHOLE].boards
    folders = [folder for name in recipes if (folder := out / name / "cells").is_dir()]
    if not folders:
        return {}
    found = read_folders(folders)
    written = write_boards(
        rank(found.cells, found.problems), FORMATS, out, command=board_command(folders, FORMATS, out)
    )
    return dict(zip(FORMATS, written, strict=True))
