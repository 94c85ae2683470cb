"""Length balance: pairs are weighted so that a longer answer is chosen as often as a shorter one.

Pairs are put into bins of equal size by how far their lengths differ; in each bin the pairs of whichever sign is in
the majority are weighted down until both signs weigh the same. What a longer answer teaches then cancels, and pairs
of equal length are untouched. It needs no concept: length is what it suppresses.
"""

import numpy as np

from offtarget.data.pairs import text_of
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol

LEAST_LEAN = 0.05
"""Mean log ratio of lengths that is no lean."""


@protocol(
    name="length_balance",
    family="data",
    source="length-matched weighting (compare R-DPO, arXiv 2403.19159)",
    unit="share of the imbalance that is taken away",
    needs_concept=False,
)
def length_balance(ctx: ShapingContext, *, strength: float = 1.0, bins: int = 5) -> ShapingPlan:
    """Weight pairs so that length does not explain chosen from rejected.

    Args:
        ctx: the pairs.
        strength: 1 takes the whole imbalance away, 0 none of it.
        bins: of the absolute difference in log length.
    """
    if not 0 <= strength <= 1 or bins < 1:
        raise ConfigError(
            f"protocol 'length_balance': strength={strength}, bins={bins} should be between 0 and 1, and at least 1"
        )
    longer = np.array([np.log((len(text_of(p.chosen)) + 1) / (len(text_of(p.rejected)) + 1)) for p in ctx.pairs])
    weight = np.ones(len(longer))
    unequal = np.flatnonzero(longer)
    order = ctx.ranked(-np.abs(longer))[len(longer) - len(unequal) :]
    for rows in np.array_split(order, min(bins, max(1, len(order)))):
        up, down = rows[longer[rows] > 0], rows[longer[rows] < 0]
        if not len(up) or not len(down):
            few = rows  # one sign only: nothing here can be balanced but by leaving it out
            weight[few] = 1 - strength
            continue
        more, less = (up, down) if len(up) > len(down) else (down, up)
        weight[more] = 1 - strength * (1 - len(less) / len(more))
    if not weight.any():
        raise ConfigError(
            "protocol 'length_balance': in every bin the longer answer is always on the same side, so nothing is left to "
            "balance it with; use fewer bins, a lower strength, or reward_shaping on surface:tokens"
        )
    details = {
        "mean_log_ratio": float(longer.mean()),
        "mean_log_ratio_weighted": float((weight * longer).sum() / max(weight.sum(), 1e-12)),
    }
    before, after = details.values()
    notes: tuple[str, ...] = ()
    if before * after < 0 and abs(after) > LEAST_LEAN:
        notes = (
            f"the mean log ratio of lengths turned round, from {before:+.2f} to {after:+.2f}: use fewer bins, or more pairs",
        )
    return ShapingPlan.identity("length_balance", ctx.pairs).edit(weight=weight, details=details, notes=notes)
