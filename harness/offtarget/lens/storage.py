"""Sparse matrices on disk: small ones in one compressed archive, large ones as plain arrays that are mapped.

A mapped matrix is three files, `NAME.data.npy`, `NAME.indices.npy` and `NAME.indptr.npy`, as numpy writes
them. Opening one reads its row pointers only; `matrix[a:b]` then reads these rows and no others.
"""

import mmap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAPPED_FROM = 2**30
"""Bytes in memory from which the matrices of a lens are stored for mapping. Below, compression saves 60 % of
the disk (measured on SAE features) and reading everything takes seconds."""
BLOCK_ROWS = 1024
"""Rows read at once of a matrix that is gone through (some 50 MB at 3,000 latents a response)."""
_PARTS = ("data", "indices", "indptr")


def n_bytes(matrices: Iterable["csr_matrix"]) -> int:
    """What some matrices take up in memory."""
    return sum(getattr(m, part).nbytes for m in matrices for part in _PARTS)


def write_archive(file: Path, matrices: Mapping[str, "csr_matrix"]) -> None:
    """Write matrices by name into one compressed archive; equal matrices give equal bytes."""
    arrays = {f"{name}.{part}": getattr(m, part) for name, m in matrices.items() for part in _PARTS}
    with file.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, **arrays)


def read_archive(file: Path, names: Iterable[str], shape: tuple[int, int]) -> dict[str, "csr_matrix"]:
    """The matrices of an archive.

    Raises:
        OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile: if it is absent or damaged.
    """
    from scipy.sparse import csr_matrix

    with file.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:  # numpy leaves a damaged file open
        return {n: csr_matrix(tuple(arrays[f"{n}.{part}"] for part in _PARTS), shape=shape) for n in names}


def open_mapped(folder: Path, name: str, shape: tuple[int, int]) -> "csr_matrix":
    """A matrix whose entries stay on disk until they are asked for.

    Raises:
        OSError, EOFError, ValueError: if a file is absent or damaged.
    """
    from scipy.sparse import csr_matrix

    data, indices, indptr = (
        np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False) for part in _PARTS
    )
    whole = indptr.shape == (shape[0] + 1,) and data.shape == indices.shape == (indptr[-1],)
    if not whole or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError(f"the arrays of {name} do not go together")
    return csr_matrix((data, indices, np.array(indptr)), shape=shape)


def row_blocks(*matrices: "csr_matrix") -> "Iterator[tuple[slice, tuple[csr_matrix, ...]]]":
    """Go through matrices of the same rows: which rows, and these rows of each; of what lies on disk one block is in memory."""
    n = matrices[0].shape[0]
    for start in range(0, n, BLOCK_ROWS):
        some = slice(start, min(start + BLOCK_ROWS, n))
        yield some, tuple(m[some] for m in matrices)
        for m in matrices:
            release(m)


def release(matrix: "csr_matrix") -> None:
    """Let the pages of a mapped matrix go that were read so far; a matrix in memory stays as it is.

    They would otherwise count as this process's memory for as long as the system has some to spare.
    """
    for array in (matrix.data, matrix.indices):
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap):
            base.madvise(mmap.MADV_DONTNEED)


class MatrixWriter:
    """Writes a matrix in the mapped form, block of rows after block of rows."""

    def __init__(self, folder: Path, name: str, dtype: Any) -> None:
        self._data = _Array(folder / f"{name}.data.npy", np.dtype(dtype))
        self._indices = _Array(folder / f"{name}.indices.npy", np.dtype(np.int32))
        self._indptr = _Array(folder / f"{name}.indptr.npy", np.dtype(np.int64))
        self._indptr.append(np.zeros(1))

    def append(self, rows: "csr_matrix") -> None:
        """Add rows below those that are there."""
        self._indptr.append(rows.indptr[1:].astype(np.int64) + self._data.n)
        self._data.append(rows.data)
        self._indices.append(rows.indices)

    def close(self) -> None:
        """Finish the files."""
        for part in (self._data, self._indices, self._indptr):
            part.close()


class _Array:
    """A one-dimensional `.npy` file that grows."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.file, self.dtype, self.n = path.open("wb"), dtype, 0
        self._header()

    def append(self, x: NDArray[Any]) -> None:
        self.file.write(np.ascontiguousarray(x, dtype=self.dtype).data)
        self.n += len(x)

    def close(self) -> None:
        self.file.seek(0)
        self._header()
        self.file.close()

    def _header(self) -> None:
        # numpy leaves room for a growing length: the header is as long at the end as at the start
        descr = np.lib.format.dtype_to_descr(self.dtype)
        np.lib.format.write_array_header_1_0(self.file, {"descr": descr, "fortran_order": False, "shape": (self.n,)})
