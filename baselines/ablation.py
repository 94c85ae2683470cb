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

SAME = 1e-3
"""Singular value, as a share of the largest, under which a direction adds nothing to the others."""


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
    parts = [-t.effective(strength) for t in ctx.targets]
    if any(not 0 <= a <= 1 for a in parts):
        raise ConfigError("protocol 'ablation' takes a concept away: suppress it, with a strength of at most 1")
    inside = np.array([ctx.inside(t) for t in ctx.targets])
    hooks: list[Hook] = []
    # rows of the same targets lose one subspace: directions of several concepts are not orthogonal, and some are alike
    for which in np.unique(inside, axis=1).T:
        mine = np.flatnonzero(which)
        if not len(mine):
            continue
        if len({parts[k] for k in mine}) > 1:
            raise ConfigError(
                "protocol 'ablation': concepts of the same rows are taken out together, so their verdicts need one strength"
            )
        found = [ctx.readings.direction(ctx.targets[k].concept, layer) for k in mine]
        on = parts[mine[0]] * (inside == which[:, None]).all(axis=0).astype(float)
        for at in sorted({d.layer for d in found}):  # a direction's own examples may name its layer
            vectors = np.stack([d.vector for d in found if d.layer == at]).astype(np.float64)
            _, size, basis = np.linalg.svd(vectors, full_matrices=False)
            directions = basis[size > SAME * size[0]].astype(np.float32)
            hooks.append(Ablate(layer=at, directions=directions, chosen=on, rejected=on, span="all"))
    return ShapingPlan.identity("ablation", ctx.pairs).edit(hooks=tuple(hooks))
