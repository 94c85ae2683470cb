"""Rows that a program holds: a list of mappings, a pandas DataFrame, or a Dataset of Hugging Face."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from offtarget.data.located import Cells, LocatedRow
from offtarget.errors import ConfigError


def is_reference(data: Any) -> TypeGuard[str | Sequence[str]]:
    """Whether it names a dataset, or several files, rather than holding rows."""
    return isinstance(data, str) or (
        isinstance(data, Sequence) and bool(data) and all(isinstance(one, str) for one in data)
    )


def rows_of(data: Any) -> Callable[[], Iterator[LocatedRow]]:
    """What opens the rows, from the first, as often as they are needed.

    Args:
        data: a sequence of mappings, a pandas DataFrame, or a `datasets.Dataset`.

    Raises:
        ConfigError: something else, or a Dataset of several splits.
    """
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return _of_frame(data)
    if isinstance(data, Mapping):
        # a DatasetDict is a mapping too
        splits = ", ".join(map(str, list(data)[:6]))
        raise ConfigError(f"a mapping with the keys {splits} is no list of rows; of a dataset with splits give one")
    if hasattr(data, "column_names") and hasattr(data, "features"):
        return lambda: _located(dict(row) for row in data)
    if isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data):
        return lambda: _located({str(k): v for k, v in row.items()} for row in data)
    raise ConfigError(
        f"rows of type {type(data).__name__} cannot be read: give a file, a name of the registry, a list of mappings, a pandas "
        "DataFrame or a datasets.Dataset"
    )


def _of_frame(frame: Any) -> Callable[[], Iterator[LocatedRow]]:
    names = [str(name) for name in frame.columns]

    def rows() -> Iterator[LocatedRow]:
        # itertuples gives Python values where a row as a Series would make all of them one type
        return _located(
            dict(zip(names, map(_plain, row), strict=True)) for row in frame.itertuples(index=False, name=None)
        )

    return rows


def _located(rows: Iterator[Cells]) -> Iterator[LocatedRow]:
    return ((f"row {number}", row) for number, row in enumerate(rows, start=1))


def _plain(value: Any) -> Any:
    """A cell as JSON would hold it: no numpy, and None for pandas' missing values."""
    if hasattr(value, "tolist"):  # arrays and scalars of numpy
        value = value.tolist()
    if (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and math.isnan(value))
    ):
        return None
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return value
