"""Means of per-row contributions, plain and at equal length, under resampling and shuffled labels.

At equal length is the intercept of a regression on odd functions of the two lengths (`statistics.length`). It follows
from sums over rows that a draw weighs by prompt, so a thousand resamples cost a few matrix products.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, group_sums

ROUNDING = 1e-6
SINGULAR = 1e-9
"""Directions of the basis with less of its variance than this are left out."""


class Shift(NamedTuple):
    """The mean of each column, and its value at equal length; `(n_columns,)` or `(n_draws, n_columns)`."""

    raw: Floats
    at_equal_length: Floats
    """Intercept of the regression of the column on the basis of the two lengths, row by row."""


@dataclass(frozen=True, eq=False)
class GroupSums:
    """Rows of values that change sign when the two answers of a pair are swapped, and sums of them by prompt."""

    values: NDArray[Any]
    """`(n_rows, n_columns)`"""
    basis: Floats
    """Odd functions of the two lengths, `(n_rows, k)`; the first one is the difference of log length."""
    codes: Ints
    """Prompt group of each row, from 0."""

    @classmethod
    def of(cls, values: NDArray[Any], basis: Floats, codes: Ints) -> "GroupSums":
        """The sums of some rows.

        Args:
            values: `(n_rows, n_columns)`.
            basis: `(n_rows, k)`, or the difference of log length alone, `(n_rows,)`.
            codes: prompt group of each row, from 0.
        """
        return cls(values, basis[:, None] if basis.ndim == 1 else basis, codes)

    def __len__(self) -> int:
        return int(self.codes.max()) + 1

    @property
    def n_rows(self) -> int:
        """Rows that were summed."""
        return len(self.values)

    @cached_property
    def _by_group(self) -> tuple[Floats, Floats, Floats]:
        """Rows, basis and values of each prompt."""
        n = len(self)
        sizes = np.bincount(self.codes, minlength=n).astype(np.float64)
        return sizes, group_sums(self.basis, self.codes, n), group_sums(self.values, self.codes, n)

    def shift(self) -> Shift:
        """The means over all rows."""
        one = self.resampled(np.ones((1, len(self))))
        return Shift(one.raw[0], one.at_equal_length[0])

    def sensitivity(self) -> Floats:
        """Slope of each column on the difference of log length, with intercept, `(n_columns,)`.

        Without an intercept a lean of the data would count as sensitivity wherever chosen is longer.
        """
        if self.basis.shape[1] == 0:
            return np.zeros(self.values.shape[1])
        length = self.basis[:, 0] - self.basis[:, 0].mean()
        total = float(length @ length)
        return np.asarray(length @ self.values / total if total > 1e-12 else 0.0 * self.values[0])

    def slopes(self) -> Floats:
        """Slopes of each column on the basis, with intercept, `(k, n_columns)`: what length explains of a row."""
        basis = self.basis - self.basis.mean(axis=0)
        variance = basis.T @ basis / self.n_rows
        inverse = np.linalg.pinv(variance, rcond=SINGULAR, hermitian=True)
        return np.asarray(inverse @ (basis.T @ self.values / self.n_rows), dtype=np.float64)

    def resampled(self, weights: Floats) -> Shift:
        """The means when groups count as often as the weights say.

        Args:
            weights: `(n_draws, n_groups)`.
        """
        sizes, basis, values = self._by_group
        n = weights @ sizes
        squares, cross = [], []
        for row in weights:
            weighted = self.basis * row[self.codes, None]
            squares.append(weighted.T @ self.basis)
            cross.append(weighted.T @ self.values)
        return _shift(n, weights @ basis, weights @ values, np.stack(squares), np.stack(cross))

    def shuffled(self, signs: Floats) -> Shift:
        """The means when the labels of whole prompts are swapped: values and basis change sign together.

        Args:
            signs: +1 or -1, `(n_draws, n_groups)`.
        """
        _, basis, values = self._by_group
        squares, cross = self.basis.T @ self.basis, self.basis.T @ self.values
        n = np.full(len(signs), float(self.n_rows))
        return _shift(n, signs @ basis, signs @ values, squares[None], cross[None])


def _shift(n: Floats, basis: Floats, values: Floats, squares: Floats, cross: Floats) -> Shift:
    """Means and intercepts of each draw from its sums.

    Args:
        n: rows, `(n_draws,)`.
        basis: Σ of the basis, `(n_draws, k)`.
        values: Σ of the values, `(n_draws, n_columns)`.
        squares: Σ of the basis's products, `(n_draws or 1, k, k)`.
        cross: Σ of basis times values, `(n_draws or 1, k, n_columns)`.
    """
    mean, middle = values / n[:, None], basis / n[:, None]
    variance = squares / n[:, None, None] - middle[:, :, None] * middle[:, None, :]
    # intercept = mean - middle · slope, and slope = variance⁻¹ · covariance: only middle · variance⁻¹ is needed
    along = np.einsum("dk,dkl->dl", middle, np.linalg.pinv(variance, rcond=SINGULAR, hermitian=True))
    through = np.einsum("dl,dl->d", along, middle)
    covariance = (
        np.stack([a @ (cross[min(d, len(cross) - 1)] / n[d]) for d, a in enumerate(along)])
        if len(along)
        else np.zeros_like(mean)
    )
    rest = mean - (covariance - through[:, None] * mean)
    # what is all length leaves rounding errors, which would correlate with anything
    scale = np.abs(mean).max(axis=1, keepdims=True, initial=0.0)
    return Shift(mean, np.where(np.abs(rest) > ROUNDING * scale, rest, 0.0))
