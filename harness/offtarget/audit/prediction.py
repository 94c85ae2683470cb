"""What training on the set is expected to do to each concept, beside what chance would say.

Predictor `mean_disparity` (arXiv 2606.12360, the x axis of its prediction test): the mean of u over all
rows. Estimand: the expected difference chosen minus rejected of one pair of a new prompt. It is a forecast
of the direction and relative size of the change in a policy, not of its amount.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.records import Null, Partialled, Prediction
from offtarget.audit.statistics.length import equal_length_mean
from offtarget.audit.statistics.means import Floats, Ints, MeanTest, t_interval
from offtarget.audit.statistics.resampling import SHUFFLES, shuffled_means


def predict(
    u: NDArray[Any],
    test: MeanTest,
    ci: Floats,
    concepts: Sequence[str],
    codes: Ints,
    length: Floats,
    is_length: NDArray[np.bool_],
    *,
    seed: int,
) -> tuple[Prediction, ...]:
    """The expected shift of each concept, its interval, its length-partialled value and its null.

    Args:
        u: `(n_pairs, n_concepts)`, no column all zero.
        test: of the same columns.
        ci: `(n_concepts, 2)` interval of the mean.
        concepts: ids.
        codes: prompt group of each row.
        length: difference of log length.
        is_length: concepts that measure length; they have no value at equal length.
        seed: of the shuffles.
    """
    null = np.abs(shuffled_means(u, codes, seed=seed))
    q95 = np.quantile(null, 0.95, axis=0)
    # a draw that equals the observed value up to rounding is as large as it
    as_large = (null >= np.abs(test.mean) * (1 - 1e-9)).sum(axis=0)
    flat, error = equal_length_mean(u, length, codes)
    flat_ci = t_interval(flat, error, test.n_groups - 1)
    out = []
    for j, concept in enumerate(concepts):
        partialled = None
        if not is_length[j]:
            partialled = Partialled(
                expected_shift=float(flat[j]), ci=(float(flat_ci[j, 0]), float(flat_ci[j, 1]))
            )
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
