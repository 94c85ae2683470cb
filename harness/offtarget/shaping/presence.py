"""What the features of a concept say of each response, and which responses show it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.features import FeatureMatrix, Stat
from offtarget.shaping.concept_matrix import ConceptMatrix

Floats = NDArray[np.float64]


def raw_features(
    features: Sequence[FeatureMatrix], members: Sequence[str], stat: Stat = "freq"
) -> tuple[Floats, Floats]:
    """(n_pairs,) what the features of a concept say of chosen and rejected.

    Counts and lengths enter as log(1 + x), rates as they are; several features by their mean.

    Args:
        features: of all lenses.
        members: ids of the features, all of one lens.
        stat: "freq" or "max", where a lens has both.

    Raises:
        ConfigError: no lens that was read has these features.
    """
    part = next((p for p in features if any(c.id == members[0] for c in p.columns)), None)
    if part is None:
        raise unknown_name("feature", members[0], [c.id for p in features for c in p.columns])
    if missing := set(members) - {c.id for c in part.columns}:
        raise ConfigError(f"lens '{part.lens}' has no feature '{min(missing)}': the audit was made with another lens")
    found = ConceptMatrix.of([part], {"": tuple(members)}, stat)
    return found.chosen.toarray().ravel(), found.rejected.toarray().ravel()


def shown(x: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which responses show a concept and which do not, by its own feature.

    Where it is mostly zero, those above zero against the others; else the upper third against the lower.
    """
    if (x <= 0).mean() > 0.4:
        return x > 0, x <= 0
    low_cut, high_cut = np.quantile(x, [1 / 3, 2 / 3])
    # where many values tie at both cuts, those belong to neither side
    return (x >= high_cut, x <= low_cut) if low_cut < high_cut else (x > high_cut, x < low_cut)
