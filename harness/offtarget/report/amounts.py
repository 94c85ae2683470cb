"""Values and effects of concepts in units that a person knows: points, per 100 words, means and their ratio.

Lengths and counts are tested on log(1 + n). Their effects are said on that scale, by its name; beside it are, where they are
known, the two means and their ratio (`in_means`). They are never said as per cent: the ratio of the means is another figure.
"""

from offtarget.audit.evidence import LOG, Evidence, Rates
from offtarget.audit.records import Hypothesis
from offtarget.report.html import fixed, number, percent

_SHARE = "share of "
_COUNT = "count per response"
LOG_NAME = "log(1+n)"
"""Name of the scale of lengths and counts; the log is the natural one."""
MOST = 100.0
"""Ratios beyond it are no size that anybody compares."""


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
    """Two means with their unit: `0.10 against 0.060 per response`, `248 against 231 tokens`."""
    first = percent(chosen) if unit.startswith(_SHARE) else few(chosen)
    return f"{first} against {amount(rejected, unit)}"


def ratio(chosen: float, rejected: float) -> str:
    """The first mean over the second: `×1.67`, `×0.50`; empty where one of them is 0 and the other not, so that it has no size."""
    if chosen == rejected:
        return "×1.00"
    if chosen <= 0 or rejected <= 0:
        return ""
    value = chosen / rejected
    if value > MOST or value < 1 / MOST:
        return f"over ×{MOST:.0f}" if value > 1 else f"under ×{1 / MOST:.2f}"
    return f"×{value:.2f}"


def in_means(rates: Rates) -> str:
    """The means behind an effect on log(1 + n), and their ratio: `0.10 against 0.060 per response, ×1.67`."""
    found = ratio(rates.chosen, rates.rejected)
    return against(rates.chosen, rates.rejected, rates.unit) + (f", {found}" if found else "")


def shift(value: float, e: Evidence) -> str:
    """An effect with its sign and unit: points of rows, log(1+n) of lengths and counts, or the unit of the values."""
    return in_unit(value, e.effect_unit)


def size_of(value: float, e: Evidence) -> str:
    """The size of an effect, whichever way it goes: `0.011 log(1+n)`."""
    return shift(abs(value), e).removeprefix("+")


def in_unit(value: float, unit: str) -> str:
    """An effect, or a difference of two, in its unit (`Evidence.effect_unit`), as people read it.

    `+15.7 points`, `+0.134 log(1+n)`, `+0.51 sd`
    """
    return " ".join(parts(value, unit))


def parts(value: float, unit: str) -> tuple[str, str]:
    """The same as a signed number and the name of its unit, for tables."""
    if unit == LOG:
        return fixed(value, 3, sign=True), LOG_NAME
    if unit == "sd of the difference":
        return fixed(value, 2, sign=True), "sd"
    if unit.startswith(_SHARE):
        return fixed(100 * value, 1, sign=True), "points"
    return number(value, sign=True), "per response" if unit == _COUNT else unit


def effect_of(h: Hypothesis, e: Evidence) -> tuple[str, str]:
    """An effect as a card shows it, and below it its interval.

    Of lengths and counts over the whole set the ratio of the two means comes first, and below it these and what was tested:
    `×0.50`, `0.048 against 0.096 per response; tested: −0.033 log(1+n) (−0.045 … −0.021)`.
    """
    text, ends = shift(h.effect, e), interval(h.ci, e)
    means = e.means if h.context is None else None
    if means is None or not (times := ratio(means.chosen, means.rejected)):
        return text, ends
    low, high = (parts(end, e.effect_unit)[0] for end in h.ci)
    return times, f"{against(means.chosen, means.rejected, means.unit)}; tested: {text} ({low} … {high})"


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
