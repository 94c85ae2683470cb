"""Concept ablation while training (CAFT, arXiv 2507.16795): the concept's direction is projected out.

h ← h − a (h Qᵀ) Q after a layer, in the policy alone, where Q spans the directions of all suppressed concepts. The
gradient loses that subspace too, so what is learned does not go through it. It takes a concept away and has no
counterpart that amplifies: a target that should be amplified is refused.
"""

import numpy as np
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.hooks import Ablate, Hook
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="ablation",
    family="feature",
    source="arXiv 2507.16795, section 3",
    unit="share of the projection that is taken out",
)
def ablation(ctx: ShapingContext, *, strength: float = 1.0, layer: int | None = None) -> ShapingPlan:
    """Project the concept's direction out of the residual stream while training.

    Args:
        ctx: pairs, targets and directions.
        strength: of the projection, between 0 and 1 with the verdict's own.
        layer: decoder layer; None: two thirds up.
    """
    hooks: list[Hook] = []
    # targets of the same rows lose one subspace together: directions of several concepts are not orthogonal
    for rows in {ctx.inside(t).tobytes(): ctx.inside(t) for t in ctx.targets}.values():
        mine = [t for t in ctx.targets if np.array_equal(ctx.inside(t), rows)]
        parts = {-t.effective(strength) for t in mine}
        if any(not 0 <= a <= 1 for a in parts):
            raise ConfigError(
                "protocol 'ablation' takes a concept away: suppress it, with a strength of at most 1"
            )
        if len(parts) > 1:
            raise ConfigError(
                "protocol 'ablation': concepts of one context are taken out together, so their verdicts need one strength"
            )
        found = [ctx.direction(t.concept, layer) for t in mine]
        basis, _ = np.linalg.qr(np.column_stack([d.vector for d in found]).astype(np.float64))
        on = parts.pop() * rows.astype(float)
        hooks.append(
            Ablate(
                layer=found[0].layer,
                directions=basis.T.astype(np.float32),
                chosen=on,
                rejected=on,
                span="all",
            )
        )
    return ShapingPlan.identity("ablation", ctx.pairs).edit(hooks=tuple(hooks))
