"""Which pairs teach against a decision, the worst first: by a concept's score, by a rule, or a whole context.

`filter` leaves them out; its control leaves out as many others.
"""

import re

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import text_of
from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext, share

BY = ("score", "rule", "cluster")
PLACES = ("chosen", "rejected", "prompt", "difference")


def against(
    ctx: ShapingContext,
    protocol: str,
    *,
    strength: float,
    by: str = "score",
    readout: str = "feature",
    free_of: str = "",
    pattern: str = "",
    where: str = "difference",
) -> NDArray[np.int64]:
    """Row numbers of the pairs that teach against what was decided, at most a share of all (of those in the context).

    Args:
        ctx: pairs, targets and scores.
        protocol: named in messages.
        strength: the share, with the verdict's own strength; negative turns the decision round.
        by: score, rule or cluster.
        readout: of the score.
        free_of: what is held fixed in the score.
        pattern: by rule: a regular expression, without regard to case.
        where: by rule: chosen, rejected, prompt, or difference.

    Raises:
        ConfigError: options that make no sense together, or that cannot amplify.
    """
    if by == "score":
        return ctx.worst(strength, readout, free_of)
    if by == "rule":
        return ctx.worst(strength, push=_matches(ctx, protocol, strength, pattern, where))
    if by != "cluster":
        raise ConfigError(f"protocol '{protocol}': by={by!r} should be {', '.join(BY)}")
    gated = [t for t in ctx.targets if t.context is not None]
    if not gated:
        raise ConfigError(f"protocol '{protocol}': by=cluster leaves out a context, so it needs a verdict with one")
    out: list[NDArray[np.int64]] = []
    for t in gated:
        _only_suppresses(protocol, "by=cluster", t.effective(strength))
        inside = np.flatnonzero(ctx.inside(t))
        out.append(ctx.rng.permutation(inside)[: round(share(t.effective(strength)) * len(inside))])
    return np.unique(np.concatenate(out))


def _only_suppresses(protocol: str, option: str, effective: float) -> None:
    if effective > 0:
        raise ConfigError(
            f"protocol '{protocol}': {option} leaves out whatever is there, which can only suppress; to amplify, use by=score"
        )


def _matches(ctx: ShapingContext, protocol: str, strength: float, pattern: str, where: str) -> NDArray[np.float64]:
    """(n_pairs,) above 0 for pairs that the rule speaks against."""
    if not pattern:
        raise ConfigError(f"protocol '{protocol}': by=rule needs -P pattern=REGEX")
    if where not in PLACES:
        raise ConfigError(f"protocol '{protocol}': where={where!r} should be one of {', '.join(PLACES)}")
    try:
        rule = re.compile(pattern, re.IGNORECASE)
    except re.error as e:
        raise ConfigError(f"protocol '{protocol}': pattern={pattern!r} is not a regular expression ({e})") from e
    push = np.zeros(len(ctx.pairs))
    for t in ctx.targets:
        sign = -np.sign(t.effective(strength))
        if where == "prompt":
            _only_suppresses(protocol, "where=prompt", t.effective(strength))
        for i in np.flatnonzero(ctx.inside(t)):
            pair = ctx.pairs[int(i)]
            if where == "difference":
                found = [bool(rule.search(text_of(s))) for s in (pair.chosen, pair.rejected)]
                push[i] += sign * (found[0] - found[1])
            else:
                side = {"chosen": sign, "rejected": -sign, "prompt": 1.0}[where]
                push[i] += side * bool(rule.search(text_of(getattr(pair, where))))
    return push
