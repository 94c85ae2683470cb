"""One worker: takes units of a request until none is left that nobody holds or made.

python -m offtarget.engine.executors.worker REQUEST NAME
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from offtarget import registry
from offtarget.documents import plain_line
from offtarget.engine.executors.leases import MOST_DEATHS, PATIENCE, UNITS, Heartbeat, Leases, read
from offtarget.engine.executors.request import Request, Unit, read_request
from offtarget.engine.executors.tasks import Work
from offtarget.errors import OfftargetError
from offtarget.machine import return_freed_memory
from offtarget.store import Store, write_atomic

TRIES = 2
"""How often a unit is tried that fails by an error which may pass."""
PAUSE = 1.0
"""Seconds between looks at units that others hold."""


def work(request: Path | str, name: str, patience: float = PATIENCE, beat: float | None = None) -> int:
    """Make units until all are made or failed; returns how many this worker made.

    Args:
        request: `request.json` of a run.
        name: of this worker.
        patience: seconds without a heartbeat after which another worker is lost.
        beat: seconds between heartbeats of this one.

    Raises:
        OfftargetError: this worker cannot work: another version, another store, no model, no data.
    """
    asked = read_request(Path(request))
    pulse = Heartbeat(asked.folder, name, *(() if beat is None else (beat,)))
    with pulse.beating():
        try:
            return _work(asked, name, Leases(asked.folder, name, patience), pulse)
        except BaseException as e:
            pulse.say(ended=plain_line(f"{type(e).__name__}: {e}")[:500])
            raise


def _work(asked: Request, name: str, leases: Leases, pulse: Heartbeat) -> int:
    if asked.registries:
        registry.use([Path(p) for p in asked.registries])
    store = Store()
    asked.require_same(store)
    works = {w.name: w for w in asked.task.works(Path(asked.out), asked.folder, store, pulse.doing)}
    if not {(u.name, u.key) for u in asked.units} <= {(w.name, w.key) for w in works.values()}:
        raise OfftargetError(
            f"this worker plans other {asked.task.noun} than were asked for: it reads other data, another model or other packages; "
            "make them the same"
        )
    made = 0
    while todo := [u for u in asked.todo() if not failed(asked.folder, u)]:
        took = False
        for unit in _from(todo, name):
            if asked.is_there(unit) or not leases.take(unit.name):
                continue
            took = True
            pulse.say(unit=unit.name)
            try:
                made += _make(asked, unit, works[unit.name], leases)
            finally:
                leases.give_back(unit.name)
            pulse.say(unit=None, made=made)
            return_freed_memory()
        if not took:
            time.sleep(PAUSE)
    return made


def _from(todo: list[Unit], name: str) -> list[Unit]:
    """The units, each worker beginning elsewhere, so that they do not ask for the same ones."""
    number = int("".join(c for c in name.rpartition("-")[2] if c.isdigit()) or 0)
    at = number % len(todo)
    return todo[at:] + todo[:at]


def _make(asked: Request, unit: Unit, of: Work, leases: Leases) -> bool:
    """Make one unit; what goes wrong is written beside it. Whether it was made."""
    if leases.deaths(unit.name) >= MOST_DEATHS:
        _fail(asked.folder, unit, "", f"{MOST_DEATHS} workers died over it: is there enough memory?", final=True)
        return False
    try:
        return of.make(lambda: leases.mine(unit.name))
    except OfftargetError as e:
        _fail(asked.folder, unit, type(e).__name__, str(e), final=True)
    except Exception as e:  # another library's: it may pass
        _fail(asked.folder, unit, type(e).__name__, f"{type(e).__name__}: {e}", final=False)
    return False


def _fail(folder: Path, unit: Unit, kind: str, reason: str, *, final: bool) -> None:
    file = folder / UNITS / f"{unit.name}.failed"
    tries = int(failure(folder, unit).get("tries", 0)) + 1
    said = {"kind": kind, "reason": plain_line(reason)[:2000], "tries": tries, "final": final or tries >= TRIES}
    write_atomic(file, json.dumps(said))


def failure(folder: Path, unit: Unit) -> dict[str, Any]:
    """Why a unit was not made when it was last tried; empty where it was not, or nothing went wrong."""
    return read(folder / UNITS / f"{unit.name}.failed")


def failed(folder: Path, unit: Unit) -> bool:
    """Whether a unit is not tried again."""
    return failure(folder, unit).get("final") is True


def main() -> None:
    """A worker as a process: what it cannot do is one line on the standard error stream."""
    request, name = sys.argv[1:3]
    patience = float(os.environ.get("OFFTARGET_PATIENCE", PATIENCE))
    try:
        work(request, name, patience, min(5.0, patience / 4))
    except OfftargetError as e:
        sys.stderr.write(f"offtarget: {e}\n")
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
