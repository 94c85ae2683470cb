"""Example-level filtering by concept score (arXiv 2606.12360, section 2.4).

Pairs are ranked by the concept margin s⁺ − s⁻ (for `amplify`, by s⁻ − s⁺), and the top share is left
out. Only pairs that teach against the decision are ever left out, so fewer may go than were asked.
A filter can only block: it cannot teach a concept that the data do not hold.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="filter", family="data", source="arXiv 2606.12360, section 2.4", unit="share of pairs left out"
)
def filter_(ctx: ShapingContext, *, strength: float = 0.3, readout: str = "feature") -> ShapingPlan:
    """Leave out the pairs that teach most against the decision."""
    worst = ctx.against(strength, readout)
    plan = ShapingPlan.identity("filter", ctx.pairs)
    keep = plan.keep.copy()
    keep[worst] = False
    return plan.edit(keep=keep, details={"asked": strength, "left_out": len(worst)})
