"""Names beside a file or folder that is being made: temporary, exchanged with it at once, cleared when their maker died.

What is unfinished is called `.NAME.HOST-PID-random` and is in the same folder, so that taking its place is one rename.
A process that is killed leaves it behind; the next one that makes the same thing sees by host and process that nobody
works on it any more.
"""

import ctypes
import errno
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

OLD = "old"
"""In a temporary folder: what is being replaced, where names cannot be exchanged at once."""
_LONG = 24 * 3600
"""Seconds after which what is left behind is cleared too where nobody can ask whether its maker lives."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@cache
def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def prefix_of(path: Path) -> str:
    """How the temporary names of a path begin, of this process."""
    return f".{path.name}.{_host()}-{os.getpid()}-"


def temporary_dir(path: Path) -> Path:
    """A new empty folder beside a path."""
    return Path(tempfile.mkdtemp(prefix=prefix_of(path), dir=path.parent))


def clear(path: Path) -> None:
    """Remove what processes that are gone left behind while they made a path; put back what they had moved aside."""
    pattern = re.compile(re.escape(f".{path.name}.") + r"([0-9a-f]{6})-(\d+)-[a-z0-9_]+")
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.name.startswith(f".{path.name}.")]
    except OSError:
        return
    for name in names:
        found = pattern.fullmatch(name)
        left = path.parent / name
        if not found or not _abandoned(left, found[1], int(found[2])):
            continue
        if (left / OLD).exists() and not path.exists():
            (left / OLD).rename(path)
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _abandoned(left: Path, host: str, pid: int) -> bool:
    if pid == os.getpid() and host == _host():
        return False
    if host != _host() or sys.platform == "win32":  # where signal 0 would not ask but interrupt
        try:
            return time.time() - left.stat().st_mtime > _LONG
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


def replace_dir(made: Path, path: Path) -> Path:
    """Give a folder the name of another one, which is kept whole until the new one has it.

    Where the system can, the two names are exchanged at once; at no moment is there no folder of that name. Elsewhere the
    old one is moved aside first, where `clear` finds it.

    Returns:
        Where the old folder now is, for the caller to remove.
    """
    if _exchange(made, path):
        return made
    aside = temporary_dir(path)
    path.rename(aside / OLD)
    try:
        made.rename(path)
    except BaseException:
        if not path.exists():
            (aside / OLD).rename(path)
        raise
    return aside


def _exchange(a: Path, b: Path) -> bool:
    """Whether the two names were exchanged (`renameat2`, Linux; not on every file system)."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if call is None:
        return False
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    if call(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(code, os.strerror(code), str(b))
