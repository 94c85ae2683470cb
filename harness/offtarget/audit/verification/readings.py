"""What a concept is worth in each row: the contributions whose mean is a shift.

The rows are pairs of the dataset (chosen against rejected) on the predicted side, and pairs of rollouts
(after training against before) on the observed side; both are read by the same lens into the same columns.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.clusters import MAX_SHARE, min_firing
from offtarget.audit.concepts.contrast import TAU
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.lens.features import FeatureMatrix

Statistic = Literal["presence", "frequency", "sqrt_frequency"]
STATISTICS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "presence": lambda x: (x > TAU).astype(np.float32),
    "frequency": lambda x: x,
    "sqrt_frequency": np.sqrt,
}
"""Of a latent's firing frequency in one response. presence is the thresholded disparity of the paper."""


def latent_specs(part: FeatureMatrix) -> tuple[ConceptSpec, ...]:
    """Every latent that fires on enough responses and not on nearly all, as a concept of its own."""
    fired = sum(np.asarray((part.values[s, "freq"] > 0).sum(axis=0)).ravel() for s in ("chosen", "rejected"))
    n = 2 * len(part)
    kept = np.flatnonzero((fired >= min_firing(n)) & (fired <= MAX_SHARE * n))
    names = [part.columns[j].id for j in kept]
    return tuple(ConceptSpec(name, "feature", part.lens, (name,)) for name in names)


def latent_values(part: FeatureMatrix, specs: Sequence[ConceptSpec], statistic: str) -> NDArray[np.float32]:
    """The difference between the two responses of each row, averaged over a concept's latents.

    Args:
        part: features of a lens of latents.
        specs: the concepts.
        statistic: a key of `STATISTICS`.

    Returns:
        `(n_rows, n_concepts)`.
    """
    of = STATISTICS[statistic]
    member = member_weights(part, specs)
    sides = []
    for span in ("chosen", "rejected"):
        values = part.values[span, "freq"].astype(np.float32)
        values.data = of(values.data)
        sides.append(np.asarray((values @ member).todense(), dtype=np.float32))
    return sides[0] - sides[1]


def member_weights(part: FeatureMatrix, specs: Sequence[ConceptSpec]) -> Any:
    """Sparse `(n_columns, n_concepts)`: 1/|members| where a column belongs to a concept."""
    from scipy.sparse import csr_matrix

    place = {c.id: j for j, c in enumerate(part.columns)}
    cells = [(place[g], m, 1.0 / len(s.members)) for m, s in enumerate(specs) for g in s.members]
    rows, columns, weights = zip(*cells, strict=True) if cells else ((), (), ())
    return csr_matrix((np.array(weights, np.float32), (rows, columns)), shape=(len(place), len(specs)))


def standardise(predicted: NDArray[Any], observed: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both sides in units of the predicted side's root mean square, so that columns of different units compare."""
    scale = np.sqrt((predicted.astype(np.float64) ** 2).mean(axis=0))
    scale[scale == 0] = 1.0
    return predicted / scale, observed / scale
