"""Counterfactual augmentation: pairs that differ in the concept and in nothing else.

For responses that show the concept a copy without it is made, by the rule of the surface lens or by a model (role
`rewriter`), and a pair of the two is added: to suppress, the copy is chosen; to amplify, the response itself
(after arXiv 2506.05339, which does the same for reward models). What remains of the data is trained on as it is.
"""

from typing import Any

import numpy as np

from offtarget.data.pairs import Message, Pair, text_of
from offtarget.shaping.context import ShapingContext, share
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="counterfactual",
    family="data",
    source="arXiv 2506.05339, section 5",
    unit="pairs added, as a share of the set",
)
def counterfactual(ctx: ShapingContext, *, strength: float = 0.2, role: str = "") -> ShapingPlan:
    """Add pairs that differ in the concept alone.

    Args:
        ctx: pairs, targets and ways to rewrite.
        strength: pairs to add, as a share of the set; fewer where fewer responses show the concept.
        role: an Inspect model that rewrites, such as openai/gpt-4o-mini; empty: by the rule of the concept.
    """
    made: list[Pair] = []
    asked = failed = 0
    for k, target in enumerate(ctx.targets):
        gamma = target.effective(strength)
        want = round(share(gamma) * len(ctx.pairs))
        found = sorted(_showing(ctx, target), key=lambda one: (one[0].id, one[1] is one[0].rejected))
        found = [found[i] for i in ctx.rng.permutation(len(found))]
        # some responses cannot be rewritten by rule, so more are offered than are wanted
        offered = found if not role else found[:want]
        copies = ctx.readings.rewrite(target.concept, -1, [(p, text_of(r)) for p, r in offered], role or None)
        n = 0
        for (pair, response), copy in zip(offered, copies, strict=True):
            asked += 1
            if copy is None or copy.strip() == text_of(response).strip() or not copy.strip():
                failed += 1
            elif n < want:
                n += 1
                made.append(_pair(pair, response, copy, gamma > 0, f"counterfactual-{k}-{n}"))
    details = {"asked": strength, "added": len(made), "could_not_be_rewritten": failed, "responses": asked}
    return ShapingPlan.identity("counterfactual", ctx.pairs).add(made).edit(details=details)


def _showing(ctx: ShapingContext, target: Any) -> list[tuple[Pair, list[Message]]]:
    """Every response inside the target's context that shows the concept, with its pair."""
    chosen, rejected = ctx.readings.presence(target.concept)
    inside = ctx.inside(target)
    out = [(ctx.pairs[i], ctx.pairs[i].chosen) for i in np.flatnonzero(chosen & inside)]
    return out + [(ctx.pairs[i], ctx.pairs[i].rejected) for i in np.flatnonzero(rejected & inside)]


def _pair(pair: Pair, response: list[Message], copy: str, keep: bool, name: str) -> Pair:
    other: list[Message] = [{"role": "assistant", "content": copy}]
    chosen, rejected = (response, other) if keep else (other, response)
    return Pair(f"{name}:{pair.id}", pair.group, pair.prompt, chosen, rejected)
