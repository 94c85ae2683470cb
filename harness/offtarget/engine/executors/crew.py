"""A crew: workers of one engine on one task, watched until every unit is made or failed."""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from offtarget.data.pairs import PairSet
from offtarget.engine.auditing import readers_of
from offtarget.engine.executors.base import Executor, Running
from offtarget.engine.executors.leases import UNITS, WORKERS, read
from offtarget.engine.executors.request import CREW, REQUEST, Request, Unit, request_of
from offtarget.engine.executors.state import Crewed, state_of
from offtarget.engine.executors.tasks import GridTask, ReadingTask, absolute, placed_lens, placed_model
from offtarget.engine.executors.worker import failed, failure
from offtarget.engine.grid import Task
from offtarget.engine.run import Run
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.lens import shards
from offtarget.lens.reader import Reader
from offtarget.lens.table import lens_of, reads_model, shards_of
from offtarget.progress import Progress

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between looks."""
GRACE = 10.0
"""Seconds that workers have to end by themselves."""
AGAIN = 3
"""Workers that are started anew for each unit, should they die."""
_KINDS: dict[str, type[OfftargetError]] = {c.__name__: c for c in (ConfigError, UndecidedError)}


@dataclass
class Crew:
    """Workers to be."""

    executor: Executor
    workers: int

    def make(self, run: Run, grid: Sequence[Task]) -> None:
        """Have every cell of a grid made; what is there already is not made again.

        Args:
            run: that has begun.
            grid: its cells.

        Raises:
            OfftargetError: units failed, or no worker could work; what is made stays.
        """
        units = tuple(Unit(name=t.name, key=t.asked.key, path=t.file.as_posix()) for t in grid)
        recipe = run.recipe.model_copy(update={"selection": None})
        task = GridTask(recipe=recipe, base=str(run.base.resolve()), limit=run.limit)
        self._carry_out(request_of(task, run.out, units, run.store), run.progress)

    def read(self, pairs: PairSet, lenses: Sequence[str], reader: Reader, out: Path) -> None:
        """Have the shards of a large set read that its lenses will ask for; one that is there is not read again.

        Args:
            pairs: the rows.
            lenses: that will read them.
            reader: how.
            out: folder of the audit; beside it workers report while they work.

        Raises:
            ConfigError: the rows are in memory.
            OfftargetError: units failed, or no worker could work; what is made stays.
        """
        by_itself = [name for name in lenses if lens_of(name).shards is None]
        if not shards.is_large(pairs):
            log.warning(
                "%s rows: up to %s are read at once, by this process", f"{len(pairs):,}", f"{shards.SHARD_ROWS:,}"
            )
        elif by_itself:
            log.warning("lens %s has no shards: it is read by this process", ", ".join(by_itself))
        found = [s for s in shards_of(pairs, lenses, reader) if not s.whole.is_dir()]
        if not found:
            return
        root = reader.store.root
        units = tuple(
            Unit(
                name=s.name,
                key=s.path.name,
                path=s.path.relative_to(root).as_posix(),
                whole=s.whole.relative_to(root).as_posix(),
            )
            for s in found
        )
        task = ReadingTask(
            rows=absolute(pairs.asked),
            lens=tuple(map(placed_lens, lenses)),
            model=placed_model(reader.ref.name) if reader.model is not None and reads_model(lenses) else None,
            max_length=reader.max_length,
            dtype=reader.dtype,
            template=reader.template and str(Path(reader.template).absolute()),
        )
        self._carry_out(request_of(task, readers_of(out), units, reader.store), reader.progress)

    def _carry_out(self, request: Request, progress: Progress | None) -> None:
        if not request.todo():
            return
        _forget(request)
        written = request.write()
        n = min(self.workers, len(request.todo()))
        name = f"{uuid4().hex[:6]}-{{}}"  # another crew may work here too
        running = self.executor.begin(written, [name.format(k) for k in range(n)])
        try:
            _watch(request, running, name, n, progress)
        finally:
            running.stop()


def _forget(request: Request) -> None:
    """Clear what an earlier crew said, except the leases of workers that may still live."""
    for unit in request.units:
        for kind in ("failed", "deaths"):
            (request.folder / UNITS / f"{unit.name}.{kind}").unlink(missing_ok=True)
    if (request.folder / UNITS).is_dir() and not any((request.folder / UNITS).glob("*.lease")):
        shutil.rmtree(request.folder / WORKERS, ignore_errors=True)


def _watch(request: Request, running: Running, name_of: str, n: int, progress: Progress | None) -> None:
    names, left, unable = n, AGAIN * len(request.units), ""
    while True:
        open_units = [u for u in request.todo() if not failed(request.folder, u)]
        if progress:
            progress(request.task.noun, len(request.units) - len(request.todo()), len(request.units))
        if not open_units:
            _wait(running)
            break
        for name, how in running.ended():
            words = said_by(request.folder, name)
            if words and words != "done":  # it could not work: another one of its kind could not either
                unable = words
            elif left > 0:
                left -= 1
                running.start([name_of.format(names)])
                names += 1
            else:
                unable = how
        if running.alive() == 0:
            why = unable.partition(": ")[2] or unable or "all ended without a word"
            raise OfftargetError(
                f"no worker is left, and {len(open_units)} of {len(request.units)} {request.task.noun} are not made: {why} (logs under "
                f"{Path(request.out) / CREW})"
            )
        time.sleep(LOOK)
    lost = [u for u in request.units if failed(request.folder, u)]
    if lost:
        said_of = failure(request.folder, lost[0])
        more = f"; {len(lost) - 1} more: `offtarget status {request.out}`" if len(lost) > 1 else ""
        raise _KINDS.get(str(said_of.get("kind")), OfftargetError)(f"{lost[0].name}: {said_of.get('reason')}{more}")


def _wait(running: Running) -> None:
    """Let workers find that nothing is left, and end by themselves."""
    ends = time.monotonic() + GRACE
    while time.monotonic() < ends:
        running.ended()
        if running.alive() == 0:
            return
        time.sleep(LOOK / 5)


def said_by(folder: Path, worker: str) -> str:
    """Why a worker ended, in its own words; empty where it said nothing."""
    return str(read(folder / WORKERS / f"{worker}.json").get("ended", ""))


def crewed(folder: Path) -> dict[str, Crewed]:
    """Part -> the state of its crew, of a run folder and the folders of its parts.

    Raises:
        ConfigError: no crew worked there.
    """
    found = {"" if f.parent.parent == folder else f.parent.parent.name: state_of(f) for f in _requests(folder)}
    if not found:
        raise ConfigError(
            f"{folder}: no crew works or worked here; start one with `offtarget run RECIPE --out {folder} --engine local`, "
            "or `offtarget audit`"
        )
    return found


def _requests(folder: Path) -> list[Path]:
    return [
        f
        for f in (
            folder / CREW / REQUEST,
            readers_of(folder) / CREW / REQUEST,
            *sorted(folder.glob(f"*/{CREW}/{REQUEST}")),
        )
        if f.is_file()
    ]
