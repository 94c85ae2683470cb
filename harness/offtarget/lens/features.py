"""The one shape in which every lens hands over what it read: sparse columns per span and statistic."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from offtarget.documents import UNREADABLE, one_line, read_json
from offtarget.errors import DataError, unknown_name
from offtarget.lens import storage
from offtarget.store import require_intact

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Span = Literal["prompt", "chosen", "rejected"]
"""Which text of a pair was read."""
Stat = Literal["max", "freq", "peak", "value"]
"""How a feature was pooled over the tokens of a span: strongest activation, share of tokens on which
it fires, which token fires strongest (`peak_place` reads it), or (lenses that read the span as a whole)
the value itself."""
Kind = Literal["latent", "plain", "signed"]
"""What columns are: latents with a firing frequency; values of a text (a count, a rate, a projection, what a column
says of it); or differences of two texts, whose side is the sign and which no single text has."""
LENGTHS = "lengths"
"""Key of `info`: the column that holds the characters of each answer without debris (`data.debris.own_text`)."""
METADATA = "metadata"
"""Key of `info` of a lens that reads what the source says beside the texts."""
PEAK_BITS = 6

FILE_VERSION = 3
ARRAYS, TABLE = "features.npz", "features.json"
_HASHED = 2**24
"""Values hashed at once."""
FITTED = "fitted.npz"
"""Arrays that a lens learnt from the rows it read."""
UNREAD = "unread.npz"
"""The cells that a lens could not read."""


@dataclass(frozen=True)
class Column:
    """One feature of a lens."""

    id: str
    """Lens and name: `surface:bold`, `sae:1234`."""
    label: str
    """What it is, in human words."""
    unit: str
    """What a value of 1 means: tokens, count per response, share of tokens."""
    contrast: Literal["presence", "value", "log"]
    """What the audit compares between chosen and rejected: 1{x > tau}, x, or log(1 + x)."""
    tau: float = 0.0
    """The threshold of presence."""
    hints: tuple[str, ...] = ()
    """What the lens itself says of it: tokens that it makes likelier."""


def peak_code(start: int, stop: int) -> int:
    """Characters `start` to `stop` of a text as one number above 0; stretches over 63 are cut."""
    return start << PEAK_BITS | min(stop - start, (1 << PEAK_BITS) - 1)


def peak_place(code: int) -> tuple[int, int]:
    """The inverse of `peak_code`."""
    start, length = int(code) >> PEAK_BITS, int(code) & ((1 << PEAK_BITS) - 1)
    return start, start + length


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """What one lens read in one `PairSet`, in the order of its rows.

    Raises:
        DataError: if shapes, row names and columns do not agree, or a column id occurs twice.
    """

    lens: str
    columns: tuple[Column, ...]
    values: "dict[tuple[Span, Stat], csr_matrix]"
    """For each span and statistic a sparse matrix of shape (n_pairs, n_columns)."""
    pair_ids: tuple[str, ...]
    groups: tuple[str, ...]
    """The group (prompt) of each row: the unit of splitting and of clustered tests."""
    info: dict[str, Any] = field(default_factory=dict)
    """What audit.json says of the lens; plain JSON values."""
    fitted: dict[str, NDArray[Any]] = field(default_factory=dict)
    """What a lens that is fitted to the rows it reads learnt, to read other rows in the same way; its columns have
    no names of their own."""
    unread: "csr_matrix | None" = None
    """True where a column says nothing of a row, bool `(n_pairs, n_columns)`; both sides hold one value there. Means,
    rates and effects are over the other rows. None: every column speaks of every row."""
    kind: Kind = "plain"
    reads_model: bool = False
    """Whether values come from a model's activations: such concepts are explained by those of the other lenses."""

    def __post_init__(self) -> None:
        """Check that every part speaks of the same rows and columns."""
        if len(self.groups) != len(self.pair_ids):
            raise DataError(
                f"features of lens '{self.lens}': {len(self.pair_ids)} pair ids but "
                f"{len(self.groups)} groups; build them again"
            )
        if len({c.id for c in self.columns}) != len(self.columns):
            raise DataError(f"features of lens '{self.lens}': a column id occurs twice; give each its own")
        shape = (len(self.pair_ids), len(self.columns))
        for (span, stat), matrix in self.values.items():
            if matrix.shape != shape:
                raise DataError(
                    f"features of lens '{self.lens}': {span}/{stat} has shape {matrix.shape}, "
                    f"but there are {shape[0]} pairs and {shape[1]} columns; build them again"
                )
        if (self.kind == "latent") != (("chosen", "freq") in self.values):
            raise DataError(f"features of lens '{self.lens}': latents, and no others, have a firing frequency")
        if self.unread is not None and self.unread.shape != shape:
            raise DataError(
                f"features of lens '{self.lens}': what was not read has shape {self.unread.shape}, not {shape}"
            )

    def __len__(self) -> int:
        return len(self.pair_ids)

    @property
    def of_text(self) -> bool:
        """Whether its values are properties of the texts, which new answers have too."""
        return not self.info.get(METADATA, False)

    def position(self, column_id: str) -> int:
        """Where a column is.

        Raises:
            ConfigError: if there is no such column; names the nearest.
        """
        for k, column in enumerate(self.columns):
            if column.id == column_id:
                return k
        raise unknown_name("feature", column_id, (c.id for c in self.columns))

    def select(self, rows: Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.bool_]) -> "FeatureMatrix":
        """The same lens over some of the rows, in the order asked for.

        Args:
            rows: row numbers (repetition allowed, as in a bootstrap), or one boolean per row.

        Raises:
            DataError: if a boolean mask is not as long as there are rows.
            IndexError: if a row number is outside.
        """
        index = np.asarray(rows)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise DataError(
                    f"a mask of {index.size} rows cannot select from {len(self)} pairs; give one value per pair"
                )
            index = np.flatnonzero(index)
        index = index.astype(np.int64)
        return replace(
            self,
            values={key: matrix[index] for key, matrix in self.values.items()},
            pair_ids=tuple(self.pair_ids[i] for i in index),
            groups=tuple(self.groups[i] for i in index),
            unread=None if self.unread is None else self.unread[index],
        )

    def not_read(self, column: int) -> NDArray[np.bool_] | None:
        """The rows of which a column says nothing; None where it speaks of all."""
        if self.unread is None:
            return None
        rows = np.asarray(self.unread[:, [column]].todense(), dtype=bool).ravel()
        return rows if rows.any() else None

    def row_blocks(self, *keys: tuple[Span, Stat]) -> "Iterator[tuple[slice, tuple[csr_matrix, ...]]]":
        """Go through the rows: which ones, and these rows of each matrix named.

        Of matrices that lie on disk no more than one block is in memory.
        """
        yield from storage.row_blocks(*(self.values[key] for key in keys))

    @cached_property
    def sha256(self) -> str:
        """Hash of the lens, its columns, what was fitted, the rows' names and every value."""
        digest = hashlib.sha256(
            json.dumps([self.lens, [asdict(c) for c in self.columns], self.pair_ids, self.groups]).encode()
        )
        for key, matrix in sorted(self.values.items()):
            digest.update("/".join(key).encode())
            for part in (matrix.data, matrix.indices, matrix.indptr):
                for start in range(0, len(part), _HASHED):
                    digest.update(np.ascontiguousarray(part[start : start + _HASHED]).data)
                    storage.release(matrix)
        if self.unread is not None:
            for part in (self.unread.indices, self.unread.indptr):
                digest.update(np.ascontiguousarray(part).data)
        for name, array in sorted(self.fitted.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the matrices and `features.json` (everything else) into a folder.

        Small matrices go into `features.npz`; from 1 GiB on each is stored so that `load` maps it
        (`storage.MatrixWriter`). The same matrix gives the same bytes.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if self.fitted:
            with (folder / FITTED).open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **dict(sorted(self.fitted.items())))
        if self.unread is not None:
            storage.write_archive(folder / UNREAD, {"unread": self.unread})
        if storage.n_bytes(self.values.values()) >= storage.MAPPED_FROM:
            dtypes = {key: m.dtype for key, m in self.values.items()}
            with FeatureWriter(
                folder, self.lens, self.columns, dtypes, self.info, self.kind, self.reads_model
            ) as writer:
                for rows, parts in self.row_blocks(*self.values):
                    blocks = dict(zip(self.values, parts, strict=True))
                    writer.append(self.pair_ids[rows], self.groups[rows], blocks)
            return
        storage.write_archive(folder / ARRAYS, {_name(key): self.values[key] for key in sorted(self.values)})
        head = _head(self.lens, self.columns, self.info, self.kind, self.reads_model)
        _write_table(folder, head, list(self.values), self.pair_ids, self.groups, mapped=False)

    @classmethod
    def load(cls, folder: Path) -> "FeatureMatrix":
        """Read what `save` or a `FeatureWriter` wrote; large matrices stay on disk until rows are asked for.

        Raises:
            DataError: if a file is absent, damaged or of another version.
        """
        if not (folder / TABLE).is_file():
            raise DataError(f"{folder}: no features there; build them again")
        for name in (TABLE, ARRAYS, FITTED, UNREAD):
            require_intact(folder / name)
        table = read_json(folder / TABLE, DataError, "delete it and build them again")
        try:
            if table["version"] != FILE_VERSION:
                raise DataError(
                    f"{folder / TABLE}: file version {table['version']}, but this offtarget "
                    f"reads {FILE_VERSION}; build the features again"
                )
            columns = tuple(Column(**{**c, "hints": tuple(c["hints"])}) for c in table["columns"])
            shape = (len(table["pair_ids"]), len(columns))
            keys: list[tuple[Span, Stat]] = [(span, stat) for span, stat in table["values"]]
            for span, stat in keys:
                if span not in get_args(Span) or stat not in get_args(Stat):
                    raise DataError(f"{folder / TABLE}: unknown span or statistic {span}/{stat}")
            names = [_name(key) for key in keys]
            if table.get("mapped"):
                found = {name: storage.open_mapped(folder, name, shape) for name in names}
            else:
                found = storage.read_archive(folder / ARRAYS, names, shape)
            fitted: dict[str, NDArray[Any]] = {}
            if (folder / FITTED).is_file():
                with np.load(folder / FITTED, allow_pickle=False) as arrays:
                    fitted = {name: arrays[name] for name in arrays.files}
            unread = None
            if (folder / UNREAD).is_file():
                unread = storage.read_archive(folder / UNREAD, ["unread"], shape)["unread"].astype(bool)
            return cls(
                table["lens"],
                columns,
                {key: found[_name(key)] for key in keys},
                tuple(table["pair_ids"]),
                tuple(table["groups"]),
                table["info"],
                fitted,
                unread,
                table["kind"],
                table["reads_model"],
            )
        except UNREADABLE as error:
            raise DataError(
                f"{folder}: no readable features ({one_line(error)}); delete it and build them again"
            ) from error


