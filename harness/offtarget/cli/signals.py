"""Ending on a signal: at once where Python runs, and within seconds where a library computes.

SIGINT and SIGTERM raise `KeyboardInterrupt` in the main thread, so that what is half made is cleared. Python runs its
handlers only between its own steps: during a long call of a library nothing would happen. So a thread is woken by the
signal itself, waits for the main thread for `GRACE` seconds, and then ends the process. Whatever is written to disk is
whole or absent at every moment, so this loses nothing; the next run clears what was left.
"""

import atexit
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

GRACE = 2.0
"""Seconds for the main thread to end by itself."""
_received: list[int] = []


def exit_code() -> int:
    """The code of a process that a signal ended: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def received() -> bool:
    """Whether a signal has come, so that whatever is raised since is its doing."""
    return bool(_received)


def end(code: int) -> NoReturn:
    """Run what is registered to run at the end, then end the process with this code.

    `sys.exit` will not do: where the interruption passed through an `exec` of text, Python ends itself by SIGINT, whichever
    signal it was.
    """
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if not _received:
        _received.append(number)
    raise KeyboardInterrupt


@contextmanager
def ending(message: str) -> Iterator[None]:
    """Within this block the process ends on SIGINT and SIGTERM within a few seconds, whatever it is doing.

    Args:
        message: what is written to the standard error stream where the main thread does not come to it.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield
        return
    _received.clear()
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fd = signal.set_wakeup_fd(ours.fileno(), warn_on_full_buffer=False)
    done = threading.Event()

    def watch() -> None:
        number = 0
        while number not in (signal.SIGINT, signal.SIGTERM):
            got = theirs.recv(1)
            if not got:
                return
            number = got[0]
        if not done.wait(GRACE):
            sys.stderr.write(message)
            sys.stderr.flush()
            os._exit(128 + number)

    threading.Thread(target=watch, name="signals", daemon=True).start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()
