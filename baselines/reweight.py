"""Fixed weights by concept score: what reward shaping does at the start of training, and nothing more.

A frozen offset o rescales a pair's gradient by 2σ(−o) where Δ = 0 (arXiv 2606.12360, appendix A). Here that factor
is the pair's weight throughout. What reward shaping does beyond this protocol, it does by the margin that it asks
of a pair as training goes on.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan, sigmoid
from offtarget.shaping.protocol import protocol


@protocol(
    name="reweight",
    family="data",
    source="arXiv 2606.12360, appendix A, at Δ = 0",
    unit="nats of reward per standard deviation of the concept's score, as reward_shaping",
    control="random_reweight",
)
def reweight(ctx: ShapingContext, *, strength: float = 2.0, readout: str = "feature", free_of: str = "") -> ShapingPlan:
    """Weight each pair by 2σ(γ (s⁺ − s⁻)), with mean 1 over the set.

    Args:
        ctx: pairs, targets and scores.
        strength: before the verdict's own.
        readout: how the concept is read (see `offtarget.shaping.readings`).
        free_of: what is held fixed in the score: concept ids or length, separated by commas.
    """
    weight = 2.0 * sigmoid(ctx.gain(strength, readout, free_of))
    return ShapingPlan.identity("reweight", ctx.pairs).edit(weight=weight)
