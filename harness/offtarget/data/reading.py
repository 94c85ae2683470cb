"""Rows of a file, one at a time: `.jsonl`, `.jsonl.gz`, `.csv`, `.parquet`.

Everything streams, so that the first rows of a file of many gigabytes cost no more than those of a
small one.
"""

import csv
import difflib
import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError, DataError

SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".parquet")
_BATCH = 256
"""Rows decoded at a time from a parquet file."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be decoded, while those after it can."""

    message: str


LocatedRow = tuple[str, dict[str, Any] | BadRow]
"""Where the row is ("pairs.jsonl line 3"), and its cells by column."""


def is_data_file(name: str) -> bool:
    """Whether the name ends like a file that `read_rows` knows."""
    return name.lower().endswith(SUFFIXES)


def read_rows(path: Path) -> Iterator[LocatedRow]:
    """The rows of a file, lazily.

    A line that cannot be decoded (not JSON, not UTF-8, a CSV row longer than its header) comes as a `BadRow`, so
    that the reader can stop or go on.

    Raises:
        ConfigError: no such file, or not one of the known kinds.
        DataError: while iterating: an empty or damaged file. The message says after which line.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file{_nearest(path)}")
    lower = path.name.lower()
    if not is_data_file(lower):
        raise ConfigError(f"{path}: unknown kind of file; known are {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name}: the file is empty")
    if lower.endswith(".parquet"):
        return _parquet(path)
    return _csv(path) if lower.endswith(".csv") else _jsonl(path)


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent}"
    there = [p.name for p in path.parent.iterdir() if p.is_file() and is_data_file(p.name)]
    near = difflib.get_close_matches(path.name, there, n=1, cutoff=0.5)
    return f"; did you mean {path.with_name(near[0])}?" if near else ""


def _jsonl(path: Path) -> Iterator[LocatedRow]:
    number = 0
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as lines:
            for line in lines:
                number += 1
                row = _json_line(line, first=number == 1)
                if row is not None:
                    yield f"{path.name} line {number}", row
    except (EOFError, OSError, zlib.error) as e:
        raise DataError(f"{path.name}: damaged after line {number} ({e}); fetch it again") from None


def _json_line(line: bytes, *, first: bool) -> dict[str, Any] | BadRow | None:
    try:
        text = line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as e:
        return BadRow(f"not UTF-8 (byte {e.start + 1}); save the file as UTF-8")
    if not text.strip():
        return None
    try:
        row = json.loads(text)
    except ValueError as e:
        return BadRow(f"not JSON ({e}); each line must be one JSON object")
    except RecursionError:
        return BadRow("nested too deeply")
    if not isinstance(row, dict):
        return BadRow(f"not a JSON object but a {type(row).__name__}; each line must be one object")
    return row


def _csv(path: Path) -> Iterator[LocatedRow]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as f:
        reader = csv.DictReader(f, strict=True)
        try:
            for row in reader:
                where = f"{path.name} line {reader.line_num}"
                if None in row:
                    yield where, BadRow("more cells than the header has columns; quote cells with commas")
                else:
                    yield where, {k: _csv_cell(v) for k, v in row.items()}
        except csv.Error as e:
            raise DataError(f"{path.name} after line {reader.line_num}: not CSV ({e})") from None
        except UnicodeDecodeError:
            line = f"{path.name} after line {reader.line_num}"
            raise DataError(f"{line}: not UTF-8; save the file as UTF-8") from None


def _csv_cell(cell: str | None) -> Any:
    """The cell; a message list that was written into it as JSON comes back as a list."""
    if cell is not None and cell.startswith("[{") and cell.endswith("}]"):
        try:
            value = json.loads(cell)
        except ValueError:
            return cell
        if all(isinstance(m, dict) and {"role", "content"} <= m.keys() for m in value):
            return value
    return cell


def _parquet(path: Path) -> Iterator[LocatedRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path.name} row {number}", row
    except (pa.ArrowException, OSError) as e:
        text = " ".join(str(e).split())[:160]
        raise DataError(f"{path.name}: not a parquet file, or damaged after row {number} ({text})") from None
