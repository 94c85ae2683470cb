"""For a commit hook: what the gate judged by must be what is committed."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from offtarget.errors import UndecidedError


def require_staged(paths: Iterable[Path | None]) -> None:
    """Check that files, and all files of folders, have no change that is not staged.

    Raises:
        UndecidedError: one has, is not under version control, or git cannot say.
    """
    for path in paths:
        if path is None or not path.parent.is_dir():
            continue
        lines = _status(path)
        if lines is None:
            raise UndecidedError(f"{path}: git cannot say whether it is staged; run the gate inside the repository")
        if any(line[1:2] != " " for line in lines):
            raise UndecidedError(f"{path} has changes that are not staged; run `git add {path}` and commit again")


def _status(path: Path) -> list[str] | None:
    """What git says of a path, a line a file that is not as it was committed; None where it cannot."""
    words = [
        "git",
        "-C",
        str(path.resolve().parent),
        "status",
        "--porcelain",
        "--untracked-files=all",
        "--ignored",
        "--",
    ]
    try:
        done = subprocess.run([*words, path.name], capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None
