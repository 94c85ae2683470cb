"""The rows of one side of a comparison: pairs of the data, or pairs of answers after and before training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from offtarget.audit.statistics.length import Lengths
from offtarget.audit.statistics.means import Floats, Ints, group_codes
from offtarget.data.pairs import PairSet
from offtarget.lens.features import FeatureMatrix
from offtarget.verification.sums import GroupSums
from offtarget.verification.tilt import Tilt


@dataclass(frozen=True, eq=False)
class Side:
    """Rows with their features, prompt groups and lengths."""

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    codes: Ints
    basis: Floats
    """Odd functions of the two answers' lengths, `(n_rows, k)`; the first is the difference of log length."""

    @classmethod
    def of(cls, pairs: PairSet, features: Sequence[FeatureMatrix]) -> "Side":
        """Rows with their groups and lengths."""
        codes = group_codes([p.group for p in pairs.pairs])
        return cls(pairs, tuple(features), codes, Lengths.of(pairs.pairs).basis())

    def lens(self, name: str) -> FeatureMatrix:
        """The features of one lens."""
        return next(f for f in self.features if f.lens == name)

    def sums(self, values: NDArray[Any]) -> GroupSums:
        """Values of these rows, `(n_rows, n_concepts)`, summed by prompt."""
        return GroupSums.of(values, self.basis, self.codes)

    def tilt(self, chosen: NDArray[Any], rejected: NDArray[Any]) -> Tilt:
        """The tilt that these rows predict from values of both responses, each `(n_rows, n_latents)`."""
        return Tilt(chosen, rejected, self.basis, self.codes)
