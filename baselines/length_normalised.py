"""Length-normalised DPO: the margin of mean log-probabilities per token, with a β of its own (Tulu 3, `dpo_norm`)."""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="length_normalised", family="loss", source="arXiv 2411.15124, section 5", needs_concept=False)
def length_normalised(ctx: ShapingContext, *, beta: float = 5.0) -> ShapingPlan:
    """Compare mean log-probabilities per token.

    Args:
        ctx: pairs.
        beta: of the loss; larger than for sums, since means per token are small.
    """
    return ShapingPlan.identity("length_normalised", ctx.pairs).edit(loss={"loss": "sigmoid_norm", "beta": beta})
