"""Reward shaping: the concept's share of the preference is given away before training.

The loss of a pair becomes −log σ(β Δ_θ + o⁺ − o⁻) with o± = −γ · s±, where s is the concept's score
(z-scored, frozen) and γ = strength × verdict strength × (+1 amplify, −1 suppress). A suppressed concept
(γ < 0) that chosen has more of gives a positive offset: the pair is already explained and teaches less.
"""

import numpy as np
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="reward_shaping",
    family="feature",
    source="arXiv 2606.12360, section 2.1 and appendix A",
    unit="nats of reward per standard deviation of the concept's score",
)
def reward_shaping(ctx: ShapingContext, *, strength: float = 2.0, readout: str = "feature") -> ShapingPlan:
    """Offset each side's reward by the concept's score."""
    chosen, rejected = np.zeros(len(ctx.pairs)), np.zeros(len(ctx.pairs))
    for target in ctx.targets:
        gamma = target.effective(strength) * ctx.inside(target)
        scores = ctx.scores(target.concept, readout)
        chosen -= gamma * scores.chosen
        rejected -= gamma * scores.rejected
    return ShapingPlan.identity("reward_shaping", ctx.pairs).edit(
        offset_chosen=chosen, offset_rejected=rejected
    )
