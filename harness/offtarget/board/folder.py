"""A folder of cells: `<dataset>/<protocol>/<strength>-s<seed>-<12 hex of the key>.json`, one immutable file for each cell."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from offtarget.board.cell import SCHEMA_VERSION, Cell, CellSpec, differences
from offtarget.documents import parse_json, read_text
from offtarget.errors import ConfigError
from offtarget.records import explain
from offtarget.store import write_atomic

BOARD_FILE = "board.json"
NO_CELLS = {BOARD_FILE, "verification.json", "run.json", "scale.json"}
"""What else is in a results folder: no damaged cells."""


@dataclass(frozen=True)
class CellFolder:
    """The cells that could be read, sorted by key, and one line for each file that could not."""

    cells: tuple[Cell, ...]
    problems: tuple[str, ...] = ()
    paths: Mapping[str, Path] = field(default_factory=dict)
    """Key of a cell -> its file."""


def slug(name: str) -> str:
    """A name as one safe part of a path: `hf:org/name@rev` -> `hf-org__name@rev`.

    Slashes become `__` and other signs `-`. A part never starts with a dot, is never empty and has at
    most 80 signs; a name that had to be cut or that lost signs other than `/` and `:` ends in a short
    hash, so that two names never share a folder by accident.
    """
    plain = name.replace("/", "__").replace(":", "-")
    safe = re.sub(r"[^A-Za-z0-9._@+=-]+", "-", plain).lstrip(".-")
    if safe and safe == plain and len(safe) <= 80:
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[:70].rstrip('.-')}~{digest}".lstrip("~")


def cell_path(results_dir: Path, cell: Cell) -> Path:
    """Where a cell belongs."""
    return results_dir / file_of(cell.spec, cell.key)


def file_of(spec: CellSpec, key: str) -> Path:
    """Where a cell belongs in a folder of cells."""
    return Path(slug(spec.dataset), slug(spec.protocol), f"{strength_and_seed(spec)}-{key[:12]}.json")


def strength_and_seed(spec: CellSpec) -> str:
    """`0.3-s0`, or `s0` of a protocol without a strength: how the names of a cell's files begin."""
    strength = spec.parameters.get("strength")
    lead = "" if strength is None else f"{slug(str(strength).replace('-', 'minus'))}-"
    return f"{lead}s{spec.seed}"


def write_cell(results_dir: Path, cell: Cell) -> Path:
    """Write a cell where it belongs, whole or not at all.

    A cell that is there already and says the same (cost, hardware and time aside) is left as it is.

    Raises:
        ConfigError: another result, or a file that cannot be read, lies under the same key.
    """
    path = cell_path(results_dir, cell)
    if path.exists():
        try:
            old = load_cell(path)
        except ValueError as e:
            raise ConfigError(f"{path}: a file is there that is not a cell ({e}); move it away") from e
        found = differences(old, cell)
        if found:
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise ConfigError(
                f"{path}: this run gave another result before, differing in {', '.join(found[:3])}{more}. "
                "Cells are never overwritten: write to another --out, or delete the old one"
            )
        return path
    return write_atomic(path, cell.written())


def load_cell(path: Path) -> Cell:
    """One cell from its file.

    Raises:
        ValueError: on one line, why the file is not a cell; `pydantic` and JSON errors never escape.
    """
    try:
        text = read_text(path)
        data = parse_json(text, str(path))
    except ConfigError as e:
        raise ValueError(str(e).removeprefix(f"{path}: ")) from e
    if not isinstance(data, dict) or "schema_version" not in data or "spec" not in data:
        raise ValueError("not a cell: it has no schema_version and spec")
    if (found := data["schema_version"]) != SCHEMA_VERSION:
        newer = isinstance(found, int) and not isinstance(found, bool) and found > SCHEMA_VERSION
        remedy = (
            "a newer offtarget wrote it: `pip install --upgrade offtarget`"
            if newer
            else "make the run again: `offtarget run RECIPE`"
        )
        raise ValueError(f"schema_version {found!r}, this version reads {SCHEMA_VERSION}; {remedy}")
    try:
        cell = Cell.model_validate_json(text)
    except ValidationError as e:
        more = f" (and {e.error_count() - 1} more)" if e.error_count() > 1 else ""
        raise ValueError(f"not a valid cell: {explain(e, Cell)}{more}") from e
    if path.stem.rpartition("-")[2] not in {cell.key, cell.key[:12]}:
        raise ValueError(f"its name does not end in its key ({cell.key[:12]}): it was renamed or changed by hand")
    return cell


def read_cells(results_dir: Path) -> CellFolder:
    """Every cell under a folder. A damaged or foreign file is named in `problems`; the others go on.

    Raises:
        ConfigError: there is no such folder.
    """
    if not results_dir.is_dir():
        raise ConfigError(f"results folder '{results_dir}' does not exist; `offtarget run RECIPE --out DIR` makes one")
    cells: dict[str, Cell] = {}
    paths: dict[str, Path] = {}
    problems = []
    for path in sorted(results_dir.rglob("*.json")):
        if any(part.startswith(".") for part in path.relative_to(results_dir).parts):
            continue
        name = path.relative_to(results_dir).as_posix()
        if path.name in NO_CELLS:
            continue
        try:
            cell = load_cell(path)
        except ValueError as e:
            problems.append(f"{name}: {e}")
            continue
        if cell.key in cells and differences(cells[cell.key], cell):
            problems.append(f"{name}: another cell of this folder has the same key and other results; it is left out")
        else:
            cells.setdefault(cell.key, cell)
            paths.setdefault(cell.key, path)
    return CellFolder(tuple(cells[k] for k in sorted(cells)), tuple(problems), paths)


def read_folders(folders: Sequence[Path]) -> CellFolder:
    """Every cell under some folders, each once.

    Raises:
        ConfigError: one of the folders does not exist, or none holds a cell.
    """
    cells: dict[str, Cell] = {}
    paths: dict[str, Path] = {}
    problems: list[str] = []
    for folder in folders:
        found = read_cells(folder)
        paths = {**found.paths, **paths}
        before = f"{folder.as_posix()}/" if len(folders) > 1 else ""
        problems += [before + text for text in found.problems]
        for cell in found.cells:
            if cell.key in cells and differences(cells[cell.key], cell):
                problems.append(
                    f"{folder}: cell {cell.key[:12]} has other results in a folder before it; it is left out"
                )
            else:
                cells.setdefault(cell.key, cell)
    if not cells:
        named = ", ".join(map(str, folders)) or "no folder was named"
        raise ConfigError(f"{named}: holds no cells; make some with `offtarget run`")
    return CellFolder(tuple(cells[k] for k in sorted(cells)), tuple(problems), paths)
