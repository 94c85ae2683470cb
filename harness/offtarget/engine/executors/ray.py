"""Workers as Ray Core tasks: on a cluster that `ray start` made, or one of this machine.

A worker that a lost node took away is not tried again by Ray: the crew starts another one, and its lease shows who lives.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError
from offtarget.machine import cores


class Ray:
    """One task a worker; each with a GPU where the cluster has any, or a share of one where there are more workers."""

    def begin(self, request: Path, names: Sequence[str]) -> "RayRunning":
        """Join the cluster of RAY_ADDRESS, or start one here, and start the workers.

        Raises:
            ConfigError: the cluster cannot be reached.
        """
        import ray

        own = False
        if not ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            own = address is None
            try:
                ray.init(
                    address=address,
                    num_cpus=None if address else cores(),
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=False,
                )
            except (ConnectionError, ValueError, RuntimeError) as e:
                raise ConfigError(
                    f"--engine ray: no cluster at {address or 'this machine'} ({' '.join(str(e).split())[:200]})"
                ) from None
        nodes = [n["Resources"] for n in ray.nodes() if n.get("Alive")]
        most = max((float(n.get("CPU", 1)) for n in nodes), default=1.0)
        gpus = sum(float(n.get("GPU", 0)) for n in nodes)
        threads = max(1, int(min(most, cores() // max(1, len(names)))))
        running = RayRunning(ray, request, threads, min(1.0, gpus / max(1, len(names))), own)
        running.start(names)
        return running


class RayRunning:
    """Tasks by the names of their workers."""

    def __init__(self, ray: Any, request: Path, threads: int, gpus: float, own: bool) -> None:
        self._ray, self.request, self._own = ray, request, own
        environment = {k: v for k, v in os.environ.items() if k.startswith(("OFFTARGET_", "HF_"))}
        self._task = ray.remote(num_cpus=threads, num_gpus=gpus, max_retries=0)(_work).options(
            runtime_env={"env_vars": {**environment, "OMP_NUM_THREADS": str(threads)}}
        )
        self._running: dict[str, Any] = {}

    def start(self, names: Sequence[str]) -> None:
        """Submit a task for each."""
        for name in names:
            self._running[name] = self._task.remote(str(self.request), name)

    def ended(self) -> list[tuple[str, str]]:
        """Those that ended, with Ray's words."""
        found = []
        for name, task in list(self._running.items()):
            ready, _ = self._ray.wait([task], timeout=0)
            if ready:
                del self._running[name]
                try:
                    self._ray.get(task)
                    found.append((name, ""))
                except Exception as e:
                    found.append((name, " ".join(str(e).split())[:300]))
        return found

    def alive(self) -> int:
        """How many run or wait for a free node."""
        return len(self._running)

    def stop(self) -> None:
        """Cancel all that run, and end the cluster if it was started here."""
        for task in self._running.values():
            self._ray.cancel(task, force=True)
        self._running.clear()
        if self._own:
            self._ray.shutdown()


def _work(request: str, name: str) -> int:
    from offtarget.engine.executors.leases import PATIENCE
    from offtarget.engine.executors.worker import work

    patience = float(os.environ.get("OFFTARGET_PATIENCE", PATIENCE))
    return work(request, name, patience, min(5.0, patience / 4))
