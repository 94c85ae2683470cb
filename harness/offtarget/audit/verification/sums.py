"""Means of per-row contributions, plain and at equal length, under resampling and shuffled labels.

Everything here follows from five sums by prompt group, so a thousand resamples cost a matrix product.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, group_sums

ROUNDING = 1e-6


class Shift(NamedTuple):
    """The mean of each column, and its value at equal length; `(n_columns,)` or `(n_draws, n_columns)`."""

    raw: Floats
    at_equal_length: Floats
    """Intercept of the regression of the column on the difference of log length, row by row."""


@dataclass(frozen=True, eq=False)
class GroupSums:
    """Sums over the rows of each prompt: counts, length L, L², values P, and L·P.

    Built by `of` from values `(n_rows, n_columns)` that change sign when chosen and rejected are swapped.
    """

    n: Floats
    length: Floats
    length_squared: Floats
    values: Floats
    """`(n_groups, n_columns)`"""
    cross: Floats
    """`(n_groups, n_columns)`"""

    @classmethod
    def of(cls, values: NDArray[Any], length: Floats, codes: Ints) -> "GroupSums":
        """Sum rows by group.

        Args:
            values: `(n_rows, n_columns)`.
            length: difference of log length, `(n_rows,)`.
            codes: prompt group of each row, from 0.
        """
        groups = int(codes.max()) + 1
        return cls(
            np.bincount(codes, minlength=groups).astype(np.float64),
            np.bincount(codes, weights=length, minlength=groups).astype(np.float64),
            np.bincount(codes, weights=length**2, minlength=groups).astype(np.float64),
            group_sums(values, codes, groups),
            group_sums(values * length[:, None], codes, groups),
        )

    def __len__(self) -> int:
        return len(self.n)

    @property
    def n_rows(self) -> int:
        """Rows that were summed."""
        return int(self.n.sum())

    def shift(self) -> Shift:
        """The means over all rows."""
        one = self.resampled(np.ones((1, len(self))))
        return Shift(one.raw[0], one.at_equal_length[0])

    def sensitivity(self) -> Floats:
        """Slope of each column on the difference of log length, with intercept, `(n_columns,)`.

        Without an intercept a lean of the data would count as sensitivity wherever chosen is longer.
        """
        n, mean_length = self.n.sum(), self.length.sum() / self.n.sum()
        variance = self.length_squared.sum() / n - mean_length**2
        covariance = self.cross.sum(axis=0) / n - self.values.sum(axis=0) / n * mean_length
        return np.asarray(covariance / variance if variance > 1e-12 else np.zeros_like(covariance))

    def resampled(self, weights: Floats) -> Shift:
        """The means when groups count as often as the weights say.

        Args:
            weights: `(n_draws, n_groups)`.
        """
        return _shift(
            weights @ self.n,
            weights @ self.length,
            weights @ self.length_squared,
            weights @ self.values,
            weights @ self.cross,
        )

    def shuffled(self, signs: Floats) -> Shift:
        """The means when the labels of whole prompts are swapped: values and length change sign together.

        Args:
            signs: +1 or -1, `(n_draws, n_groups)`.
        """
        draws = np.ones((len(signs), 1))
        return _shift(
            draws[:, 0] * self.n.sum(),
            signs @ self.length,
            draws[:, 0] * self.length_squared.sum(),
            signs @ self.values,
            draws * self.cross.sum(axis=0),
        )


def _shift(n: Floats, length: Floats, squared: Floats, values: Floats, cross: Floats) -> Shift:
    mean, mean_length = values / n[:, None], length / n
    variance = squared / n - mean_length**2
    covariance = cross / n[:, None] - mean * mean_length[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(variance[:, None] > 1e-12, covariance / variance[:, None], 0.0)
    rest = mean - slope * mean_length[:, None]
    # what is all length leaves rounding errors, which would correlate with anything
    scale = np.abs(mean).max(axis=1, keepdims=True, initial=0.0)
    return Shift(mean, np.where(np.abs(rest) > ROUNDING * scale, rest, 0.0))
