"""Control for `reweight` and reward shaping: the same weights, dealt out to the pairs blindly.

What this does to a behaviour is what unequal weights do. A protocol that weights pairs has to beat it.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan, sigmoid
from offtarget.shaping.protocol import protocol


@protocol(
    name="random_reweight",
    family="control",
    source="control of arXiv 2606.12360, section 2.1",
    unit="nats of reward per standard deviation of the concept's score, as reward_shaping",
)
def random_reweight(
    ctx: ShapingContext, *, strength: float = 2.0, readout: str = "feature", free_of: str = ""
) -> ShapingPlan:
    """Give the weights of `reweight` to other pairs, at random.

    Args:
        ctx: pairs, targets, scores and seed.
        strength: of the `reweight` whose weights are given away.
        readout: the same.
        free_of: the same.
    """
    weight = 2.0 * sigmoid(ctx.gain(strength, readout, free_of))
    return ShapingPlan.identity("random_reweight", ctx.pairs).edit(weight=ctx.rng.permutation(weight))
