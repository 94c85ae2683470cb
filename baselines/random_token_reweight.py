"""Control for `token_reweight`: the same weights, dealt out to the words of the same side blindly.

What this does to a behaviour is what unequal weights of words do. A protocol that weights words has to beat it.
"""

from dataclasses import replace

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol
from offtarget.shaping.word_weights import said, word_weights


@protocol(
    name="random_token_reweight",
    family="control",
    source="control of token_reweight, after that of arXiv 2606.12360, section 2.1",
    unit="nats per standard deviation of a word's score",
)
def random_token_reweight(
    ctx: ShapingContext, *, strength: float = 0.5, readout: str = "feature", threshold: float = 0.0
) -> ShapingPlan:
    """Give the weights of `token_reweight` to other words of the same side, at random.

    Args:
        ctx: pairs, targets, scores of words and seed.
        strength: of the `token_reweight` whose weights are given away.
        readout: the same.
        threshold: the same.
    """
    chosen, rejected = (
        replace(side, weights=ctx.rng.permutation(side.weights))
        for side in word_weights(ctx, strength, readout, threshold)
    )
    n = len(ctx.pairs)
    return ShapingPlan.identity("random_token_reweight", ctx.pairs).edit(
        token_weight_chosen=chosen.column(n), token_weight_rejected=rejected.column(n), notes=(said(chosen, rejected),)
    )
