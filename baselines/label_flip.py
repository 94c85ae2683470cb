"""Swap chosen and rejected where a pair teaches most against the decision (WIMHF, arXiv 2510.26202)."""

import numpy as np
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="label_flip", family="data", source="arXiv 2510.26202, section 6", unit="share of pairs flipped"
)
def label_flip(ctx: ShapingContext, *, strength: float = 0.1, readout: str = "feature") -> ShapingPlan:
    """Reverse the pairs that teach most against the decision."""
    push = ctx.rank_margin(strength, readout)
    n = min(round(abs(strength) * len(push)), int((push > 0).sum()))
    plan = ShapingPlan.identity("label_flip", ctx.pairs)
    flip = plan.flip.copy()
    flip[np.argsort(-push, kind="stable")[:n]] = True
    return plan.edit(flip=flip, details={"asked": strength, "flipped": n})
