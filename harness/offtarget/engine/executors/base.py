"""What an engine is: something that starts workers, says which have ended, and stops them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Running(Protocol):
    """Workers that were started."""

    def ended(self) -> list[tuple[str, str]]:
        """Workers that ended since the last call, each with what the engine says of it; empty where it ended well."""
        ...

    def alive(self) -> int:
        """How many run, or wait for their turn."""
        ...

    def start(self, names: Sequence[str]) -> None:
        """Start more workers."""
        ...

    def stop(self) -> None:
        """End all that still run."""
        ...


class Executor(Protocol):
    """An engine."""

    def begin(self, request: Path, names: Sequence[str]) -> Running:
        """Start a worker by each name, all on one request: `worker.work(request, name)` somewhere.

        Raises:
            ConfigError: the engine is not here.
        """
        ...
