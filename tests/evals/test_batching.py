"""Concurrent requests become one call; failure and cancellation reach the right ones."""

import threading
import time

import anyio
import pytest

from offtarget.evals.batching import Batcher


def test_requests_that_arrive_together_run_together() -> None:
    calls: list[list[int]] = []

    def square(requests: list[int], stop: threading.Event) -> list[int]:
        calls.append(list(requests))
        return [r * r for r in requests]

    async def main() -> dict[int, int]:
        batcher = Batcher(square)
        got: dict[int, int] = {}

        async def ask(n: int, after: float) -> None:
            await anyio.sleep(after)
            got[n] = await batcher(n)

        async with anyio.create_task_group() as group:
            for n in range(5):
                group.start_soon(ask, n, 0.0)
            group.start_soon(ask, 7, 0.5)
        return got

    assert anyio.run(main) == {0: 0, 1: 1, 2: 4, 3: 9, 4: 16, 7: 49}
    assert [sorted(c) for c in calls] == [[0, 1, 2, 3, 4], [7]]


def test_a_failure_reaches_every_request_of_its_batch() -> None:
    def fail(requests: list[int], stop: threading.Event) -> list[int]:
        raise RuntimeError("no weights")

    async def main() -> list[str]:
        batcher = Batcher(fail)
        seen: list[str] = []

        async def ask(n: int) -> None:
            with pytest.raises(RuntimeError, match="no weights"):
                await batcher(n)
            seen.append("failed")

        async with anyio.create_task_group() as group:
            for n in range(3):
                group.start_soon(ask, n)
        return seen

    assert anyio.run(main) == ["failed"] * 3


def test_when_the_leader_is_cancelled_another_leads() -> None:
    stopped: list[bool] = []

    def slow(requests: list[str], stop: threading.Event) -> list[str]:
        if "leader" in requests:
            for _ in range(200):
                if stop.is_set():
                    stopped.append(True)
                    return requests
                time.sleep(0.01)
        return [r.upper() for r in requests]

    async def main() -> list[str]:
        batcher = Batcher(slow, quiet=0.01)
        got: list[str] = []

        async def leader() -> None:
            with anyio.move_on_after(0.2):
                got.append(await batcher("leader"))

        async def follower() -> None:
            await anyio.sleep(0.001)
            got.append(await batcher("follower"))

        async with anyio.create_task_group() as group:
            group.start_soon(leader)
            group.start_soon(follower)
        return got

    with anyio.from_thread.start_blocking_portal() as portal:
        assert portal.call(main) == ["FOLLOWER"]
    time.sleep(0.05)
    assert stopped == [True]
