"""What was decided, in the order in which it was: one line each, appended and never changed, for undo across restarts."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from offtarget.records import Record
from offtarget.review.beside import beside
from offtarget.review.file import Entry

SUFFIX = ".journal.jsonl"


class Change(Record):
    """One verdict before and after: an entry of the file, or None where there was none."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Step(Record):
    """One line: decisions that were made together."""

    n: int
    """Its number, from 1."""
    at: str
    """UTC."""
    by: str
    undoes: int | None = None
    """The number of the line that this one takes back."""
    changes: tuple[Change, ...]


class Journal:
    """The journal beside a verdicts file.

    Args:
        file: the verdicts file.
    """

    def __init__(self, file: Path) -> None:
        self.path = beside(file, SUFFIX)

    def steps(self) -> list[Step]:
        """All lines; half a line, whose writer was killed, is none."""
        if not self.path.is_file():
            return []
        out = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                out.append(Step.model_validate_json(line))
            except ValidationError:
                continue
        return out

    def append(self, by: str, changes: list[Change], undoes: int | None = None) -> Step:
        """Write one more line; it is on the disk when this returns."""
        steps = self.steps()
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        step = Step(n=1 + (steps[-1].n if steps else 0), at=now, by=by, undoes=undoes, changes=tuple(changes))
        text = self.path.read_bytes() if self.path.is_file() else b""
        gap = "\n" if text and not text.endswith(b"\n") else ""
        with self.path.open("a", encoding="utf-8") as out:
            out.write(f"{gap}{step.model_dump_json()}\n")
            out.flush()
            os.fsync(out.fileno())
        return step

    def undoable(self) -> list[Step]:
        """The lines that were not taken back, the last one last."""
        left: list[Step] = []
        for step in self.steps():
            if step.undoes is None:
                left.append(step)
            else:
                left = [s for s in left if s.n != step.undoes]
        return left


def as_written(entry: Entry | None) -> Entry | None:
    """An entry as a line of the journal holds it: JSON values."""
    return None if entry is None else dict(json.loads(json.dumps(entry, default=str)))
