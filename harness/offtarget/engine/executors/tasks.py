"""What workers are asked to make: the cells of a grid, or the shards that lenses read a large set in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from offtarget import registry
from offtarget.data.asked import RowsAsked
from offtarget.data.loading import load_asked
from offtarget.engine.grid import tasks
from offtarget.engine.recipe import Recipe
from offtarget.engine.run import start
from offtarget.errors import ConfigError
from offtarget.lens.reader import Reader
from offtarget.lens.shards import Shard, clear
from offtarget.lens.table import reads_model, shards_of
from offtarget.progress import Progress
from offtarget.records import Record
from offtarget.store import Store


@dataclass(frozen=True)
class Work:
    """A unit as a worker makes it."""

    name: str
    key: str
    make: Callable[[Callable[[], bool]], bool]
    """Given whether the unit is still held, makes it; whether it did."""


class GridTask(Record):
    """The cells of a recipe as it is carried out."""

    kind: Literal["grid"] = "grid"
    recipe: Recipe
    base: str
    limit: int | None = None

    @property
    def noun(self) -> str:
        """What units are called."""
        return "cells"

    def works(self, out: Path, crew: Path, store: Store, progress: Progress | None) -> list[Work]:
        """The units, planned again by this worker."""
        with FileLock(crew / ".begin.lock"):  # one after another: each begins with what the first one made
            run = start(self.recipe, Path(self.base), out, store=store, limit=self.limit, progress=progress)
            grid = tasks(run, self.recipe.seeds)
        return [Work(t.name, t.asked.key, lambda held, t=t: t.make(run, may_write=held) is not None) for t in grid]  # type: ignore[misc]


class ReadingTask(Record):
    """Features of a set, as an audit asks for them."""

    kind: Literal["reading"] = "reading"
    rows: RowsAsked
    lens: tuple[str, ...]
    model: str | None = None
    max_length: int
    template: str | None = None
    dtype: str | None = None

    @property
    def noun(self) -> str:
        """What units are called."""
        return "shards"

    def works(self, _out: Path, _crew: Path, store: Store, progress: Progress | None) -> list[Work]:
        """The units, from rows that this worker reads itself."""
        pairs = load_asked(self.rows)
        model = self.model if reads_model(self.lens) else None
        reader = Reader(model, store, self.max_length, dtype=self.dtype, template=self.template, progress=progress)
        return [Work(s.name, s.path.name, lambda _, s=s: _made(s, store)) for s in shards_of(pairs, self.lens, reader)]  # type: ignore[misc]


def _made(shard: Shard, store: Store) -> bool:
    there = shard.path.is_dir()
    shard.make()
    clear(store, [shard])  # where the whole was made meanwhile
    return not there


def absolute(rows: RowsAsked | None) -> RowsAsked:
    """How rows were asked for, with paths that hold in any folder.

    Raises:
        ConfigError: the rows are in a program's memory, where no worker finds them.
    """
    if rows is None or rows.data is None:
        raise ConfigError("--engine: workers read the rows themselves, and these are in memory; write them to a file")
    data = _placed(rows.data) if isinstance(rows.data, str) else tuple(map(_placed, rows.data))
    return rows.model_copy(update={"data": data, "card": rows.card and str(Path(rows.card).expanduser().absolute())})


def _placed(data: str) -> str:
    if data in {e.name for e in registry.default().entries("dataset")}:
        return data
    here = Path(data).expanduser()
    return str(here.absolute()) if here.exists() or any(c in data for c in "*?[") else data


def placed_lens(name: str) -> str:
    """The name of a lens, with the path of a folder or file of its own that holds in any folder."""
    kind, _, which = name.partition(":")
    return f"{kind}:{Path(which).expanduser().absolute()}" if which and Path(which).expanduser().exists() else name


def placed_model(name: str) -> str:
    """The name of a model, or the path of its folder that holds in any folder."""
    here = Path(name).expanduser()
    return str(here.absolute()) if here.is_dir() else name
