"""Activation steering while training, gone afterwards.

h ← h + α v at one layer, from the last user turn to the end, in the policy alone; v is the concept's unit
direction in the start model. To suppress, the policy is pushed *towards* the concept (α > 0) on both
sides, so that the data need not teach it; to amplify, *away* from it (α < 0) on the chosen side, so that
it must learn more of it. α = −γ · sd, with γ the effective strength and sd the spread of the responses'
mean projection on v.
"""

import numpy as np
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan, Steer
from offtarget.shaping.protocol import protocol


@protocol(
    name="steering",
    family="feature",
    source="arXiv 2606.12360, section 2.2",
    unit="standard deviations of the projection on the concept's direction",
)
def steering(ctx: ShapingContext, *, strength: float = 2.0, side: str = "auto") -> ShapingPlan:
    """Shift the policy's residual stream along the concept while it trains."""
    if side not in {"auto", "both", "chosen", "rejected"}:
        raise ConfigError(f"protocol 'steering': side={side!r} should be auto, both, chosen or rejected")
    hooks = []
    for target in ctx.targets:
        layer, vector, spread = ctx.direction(target.concept)
        gamma = target.effective(strength)
        where = side if side != "auto" else ("chosen" if gamma > 0 else "both")
        alpha = -gamma * spread * ctx.inside(target).astype(float)
        none = np.zeros(len(ctx.pairs))
        hooks.append(
            Steer(
                layer,
                vector,
                alpha_chosen=alpha if where in {"both", "chosen"} else none,
                alpha_rejected=alpha if where in {"both", "rejected"} else none,
            )
        )
    return ShapingPlan.identity("steering", ctx.pairs).edit(steer=tuple(hooks))
