"""Example-level filtering (arXiv 2606.12360, section 2.4): by concept score, by rule, or a whole cluster of prompts.

By score, pairs are ranked by the concept margin s⁺ − s⁻ (for `amplify`, by s⁻ − s⁺), and the top share is left out. By
rule, pairs go in which a regular expression is found. By cluster, a share of the pairs of a verdict's context goes, all
of them at strength 1, which can only suppress. By score and by rule only pairs that teach against the decision are ever
left out, so fewer may go than were asked. A filter can only block: it cannot teach a concept that the data do not hold.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol
from offtarget.shaping.ranking import against


@protocol(
    name="filter",
    family="data",
    source="arXiv 2606.12360, section 2.4",
    unit="share of pairs left out",
    control="random_filter",
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
    worst = against(
        ctx, "filter", strength=strength, by=by, readout=readout, free_of=free_of, pattern=pattern, where=where
    )
    plan = ShapingPlan.identity("filter", ctx.pairs)
    keep = plan.keep.copy()
    keep[worst] = False
    notes = () if by == "cluster" else ctx.fewer(strength, len(worst), "left out")
    return plan.edit(keep=keep, notes=notes, details={"asked": strength, "left_out": len(worst)})
