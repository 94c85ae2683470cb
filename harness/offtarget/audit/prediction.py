"""What training on the set is expected to do to each concept, beside what chance would say.

Predictor `mean_disparity` (arXiv 2606.12360, the x axis of its prediction test): the mean of u over all
rows. Estimand: the expected difference chosen minus rejected of one pair of a new prompt, in the concept's own
unit. Divided by the sd of u over rows it is Cohen's d. It is a forecast of the direction and relative size of the
change in a policy, not of its amount. A plan's expected shift is the same mean over weighted rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.evidence import Evidence
from offtarget.audit.records import Null, Partialled, Prediction
from offtarget.audit.statistics.length import EqualLength
from offtarget.audit.statistics.means import D_CAP, Floats, Ints, MeanTest
from offtarget.audit.statistics.resampling import SHUFFLES, shuffled_means
from offtarget.lens.features import FeatureMatrix

CONCEPTS_AT_ONCE = 512
"""Concepts whose u is held in memory at the same time."""


@dataclass(frozen=True, eq=False)
class WeightedShift:
    """The expected shift of every concept, with all rows as they are and with weights; each array `(n_concepts,)`."""

    plain: Floats
    """Mean of u: the audit's expected shift, in the concept's own unit."""
    planned: Floats
    """Mean of weight · u, in the same unit."""
    sd: Floats
    """Of u over rows: what Cohen's d divides by."""
    units: tuple[str, ...]

    def d(self, shift: Floats) -> Floats:
        """A shift in standard deviations of u, capped at 100 in size, as the audit's d."""
        with np.errstate(divide="ignore", invalid="ignore"):
            d = np.where(self.sd > 0, shift / self.sd, np.sign(shift) * D_CAP)
        return np.asarray(np.clip(d, -D_CAP, D_CAP))


def weighted_shift(features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec], weight: Floats) -> WeightedShift:
    """The expected shifts of concepts under weights on the rows.

    Args:
        features: of the rows, by every lens.
        concepts: what to contrast.
        weight: of each row, `(n_pairs,)`; 1 leaves it as it is.
    """
    parts = []
    units: list[str] = []
    for start in range(0, len(concepts), CONCEPTS_AT_ONCE):
        c = contrasts(features, concepts[start : start + CONCEPTS_AT_ONCE])
        u = c.of_all(np.arange(c.u.shape[1])).astype(np.float64)
        parts.append(np.stack([u.mean(axis=0), weight @ u / len(u), u.std(axis=0, ddof=1)]))
        units += [Evidence.scale(contrast, unit) for contrast, unit in zip(c.contrasts, c.units, strict=True)]
    plain, planned, sd = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    return WeightedShift(plain, planned, sd, tuple(units))


def predict(
    u: NDArray[Any], test: MeanTest, ci: Floats, concepts: Sequence[str], codes: Ints, equal: EqualLength, *, seed: int
) -> tuple[Prediction, ...]:
    """The expected shift of each concept, its interval, its length-partialled value and its null.

    Args:
        u: `(n_pairs, n_concepts)`, no column all zero.
        test: of the same columns.
        ci: `(n_concepts, 2)` interval of the mean.
        concepts: ids.
        codes: prompt group of each row.
        equal: the same columns at equal length.
        seed: of the shuffles.
    """
    null = np.abs(shuffled_means(u, codes, seed=seed))
    q95 = np.quantile(null, 0.95, axis=0)
    # a draw that equals the observed value up to rounding is as large as it
    as_large = (null >= np.abs(test.mean) * (1 - 1e-9)).sum(axis=0)
    out = []
    for j, concept in enumerate(concepts):
        partialled = None
        if equal.reason(j) is None:
            low, high = equal.ci[j]
            partialled = Partialled(expected_shift=float(equal.effect[j]), ci=(float(low), float(high)))
        out.append(
            Prediction(
                concept=concept,
                expected_shift=float(test.mean[j]),
                ci=(float(ci[j, 0]), float(ci[j, 1])),
                standardised=float(test.d[j]),
                length_partialled=partialled,
                null=Null(n=SHUFFLES, q95=float(q95[j]), p=float((1 + as_large[j]) / (1 + SHUFFLES))),
            )
        )
    return tuple(out)
