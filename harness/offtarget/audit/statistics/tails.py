"""Tails and quantiles of the normal distribution and of Student's t.

To the last bit what `scipy.stats` gives, by the same functions of `scipy.special`: `scipy.stats` alone takes half a second to
import. Where an argument is outside of what it may be, the answer is NaN, there too.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def normal_sf(z: Any) -> Floats:
    """The chance of more than z."""
    from scipy.special import ndtr

    found: Floats = ndtr(-np.asarray(z, dtype=np.float64))
    return found


def normal_isf(p: Any) -> Floats:
    """The z that is exceeded with chance p."""
    from scipy.special import ndtri

    found: Floats = -ndtri(np.asarray(p, dtype=np.float64))
    return found


def t_sf(t: Any, df: Any) -> Floats:
    """The chance of more than t."""
    from scipy.special import stdtr

    found: Floats = stdtr(df, -np.asarray(t, dtype=np.float64))
    return found


def t_ppf(q: Any, df: Any) -> Floats:
    """The t below which the share q lies."""
    from scipy.special import stdtrit

    found: Floats = stdtrit(df, np.asarray(q, dtype=np.float64))
    return found
