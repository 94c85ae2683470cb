"""What workers are asked for: a task, its units, and what they must share."""

from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from filelock import FileLock
from pydantic import Field, ValidationError

from offtarget import registry
from offtarget.documents import read_json
from offtarget.engine.executors.tasks import GridTask, ReadingTask
from offtarget.errors import ConfigError
from offtarget.records import Record, explain
from offtarget.store import Store, write_atomic
from offtarget.versions import code_version

CREW, REQUEST = "crew", "request.json"
STORE_ID = "store-id"


class Unit(Record):
    """One cell of a grid, or one shard of what a lens reads."""

    name: str
    """As the links of a cell are called, filter-0.3-s0; of a shard sae-3-of-25."""
    key: str
    path: str
    """Of its file from the run folder, or of a shard from the store; where it is, the unit is done."""
    whole: str | None = None
    """Of a shard: where the store has what it is a part of; where that is, nobody needs the shard."""


class Request(Record):
    """`request.json`."""

    schema_version: Literal[2] = 2
    task: GridTask | ReadingTask = Field(discriminator="kind")
    out: str
    registries: tuple[str, ...] = ()
    """Folders of content that were added."""
    code_version: str
    store: str
    """Id of the store that all share."""
    units: tuple[Unit, ...]

    @property
    def folder(self) -> Path:
        """Where workers and leases are."""
        return Path(self.out) / CREW

    def place(self, unit: Unit) -> Path:
        """Where a unit is, once it is made."""
        return (Path(self.out) if self.task.kind == "grid" else Store().root) / unit.path

    def is_there(self, unit: Unit) -> bool:
        """Whether a unit is made, or no longer needed."""
        return self.place(unit).exists() or (unit.whole is not None and (Store().root / unit.whole).exists())

    def todo(self) -> list[Unit]:
        """Units that are not there yet."""
        return [u for u in self.units if not self.is_there(u)]

    def write(self) -> Path:
        """Write it for the workers; returns the file."""
        return write_atomic(self.folder / REQUEST, self.model_dump_json(indent=1) + "\n")

    def require_same(self, store: Store) -> None:
        """Refuse to work where results would be others', or seen by nobody.

        Raises:
            ConfigError: this is another version of the code, or another store.
        """
        if self.code_version != (own := code_version()):
            raise ConfigError(
                f"this worker is of offtarget {own}, the run of {self.code_version}: their results would not be comparable; "
                "install the same version where workers run"
            )
        if id_of(store) != self.store:
            raise ConfigError(
                f"the store of this worker ({store.root}) is not that of the run: set OFFTARGET_HOME to a folder that all "
                "workers share"
            )


def read_request(path: Path) -> Request:
    """The request of a run.

    Raises:
        ConfigError: it is none.
    """
    data: Any = read_json(path)
    try:
        return Request.model_validate(data)
    except ValidationError as e:
        raise ConfigError(f"{path}: {explain(e, Request)}; start the run again") from e


def request_of(task: GridTask | ReadingTask, out: Path, units: tuple[Unit, ...], store: Store) -> Request:
    """What is asked of workers.

    Args:
        task: what they make.
        out: folder of the run, or the one where workers report.
        units: all of it, one by one.
        store: that all share.
    """
    return Request(
        task=task,
        out=str(out.resolve()),
        registries=tuple(str(p.resolve()) for p in registry.added()),
        code_version=code_version(),
        store=id_of(store),
        units=units,
    )


def id_of(store: Store) -> str:
    """What tells one store from another, wherever it is mounted: made once, and kept in it."""
    file = store.root / STORE_ID
    if not file.is_file():
        store.root.mkdir(parents=True, exist_ok=True)
        with FileLock(store.root / f".{STORE_ID}.lock"):
            if not file.is_file():
                write_atomic(file, uuid4().hex)
    return file.read_text(encoding="utf-8").strip()
