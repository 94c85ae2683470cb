"""Make a cell again in a store of its own, and say whether it came out the same."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from offtarget.board.again import Again, Conclusion, made_again, worst
from offtarget.board.cell import Cell, Reproduction
from offtarget.board.folder import load_cell, read_cells
from offtarget.board.group import evaluation_of, row_key, run_name, training_of
from offtarget.engine.grid import one_cell
from offtarget.engine.run import Run, start
from offtarget.errors import ConfigError, UndecidedError
from offtarget.progress import Progress
from offtarget.records import Record
from offtarget.registry import default
from offtarget.reproduction.recipe import recipe_of
from offtarget.store import Store, write_atomic
from offtarget.versions import code_version

MODELS = "model"
"""Stage of the store that holds converted models: weights are checked by hash, so they are not made again."""


class Reproduced(Record):
    """What making a cell again gave."""

    schema_version: Literal[1] = 1
    cell: str
    """Key of the cell as it was."""
    run: str
    conclusion: Conclusion
    """The worst of the behaviours."""
    behaviours: tuple[Again, ...]
    seeds: tuple[int, ...]
    """Seeds of the same row whose spread is the noise of seeds."""
    same_plan: bool | None = None
    """Whether the protocol did the same to the same rows; None for the model before training."""
    loss_apart: float | None = None
    """Largest difference of the loss of a step, nats; None where steps differ in number or there are none."""
    same_code: bool
    """Whether code and protocol are those that made the cell."""
    hardware: dict[str, str]
    notes: tuple[str, ...] = ()


def reproduce(
    path: Path, out: Path | None = None, *, data: str | None = None, progress: Progress | None = None
) -> Reproduced:
    """Make a cell again, from rows to scores: nothing but the start model's weights is taken from the store.

    Args:
        path: the file of a cell. Other seeds of its row are looked for in its folder.
        out: folder for what is made; by default a temporary one.
        data: where its dataset is here.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no cell is there, or its recipe cannot be carried out.
        DataError: the rows cannot be used.
        UndecidedError: what the cell stood on is not here: other rows, weights or task versions, or another program trained it.
    """
    cell = read_one(path)
    if cell.mode not in {"exact", "fast"}:
        raise UndecidedError(
            f"{path}: another program trained this policy ({cell.mode}), so it cannot be made again here"
        )
    found = recipe_of(cell, path, data)
    _require_tasks(cell)
    with _folder(out) as folder:
        store = Store(folder / "store")
        _lend(Store(), store)
        run = start(found.recipe, found.base, folder, store=store, progress=progress)
        _require_same_ground(cell, run)
        again = one_cell(run, cell.spec.protocol, cell.spec.parameters, cell.spec.seed)
    siblings = _siblings(cell, path)
    compared = made_again(cell, again, siblings)
    same_code = (cell.manifest.code_version, cell.manifest.protocol_sha256) == (
        again.manifest.code_version,
        again.manifest.protocol_sha256,
    )
    notes = list(found.notes)
    if not same_code:
        notes.append(f"made with code {again.manifest.code_version}, the cell with {cell.manifest.code_version}")
    if cell.audit.get("key") != again.audit.get("key"):
        notes.append("its audit came out another; verdicts on rules and directions do not depend on it")
    return Reproduced(
        cell=cell.key,
        run=run_name(cell),
        conclusion=worst(compared),
        behaviours=compared,
        seeds=tuple(sorted({c.spec.seed for c in siblings})),
        same_plan=None if cell.plan is None or again.plan is None else cell.plan.hash == again.plan.hash,
        loss_apart=_losses_apart(cell, again),
        same_code=same_code,
        hardware=again.hardware,
        notes=tuple(notes),
    )


def _losses_apart(then: Cell, now: Cell) -> float | None:
    a, b = (c.training.details.get("losses") if c.training else None for c in (then, now))
    if not isinstance(a, list) or not isinstance(b, list) or len(a) != len(b) or not a:
        return None
    return max(abs(float(str(x)) - float(str(y))) for x, y in zip(a, b, strict=True))


def read_one(path: Path) -> Cell:
    """One cell.

    Raises:
        ConfigError: there is none.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; name the .json of a cell")
    try:
        return load_cell(path)
    except ValueError as e:
        raise ConfigError(f"{path}: {e}") from None


def record(path: Path, result: Reproduced, by: str) -> Cell:
    """Write into a cell's file that it was made again; its key and results stay as they are."""
    cell = read_one(path)
    entry = Reproduction(
        by=by,
        date=datetime.now(UTC).date().isoformat(),
        hardware=result.hardware,
        conclusion=result.conclusion,
        behaviours={a.behaviour: a.conclusion for a in result.behaviours},
        code_version=code_version(),
    )
    kept = cell.model_copy(update={"reproduced": (*cell.reproduced, entry)})
    write_atomic(path, kept.written())
    return kept


def _require_tasks(cell: Cell) -> None:
    """Before anything is made: behaviours that are asked in another way now could only come out other."""
    now = {name: str(default().get("behaviour", name).card["version"]) for name in cell.spec.behaviours}
    changed = [f"{n} {v} (now {now[n]})" for n, v in sorted(cell.manifest.task_versions.items()) if now.get(n, v) != v]
    if changed:
        raise UndecidedError(
            f"cell {cell.key[:12]} was scored by other versions of its tasks: {', '.join(changed)}; {_old(cell)}"
        )


def _old(cell: Cell) -> str:
    commit = cell.manifest.packages.get("offtarget-commit")
    return f"check out offtarget at {commit} to make it again" if commit else "an offtarget of that time is needed"


def _require_same_ground(cell: Cell, run: Run) -> None:
    """After reading, before training: other rows or weights make another run."""
    was, rows = cell.manifest, run.trained_pairs.rows_sha256
    if was.model_identity != run.model.identity:
        raise UndecidedError(
            f"cell {cell.key[:12]}: other model weights ({run.model.identity[:12]}, the cell has {was.model_identity[:12]})"
        )
    if was.rows_sha256 != rows:
        raise UndecidedError(
            f"cell {cell.key[:12]}: other training rows ({len(run.trained_pairs)} pairs, {rows[:8]}; the cell has {was.n_pairs}, "
            f"{was.rows_sha256[:8]}): the data have changed, or --data names another set"
        )


def _siblings(cell: Cell, path: Path) -> list[Cell]:
    """Other seeds of the same row, in the folder of cells that the file is in."""
    folder = path.absolute().parents[2] if len(path.absolute().parents) > 2 else path.parent
    if not (folder / path.absolute().parts[-3]).is_dir() or folder == Path(folder.anchor):
        return []
    return [
        c
        for c in read_cells(path.absolute().parent).cells
        if c.key != cell.key
        and row_key(c) == row_key(cell)
        and c.manifest.rows_sha256 == cell.manifest.rows_sha256
        and c.spec.seed != cell.spec.seed
        and (c.budget, training_of(c), evaluation_of(c)) == (cell.budget, training_of(cell), evaluation_of(cell))
    ]


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        if out.is_file() or (out.is_dir() and any(out.iterdir())):
            raise ConfigError(f"--out {out}: is there already; a run that is made again needs a folder of its own")
        out.mkdir(parents=True, exist_ok=True)
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="offtarget-reproduce-") as made:
        yield Path(made)


def _lend(theirs: Store, own: Store) -> None:
    """Converted weights of the start model are read from the store that has them."""
    there = theirs.root / MODELS
    if there.is_dir():
        own.root.mkdir(parents=True, exist_ok=True)
        (own.root / MODELS).symlink_to(there.resolve(), target_is_directory=True)
