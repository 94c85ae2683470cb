"""For a commit hook: what the gate judged by must be what is committed."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from offtarget.errors import UndecidedError


def require_staged(files: Iterable[Path | None]) -> None:
    """Check that files have no change that is not staged.

    Raises:
        UndecidedError: one has, is not under version control, or git cannot say.
    """
    for file in files:
        if file is None or not file.exists():
            continue
        listed = _git(file, "ls-files", "--error-unmatch")
        changed = _git(file, "diff", "--quiet")
        if listed == 0 and changed == 0:
            continue
        if listed not in (0, 1) or changed not in (0, 1):
            raise UndecidedError(f"{file}: git cannot say whether it is staged; run the gate inside the repository")
        raise UndecidedError(f"{file} has changes that are not staged; run `git add {file}` and commit again")


def _git(file: Path, *command: str) -> int:
    words = ["git", "-C", str(file.resolve().parent), *command, "--", file.name]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode
    except OSError:
        return 128
