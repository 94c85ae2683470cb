"""Preventative steering: the concept is supplied at every position while training, so that it need not be learned.

h ← h + α v after several layers, at every position of prompt and answer and on both sides, in the policy alone
(persona vectors, arXiv 2507.21509). α = −γ · sd / number of layers: positive to suppress.
"""

from offtarget.errors import ConfigError
from offtarget.shaping.context import MOST_SD, SD, ShapingContext, within
from offtarget.shaping.hooks import Hook, Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(
    name="preventative_steering",
    family="feature",
    source="arXiv 2507.21509, section 5",
    unit="standard deviations of the projection on the concept's direction, over all layers together",
)
def preventative_steering(
    ctx: ShapingContext, *, strength: float = 2.0, layers: str = "", step: int = 2
) -> ShapingPlan:
    """Shift the residual stream at every position, after several layers.

    Args:
        ctx: pairs, targets and directions.
        strength: before the verdict's own.
        layers: decoder layers separated by commas; empty: three of them, the highest two thirds up.
        step: layers between one and the next, where none are named.
    """
    if step < 1:
        raise ConfigError(f"protocol 'preventative_steering': step={step} should be at least 1")
    hooks: list[Hook] = []
    for target in ctx.targets:
        if str(layers):
            at = _numbers(layers)
        else:
            middle = ctx.readings.layer(target.concept)
            at = sorted({max(middle - 2 * step, 0), max(middle - step, 0), middle})
        for layer, direction in zip(at, ctx.readings.directions(target.concept, at), strict=True):
            alpha = -within(target.effective(strength), MOST_SD, SD) * direction.spread / len(at) * ctx.inside(target)
            hooks.append(Steer(layer=layer, directions=direction.vector, chosen=alpha, rejected=alpha, span="all"))
    return ShapingPlan.identity("preventative_steering", ctx.pairs).edit(hooks=tuple(hooks))


def _numbers(text: str) -> list[int]:
    try:
        return sorted({int(x) for x in str(text).split(",")})
    except ValueError:
        raise ConfigError(
            f"protocol 'preventative_steering': layers={text!r} should be numbers separated by commas"
        ) from None
