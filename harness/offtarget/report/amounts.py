"""Values and effects of concepts in units that a person knows: points, per cent, per 100 words."""

import math

from offtarget.audit.evidence import LOG, Evidence
from offtarget.report.html import fixed, number, percent

_SHARE = "share of "
_COUNT = "count per response"


def few(value: float) -> str:
    """A mean with the digits that a sentence can carry: `248`, `5.59`, `0.08`."""
    return number(value, 2 if abs(value) < 1 else 3)


def amount(value: float, unit: str) -> str:
    """A mean with its unit: `0.20 per response`, `0.50 per 100 words`, `88.7 % of words`, `248 tokens`."""
    if unit == _COUNT:
        return f"{few(value)} per response"
    if unit.startswith(_SHARE):
        return f"{percent(value)} of {unit.removeprefix(_SHARE)}"
    return f"{few(value)} {unit}"


def against(chosen: float, rejected: float, unit: str) -> str:
    """Two means with their unit: `0.10 against 0.06 per response`, `248 against 231 tokens`."""
    first = percent(chosen) if unit.startswith(_SHARE) else few(chosen)
    return f"{first} against {amount(rejected, unit)}"


def shift(value: float, e: Evidence) -> str:
    """An effect with its sign and unit: points of rows, per cent more, or the unit of the values."""
    return in_unit(value, e.effect_unit)


def in_unit(value: float, unit: str) -> str:
    """An effect in its unit (`Evidence.effect_unit`), as people read it: `+15.7 points`, `+14.4 %`, `+0.51 sd`."""
    text, name = parts(value, unit)
    return f"{text}\u202f%" if name == "%" else f"{text} {name}"


def parts(value: float, unit: str) -> tuple[str, str]:
    """The same as a signed number and the name of its unit, for tables."""
    if unit == LOG:
        return fixed(100 * (math.exp(value) - 1), 1, sign=True), "%"
    if unit == "sd of the difference":
        return fixed(value, 2, sign=True), "sd"
    if unit.startswith(_SHARE):
        return fixed(100 * value, 1, sign=True), "points"
    return number(value, sign=True), "per response" if unit == _COUNT else unit


def difference_parts(value: float, unit: str) -> tuple[str, str]:
    """A difference of effects and its unit; of logs of ratios the factor from one to the other, since per cent do not subtract."""
    return (f"×{math.exp(value):.2f}", "") if unit == LOG else parts(value, unit)


def difference_text(value: float, unit: str) -> str:
    """The same in one text."""
    return " ".join(difference_parts(value, unit)).strip()


def small(p: float) -> str:
    """A p or q value in plain characters; never 0: beyond what a float can say it is `<1e-300`."""
    return "<1e-300" if p <= 1e-300 else f"{p:.1e}" if p < 0.001 else f"{p:.3f}"


def interval(ends: tuple[float, float], e: Evidence) -> str:
    """The two ends of an interval of an effect, the unit said once."""
    return f"{parts(ends[0], e.effect_unit)[0]} … {shift(ends[1], e)}"


def effect_size(d: float | None) -> str:
    """Cohen's d; where all rows differ alike it has no upper end, and the stored cap of 100 is not shown as a size."""
    if d is not None and abs(d) >= 100:
        return "> +100" if d > 0 else "< −100"
    return fixed(d, 2, sign=True)
