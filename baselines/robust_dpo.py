"""Robust DPO: an unbiased estimate of the loss when a share of the labels is flipped (arXiv 2403.00409)."""

from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="robust_dpo",
    family="loss",
    source="arXiv 2403.00409, section 3",
    unit="share of labels assumed to be flipped",
    needs_concept=False,
)
def robust_dpo(ctx: ShapingContext, *, strength: float = 0.1) -> ShapingPlan:
    """Assume that some labels are wrong.

    Args:
        ctx: pairs.
        strength: share of labels that are taken for flipped, under 0.5.
    """
    if not 0 <= strength < 0.5:
        raise ConfigError(f"protocol 'robust_dpo': strength={strength} should be from 0 to below 0.5")
    plan = ShapingPlan.identity("robust_dpo", ctx.pairs)
    return plan.edit(loss={"loss": "robust", "label_smoothing": strength}) if strength else plan
