"""How far a crew is: what is done, running, lost, failed, and by whom."""

import time
from pathlib import Path
from typing import Any, Literal

from offtarget.engine.executors.leases import PATIENCE, UNITS, WORKERS, Watch, read
from offtarget.engine.executors.request import read_request
from offtarget.records import Record

Status = Literal["done", "running", "lost", "failed", "waiting"]
LOOKS = 3.0
"""Seconds for which heartbeats are watched: one that does not change is looked at by its age besides."""


class UnitState(Record):
    """One unit."""

    name: str
    status: Status
    worker: str = ""
    """That makes it, or died over it."""
    reason: str = ""
    """Of a failure, or why it is lost."""


class Crewed(Record):
    """A crew."""

    out: str
    noun: str = "cells"
    """What units are."""
    units: tuple[UnitState, ...]
    workers: dict[str, dict[str, Any]]
    """What each last said of itself."""

    def count(self, status: Status) -> int:
        """How many units are so."""
        return sum(u.status == status for u in self.units)


def state_of(request: Path, looks: float = LOOKS) -> Crewed:
    """The state of the crew of a request; takes a moment where something runs, to see whether it does.

    Args:
        request: its file.
        looks: seconds for which heartbeats are watched.

    Raises:
        ConfigError: it is no request.
    """
    asked = read_request(request)
    folder, watch = request.parent, Watch(request.parent)
    names = [f.stem for f in sorted((folder / WORKERS).glob("*.json"))]
    held = {
        u.name: str(read(f).get("worker", ""))
        for u in asked.units
        if (f := folder / UNITS / f"{u.name}.lease").exists()
    }
    holders = set(held.values())
    began = {name: watch.worker(name).get("beat") for name in holders}
    quiet = {name for name in holders if not watch.is_lost(name)}
    ends = time.monotonic() + looks
    while quiet and time.monotonic() < ends:
        quiet -= {name for name in quiet if watch.worker(name).get("beat") != began[name] or watch.is_lost(name)}
        time.sleep(0.2)
    units = []
    for u in asked.units:
        failed = read(folder / UNITS / f"{u.name}.failed")
        worker = held.get(u.name, "")
        if asked.is_there(u) or (asked.task.kind == "grid" and (request.parent.parent / u.path).is_file()):
            units.append(UnitState(name=u.name, status="done"))
        elif failed.get("final") is True:
            units.append(UnitState(name=u.name, status="failed", reason=str(failed.get("reason", ""))))
        elif not worker:
            units.append(UnitState(name=u.name, status="waiting", reason=str(failed.get("reason", ""))))
        elif watch.is_lost(worker) or (worker in quiet and _age(folder, worker) > PATIENCE):
            said = str(watch.worker(worker).get("ended", "")) or "its worker says nothing any more"
            units.append(UnitState(name=u.name, status="lost", worker=worker, reason=said))
        else:
            units.append(UnitState(name=u.name, status="running", worker=worker))
    return Crewed(out=asked.out, noun=asked.task.noun, units=tuple(units), workers={n: watch.worker(n) for n in names})


def _age(folder: Path, worker: str) -> float:
    """Seconds since the file of a worker changed, by the clock of its disk against a file that is written now."""
    mark = folder / WORKERS / ".now"
    try:
        mark.touch()
        return mark.stat().st_mtime - (folder / WORKERS / f"{worker}.json").stat().st_mtime
    except OSError:
        return 0.0
