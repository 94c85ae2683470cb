"""Reward shaping: the concept's share of the preference is given away before training.

The loss of a pair becomes −log σ(β Δ_θ + o⁺ − o⁻) with o± = −γ · s±, where s is the concept's score
(z-scored, frozen) and γ = strength × verdict strength × (+1 amplify, −1 suppress). A suppressed concept
(γ < 0) that chosen has more of gives a positive offset: the pair is already explained and teaches less.

Three forms: *example*, each pair by its own scores; *cluster*, one constant w = −γ for every pair whose chosen answer
shows the concept and whose rejected one does not, nothing elsewhere (the paper's +w on a subset); and either of them
*gated* to a topic by a verdict with a context. On the concept `surface:tokens` it is R-DPO (arXiv 2403.19159) in
log length.
"""

import numpy as np

from offtarget.errors import ConfigError
from offtarget.shaping.context import MOST_NATS, NATS, ShapingContext, within
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="reward_shaping",
    family="feature",
    source="arXiv 2606.12360, section 2.1 and appendix A",
    unit="nats of reward per standard deviation of the concept's score; per pair in the cluster form",
    control="random_reweight",
)
def reward_shaping(
    ctx: ShapingContext, *, strength: float = 2.0, readout: str = "feature", form: str = "example", free_of: str = ""
) -> ShapingPlan:
    """Offset each side's reward by the concept's score.

    Args:
        ctx: pairs, targets and scores.
        strength: before the verdict's own.
        readout: how the score is read: feature, feature_max, direction, direction_max, probe, probe_max or attention.
        form: example or cluster.
        free_of: what is held fixed in the score: concept ids or length, separated by commas.
    """
    if form not in {"example", "cluster"}:
        raise ConfigError(f"protocol 'reward_shaping': form={form!r} should be example or cluster")
    if form == "cluster" and (readout, free_of) != ("feature", ""):
        raise ConfigError(
            "protocol 'reward_shaping': form=cluster goes by which answers show the concept, so readout and free_of do not apply"
        )
    chosen, rejected = np.zeros(len(ctx.pairs)), np.zeros(len(ctx.pairs))
    for target in ctx.targets:
        gamma = within(target.effective(strength), MOST_NATS, NATS) * ctx.inside(target)
        if form == "cluster":
            shown, also = ctx.readings.presence(target.concept)
            chosen -= gamma * (shown & ~also)
        else:
            scores = ctx.scores(target.concept, readout, free_of)
            chosen -= gamma * scores.chosen
            rejected -= gamma * scores.rejected
    return ShapingPlan.identity("reward_shaping", ctx.pairs).edit(offset_chosen=chosen, offset_rejected=rejected)
