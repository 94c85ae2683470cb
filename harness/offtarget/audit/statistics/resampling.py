"""Means under the null that labels say nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.arrays import Floats, Ints, group_sums

SHUFFLES = 200
AT_ONCE = 4096
"""Prompts whose signs are held at once."""


def shuffled_means(u: NDArray[Any], codes: Ints, *, seed: int, n: int = SHUFFLES) -> Floats:
    """Means under the null that labels say nothing: chosen and rejected swapped by whole prompts.

    Swapping the labels of a pair turns u into -u, so each draw gives every group one random sign.

    Returns:
        `(n, n_columns)`.
    """
    rng = np.random.default_rng(seed)
    n_groups = int(codes.max()) + 1
    sums = group_sums(u, codes, n_groups)
    total = np.zeros((n, u.shape[1]))
    for start in range(0, n_groups, AT_ONCE):
        part = sums[start : start + AT_ONCE]
        total += (rng.integers(0, 2, size=(n, len(part))) * 2.0 - 1.0) @ part
    return np.asarray(total / len(u))
