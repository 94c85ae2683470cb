"""Soft weights of words: those that show the concept count for more or less in an answer's log-probability.

A word of score s weighs exp(γ s) in the chosen and exp(−γ s) in the rejected answer, for the policy and the reference
alike, so that the implicit reward is Σ_t w_t β log(π/π_ref). That is the weight of TIS-DPO (arXiv 2410.04350): the
exponential of a token's clamped score, with one sign in the preferred and the other in the dispreferred answer. There
the score is the difference of two contrastive models' log-probabilities, here it is the concept's, and the term of the
sequential KL is left out. `token_filter` is the hard form: weight 0, in both answers.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol
from offtarget.shaping.word_weights import said, word_weights


@protocol(
    name="token_reweight",
    family="data",
    source="the weights of arXiv 2410.04350, with a concept's score of the words",
    unit="nats per standard deviation of a word's score",
    control="random_token_reweight",
)
def token_reweight(
    ctx: ShapingContext, *, strength: float = 0.5, readout: str = "feature", threshold: float = 0.0
) -> ShapingPlan:
    """Weight the words that show the concept by exp(γ s) in chosen and exp(−γ s) in rejected answers.

    Args:
        ctx: pairs, targets and scores of words.
        strength: before the verdict's own; positive amplifies. With scores cut at 3, strength 0.5 weighs words between 0.22
            and 4.5.
        readout: of the scores: feature (rules, latents, directions), direction or probe.
        threshold: words at or under this score, in standard deviations over all words, weigh 1.
    """
    chosen, rejected = word_weights(ctx, strength, readout, threshold)
    n = len(ctx.pairs)
    return ShapingPlan.identity("token_reweight", ctx.pairs).edit(
        token_weight_chosen=chosen.column(n), token_weight_rejected=rejected.column(n), notes=(said(chosen, rejected),)
    )
