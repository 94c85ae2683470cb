"""Concurrent requests become one call; failure and cancellation reach the right ones."""

import threading

import anyio
import anyio.from_thread
import anyio.to_thread
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

        async def ask(n: int) -> None:
            got[n] = await batcher(n)

        async with anyio.create_task_group() as group:
            for n in range(5):
                group.start_soon(ask, n)
        await ask(7)
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
    running, ended = threading.Event(), threading.Event()
    stopped: list[bool] = []

    def slow(requests: list[str], stop: threading.Event) -> list[str]:
        if "leader" in requests:
            running.set()
            stopped.append(stop.wait(200))
            ended.set()
        return [r.upper() for r in requests]

    async def main() -> list[str]:
        batcher = Batcher(slow, quiet=0.01)
        got: list[str] = []
        scope = anyio.CancelScope()

        async def leader() -> None:
            with scope:
                got.append(await batcher("leader"))

        async def follower() -> None:
            got.append(await batcher("follower"))

        async with anyio.create_task_group() as group:
            group.start_soon(leader)
            group.start_soon(follower)
            await anyio.to_thread.run_sync(running.wait)
            scope.cancel()
        return got

    with anyio.from_thread.start_blocking_portal() as portal:
        assert portal.call(main) == ["FOLLOWER"]
    ended.wait(200)
    assert stopped == [True]
