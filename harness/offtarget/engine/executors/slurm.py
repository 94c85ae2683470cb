"""Workers as jobs of SLURM, by submitit; where there is no SLURM, or OFFTARGET_SUBMITIT=local, by its local executor.

SLURM's options come from the environment, as sbatch reads them (SBATCH_PARTITION, SBATCH_TIMELIMIT, SBATCH_GPUS). A job that is
preempted and requeued begins again as a worker of its name.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError
from offtarget.machine import cores

MINUTES = 24 * 60
"""Time limit of a job, where SBATCH_TIMELIMIT does not say it."""


class Slurm:
    """One job a worker."""

    def begin(self, request: Path, names: Sequence[str]) -> "SlurmRunning":
        """Submit them.

        Raises:
            ConfigError: SLURM is not here.
        """
        import submitit

        cluster = os.environ.get("OFFTARGET_SUBMITIT", "slurm")
        try:
            executor = submitit.AutoExecutor(request.parent / "slurm", cluster=cluster)
        except RuntimeError as e:
            raise ConfigError(f"--engine slurm: {' '.join(str(e).split())}; run it where `sbatch` is") from None
        executor.update_parameters(timeout_min=MINUTES, cpus_per_task=max(1, cores() // max(1, len(names))))
        running = SlurmRunning(executor, request)
        running.start(names)
        return running


class SlurmRunning:
    """Jobs by the names of their workers."""

    def __init__(self, executor: Any, request: Path) -> None:
        self._executor, self.request = executor, request
        self._running: dict[str, Any] = {}

    def start(self, names: Sequence[str]) -> None:
        """Submit a job for each, together as one array."""
        with self._executor.batch():
            jobs = [self._executor.submit(Worker(str(self.request), name)) for name in names]
        self._running |= dict(zip(names, jobs, strict=True))

    def ended(self) -> list[tuple[str, str]]:
        """Those that ended, with what submitit says."""
        found = []
        for name, job in list(self._running.items()):
            if job.done():
                del self._running[name]
                error = job.exception()
                found.append((name, "" if error is None else " ".join(str(error).split())[:300]))
        return found

    def alive(self) -> int:
        """How many run or wait in the queue."""
        return len(self._running)

    def stop(self) -> None:
        """Cancel all that are not done."""
        for job in self._running.values():
            job.cancel(check=False)
        self._running.clear()


class Worker:
    """A job, as submitit calls and requeues it."""

    def __init__(self, request: str, name: str) -> None:
        self.request, self.name = request, name

    def __call__(self) -> int:
        """Work, with the threads of the job and not of the machine that submitted it."""
        if given := os.environ.get("SLURM_CPUS_PER_TASK"):
            os.environ["OMP_NUM_THREADS"] = given
        from offtarget.engine.executors.leases import PATIENCE
        from offtarget.engine.executors.worker import work

        patience = float(os.environ.get("OFFTARGET_PATIENCE", PATIENCE))
        return work(self.request, self.name, patience, min(5.0, patience / 4))

    def checkpoint(self) -> Any:
        """The same again, where it was preempted."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)
