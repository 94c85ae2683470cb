"""Protocols that live in a repository of their own: a pointer to the file, and the cells that were made with it."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from offtarget.board.cell import Cell
from offtarget.documents import read_yaml
from offtarget.errors import ConfigError
from offtarget.records import Record, explain

FOLDER = "contrib"
"""Beside a folder of cells, or in it."""
HELD = {"same", "within seed noise"}


class Rerun(Record):
    """One seed that was run again, by somebody who did not make it first."""

    by: str
    date: date
    cell: str = Field(pattern=r"^[0-9a-f]{12,64}$")
    """Key of the cell, at least 12 signs."""
    conclusion: Literal["same", "within seed noise", "different"]


class Contribution(Record):
    """`contrib/NAME.yaml`: where an outside protocol is, and which cells are its."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Of the protocol, as its cells call it."""
    repository: str = Field(pattern=r"^https://[\w.-]+/[\w./-]+$")
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    file: str = Field(pattern=r"^[\w-][\w./-]*\.py$")
    """Path of the protocol in the repository."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of that file."""
    cells: tuple[str, ...] = Field(min_length=1)
    """Keys of its cells, at least 12 signs of each."""
    about: str = Field(default="", max_length=400)
    rerun: tuple[Rerun, ...] = ()
    """Seeds that were run again (`offtarget reproduce`); until one held, its rows are unverified."""

    @property
    def verified(self) -> bool:
        """Whether a seed was run again and held."""
        return any(r.conclusion in HELD for r in self.rerun)

    def has(self, key: str) -> bool:
        """Whether a cell is one of its."""
        return any(key.startswith(k) for k in self.cells)


def read_contribution(path: Path) -> Contribution:
    """One pointer.

    Raises:
        ConfigError: no such file, or not what `Contribution` says.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    found: Any = read_yaml(path)
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: a contribution is a mapping with name, repository, commit, file, sha256 and cells")
    try:
        made = Contribution.model_validate(found)
    except ValidationError as e:
        raise ConfigError(f"{path}: {explain(e, Contribution)}") from None
    if path.stem != made.name:
        raise ConfigError(f"{path}: names the protocol {made.name}; call the file {made.name}.yaml")
    if ".." in made.file.split("/"):
        raise ConfigError(f"{path}: file {made.file} leads out of its repository")
    if any(not re.fullmatch(r"[0-9a-f]{12,64}", k) for k in made.cells):
        raise ConfigError(f"{path}: cells are keys of at least 12 hexadecimal signs")
    return made


def contributions_of(folders: Iterable[Path]) -> tuple[list[Contribution], list[str]]:
    """The pointers that lie beside or in some folders of cells, and a line for each that cannot be read."""
    found: dict[Path, Contribution] = {}
    problems = []
    places = [place for folder in folders for place in (folder / FOLDER, folder.absolute().parent / FOLDER)]
    for path in sorted({p.resolve() for place in places if place.is_dir() for p in place.glob("*.yaml")}):
        try:
            found[path] = read_contribution(path)
        except ConfigError as e:
            problems.append(str(e))
    return list(found.values()), problems


def unverified(cells: Sequence[Cell], contributions: Sequence[Contribution]) -> frozenset[str]:
    """Keys of the cells of outside protocols of which no seed was run again and held."""
    out = set()
    for c in contributions:
        own = [cell for cell in cells if c.has(cell.key)]
        if not c.verified and not any(r.conclusion in HELD for cell in own for r in cell.reproduced):
            out |= {cell.key for cell in own}
    return frozenset(out)


def file_problem(contribution: Contribution, checkout: Path) -> str:
    """What is wrong with the file of a contribution in a checkout of its repository; empty if nothing is."""
    path = checkout / contribution.file
    if not path.is_file():
        return f"{contribution.file} is not in {checkout}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != contribution.sha256:
        return f"{contribution.file} in {checkout} has the sha256 {digest[:12]}, the pointer says {contribution.sha256[:12]}"
    return ""
