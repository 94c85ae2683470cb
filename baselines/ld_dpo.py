"""LD-DPO: what one answer is longer by counts less (arXiv 2409.06411).

Each answer's log-probability is that of its first l tokens plus α times that of the rest, with l the length of the
shorter of the two; α = 1 − strength. Needs no concept: length is what it desensitises to.
"""

from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="ld_dpo",
    family="loss",
    source="arXiv 2409.06411, equation 10",
    unit="share of the longer answer's rest that does not count",
    needs_concept=False,
)
def ld_dpo(ctx: ShapingContext, *, strength: float = 0.5) -> ShapingPlan:
    """Count less of what the longer answer is longer by.

    Args:
        ctx: pairs.
        strength: share of the rest that does not count, between 0 and 1.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"protocol 'ld_dpo': strength={strength} should be between 0 and 1")
    plan = ShapingPlan.identity("ld_dpo", ctx.pairs)
    return plan.edit(loss={"ld_alpha": 1.0 - strength}) if strength else plan
