"""Halves by prompt group, so that no prompt is on both sides."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def half_by_group(groups: Sequence[str]) -> "NDArray[np.bool_]":
    """Half of the data each row belongs to, by a hash of its prompt group: all rows of a prompt together."""
    import numpy as np

    bit = {g: bool(hashlib.sha256(g.encode()).digest()[0] & 1) for g in set(groups)}
    return np.array([bit[g] for g in groups], dtype=bool)
