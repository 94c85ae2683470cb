"""Cells of a row: found by the name of a column, or of an entry within one; and compared as labels."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from offtarget.errors import DataError

Row = Mapping[str, Any]
_ABSENT = object()


def cell_of(row: Row, column: str) -> Any:
    """The cell of a column, or `_ABSENT`.

    `input.messages` is the entry of a mapping in column `input`, `answers.0` the first entry of a list, and `answers.text`
    that entry of each mapping in a list.
    """
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, list) and value and all(isinstance(x, Mapping) and part in x for x in value):
            value = [x[part] for x in value]
        else:
            return _ABSENT
    return value


def has(row: Row, column: str) -> bool:
    """Whether a row has the column."""
    return cell_of(row, column) is not _ABSENT


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN, blank text, an empty list. Tables fill the columns of other rows so."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and value != value) or (isinstance(value, list) and not value)


def take(row: Row, column: str, role: str = "") -> Any:
    """The cell of a column, or of an entry within one (`input.messages`).

    Raises:
        DataError: the row has no such column; the message names the nearest one.
    """
    value = cell_of(row, column)
    if value is not _ABSENT:
        return value
    near = difflib.get_close_matches(column, list(row), n=1, cutoff=0.7)
    offer = f"nearest is '{near[0]}'" if near else "there are: " + ", ".join(list(row)[:12])
    raise DataError(f"no column '{column}'{f' for {role}' if role not in ('', column) else ''} ({offer})")


NO_AMOUNT = frozenset({"n/a", "na", "nan", "none", "null", "-", "--", "?", "unrated"})
"""What people write where there is no score."""


def label_key(value: Any) -> str:
    """A label as it is compared: without case, and 1, "1", 1.0, "1.0", true and "True" are the same."""
    if isinstance(value, bool | int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    text = str(value).strip().lower()
    if text in ("true", "false"):
        return str(int(text == "true"))
    return text.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", text) else text
