"""What a concept is worth in each row: the contributions whose mean is a shift.

The rows are pairs of the dataset (chosen against rejected) on the predicted side, and pairs of rollouts
(after training against before) on the observed side; both are read by the same lens into the same columns.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.clusters import MAX_SHARE, min_firing
from offtarget.audit.concepts.contrast import TAU, member_weights
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.lens.features import FeatureMatrix

STATISTICS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "presence": lambda x: (x > TAU).astype(np.float32),
    "frequency": lambda x: x,
    "sqrt_frequency": np.sqrt,
}
"""Of a latent's firing frequency in one response. presence is the thresholded disparity of the paper."""


def latent_specs(part: FeatureMatrix) -> tuple[ConceptSpec, ...]:
    """Every latent that fires on enough responses and not on nearly all, as its own concept."""
    fired = sum(np.asarray((part.values[s, "freq"] > 0).sum(axis=0)).ravel() for s in ("chosen", "rejected"))
    n = 2 * len(part)
    kept = np.flatnonzero((fired >= min_firing(n)) & (fired <= MAX_SHARE * n))
    names = [part.columns[j].id for j in kept]
    return tuple(ConceptSpec(name, "feature", part.lens, (name,)) for name in names)


def latent_values(part: FeatureMatrix, span: Literal["chosen", "rejected"], statistic: str) -> Any:
    """A statistic of every latent in one response of each row, sparse `(n_rows, n_columns)`.

    Args:
        part: features of a lens of latents.
        span: which response.
        statistic: a key of `STATISTICS`.
    """
    values = part.values[span, "freq"].astype(np.float32)
    values.data = STATISTICS[statistic](values.data)
    return values


def concept_differences(part: FeatureMatrix, specs: Sequence[ConceptSpec], statistic: str) -> NDArray[np.float32]:
    """Chosen minus rejected of each row, averaged over a concept's latents: `(n_rows, n_concepts)`."""
    member = member_weights(part, [s.members for s in specs])
    chosen, rejected = (latent_values(part, s, statistic) @ member for s in ("chosen", "rejected"))
    return np.asarray((chosen - rejected).todense(), dtype=np.float32)


def spread(values: NDArray[Any]) -> NDArray[np.float64]:
    """Root mean square of each column, 1 where it never moves: a unit in which columns compare."""
    scale = np.sqrt((values.astype(np.float64) ** 2).mean(axis=0))
    scale[scale == 0] = 1.0
    return np.asarray(scale)
