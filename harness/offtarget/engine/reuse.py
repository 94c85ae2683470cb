"""Cells that were made before: which can stand for one that is asked for, and why others cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offtarget.board.cell import Cell, CellManifest, CellSpec, cell_key
from offtarget.board.folder import read_cells
from offtarget.board.group import run_name


@dataclass(frozen=True)
class Asked:
    """A cell before it is made."""

    spec: CellSpec
    manifest: CellManifest
    setting: Mapping[str, Any]
    """Budget class, mode and key of the audit."""

    @property
    def key(self) -> str:
        """The key that the cell will have."""
        return cell_key(self.spec, self.manifest, self.setting)


@dataclass
class Earlier:
    """The cells of a results folder, and what came of asking for some of them."""

    cells: dict[str, Cell]
    problems: tuple[str, ...] = ()
    reused: list[str] = field(default_factory=list)
    """Cells that were found, by name."""
    refused: list[str] = field(default_factory=list)
    """Cells of the same dataset, model, protocol and seed that are not what was asked, each with the reason."""

    @classmethod
    def read(cls, folder: Path) -> "Earlier":
        """The cells of a folder.

        Raises:
            ConfigError: there is no such folder.
        """
        found = read_cells(folder)
        return cls({c.key: c for c in found.cells}, found.problems)

    def find(self, asked: Asked) -> Cell | None:
        """The cell that was asked for; where there is none, notes why those nearest to it cannot stand for it."""
        if cell := self.cells.get(asked.key):
            self.reused.append(run_name(cell))
            return cell
        for near in self.cells.values():
            same = ("dataset", "model", "protocol", "seed")
            if all(getattr(near.spec, name) == getattr(asked.spec, name) for name in same):
                self.refused.append(f"{run_name(near)} ({near.key[:12]}): {', '.join(_differences(near, asked))}")
        return None


def _differences(near: Cell, asked: Asked) -> list[str]:
    """What of a cell's key is other than what is asked, each with both values where they are short."""
    manifest = (
        "dataset_revision",
        "rows_sha256",
        "model_identity",
        "template_hash",
        "code_version",
        "protocol_sha256",
        "contexts_sha256",
        "task_versions",
    )
    pairs: list[tuple[str, Any, Any]] = [
        *((n, v, getattr(asked.spec, n)) for n, v in near.spec),
        *((n, getattr(near.manifest, n), getattr(asked.manifest, n)) for n in manifest),
        *((n, near.setting.get(n), asked.setting.get(n)) for n in {**near.setting, **asked.setting}),
    ]
    out = []
    for name, was, now in pairs:
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            keys = sorted(k for k in {*was, *now} if was.get(k) != now.get(k))
            out += [f"{name}.{k} was {_short(was.get(k))}, now {_short(now.get(k))}" for k in keys]
        elif (sorted(was) != sorted(now)) if name == "behaviours" else was != now:
            out.append(f"{name} was {_short(was)}, now {_short(now)}")
    return out or ["its key differs although every compared field is equal"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:16]}..."
