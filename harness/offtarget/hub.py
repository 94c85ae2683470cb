"""Whether the Hugging Face hub answers at all, so that nobody waits half a minute for retries of what cannot come."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

SECONDS = 4.0
"""How long the hub may take to answer one small question."""
REMEMBERED = 60.0
"""Seconds for which an address that did not answer is not asked again."""
_lock = threading.Lock()
_silent: dict[str, float] = {}
"""Address -> when it did not answer."""
_held: list[tuple[Any, bool]] = []
"""The switches that are turned while some block lasts, and how they were."""
_blocks = 0


@contextmanager
def asked() -> Iterator[bool]:
    """Ask the hub inside the block; where it does not answer, its libraries take what they have kept, without retries.

    Yields:
        Whether it answers; False too where `HF_HUB_OFFLINE` says that nothing shall be asked.
    """
    from huggingface_hub import constants

    if _blocks == 0 and (constants.HF_HUB_OFFLINE or answers(constants.ENDPOINT)):
        yield not constants.HF_HUB_OFFLINE
        return
    _turn_off(constants)
    try:
        yield False
    finally:
        _turn_back()


def answers(address: str) -> bool:
    """Whether anything at all comes back within `SECONDS`; an error of the server is an answer.

    What cannot be asked (an address that is none, a proxy without its package) is left to the libraries to say.
    """
    if time.monotonic() - _silent.get(address, -REMEMBERED) < REMEMBERED:
        return False
    came: list[bool] = []
    # in a thread: looking a name up has no time limit of its own
    thread = threading.Thread(target=lambda: came.append(_head(address)), daemon=True)
    thread.start()
    thread.join(SECONDS)
    if came == [True]:
        return True
    _silent[address] = time.monotonic()
    return False


def _head(address: str) -> bool:
    import httpx

    try:
        httpx.head(address, timeout=SECONDS, follow_redirects=False)
    except httpx.TransportError:
        return False
    except Exception:
        return True
    return True


def _turn_off(constants: Any) -> None:
    """Tell the libraries that they are offline; blocks may overlap."""
    global _blocks
    with _lock:
        _blocks += 1
        if _blocks > 1:
            return
        # what is imported only inside the block would take the turned switch for the user's
        for module in (constants, import_module("datasets.config")):
            _held.append((module, vars(module)["HF_HUB_OFFLINE"]))
            vars(module)["HF_HUB_OFFLINE"] = True


def _turn_back() -> None:
    global _blocks
    with _lock:
        _blocks -= 1
        while _blocks == 0 and _held:
            module, was = _held.pop()
            vars(module)["HF_HUB_OFFLINE"] = was
