"""The one shape in which every lens hands over what it read: sparse columns per span and statistic."""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import DataError, unknown_name

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Span = Literal["prompt", "chosen", "rejected"]
"""Which text of a pair was read."""
Stat = Literal["max", "freq", "value"]
"""How a feature was pooled over the tokens of a span: strongest activation, share of tokens on which
it fires, or (surface rules, which read the span as a whole) the value itself."""

FILE_VERSION = 1
ARRAYS, TABLE = "features.npz", "features.json"
FITTED = "fitted."


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


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """What one lens read in one `PairSet`, in the order of its rows.

    Raises:
        DataError: if shapes, row names and columns do not agree, or a column id stands twice.
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
    """What a lens that is fitted to the rows at hand learnt, to read other rows in the same way; its columns have
    no names of their own."""

    def __post_init__(self) -> None:
        """Check that every part speaks of the same rows and columns."""
        if len(self.groups) != len(self.pair_ids):
            raise DataError(
                f"features of lens '{self.lens}': {len(self.pair_ids)} pair ids but "
                f"{len(self.groups)} groups; build them again"
            )
        if len({c.id for c in self.columns}) != len(self.columns):
            raise DataError(f"features of lens '{self.lens}': a column id stands twice; give each its own")
        shape = (len(self.pair_ids), len(self.columns))
        for (span, stat), matrix in self.values.items():
            if matrix.shape != shape:
                raise DataError(
                    f"features of lens '{self.lens}': {span}/{stat} has shape {matrix.shape}, "
                    f"but there are {shape[0]} pairs and {shape[1]} columns; build them again"
                )

    def __len__(self) -> int:
        return len(self.pair_ids)

    def position(self, column_id: str) -> int:
        """Where a column stands.

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
            IndexError: if a row number lies outside.
        """
        index = np.asarray(rows)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise DataError(
                    f"a mask of {index.size} rows cannot select from {len(self)} pairs; "
                    "give one value per pair"
                )
            index = np.flatnonzero(index)
        index = index.astype(np.int64)
        return FeatureMatrix(
            lens=self.lens,
            columns=self.columns,
            values={key: matrix[index] for key, matrix in self.values.items()},
            pair_ids=tuple(self.pair_ids[i] for i in index),
            groups=tuple(self.groups[i] for i in index),
            info=self.info,
            fitted=self.fitted,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the lens, its columns, what was fitted, the rows' names and every value."""
        digest = hashlib.sha256(
            json.dumps([self.lens, [asdict(c) for c in self.columns], self.pair_ids, self.groups]).encode()
        )
        for key, matrix in sorted(self.values.items()):
            digest.update("/".join(key).encode())
            for part in (matrix.data, matrix.indices, matrix.indptr):
                digest.update(np.ascontiguousarray(part).data)
        for name, array in sorted(self.fitted.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write `features.npz` (the matrices) and `features.json` (everything else) into a folder.

        The same matrix gives the same bytes.
        """
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {}
        for (span, stat), matrix in sorted(self.values.items()):
            for part in ("data", "indices", "indptr"):
                arrays[f"{span}.{stat}.{part}"] = getattr(matrix, part)
        for name, array in sorted(self.fitted.items()):
            arrays[f"{FITTED}{name}"] = array
        with (folder / ARRAYS).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        table = {
            "version": FILE_VERSION,
            "lens": self.lens,
            "columns": [asdict(c) for c in self.columns],
            "values": [list(key) for key in sorted(self.values)],
            "pair_ids": self.pair_ids,
            "groups": self.groups,
            "info": self.info,
        }
        (folder / TABLE).write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "FeatureMatrix":
        """Read what `save` wrote.

        Raises:
            DataError: if a file is absent, damaged or of another version.
        """
        from scipy.sparse import csr_matrix

        try:
            table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
            if table["version"] != FILE_VERSION:
                raise DataError(
                    f"{folder / TABLE}: file version {table['version']}, but this offtarget "
                    f"reads {FILE_VERSION}; build the features again"
                )
            columns = tuple(Column(**c) for c in table["columns"])
            shape = (len(table["pair_ids"]), len(columns))
            values: dict[tuple[Span, Stat], Any] = {}
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                for span, stat in table["values"]:
                    if span not in get_args(Span) or stat not in get_args(Stat):
                        raise DataError(f"{folder / TABLE}: unknown span or statistic {span}/{stat}")
                    parts = tuple(arrays[f"{span}.{stat}.{p}"] for p in ("data", "indices", "indptr"))
                    values[span, stat] = csr_matrix(parts, shape=shape)
                fitted = {k.removeprefix(FITTED): arrays[k] for k in arrays.files if k.startswith(FITTED)}
            return cls(
                table["lens"],
                columns,
                values,
                tuple(table["pair_ids"]),
                tuple(table["groups"]),
                table["info"],
                fitted,
            )
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{folder}: no readable features ({error}); delete it and build them again"
            ) from error
