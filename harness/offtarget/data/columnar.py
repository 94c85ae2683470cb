"""Rows of parquet and arrow files, in batches."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offtarget.data.encodings import shown
from offtarget.data.located import BadRow, Cells, LocatedRow
from offtarget.data.messages import clean
from offtarget.errors import DataError

_BATCH = 256
"""Rows decoded at a time from a parquet file."""


def parquet_rows(path: Path) -> Iterator[LocatedRow]:
    """The rows of a parquet file.

    Raises:
        DataError: not a parquet file, damaged, or with two columns of one name.
    """
    import pyarrow.parquet as pq

    def batches() -> Iterator[Any]:
        with pq.ParquetFile(path) as file:
            _once_each(file.schema_arrow.names, shown(path))
            yield from file.iter_batches(batch_size=_BATCH)

    return _rows(batches(), shown(path), "a parquet file")


def arrow_rows(path: Path) -> Iterator[LocatedRow]:
    """The rows of an arrow file or stream (as `datasets.save_to_disk` writes it).

    Raises:
        DataError: not an arrow file, damaged, or with two columns of one name.
    """
    import pyarrow as pa

    def batches() -> Iterator[Any]:
        with pa.memory_map(str(path)) as source:
            try:
                reader = pa.ipc.open_file(source)
            except pa.ArrowInvalid:
                source.seek(0)
                reader = pa.ipc.open_stream(source)
                _once_each(reader.schema.names, shown(path))
                yield from reader
                return
            _once_each(reader.schema.names, shown(path))
            for k in range(reader.num_record_batches):
                yield reader.get_batch(k)

    return _rows(batches(), shown(path), "an arrow file")


def _once_each(names: list[str], file: str) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise DataError(f"{file}: there are two columns '{twice[0]}'; rename one, so that it is clear which is meant")


def _rows(batches: Iterator[Any], name: str, kind: str) -> Iterator[LocatedRow]:
    import pyarrow as pa

    number = 0
    try:
        for batch in batches:
            for row in _decoded(batch):
                number += 1
                yield f"{name} row {number}", row
    except (pa.ArrowException, OSError) as e:
        text = " ".join(str(e).split())[:160]
        raise DataError(f"{name}: not {kind}, or damaged after row {number} ({text})") from None


def _decoded(batch: Any) -> list[Cells] | list[Cells | BadRow]:
    try:
        rows: list[Cells] = batch.to_pylist()
    except Exception:  # some cell: text that is no UTF-8, a date after the year 9999, an unknown time zone
        return [_one(batch, i) for i in range(batch.num_rows)]
    return rows


def _one(batch: Any, i: int) -> Cells | BadRow:
    row: Cells = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[i].as_py()
        except UnicodeDecodeError as e:
            return BadRow(f"column '{name}' is not UTF-8 (byte {e.start + 1})")
        except Exception as e:
            zone = getattr(column.type, "tz", None)
            if zone is not None and "zone" in str(e).lower():
                return BadRow(f"column '{name}' has times of an unknown zone ({clean(str(zone))[:60]})")
            return BadRow(f"column '{name}' holds a value that cannot be read ({' '.join(str(e).split())[:100]})")
    return row
