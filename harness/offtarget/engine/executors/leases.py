"""Leases with heartbeat: two workers never make one unit, and what a dead one held is taken over.

No clock is compared with another machine's: a worker is lost when its heartbeat has not changed for `patience` seconds of the
observer's own clock, or at once where the observer sees that the process is gone.
"""

import contextlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from offtarget.store import write_atomic

UNITS, WORKERS = "units", "workers"
BEAT = 5.0
"""Seconds between heartbeats."""
PATIENCE = 60.0
"""Seconds without a heartbeat after which a worker is lost."""
MOST_DEATHS = 5
"""Workers that may die over one unit before it counts as failed."""


def boot_id() -> str:
    """What this start of this machine is called: a process number means something only there."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return platform.node()


def _namespace() -> str:
    """Of process numbers: containers of one machine have their own."""
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _process_start(pid: int) -> str:
    """When a process began, by its system: a number that is used again begins later. Empty where nobody says."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _is_gone(pid: int, began: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(began) and _process_start(pid) not in ("", began)


@dataclass
class Watch:
    """What one observer has seen of workers: which of them live."""

    folder: Path
    """`crew` of a run."""
    patience: float = PATIENCE
    _seen: dict[str, tuple[Any, float]] = field(default_factory=dict)

    def worker(self, name: str) -> dict[str, Any]:
        """What a worker last said of itself; empty without a word."""
        return read(self.folder / WORKERS / f"{name}.json")

    def silent_for(self, name: str) -> float:
        """Seconds for which its heartbeat has not changed, as far as was seen from here."""
        beat, now = self.worker(name).get("beat"), time.monotonic()
        before = self._seen.get(name)
        if before is None or before[0] != beat:
            self._seen[name] = before = (beat, now)
        return now - before[1]

    def is_lost(self, name: str) -> bool:
        """Whether a worker will not come back: it has ended, its process is gone, or it is silent for too long."""
        said = self.worker(name)
        if "ended" in said:
            return True
        here = (said.get("boot"), said.get("namespace")) == (boot_id(), _namespace())
        if here and isinstance(said.get("pid"), int) and _is_gone(said["pid"], str(said.get("process_start", ""))):
            return True
        return self.silent_for(name) > self.patience


def read(path: Path) -> dict[str, Any]:
    """A small JSON file; empty where there is none, or half of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Leases:
    """The units that one worker holds."""

    def __init__(self, folder: Path, worker: str, patience: float = PATIENCE) -> None:
        self.folder, self.worker = folder, worker
        self.watch = Watch(folder, patience)
        (folder / UNITS).mkdir(parents=True, exist_ok=True)

    def _file(self, unit: str) -> Path:
        return self.folder / UNITS / f"{unit}.lease"

    def holder(self, unit: str) -> str | None:
        """The worker that holds a unit; empty where the lease does not say."""
        file = self._file(unit)
        return str(read(file).get("worker", "")) if file.exists() else None

    def take(self, unit: str) -> bool:
        """Hold a unit, unless a worker that lives does."""
        holder = self.holder(unit)
        if holder is None:
            return self._create(unit)
        if holder == self.worker:
            return True
        if not self.watch.is_lost(holder):
            return False
        with FileLock(self.folder / UNITS / ".takeover.lock"):
            if self.holder(unit) != holder:  # another one was quicker
                return False
            self._file(unit).unlink(missing_ok=True)
            deaths = self.deaths(unit) + 1
            write_atomic(self.folder / UNITS / f"{unit}.deaths", json.dumps({"deaths": deaths, "last": holder}))
            return self._create(unit)

    def _create(self, unit: str) -> bool:
        """A whole lease under its name, or none: linked from a file aside, which fails where one is there."""
        aside = self.folder / UNITS / f".{uuid.uuid4().hex}"
        aside.write_text(json.dumps({"worker": self.worker}), encoding="utf-8")
        try:
            os.link(aside, self._file(unit))
        except FileExistsError:
            return False
        except OSError:  # a disk without hard links
            try:
                with self._file(unit).open("x", encoding="utf-8") as f:
                    json.dump({"worker": self.worker}, f)
            except FileExistsError:
                return False
        finally:
            aside.unlink(missing_ok=True)
        return True

    def deaths(self, unit: str) -> int:
        """How many workers died over a unit."""
        found = read(self.folder / UNITS / f"{unit}.deaths").get("deaths", 0)
        return found if isinstance(found, int) else 0

    def mine(self, unit: str) -> bool:
        """Whether the unit is still held: a worker that was stopped for long may find that another one took it."""
        return self.holder(unit) == self.worker

    def give_back(self, unit: str) -> None:
        """Hold a unit no longer."""
        if self.mine(unit):
            self._file(unit).unlink(missing_ok=True)


class Heartbeat:
    """A worker's word that it lives, renewed by a thread."""

    def __init__(self, folder: Path, worker: str, every: float = BEAT) -> None:
        self._file, self._every = folder / WORKERS / f"{worker}.json", every
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._said: dict[str, Any] = {
            "worker": worker,
            "machine": platform.node(),
            "boot": boot_id(),
            "namespace": _namespace(),
            "pid": os.getpid(),
            "process_start": _process_start(os.getpid()),
            "beat": 0,
            "unit": None,
            "made": 0,
        }
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def say(self, **what: Any) -> None:
        """Say something of this worker: its unit, how many it made, why it ended."""
        with self._lock:
            self._said |= {**what, "beat": self._said["beat"] + 1}
            write_atomic(self._file, json.dumps(self._said), sync=False)

    def doing(self, what: str, done: int, total: int) -> None:
        """How far the unit is; said with the next beat."""
        self._said["doing"] = f"{what}: {done} of {total}"

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            # a full or slow disk: the next beat may pass
            with contextlib.suppress(OSError):
                self.say()

    @contextlib.contextmanager
    def beating(self) -> Iterator["Heartbeat"]:
        """Beat while the block runs; at its end, say that it ended."""
        self.say()
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()
            with contextlib.suppress(OSError):
                self.say(ended=self._said.get("ended") or "done", unit=None)
