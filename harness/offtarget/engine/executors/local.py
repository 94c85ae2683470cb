"""Workers as processes of this machine."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from offtarget.engine.executors.leases import WORKERS
from offtarget.machine import cores, device

COMMAND = "offtarget.engine.executors.worker"


class Local:
    """One process a worker; they share the cores."""

    def begin(self, request: Path, names: Sequence[str]) -> "LocalRunning":
        """Start them."""
        running = LocalRunning(request, max(1, cores() // max(1, len(names))), _gpus())
        running.start(names)
        return running


def _gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    if device() == "cpu":
        return []
    import torch

    if given := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return [x.strip() for x in given.split(",") if x.strip()]
    return [str(k) for k in range(torch.cuda.device_count())]


class LocalRunning:
    """Processes by the names of their workers."""

    def __init__(self, request: Path, threads: int, gpus: Sequence[str] = ()) -> None:
        self.request, self.threads, self.gpus = request, threads, gpus
        self._started = 0
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, names: Sequence[str]) -> None:
        """Start a process for each; all that it says goes to a log beside its heartbeat."""
        folder = self.request.parent / WORKERS
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
            if self.gpus:  # a worker each, in turn
                environment["CUDA_VISIBLE_DEVICES"] = self.gpus[self._started % len(self.gpus)]
            self._started += 1
            with (folder / f"{name}.log").open("wb") as log:
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", COMMAND, str(self.request), name],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                )  # fmt: skip

    def ended(self) -> list[tuple[str, str]]:
        """Those that ended, with the signal that ended them."""
        found = []
        for name, process in list(self._running.items()):
            if (status := process.poll()) is not None:
                del self._running[name]
                found.append((name, f"{name} ended by signal {-status}" if status < 0 else ""))
        return found

    def alive(self) -> int:
        """How many run."""
        return len(self._running)

    def pids(self) -> dict[str, int]:
        """Their process numbers."""
        return {name: p.pid for name, p in self._running.items()}

    def stop(self) -> None:
        """Ask all to end, and end those that do not within ten seconds."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
