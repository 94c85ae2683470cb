"""Standard output and error: their encoding, and their owner."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_what_can_be_written() -> None:
    """Let a terminal of another encoding show a mark for what it lacks, instead of a traceback.

    A stream that was closed before the start (`>&-`) takes everything and shows nothing.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it ends with the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def restored() -> Iterator[None]:
    """Put both streams back as they were, should somebody else's code close or replace them."""
    before = sys.stdout, sys.stderr
    copies = [_duplicate(stream) for stream in before]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for name, copy in zip(("stdout", "stderr"), copies, strict=True):
            if copy is None:
                continue
            if getattr(sys, name).closed:
                setattr(sys, name, os.fdopen(copy, "w", encoding="utf-8", errors="replace", buffering=1))
            else:
                os.close(copy)


def _duplicate(stream: Any) -> int | None:
    try:
        number: int = os.dup(stream.fileno())
    except (OSError, ValueError, AttributeError):  # no stream of the system: a test's or a notebook's
        return None
    return number
