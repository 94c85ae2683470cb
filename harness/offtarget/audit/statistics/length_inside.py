"""The two answers' lengths held fixed inside a context and outside: by how much do the effects differ?

Estimand: the mean difference of a concept among answers of equal length (`length`) inside the context, minus that among
the other rows. The taste for length may be another inside: the choice on length alone has two coefficients more for the
rows there, of the difference of log length and of its sharpest step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.arrays import Floats, Ints, group_sums
from offtarget.audit.statistics.length import DECIDED, fit_choice
from offtarget.audit.statistics.means import MIN_GROUPS

FEW = f"not tested: fewer than {MIN_GROUPS} prompts with a difference, inside or outside"


@dataclass(frozen=True, eq=False)
class InsideEqualLength:
    """Some columns of one context, each array `(n_columns,)`."""

    effect: Floats
    """In the unit of u; 0 where there is none."""
    se: Floats
    """By prompt; 0 where there is none."""
    reason: tuple[str | None, ...]
    """Why there is none."""


def inside_at_equal_length(
    u: NDArray[np.floating], basis: Floats, inside: NDArray[np.bool_], codes: Ints
) -> InsideEqualLength:
    """Effect inside minus outside at equal length, and its error by prompt.

    With effective scores s and weights ω = 2p(1 - p), the mean on a side is m = Σs/Σω, and the influence of a prompt on the
    difference Σ(s - mω)/Σω of its rows inside, less that of its rows outside. As in the overall view the squared error is
    the larger of that of these influences and of independent labels.

    Args:
        u: `(n_rows, n_columns)`.
        basis: odd functions of the two lengths (`length.odd_basis`), `(n_rows, k)`.
        inside: rows of the context.
        codes: prompt group of each row.
    """
    more = basis[:, [0, -1]] * inside[:, None] if basis.shape[1] else basis
    choice = fit_choice(np.concatenate([basis, more], axis=1))
    rest = choice.remainder(u)
    score = rest * (1 - choice.p)[:, None]
    weight, n_groups = 2 * choice.weight, int(codes.max()) + 1
    means, errors, influence = [], 0.0, np.zeros((n_groups, u.shape[1]))
    decided, few = False, np.zeros(u.shape[1], dtype=bool)
    for sign, side in ((1.0, inside), (-1.0, ~inside)):
        total = weight[side].sum()
        decided |= 2 * total < MIN_GROUPS
        active = group_sums(u[side] != 0, codes[side], n_groups) > 0
        few |= active.sum(axis=0) < MIN_GROUPS
        mean = score[side].sum(axis=0) / max(total, 1e-12)
        own = group_sums(score[side] - weight[side, None] * mean, codes[side], n_groups)
        influence += sign * own / max(total, 1e-12)
        errors = errors + choice.weight[side] @ rest[side] ** 2 / max(total, 1e-12) ** 2
        means.append(mean)
    clustered = n_groups / max(n_groups - 1, 1) * (influence**2).sum(axis=0)
    out = few | decided
    return InsideEqualLength(
        effect=np.where(out, 0.0, means[0] - means[1]),
        se=np.where(out, 0.0, np.sqrt(np.maximum(clustered, errors))),
        reason=tuple((DECIDED if decided else FEW) if bad else None for bad in out),
    )
