"""Control for `filter`: as many pairs left out, but chosen blindly.

What this does to a behaviour is what less data does. A filter has to beat it.
"""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol
from offtarget.shaping.ranking import against


@protocol(
    name="random_filter",
    family="control",
    source="control of arXiv 2606.12360, section 2.4",
    unit="share of pairs left out",
)
def random_filter(
    ctx: ShapingContext,
    *,
    strength: float = 0.3,
    by: str = "score",
    readout: str = "feature",
    free_of: str = "",
    pattern: str = "",
    where: str = "difference",
) -> ShapingPlan:
    """Leave out as many pairs as `filter` would with the same parameters, at random.

    Args:
        ctx: pairs, targets, scores and seed.
        strength: of the `filter` whose number of pairs is left out.
        by: the same.
        readout: the same.
        free_of: the same.
        pattern: the same.
        where: the same.
    """
    n = len(
        against(
            ctx, "random_filter", strength=strength, by=by, readout=readout, free_of=free_of, pattern=pattern, where=where,
        )
    )  # fmt: skip
    plan = ShapingPlan.identity("random_filter", ctx.pairs)
    keep = plan.keep.copy()
    keep[ctx.rng.permutation(len(keep))[:n]] = False
    notes = () if by == "cluster" else ctx.fewer(strength, n, "left out")
    return plan.edit(keep=keep, notes=notes, details={"asked": strength, "left_out": n})
