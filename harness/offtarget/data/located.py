"""Rows as files hold them, each with its place."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be decoded, while those after it can."""

    message: str


Cells = dict[str, Any]
"""A row: its cells by column."""
LocatedRow = tuple[str, Cells | BadRow]
"""Where the row is ("pairs.jsonl line 3"), and what it holds."""