class FeatureWriter:
    """Writes what a lens reads block by block, where it does not fit in memory; `load` maps it.

    `features.json` is written at the end of a `with` block that went well, so that half a matrix is none.

    Args:
        folder: where to write.
        lens: name of the lens.
        columns: its features.
        dtypes: for each span and statistic the type of its values.
        info: what audit.json says of the lens.
        kind: what the columns are.
        reads_model: whether values come from a model's activations.
    """

    def __init__(
        self,
        folder: Path,
        lens: str,
        columns: Sequence[Column],
        dtypes: Mapping[tuple[Span, Stat], Any],
        info: Mapping[str, Any],
        kind: Kind = "plain",
        reads_model: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._head = folder, _head(lens, columns, info, kind, reads_model)
        self._ids: list[str] = []
        self._groups: list[str] = []
        self._files = {key: storage.MatrixWriter(folder, _name(key), dtype) for key, dtype in sorted(dtypes.items())}

    def append(
        self, pair_ids: Sequence[str], groups: Sequence[str], values: "Mapping[tuple[Span, Stat], csr_matrix]"
    ) -> None:
        """Add rows: their names, and a block `(n_rows, n_columns)` for every span and statistic."""
        self._ids += pair_ids
        self._groups += groups
        for key, file in self._files.items():
            file.append(values[key])

    def say(self, info: Mapping[str, Any]) -> None:
        """What audit.json is to say of the lens, where it is known only at the end."""
        self._head["info"] = dict(info)

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        if error is None:
            keys = list(self._files)
            _write_table(self.folder, self._head, keys, self._ids, self._groups, mapped=True)


def _name(key: tuple[Span, Stat]) -> str:
    return ".".join(key)


def _head(
    lens: str, columns: Sequence[Column], info: Mapping[str, Any], kind: Kind, reads_model: bool
) -> dict[str, Any]:
    """What `features.json` says of a lens, whatever the rows."""
    return {
        "lens": lens,
        "kind": kind,
        "reads_model": reads_model,
        "columns": [asdict(c) for c in columns],
        "info": dict(info),
    }


def _write_table(
    folder: Path,
    head: Mapping[str, Any],
    keys: Sequence[tuple[Span, Stat]],
    pair_ids: Sequence[str],
    groups: Sequence[str],
    *,
    mapped: bool,
) -> None:
    table = {
        "version": FILE_VERSION,
        **head,
        "values": [list(key) for key in sorted(keys)],
        "mapped": mapped,
        "pair_ids": pair_ids,
        "groups": groups,
    }
    (folder / TABLE).write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
