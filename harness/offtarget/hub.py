"""Whether the Hugging Face hub answers at all, so that nobody waits half a minute for retries of what cannot come."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 4.0
"""How long the hub may take to answer one small question."""


@contextmanager
def asked() -> Iterator[bool]:
    """Ask the hub inside the block; where it does not answer, its libraries take what they have kept, without retries.

    Yields:
        Whether it answers; False too where `HF_HUB_OFFLINE` says that nothing shall be asked.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or _answers(constants.ENDPOINT):
        yield not constants.HF_HUB_OFFLINE
        return
    switches = [constants, *([sys.modules["datasets.config"]] if "datasets.config" in sys.modules else [])]
    for module in switches:
        module.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    try:
        yield False
    finally:
        for module in switches:
            module.HF_HUB_OFFLINE = False  # type: ignore[attr-defined]


def _answers(address: str) -> bool:
    """Whether anything at all comes back; an error of the server is an answer."""
    import httpx

    try:
        httpx.head(address, timeout=SECONDS, follow_redirects=False)
    except httpx.HTTPError:
        return False
    return True
