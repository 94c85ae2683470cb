"""Readable names for what a run keeps in the store: links beside its cells, made as soon as a cell is there.

    policies/filter-0.3-s0                     the adapter or model, as `offtarget eval` and peft load it
    answers/filter-0.3-s0                      its sampled answers with their prompts, in parts
    logs/filter-0.3-s0/over_stylization.eval   Inspect's logs: `inspect view --log-dir logs`

Policies and answers are symbolic links to folders of the store; where the system makes none, a text file of that name with
`.txt` holds the path. Logs are hard links, or copies on another disk: Inspect lists no symbolic ones. Other files and links
in `policies` and `answers` are left alone; the folder of a cell's logs is the run's own.
"""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offtarget.board.cell import Cell
from offtarget.board.folder import slug, strength_and_seed
from offtarget.engine.reuse import Asked
from offtarget.store import write_atomic

POLICIES, ANSWERS, LOGS = "policies", "answers", "logs"
_PATH = ".txt"
LONGEST = 4096
"""Bytes of a path."""
_KEY = re.compile(r"[0-9a-f]{32}")
"""The folder of an artifact in a store, whichever store it is."""


@dataclass
class Kept:
    """Where in the store lies what one cell was made from."""

    policy: Path | None = None
    answers: Path | None = None
    logs: dict[str, Path] = field(default_factory=dict)
    """Behaviour -> Inspect's log."""

    def add(self, behaviour: str | None, path: Path) -> None:
        """Take what `evaluate` says: the log of a behaviour, or the folder of the answers."""
        if behaviour is None:
            self.answers = path
        else:
            self.logs[behaviour] = path


def link_kept(out: Path, name: str, kept: Kept) -> None:
    """Make the links of one cell what they should be; those that an earlier run made under its name go.

    Args:
        out: the run folder.
        name: what the cell is called.
        kept: where things lie; what is None gets no link.
    """
    _point(out / POLICIES / name, kept.policy)
    _point(out / ANSWERS / name, kept.answers)
    folder = out / LOGS / name
    logs = {f"{slug(behaviour)}.eval": log for behaviour, log in kept.logs.items()}
    for old in folder.glob("*.eval"):
        if old.name not in logs:
            old.unlink()
    for file, log in logs.items():
        _share(folder / file, log)
    with contextlib.suppress(OSError):  # not there, or with something in it
        folder.rmdir()


def clear_broken(out: Path) -> None:
    """Remove the links to what the store no longer has."""
    for folder in (out / POLICIES, out / ANSWERS):
        for link in folder.iterdir() if folder.is_dir() else ():
            target = _target(link)
            if target is not None and not target.exists():
                link.unlink()


def where_links_lie(out: Path) -> list[str]:
    """Where policies, answers and logs of a run are, for people: a line for each that there is."""
    lines = {
        POLICIES: "adapters or models; each is a MODEL of `offtarget eval`",
        ANSWERS: "sampled answers with their prompts",
        LOGS: f"`inspect view --log-dir {out / LOGS}`",
    }
    return [f"{out / name}: {about}" for name, about in lines.items() if (out / name).is_dir()]


def policy_of(out: Path, cell: Cell) -> Path | None:
    """The policy of a cell in a run folder; None where it has none, or the store no longer has it."""
    plain = f"{slug(cell.spec.protocol)}-{strength_and_seed(cell.spec)}"
    for name in (f"{plain}-{cell.key[:12]}", plain):
        for link in (out / POLICIES / name, out / POLICIES / f"{name}{_PATH}"):
            if (target := _target(link)) is not None and target.is_dir():
                return target
    return None


def names_of(grid: Sequence[Asked]) -> list[str]:
    """What each cell of a grid is called: `filter-0.3-s0`, with its key where another one would be called so."""
    plain = [f"{slug(asked.spec.protocol)}-{strength_and_seed(asked.spec)}" for asked in grid]
    return [
        name if plain.count(name) == 1 else f"{name}-{asked.key[:12]}" for name, asked in zip(plain, grid, strict=True)
    ]


def _point(place: Path, target: Path | None) -> None:
    """Make a symbolic link, or a text file with the path; None: remove it."""
    written = place.with_name(place.name + _PATH)
    for link in (place, written):
        there = _target(link)
        if there is not None and there != target:
            link.unlink()
    if target is None or place.exists() or written.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(target, target_is_directory=True)
    except OSError:  # a system, or a disk, without them
        write_atomic(written, f"{target}\n")


def _target(link: Path) -> Path | None:
    """Where a link of ours leads, to an artifact of a store; None for anything else."""
    if link.is_symlink():
        target = link.readlink()
    elif link.name.endswith(_PATH) and link.is_file() and link.stat().st_size <= LONGEST:
        target = Path(link.read_text(encoding="utf-8", errors="replace").removesuffix("\n"))
    else:
        return None
    ours = target.is_absolute() and any(_KEY.fullmatch(part) for part in target.parts) and "\n" not in str(target)
    return target if ours else None


def _share(place: Path, log: Path) -> None:
    """The same file under another name."""
    if place.exists() and place.samefile(log):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        os.link(log, place)
    except OSError:  # another disk
        write_atomic(place, log.read_bytes())
