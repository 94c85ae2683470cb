"""Activation steering while training, gone afterwards.

h ← h + α v at one layer, from the last user turn to the end, in the policy alone; v is the concept's unit
direction in the start model. To suppress, the policy is pushed *towards* the concept (α > 0) on both
sides, so that the data need not teach it; to amplify, *away* from it (α < 0) on the chosen side, so that
it must learn more of it. α = −γ · sd, with γ the effective strength and sd the spread of the responses'
mean projection on v.
"""

import numpy as np

from offtarget.errors import ConfigError
from offtarget.shaping.context import MOST_SD, SD, ShapingContext, within
from offtarget.shaping.hooks import Hook, Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol

SIDES = ("auto", "both", "chosen", "rejected")


@protocol(
    name="steering",
    family="feature",
    source="arXiv 2606.12360, section 2.2",
    unit="standard deviations of the projection on the concept's direction",
)
def steering(
    ctx: ShapingContext, *, strength: float = 2.0, side: str = "auto", layer: int | None = None, top: float = 1.0
) -> ShapingPlan:
    """Shift the policy's residual stream along the concept while it trains.

    Args:
        ctx: pairs, targets and directions.
        strength: before the verdict's own.
        side: whose forward pass is steered: chosen, rejected or both; auto: both to suppress, chosen to amplify. On the
            rejected side alone the sign means the opposite for the data: the concept given to rejected answers counts
            against them, so suppressing (α > 0) makes those pairs teach more, amplifying (α < 0) less.
        layer: decoder layer; None: two thirds up.
        top: steer only this share of a target's pairs: those whose steered side has most more of the concept than the
            other, along the same direction at the same layer; steering both sides, those that differ most.
    """
    if side not in SIDES:
        raise ConfigError(f"protocol 'steering': side={side!r} should be {', '.join(SIDES)}")
    if not 0 < top <= 1:
        raise ConfigError(f"protocol 'steering': top={top} is a share of the pairs: above 0, at most 1")
    hooks: list[Hook] = []
    for target in ctx.targets:
        direction = ctx.readings.direction(target.concept, layer)
        gamma = within(target.effective(strength), MOST_SD, SD)
        where = side if side != "auto" else ("chosen" if gamma > 0 else "both")
        rows = ctx.inside(target)
        if top < 1:
            margin = direction.margin
            ranked = {"chosen": margin, "rejected": -margin}.get(where, np.abs(margin))
            size = np.where(rows, ranked, -np.inf)
            most = ctx.ranked(size)[: max(1, round(top * rows.sum()))]
            rows = rows & np.isin(np.arange(len(rows)), most)
        alpha = -gamma * direction.spread * rows.astype(float)
        none = np.zeros(len(ctx.pairs))
        hooks.append(
            Steer(
                layer=direction.layer,
                directions=direction.vector,
                chosen=alpha if where in {"both", "chosen"} else none,
                rejected=alpha if where in {"both", "rejected"} else none,
            )
        )
    return ShapingPlan.identity("steering", ctx.pairs).edit(hooks=tuple(hooks))
