"""What lies beside a cell: the recipe, the audit, the policy and the logs of the run that made it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from offtarget.board.cell import Cell
from offtarget.board.folder import slug, strength_and_seed

RUN_FILE = "run.json"
"""What a run folder holds of its recipe; `engine.run` writes it."""


@dataclass(frozen=True)
class Link:
    """One thing that a cell was made from or with."""

    what: str
    words: str
    href: str = ""
    """Relative to the page; empty where it is not there."""


def beside(cell: Cell, path: Path, page: Path) -> tuple[Link, ...]:
    """Links from a cell's page to its file and to what its run folder holds.

    Args:
        cell: it.
        path: its file.
        page: the file of the page.
    """
    run = run_folder(path)
    return (
        Link("cell", path.name, _to(path, page)),
        *_recipe(cell, run, page),
        *_audit(cell, run, page),
        Link("plan", "what the protocol did to the rows", "#plan")
        if cell.plan
        else Link("plan", "none: before training"),
        *_log(cell, run, page),
    )


def run_folder(path: Path) -> Path | None:
    """The folder of the run that wrote a cell, where it lies in one."""
    return next((p.parent for p in path.parents if p.name == "cells" and (p.parent / RUN_FILE).is_file()), None)


def _recipe(cell: Cell, run: Path | None, page: Path) -> Iterator[Link]:
    if run is not None:
        yield Link("recipe", "the whole run", _to(run / RUN_FILE, page))
    yield Link("recipe", "of this cell alone" if cell.recipe else "what was asked", "#recipe")


def _audit(cell: Cell, run: Path | None, page: Path) -> Iterator[Link]:
    report = None if run is None else run / "audit" / "report.html"
    if report is not None and report.is_file():
        yield Link("audit", "its report", _to(report, page))
    yield Link("audit", "key and counts", "#audit") if cell.audit else Link("audit", "none")


def _log(cell: Cell, run: Path | None, page: Path) -> Iterator[Link]:
    name = f"{slug(cell.spec.protocol)}-{strength_and_seed(cell.spec)}"
    for folder, words in (("policies", "the policy"), ("answers", "its answers"), ("logs", "logs of Inspect")):
        for place in (run / folder / name, run / folder / f"{name}-{cell.key[:12]}") if run else ():
            if place.exists():
                yield Link("log", words, _to(place, page))
    yield Link("log", "loss by step", "#log") if cell.training else Link("log", "none: before training")


def _to(target: Path, page: Path) -> str:
    """The address of a file, from a page; empty where there is no way from one to the other."""
    try:
        found = os.path.relpath(target.absolute(), page.absolute().parent)
    except ValueError:  # another drive
        return ""
    return quote(Path(found).as_posix())
