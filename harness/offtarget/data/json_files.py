"""Rows of JSON: one object a line, or one document that holds many."""

import itertools
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offtarget.data.encodings import encoding_of, not_utf8, opened, shown
from offtarget.data.located import BadRow, Cells, LocatedRow
from offtarget.data.splits import is_split_name
from offtarget.errors import DataError

_DEEP = "nested too deeply"
_HOLDERS = {
    "data", "rows", "examples", "instances", "items", "records", "samples", "pairs", "dataset", "results", "entries",
}  # fmt: skip
"""Keys under which an object keeps the rows of a set."""


def json_rows(path: Path) -> Iterator[LocatedRow]:
    """Rows of a file of JSON lines, or of a JSON document, whatever its name ends in."""
    number = 0
    try:
        lines = _lines(path)
        early: list[tuple[int, str | BadRow]] = []
        for number, line in lines:
            early.append((number, line))
            if len(early) == 2:
                break
        if not early:
            return
        document = _document(path, early)
        if document is not None:
            yield from _rows_of_document(document, shown(path))
            return
        for number, line in itertools.chain(early, lines):
            yield f"{shown(path)} line {number}", line if isinstance(line, BadRow) else _row_of_line(line)
    except (EOFError, OSError, zlib.error) as e:
        raise DataError(f"{shown(path)}: damaged after line {number} ({e}); fetch it again") from None


def _lines(path: Path) -> Iterator[tuple[int, str | BadRow]]:
    """(number, text) of each line that is not blank."""
    encoding = encoding_of(path)
    if not encoding.startswith("utf-8"):
        with opened(path) as file:
            try:
                text = file.read().decode(encoding)
            except UnicodeDecodeError as e:
                raise DataError(f"{shown(path)}: not whole {encoding.upper()} ({e.reason})") from None
        yield from ((n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip())
        return
    with opened(path) as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as e:
                yield number, BadRow(not_utf8(raw, e.start))
                continue
            if line.strip():
                yield number, line


def _document(path: Path, early: list[tuple[int, str | BadRow]]) -> Any:
    """The whole file as one JSON value if it is one; None if it is lines.

    Args:
        path: the file.
        early: its first one or two lines that are not blank.
    """
    first = early[0][1]
    alone = len(early) == 1
    named = ".json" in (path.suffix.lower(), Path(path.stem).suffix.lower())
    if isinstance(first, BadRow):
        return None
    try:
        value = _parse(first)
    except RecursionError:
        return None
    except ValueError as e:
        if first.strip().endswith(("[", "{", ",")):
            return _over_lines(path, required=named)
        if named and alone and first.lstrip().startswith("["):
            raise DataError(f"{shown(path)}: not JSON ({_why(e)})") from None
        return None
    if not alone:
        return None
    if isinstance(value, list):
        return value if named or (value and all(isinstance(v, dict) for v in value)) else None
    return value if isinstance(value, dict) and _holds_rows(value) else None


def _over_lines(path: Path, *, required: bool) -> Any:
    """A document that goes on after its first line; None (or an error, where it is required) if it is none."""
    with opened(path) as file:
        try:
            return _parse(file.read().decode(_whole(path)))
        except RecursionError:
            raise DataError(f"{shown(path)}: {_DEEP}") from None
        except ValueError as e:
            if required:
                raise DataError(f"{shown(path)}: not JSON ({_why(e)})") from None
            return None


def _whole(path: Path) -> str:
    encoding = encoding_of(path)
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _why(e: ValueError) -> str:
    """What is wrong with JSON, in words of the file rather than of Python."""
    return "a number has more digits than are read" if "integer string" in str(e) else str(e)


def _parse(text: str) -> Any:
    return _READER.decode(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise ValueError(f"the key '{twice}' is there twice in one object")
    return found


_READER = json.JSONDecoder(object_pairs_hook=_without_repeats)
"""One for all, since `json.loads` makes a new one for each call."""


def _row_of_line(line: str) -> Cells | BadRow:
    try:
        row = _parse(line)
    except ValueError as e:
        return BadRow(f"not JSON ({_why(e)}); each line must be one JSON object")
    except RecursionError:
        return BadRow(_DEEP)
    return _as_row(row, "line")


def _as_row(row: Any, what: str) -> Cells | BadRow:
    if isinstance(row, dict):
        return row
    return BadRow(f"not a JSON object but a {type(row).__name__}; each {what} must be one object")


def _rows_of_document(value: Any, name: str) -> Iterator[LocatedRow]:
    """Rows of an array of objects, of an object that holds one, or of an object of columns (as pandas writes it).

    Raises:
        DataError: it holds none, or several that are not splits.
    """
    if isinstance(value, list):
        for n, item in enumerate(value, start=1):
            yield f"{name} item {n}", _as_row(_unwrapped(item), "item")
        return
    arrays = _arrays(value)
    if _is_table(value):
        names = [str(c) for c in value["columns"]]
        yield from _numbered(name, [dict(zip(names, cells, strict=False)) for cells in value["data"]])
    elif len(arrays) > 1 and all(is_split_name(k) for k in arrays):
        for split, rows in arrays.items():
            for n, item in enumerate(rows, start=1):
                yield f"{name} {split} item {n}", {"split": split, **item}
    elif len(arrays) > 1:
        raise DataError(f"{name}: an object with several arrays ({', '.join(arrays)}); keep one of them in the file")
    elif arrays:
        yield from _rows_of_document(next(iter(arrays.values())), name)
    else:
        yield from _numbered(name, _rows_of_columns(value) or [value])


def _holds_rows(value: Cells) -> bool:
    """Whether an object is a set, not one row of it."""
    return _is_table(value) or bool(_arrays(value)) or bool(_rows_of_columns(value))


def _is_table(value: Cells) -> bool:
    """Whether an object keeps the names of columns apart from the rows (pandas, `orient="split"`)."""
    rows = value.get("data")
    return isinstance(value.get("columns"), list) and isinstance(rows, list) and all(isinstance(r, list) for r in rows)


def _arrays(value: Cells) -> dict[str, list[Any]]:
    """The arrays of rows that an object holds."""
    found = {k: v for k, v in value.items() if _is_array_of_rows(v)}
    return {k: v for k, v in found.items() if len(value) == 1 or k.lower() in _HOLDERS or is_split_name(k)}


def _is_array_of_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, dict) and not _is_turn(x) for x in value)


