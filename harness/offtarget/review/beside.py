"""What lies beside a verdicts file: its journal, its conflicts and its lock. Each is named by the whole name of the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from offtarget.errors import ConfigError


def real(file: Path) -> Path:
    """The file itself: of a link, what it points to, so that the link survives a change.

    Raises:
        ConfigError: a link that ends nowhere but in itself.
    """
    if not file.is_symlink():
        return file
    target = Path(os.path.realpath(file))
    if target.is_symlink():
        raise ConfigError(f"{file}: a link that points to itself; give a file")
    return target


def beside(file: Path, suffix: str) -> Path:
    """The path of something beside a file: `verdicts.yaml` and `verdicts.yml` share none."""
    return file.with_name(file.name + suffix)


def lock_of(file: Path) -> FileLock:
    """The lock that whoever writes a file holds; a server's threads hold it together."""
    return FileLock(file.with_name(f".{file.name}.lock"), thread_local=False)


def let_go(lock: FileLock) -> None:
    """Release a lock and take its file away, where it is held; who waits for it notices that the file is another."""
    if lock.is_locked:
        with suppress(OSError):  # Windows does not take away an open file
            Path(lock.lock_file).unlink()
    lock.release()


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Nobody else writes the file meanwhile.

    Raises:
        ConfigError: somebody does, or its folder cannot be written to.
    """
    lock = lock_of(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ConfigError(f"somebody else decides on {file} now; end that page, and merge again") from None
    except OSError as error:
        raise ConfigError(f"{file.parent} cannot be written to ({error.strerror}); give another --out") from None
    try:
        yield
    finally:
        let_go(lock)
