"""Which files of a pattern are judged: every drop that is later, by name, than the one behind the baseline.

A pattern in `data` of offtarget.toml (`drops/*.jsonl`) is a drop a file. So a new file is judged without an edit, and what
was accepted before is not judged again. Numbers in names count as numbers: w2 is before w10.
"""

import fnmatch
import glob
import re
from dataclasses import dataclass
from pathlib import Path

from offtarget.data.reading import is_data_file
from offtarget.errors import ConfigError
from offtarget.gate.baseline import own_data, require_like

SHOWN = 3
"""Names in a note."""


@dataclass(frozen=True)
class Drops:
    """What is judged of a pattern."""

    files: tuple[str, ...]
    """Paths from the folder of offtarget.toml, in the order of their names; at least one."""
    notes: tuple[str, ...]
    """What is judged, and what is not."""


def is_pattern(data: str, folder: Path) -> bool:
    """Whether `data` of an offtarget.toml in `folder` is a drop a file."""
    return not data.startswith("hf:") and glob.has_magic(data) and not (folder / data).exists()


def drops_of(pattern: str, folder: Path, baseline: Path | None, where: str) -> Drops:
    """The drops of a pattern that are later than the baseline's own; that one where none is.

    Args:
        pattern: `data` of offtarget.toml.
        folder: the one of offtarget.toml.
        baseline: the baseline file; without one every file is judged.
        where: the name of offtarget.toml, for messages.

    Raises:
        ConfigError: no file matches, or the folder beside the baseline is not there.
    """
    require_like(baseline)
    files = matching(pattern, folder)
    if not files:
        raise ConfigError(
            f'{where}: no file matches data = "{pattern}"; correct it, or name the data on the command line'
        )
    own = _own(pattern, folder, baseline)
    later = [f for f in files if own is None or in_order(f) > in_order(own)]
    before = [f for f in files if own is not None and in_order(f) < in_order(own)]
    notes = []
    if later:
        beside = f"; the baseline is of {own}" if own else ""
        notes.append(f'judged, as data = "{pattern}": {", ".join(later)}{beside}')
    elif own in files:
        later = [own]
        notes.append(
            f'no file of data = "{pattern}" is later by name than the baseline\'s own {own}: that one is judged again'
        )
    else:
        raise ConfigError(
            f'{where}: no file of data = "{pattern}" is later by name than {own}, which the baseline is of; name drops so '
            "that a later one sorts last, such as by date"
        )
    if before:
        notes.append(
            f"not judged, as by name they are before {own}: {_some(before)}; name a new drop so that it sorts last"
        )
    if missed := _missed(pattern, folder, files):
        notes.append(f'not judged, as data = "{pattern}" does not match them: {_some(missed)}')
    return Drops(tuple(later), tuple(notes))


def matching(pattern: str, folder: Path) -> list[str]:
    """The files of a pattern, in the order of their names; a whole path, or one from the folder."""
    found = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - takes a whole path too
    return sorted((f for f in found if (folder / f).is_file()), key=in_order)


def in_order(name: str) -> list[tuple[int, int, str]]:
    """The place of a name among others: numbers count as numbers."""
    return [(0, int(x), x) if x.isdecimal() else (1, 0, x) for x in re.split(r"(\d+)", name) if x]


def _own(pattern: str, folder: Path, baseline: Path | None) -> str | None:
    """The baseline's data as a path that the pattern matches, also where another machine or folder read it."""
    data = own_data(baseline) if baseline is not None else None
    if data is None:
        return None
    tail = "/".join(Path(data).parts[-len(Path(pattern).parts) :])
    if "**" not in pattern and fnmatch.fnmatchcase(tail, pattern):
        return tail
    whole = Path(data).resolve()
    if not whole.is_relative_to(folder.resolve()):
        return None
    path = whole.relative_to(folder.resolve()).as_posix()
    return path if path in matching(pattern, folder) else None


def _missed(pattern: str, folder: Path, files: list[str]) -> list[str]:
    """Data files in the folder of the pattern that it does not match."""
    parent = Path(pattern).parent
    if glob.has_magic(str(parent)) or parent == Path() or not (folder / parent).is_dir():
        return []
    there = [(parent / p.name).as_posix() for p in (folder / parent).iterdir() if p.is_file() and is_data_file(p.name)]
    return sorted(set(there) - set(files), key=in_order)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[-SHOWN:]) + more
