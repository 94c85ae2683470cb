"""How strongly each response expresses a concept: from a lens's features, or along a direction.

Both readouts come from the start model or from rules, before training, and never change. A direction is
the difference of mean activations between the responses that show the concept most and least
(difference of means, arXiv 2606.12360 section 2.6).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import ConfigError, unknown_name
from offtarget.lens import direction
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.pooled import PooledActivations
from offtarget.shaping.context import ConceptScores

Floats = NDArray[np.float64]


def feature_scores(features: Sequence[FeatureMatrix], members: Sequence[str]) -> ConceptScores:
    """Scores of a concept from the features it is made of, z-scored over all 2N responses.

    Counts and lengths enter as log(1 + x), rates as they are; a cluster of latents by the mean firing
    frequency of its members.

    Raises:
        ConfigError: no lens at hand has these features, or they never vary.
    """
    chosen, rejected = raw_scores(features, members)
    return ConceptScores.standardise(chosen, rejected)


def raw_scores(features: Sequence[FeatureMatrix], members: Sequence[str]) -> tuple[Floats, Floats]:
    """(n_pairs,) readouts of chosen and rejected before standardising."""
    for part in features:
        where = {c.id: j for j, c in enumerate(part.columns)}
        if members[0] not in where:
            continue
        missing = [m for m in members if m not in where]
        if missing:
            raise ConfigError(
                f"lens '{part.lens}' has no feature '{missing[0]}': the audit was made with another lens"
            )
        index = [where[m] for m in members]
        column = part.columns[index[0]]
        stat = "value" if ("chosen", "value") in part.values else "freq"
        out = []
        for span in ("chosen", "rejected"):
            x = part.values[(span, stat)][:, index].toarray().astype(float)  # type: ignore[index]
            if stat == "value" and column.contrast != "value":
                x = np.log1p(x)
            out.append(x.mean(axis=1))
        return out[0], out[1]
    known = [c.id for part in features for c in part.columns]
    raise unknown_name("feature", members[0], known)


def mean_difference(
    pooled: PooledActivations, chosen: Floats, rejected: Floats
) -> tuple[NDArray[np.float32], float]:
    """Unit direction of a concept, and the spread of the responses along it.

    Args:
        pooled: mean activations.
        chosen: (n_pairs,) raw readout of the concept; where it is mostly zero the concept is present
            where it is above zero, else the upper third is set against the lower third.
        rejected: (n_pairs,)

    Returns:
        v (d_model,) of unit norm, and the standard deviation of ⟨mean h, v⟩ over all responses.

    Raises:
        ConfigError: fewer than 8 responses on one side of the comparison.
    """
    x = np.concatenate([chosen, rejected])
    h = np.concatenate([pooled.chosen, pooled.rejected])
    if (x <= 0).mean() > 0.4:
        high, low = x > 0, x <= 0
    else:
        low_cut, high_cut = np.quantile(x, [1 / 3, 2 / 3])
        # where many values tie at both cuts, those belong to neither side
        high, low = (x >= high_cut, x <= low_cut) if low_cut < high_cut else (x > high_cut, x < low_cut)
    if min(high.sum(), low.sum()) < 8:
        raise ConfigError(
            f"the concept is shown by {int(high.sum())} responses and absent from {int(low.sum())}: "
            "at least 8 of each are needed for a direction"
        )
    v = direction.mean_difference(h[high], h[low])
    return v, float((h @ v).std())


def direction_scores(pooled: PooledActivations, v: NDArray[np.float32]) -> ConceptScores:
    """Scores ⟨mean h, v⟩ of every response, z-scored."""
    return ConceptScores.standardise((pooled.chosen @ v).astype(float), (pooled.rejected @ v).astype(float))
