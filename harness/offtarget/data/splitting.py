"""Splits by group, so that no prompt is on both sides of one."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def split_by_group(pairs: PairSet, fractions: Mapping[str, float], seed: int = 0) -> dict[str, PairSet]:
    """Part a set by a hash of each pair's group.

    Where a group goes depends on its name, the seed and the fractions alone: rows that are added or
    reordered later move no other row, and the fractions hold on average over groups, not exactly.

    Args:
        pairs: the set.
        fractions: split name -> share of the groups; they sum to 1.
        seed: another seed, another partition.

    Returns:
        Split name -> its pairs in their old order; `dropped` and `n_renamed` are empty, since
        they tell of the whole.

    Raises:
        ConfigError: a fraction is not positive, or they do not sum to 1.
    """
    if not fractions or min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-9:
        given = ", ".join(f"{k}={v:g}" for k, v in fractions.items())
        raise ConfigError(f"split fractions ({given}) must be positive and sum to 1")
    home = {g: _home(g, fractions, seed) for g in {p.group for p in pairs.pairs}}
    return {
        name: dataclasses.replace(
            pairs,
            pairs=[p for p in pairs.pairs if home[p.group] == name],
            dropped=Counter(),
            dropped_rows=(),
            usable=None,
            n_renamed=0,
        )
        for name in fractions
    }


def _home(group: str, fractions: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    u = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
    edge = 0.0
    for name, share in fractions.items():
        edge += share
        if u < edge:
            return name
    return name


def half_by_group(groups: Sequence[str]) -> "NDArray[np.bool_]":
    """Half of the data each row belongs to, by a hash of its prompt group: all rows of a prompt together."""
    import numpy as np

    bit = {g: bool(hashlib.sha256(g.encode()).digest()[0] & 1) for g in set(groups)}
    return np.array([bit[g] for g in groups], dtype=bool)
