"""Rows as files hold them, each with its place."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be decoded, while those after it can."""

    message: str


class HeaderAgain(BadRow):
    """A row of a table that says its header once more, as files put behind each other do: no pair of the data."""


Cells = dict[str, Any]
"""A row: its cells by column."""
LocatedRow = tuple[str, Cells | BadRow]
"""Where the row is ("pairs.jsonl line 3"), and what it holds."""
