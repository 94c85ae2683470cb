"""WPO: each pair weighted by how probable the policy finds its two answers (arXiv 2406.11827)."""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="wpo", family="loss", source="arXiv 2406.11827, equation 2", needs_concept=False)
def wpo(ctx: ShapingContext) -> ShapingPlan:
    """Weight pairs towards what the policy would say itself."""
    return ShapingPlan.identity("wpo", ctx.pairs).edit(loss={"wpo": True})
