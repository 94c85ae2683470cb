"""The answers behind two sides that changed: what was asked, and what each said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from offtarget.comparison.logs import Answered, logs_in, read_logs
from offtarget.comparison.sides import SCORES, Side
from offtarget.errors import ConfigError

CELLS, LOGS = "cells", "logs"
"""Folders of a run: `cells/DATASET/PROTOCOL/0.3-s0-KEY.json`, and Inspect's logs in `logs/PROTOCOL-0.3-s0/`."""


@dataclass(frozen=True)
class Flip:
    """One sample whose value is another one in b."""

    id: str
    a: float
    b: float
    asked: str = ""
    """Empty where no log is there."""
    answer_a: str = ""
    answer_b: str = ""


def with_answers(side: Side, text: str) -> Side:
    """The side with the answers of the logs that lie beside it; as it is where there are none.

    Args:
        side: of `read_side`.
        text: what it was read from.
    """
    if side.answers or len(next(iter(side.scores.values()), ())) != 1:
        return side
    logs = _beside(Path(text))
    if not logs:
        return side
    try:
        found = read_logs(logs, text).answers
    except ConfigError:  # the scores are there; pictures of answers are an extra
        return side
    return replace(side, answers={name: found[name] for name in side.scores if name in found})


def flips(a: Side, b: Side, behaviour: str) -> list[Flip]:
    """The samples of one behaviour with another value in b, the largest change first.

    Args:
        a: a single run.
        b: another.
        behaviour: that both have.

    Returns:
        Nothing where a side has several seeds: its samples have no one answer.
    """
    if len(a.scores[behaviour]) != 1 or len(b.scores[behaviour]) != 1:
        return []
    x, y = a.scores[behaviour][0].samples, b.scores[behaviour][0].samples
    none: Mapping[str, Answered] = {}
    said_a, said_b = a.answers.get(behaviour, none), b.answers.get(behaviour, none)
    blank = Answered("", "")
    found = []
    for i, before in x.items():
        after = y.get(i)
        if before is None or after is None or before == after:
            continue
        p, q = said_a.get(i, blank), said_b.get(i, blank)
        found.append(Flip(i, before, after, p.asked or q.asked, p.answer, q.answer))
    return sorted(found, key=lambda f: (-abs(f.b - f.a), f.id))


def _beside(path: Path) -> list[Path]:
    """The logs that belong to a cell, or to a scores.json or its folder."""
    folder = path if path.is_dir() else path.parent
    if (folder / SCORES).is_file():
        return logs_in(folder)
    if path.is_dir():
        inside = sorted(path.glob("*.json"))
        if len(inside) != 1:
            return []
        (path,) = inside
    run = path.absolute().parents[3:4]
    if not run or path.absolute().parents[2].name != CELLS:
        return []
    lead, _, key = path.stem.rpartition("-")
    name = f"{path.parent.name}-{lead}"
    for called in (f"{name}-{key}", name):
        if logs := logs_in(run[0] / LOGS / called):
            return logs
    return []
