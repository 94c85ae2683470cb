"""Plain DPO: the point every protocol is compared with."""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="dpo", family="control", source="arXiv 2305.18290, equation 7")
def dpo(ctx: ShapingContext) -> ShapingPlan:
    """Plain DPO on every pair, nothing shaped."""
    return ShapingPlan.identity("dpo", ctx.pairs, control=True)
