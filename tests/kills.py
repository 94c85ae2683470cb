"""Run a function in a child process that dies by SIGKILL at one of its changes to the disk."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.link", "os.symlink", "os.utime",
    "shutil.copyfile", "shutil.rmtree", "tempfile.mkdtemp", "tempfile.mkstemp", "ctypes.call_function",
}  # fmt: skip
"""Audit events of Python that stand for a change to the disk; `open` for writing is one too."""


def _changes(event: str, args: tuple[Any, ...]) -> bool:
    if event == "open":
        _, mode, flags = args
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND)
        return bool(writes) or (isinstance(mode, str) and any(c in mode for c in "wax+"))
    return event in CHANGES


def run_killed(function: Callable[[], object], at: int, *, after: bool = False) -> int:
    """Run it in a fork that kills itself at its change number `at` (from 0), just before it or, with `after`, before the next.

    Returns:
        The number of changes seen where it was not killed; -1 where it was.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            seen = 0

            def hook(event: str, args: tuple[Any, ...]) -> None:
                nonlocal seen
                if _changes(event, args):
                    if seen == at + after:
                        os.kill(os.getpid(), signal.SIGKILL)
                    seen += 1

            sys.addaudithook(hook)
            function()
            os.write(write, str(seen).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    text = b""
    while part := os.read(read, 100):
        text += part
    os.close(read)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return -1
    assert status == 0, "the function failed by itself"
    return int(text)


def litter(folder: Path) -> list[str]:
    """Hidden names and half-built things that are no result."""
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.name.startswith(".") or (p.parent.name == "building" and p.is_dir())
    )