def _is_turn(value: Any) -> bool:
    return isinstance(value, dict) and bool({"role", "from"} & value.keys())


def _numbered(name: str, rows: list[Cells]) -> Iterator[LocatedRow]:
    for n, row in enumerate(rows, start=1):
        yield f"{name} item {n}", row


def _unwrapped(item: Any) -> Any:
    """The row within the envelope of the hub's row viewer."""
    if isinstance(item, dict) and isinstance(item.get("row"), dict) and "row_idx" in item:
        return item["row"]
    return item


def _rows_of_columns(value: Cells) -> list[Cells] | None:
    """The rows of an object of columns; None where it is one row itself."""
    cells = list(value.values())
    if len(cells) > 1 and all(isinstance(c, list) for c in cells):
        nested = any(isinstance(x, list) for c in cells for x in c)
        turns = any(_is_turn(x) for c in cells for x in c)
        if len({len(c) for c in cells}) == 1 and (nested or not turns):
            return [dict(zip(value, row, strict=True)) for row in zip(*cells, strict=True)]
    elif len(cells) > 1 and all(isinstance(c, dict) and c and all(k.isdigit() for k in c) for c in cells):
        keys = list(cells[0])
        if all(list(c) == keys for c in cells):
            return [{column: value[column][k] for column in value} for k in keys]
    elif value and all(k.isdigit() for k in value) and all(isinstance(c, dict) for c in cells):
        return cells
    return None
