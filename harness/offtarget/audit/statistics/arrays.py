"""What the tests share: types of arrays, sums by prompt, and blocks of columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK = 64
"""Concepts handled at once; bounds memory."""
TINY_P = 1e-300
"""The smallest p of an exact test: its z stays finite."""


def indicator(codes: Ints, n: int) -> Any:
    """Sparse `(n, n_rows)` matrix that sums rows by code when it multiplies from the left."""
    from scipy.sparse import csr_matrix

    rows = np.arange(len(codes))
    return csr_matrix((np.ones(len(codes)), (codes, rows)), shape=(n, len(codes)))


def group_sums(x: NDArray[Any], codes: Ints, n_groups: int) -> Floats:
    """Sum of x in each group, in float64: `(n_groups, n_columns)`."""
    to_groups = indicator(codes, n_groups)
    sums = np.empty((n_groups, x.shape[1]))
    for cols in column_blocks(x.shape[1]):
        sums[:, cols] = to_groups @ x[:, cols].astype(np.float64)
    return sums


def column_blocks(n_columns: int) -> Iterator[slice]:
    """Slices of 64 columns: what is made of one in float64 stays small beside u itself."""
    for start in range(0, n_columns, BLOCK):
        yield slice(start, min(start + BLOCK, n_columns))
