"""Example-level filtering (arXiv 2606.12360, section 2.4): by concept score, by rule, or a whole cluster of prompts.

By score, pairs are ranked by the concept margin s⁺ − s⁻ (for `amplify`, by s⁻ − s⁺), and the top share is left out. By
rule, pairs go in which a regular expression is found. By cluster, a share of the pairs of a verdict's context goes, all
of them at strength 1. By score and by rule only pairs that teach against the decision are ever left out, so fewer may go
than were asked. A filter can only block: it cannot teach a concept that the data do not hold.
"""

import re

import numpy as np
from offtarget.data.pairs import text_of
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext, share
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol

PLACES = ("chosen", "rejected", "prompt", "difference")


@protocol(
    name="filter", family="data", source="arXiv 2606.12360, section 2.4", unit="share of pairs left out"
)
def filter_(
    ctx: ShapingContext,
    *,
    strength: float = 0.3,
    by: str = "score",
    readout: str = "feature",
    free_of: str = "",
    pattern: str = "",
    where: str = "difference",
) -> ShapingPlan:
    """Leave out the pairs that teach most against the decision.

    Args:
        ctx: pairs and targets.
        strength: share of all pairs that is left out at most; by cluster, of those in the context.
        by: score, rule or cluster.
        readout: of the score.
        free_of: what is held fixed in the score.
        pattern: by rule: a regular expression, without regard to case.
        where: by rule, where it must be found: chosen (to suppress), rejected (to amplify), prompt, or difference: in
            chosen and not in rejected (the other way round to amplify).
    """
    if by == "score":
        worst = ctx.worst(strength, readout, free_of)
    elif by == "rule":
        worst = ctx.worst(strength, push=_matches(ctx, strength, pattern, where))
    elif by == "cluster":
        gated = [t for t in ctx.targets if t.context is not None]
        if not gated:
            raise ConfigError(
                "protocol 'filter': by=cluster leaves out a context, so it needs a verdict with one"
            )
        inside = np.flatnonzero(np.any([ctx.inside(t) for t in gated], axis=0))
        worst = ctx.rng.permutation(inside)[: round(share(strength) * len(inside))]
    else:
        raise ConfigError(f"protocol 'filter': by={by!r} should be score, rule or cluster")
    plan = ShapingPlan.identity("filter", ctx.pairs)
    keep = plan.keep.copy()
    keep[worst] = False
    return plan.edit(keep=keep, details={"asked": strength, "left_out": len(worst)})


def _matches(ctx: ShapingContext, strength: float, pattern: str, where: str) -> np.ndarray:
    """(n_pairs,) 1 for pairs that the rule speaks against, 0 for others."""
    if not pattern:
        raise ConfigError("protocol 'filter': by=rule needs -P pattern=REGEX")
    if where not in PLACES:
        raise ConfigError(f"protocol 'filter': where={where!r} should be one of {', '.join(PLACES)}")
    try:
        rule = re.compile(pattern, re.IGNORECASE)
    except re.error as e:
        raise ConfigError(f"protocol 'filter': pattern={pattern!r} is not a regular expression ({e})") from e
    push = np.zeros(len(ctx.pairs))
    for t in ctx.targets:
        sign = -np.sign(t.effective(strength))
        for i in np.flatnonzero(ctx.inside(t)):
            pair = ctx.pairs[i]
            if where == "difference":
                found = [bool(rule.search(text_of(s))) for s in (pair.chosen, pair.rejected)]
                push[i] += sign * (found[0] - found[1])
            else:
                side = {"chosen": sign, "rejected": -sign, "prompt": 1.0}[where]
                push[i] += side * bool(rule.search(text_of(getattr(pair, where))))
    return push
