"""Intervals of shares that hold near 0 and 1, where a normal or bootstrap interval has no width."""

import math
from collections.abc import Iterable

Z95 = 1.959963984540054
_SHARES = ("share", "rate", "proportion", "fraction", "probability", "accuracy", "per cent", "percent")


def is_rate(values: Iterable[float], unit: str = "") -> bool:
    """Whether values are those of a share: nothing but 0, 1 and ties (0.5).

    Values that are all the same say too little (no word in any answer is no share of 0), so there the unit decides;
    without a unit they count as a share.
    """
    seen = set(values)
    if not seen or not seen <= {0.0, 0.5, 1.0}:
        return False
    return len(seen) > 1 or not unit or any(word in unit.lower() for word in _SHARES)


def effective_n(share: float, variance: float, *, unknown: float, most: float) -> float:
    """The number of independent samples that would give a share the variance that it has (n over the design effect).

    Args:
        share: the estimated share p.
        variance: its variance, clustered by prompt.
        unknown: what to take where the variance is 0 and so says nothing: the number of prompts.
        most: upper bound, the number of samples.
    """
    spread = share * (1 - share)
    if variance <= 0 or spread <= 0:
        return unknown
    return min(spread / variance, most)


def wilson(share: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Score interval of a share (Wilson 1927), never without width.

    For clustered samples n is the effective number, divided by (t/z)² for the degrees of freedom of its variance
    (Korn and Graubard 1998; of the intervals compared by Dean and Pagano 2015, the one that covers near 0).

    Args:
        share: p.
        n: (effective) number of samples, more than 0.
        z: normal quantile.
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share == 0 else max(0.0, centre - half)
    return low, 1.0 if share == 1 else min(1.0, centre + half)
