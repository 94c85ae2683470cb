"""Swap chosen and rejected where a pair teaches most against the decision (WIMHF, arXiv 2510.26202)."""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="label_flip", family="data", source="arXiv 2510.26202, section 6", unit="share of pairs flipped")
def label_flip(
    ctx: ShapingContext, *, strength: float = 0.1, readout: str = "feature", free_of: str = ""
) -> ShapingPlan:
    """Reverse the pairs that teach most against the decision.

    Args:
        ctx: pairs, targets and scores.
        strength: share of all pairs that is flipped at most.
        readout: how the concept is read (see `offtarget.shaping.readings`).
        free_of: what is held fixed in the score: concept ids or length, separated by commas.
    """
    worst = ctx.worst(strength, readout, free_of)
    plan = ShapingPlan.identity("label_flip", ctx.pairs)
    flip = plan.flip.copy()
    flip[worst] = True
    notes = ctx.fewer(strength, len(worst), "flipped")
    return plan.edit(flip=flip, notes=notes, details={"asked": strength, "flipped": len(worst)})
