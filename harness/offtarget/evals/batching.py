"""Gathers concurrent requests into one call: what a local model behind an asynchronous API needs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

Q = TypeVar("Q")
R = TypeVar("R")


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised inside a run whose requests were all cancelled."""


@dataclass
class _Slot(Generic[Q, R]):
    request: Q
    wake: anyio.Event = field(default_factory=anyio.Event)
    result: list[R] = field(default_factory=list)
    error: Exception | None = None

    @property
    def settled(self) -> bool:
        return bool(self.result) or self.error is not None


class Batcher(Generic[Q, R]):
    """Awaiting it with a request gives that request's result.

    The first request to arrive leads: it waits until no other has come for a moment, runs all of them in
    a worker thread, and wakes the others. If it is cancelled meanwhile, another one leads.

    Args:
        run: from requests to results, in order. Its second argument says that nobody waits any more.
        quiet: seconds without a new request after which a batch is complete.
    """

    def __init__(self, run: Callable[[list[Q], threading.Event], list[R]], quiet: float = 0.05) -> None:
        self._run = run
        self._quiet = quiet
        self._waiting: list[_Slot[Q, R]] = []
        self._led = False

    async def __call__(self, request: Q) -> R:
        """Wait for the result of one request; raises what `run` raised."""
        slot: _Slot[Q, R] = _Slot(request)
        self._waiting.append(slot)
        try:
            while not slot.settled:
                if self._led:
                    await slot.wake.wait()
                    slot.wake = anyio.Event()
                else:
                    await self._lead()
        finally:
            if slot in self._waiting:
                self._waiting.remove(slot)
        if slot.error is not None:
            raise slot.error
        return slot.result[0]

    async def _lead(self) -> None:
        self._led = True
        batch: list[_Slot[Q, R]] = []
        stop = threading.Event()
        try:
            known = -1
            while known != len(self._waiting):
                known = len(self._waiting)
                await anyio.sleep(self._quiet)
            batch, self._waiting = self._waiting, []
            try:
                results = await anyio.to_thread.run_sync(
                    self._run, [s.request for s in batch], stop, abandon_on_cancel=True
                )
            except Exception as e:
                for slot in batch:
                    slot.error = e
            else:
                for slot, result in zip(batch, results, strict=True):
                    slot.result.append(result)
        finally:
            stop.set()
            self._led = False
            self._waiting.extend(s for s in batch if not s.settled)
            for slot in {id(s): s for s in [*batch, *self._waiting]}.values():
                slot.wake.set()
