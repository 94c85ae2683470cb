"""Rows of a file, one at a time, whatever kind of file it is.

Lines, tables and batches stream, so that the first rows of a file of many gigabytes cost no more than those of a
small one; a JSON document (an array of objects) is read whole.
"""

import difflib
from collections.abc import Callable, Iterator
from pathlib import Path

from offtarget.data.encodings import shown
from offtarget.data.located import LocatedRow
from offtarget.errors import ConfigError, DataError

PACKED = (".gz", ".zst")
LINES = (".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".tsv")
BATCHES = (".parquet", ".arrow")
KNOWN = ".jsonl, .json, .csv, .tsv (each also .gz or .zst), .parquet, .arrow"


def kind_of(name: str) -> str | None:
    """`.jsonl`, `.csv`, `.parquet` and so on, in lower case and without the packing; None if not a known kind."""
    lower = name.lower()
    for packed in PACKED:
        if lower.endswith(packed):
            inner = Path(lower.removesuffix(packed)).suffix
            return inner if inner in LINES + TABLES else None
    suffix = Path(lower).suffix
    return suffix if suffix in LINES + TABLES + BATCHES else None


def is_data_file(name: str) -> bool:
    """Whether the name ends like a file that `read_rows` knows."""
    return kind_of(name) is not None


def read_rows(path: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[LocatedRow]:
    """The rows of a file, lazily.

    A line that cannot be decoded (not JSON, not UTF-8, a CSV row longer than its header) comes as a `BadRow`, so
    that the reader can stop or go on.

    Args:
        path: the file.
        tell: called with a line on what a reader of the rows should know of the file.

    Raises:
        ConfigError: no such file, or not one of the known kinds.
        DataError: while iterating: an empty or damaged file, or a header with one name twice. The message says after
            which line.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file{_nearest(path)}")
    kind = kind_of(path.name)
    if kind is None:
        text = "; a .txt file is read once its name says what it holds (.tsv, .csv or .jsonl)"
        raise ConfigError(
            f"{path}: unknown kind of file; known are {KNOWN}{text if path.suffix.lower() == '.txt' else ''}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{shown(path)}: the file is empty")
    if kind in BATCHES:
        from offtarget.data.columnar import arrow_rows, parquet_rows

        return parquet_rows(path) if kind == ".parquet" else arrow_rows(path)
    if kind in TABLES:
        from offtarget.data.delimited import table_rows

        return table_rows(path, tell)
    from offtarget.data.json_files import json_rows

    return json_rows(path)


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent}"
    there = [p.name for p in path.parent.iterdir() if p.is_file() and is_data_file(p.name)]
    near = difflib.get_close_matches(path.name, there, n=1, cutoff=0.5)
    return f"; did you mean {path.with_name(near[0])}?" if near else ""
