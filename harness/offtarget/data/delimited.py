"""Rows of a table in text: `.csv` and `.tsv`, with whichever of comma, semicolon, tab or bar parts its cells."""

import csv
import io
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from offtarget.data.columns import looks_like_header
from offtarget.data.encodings import encoding_of, not_utf8, opened, shown
from offtarget.data.located import BadRow, Cells, HeaderAgain, LocatedRow
from offtarget.data.windows_1252 import is_windows_1252_file
from offtarget.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 16
_SEEN = 40
"""Records by which the delimiter is told."""
_TOP = 10
"""Records among which a header is looked for."""
_ESCAPED = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, as Python keeps them."""


def table_rows(path: Path, tell: Callable[[str], None] = lambda _: None) -> Iterator[LocatedRow]:
    """The rows of a CSV or TSV file; header cells are stripped, an index column without a name is left out.

    A row that repeats the header is a `HeaderAgain`.

    Args:
        path: the file.
        tell: called with a line on the file where it is read as Windows-1252.

    Raises:
        DataError: a header with one name twice, one with the columns in another order further down, or a damaged archive.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    encoding = encoding_of(path)
    after, told = 0, False
    try:
        with opened(path) as raw:
            text = io.TextIOWrapper(raw, _named(encoding), errors="surrogateescape", newline="")
            head = text.read(_SAMPLE)
        delimiter = _delimiter(head, path)
        _require_header_first(head, delimiter, path)
        with opened(path) as raw:
            text = io.TextIOWrapper(raw, _named(encoding), errors="surrogateescape", newline="")
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            header = _header(reader, path)
            if any(map(_ESCAPED.search, header)) and is_windows_1252_file(path):
                header = _names(_from_windows_1252(header))
            while True:
                start = reader.line_num + 1
                where = f"{shown(path)} line {start}"
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as e:
                    open_quote = "; a quote that opens here is not closed" if "end of data" in str(e) else ""
                    yield where, BadRow(f"not CSV ({e}){open_quote}")
                    continue
                after = start
                if any(map(_ESCAPED.search, cells)) and is_windows_1252_file(path):
                    escaped, cells = cells, _from_windows_1252(cells)
                    if not told:
                        tell(_told(path, next(c for e, c in zip(escaped, cells, strict=True) if e != c)))
                    told = True
                if _is_header(cells, header, where):
                    yield where, HeaderAgain("the header again")
                elif cells:
                    yield where, _row(header, cells, delimiter)
    except UnicodeError as e:
        raise DataError(f"{shown(path)}: not whole {encoding.upper()} ({e})") from None
    except (EOFError, OSError, zlib.error) as e:
        raise DataError(f"{shown(path)}: damaged after line {after} ({e}); fetch it again") from None


def _from_windows_1252(cells: list[str]) -> list[str]:
    """Cells as they are in Windows-1252, of which Python keeps the bytes."""
    return [c.encode("utf-8", "surrogateescape").decode("cp1252") if _ESCAPED.search(c) else c for c in cells]


def _told(path: Path, cell: str) -> str:
    """What is said of a file in Windows-1252, with a few words of a cell that shows it."""
    at = next(i for i, sign in enumerate(cell) if sign > "\x7f")
    words = " ".join(cell[max(0, at - 20) : at + 20].split())
    return f"{shown(path)} is not UTF-8 and was read as Windows-1252 (“{words}”); if that is wrong, save it as UTF-8"


def _named(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _require_header_first(head: str, delimiter: str, path: Path) -> None:
    """Refuse a table with lines above its header, as spreadsheets have them.

    Raises:
        DataError: naming the line of the header.
    """
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        for n, cells in enumerate(islice(reader, _TOP)):
            if looks_like_header(cells):
                if n:
                    names = ", ".join(c.strip() for c in cells if c.strip())
                    raise DataError(
                        f"{shown(path)}: line {reader.line_num} looks like the header ({names[:120]}); delete the lines above it"
                    )
                return
    except csv.Error:
        return  # said with its line where the rows are read


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        header = _names(next(reader))
    except StopIteration:
        raise DataError(f"{shown(path)}: no rows; the file is empty") from None
    except csv.Error as e:
        raise DataError(f"{shown(path)} line 1: the header is not CSV ({e})") from None
    twice = [name for name, n in Counter(header).items() if n > 1 and name]
    if twice:
        raise DataError(
            f"{shown(path)}: the header names column '{twice[0]}' twice; rename one, so that it is clear which is meant"
        )
    return header


def _names(cells: list[str]) -> list[str]:
    return [name.strip().lstrip("\ufeff") for name in cells]


def _is_header(cells: list[str], header: list[str], where: str) -> bool:
    """Whether a row says the names of the columns, two or more, in their order.

    Raises:
        DataError: it says them in another order, so that what is below would be read under wrong names.
    """
    if len(cells) != len(header) or len(cells) < 2:
        return False
    names = _names(cells)
    if names == header:
        return True
    if sorted(names) == sorted(header):
        raise DataError(
            f"{where} is a header with the columns in another order ({', '.join(names)[:120]}); the rows below it would be "
            "read under wrong names; make it its own file"
        )
    return False


def _row(header: list[str], cells: list[str], delimiter: str) -> Cells | BadRow:
    if any(map(_ESCAPED.search, cells)):
        line = delimiter.join(cells).encode("utf-8", "surrogateescape")
        try:
            line.decode()
        except UnicodeDecodeError as e:
            return BadRow(not_utf8(line, e.start, counted=False))
    if len(cells) > len(header):
        if any(cells[len(header) :]):
            shown = {"\t": "tabs"}.get(delimiter, f"'{delimiter}'")
            return BadRow(f"more cells than the header has columns; quote cells that hold {shown}")
        cells = cells[: len(header)]
    row: Cells = dict.fromkeys(header)
    row.update(zip(header, cells, strict=False))
    row.pop("", None)
    return row


def _delimiter(head: str, path: Path) -> str:
    """The delimiter under which most of the first records have as many cells as the header, and more than one."""
    whole = head if len(head) < _SAMPLE else head[: head.rfind("\n") + 1] or head

    def score(delimiter: str) -> tuple[float, int]:
        try:
            records = list(islice(csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter), _SEEN))
        except csv.Error:
            return 0.0, 0
        records = [r for r in records if r]
        width = len(records[0]) if records else 0
        if width < 2:
            return 0.0, 0
        return round(sum(len(r) == width for r in records) / len(records), 1), width

    known = ("\t", *DELIMITERS) if ".tsv" in path.name.lower() else DELIMITERS
    best = max(known, key=score)
    return best if score(best)[1] else known[0]
