"""How far each effect is from what it was: by the rows of both audits where they are there, else by sums."""

from collections.abc import Mapping, Sequence

import numpy as np

from offtarget.audit.diff.records import Difference
from offtarget.audit.diff.sums import Sums, two_sample
from offtarget.audit.diff.test import detectable
from offtarget.audit.evidence import Rates
from offtarget.audit.statistics import tails
from offtarget.audit.statistics.means import Floats, bh, t_interval
from offtarget.gate.measure import Measured, sums_from
from offtarget.gate.records import Baseline, Change, Place, Settings
from offtarget.verdicts import Seen

SHARE = "share of "


def from_sums(baseline: Baseline, now: Measured) -> dict[Place, Change]:
    """The change of every effect that both have, tested as of two samples; q over those of one view."""
    at = {e.place: k for k, e in enumerate(now.entries)}
    out: dict[Place, Change] = {}
    for view in dict.fromkeys(e.view for e in now.entries):
        both = [e for e in baseline.entries if e.view == view and e.place in at]
        if both:
            numbers = np.array([at[e.place] for e in both], dtype=np.int64)
            out |= _tested([e.place for e in both], sums_from(both), now.sums.take(numbers))
    return out


def from_rows(difference: Difference) -> dict[Place, Change]:
    """The same from a comparison of two audits with their rows, where rows and prompts that both have are counted."""
    return {
        (e.view, e.concept, e.context): Change(
            old=e.old, difference=e.difference, ci=e.ci, d=e.d, p=e.p, q=e.q, detectable=e.detectable
        )
        for e in difference.effects
        if e.view != "metadata"  # there it is the mean within a value, not its lean against the others
    }


def from_seen(seen: Mapping[Place, Seen], now: Measured) -> dict[Place, Change]:
    """How far effects are from what was seen when somebody decided on them; q over these.

    A verdict holds an interval and no sums: its error is taken from the interval, its rows as if each had its own prompt.
    """
    entries = [e for e in now.entries if e.place in seen]
    if not entries:
        return {}
    numbers = np.array([k for k, e in enumerate(now.entries) if e.place in seen], dtype=np.int64)
    fresh = now.sums.take(numbers)
    return _tested([e.place for e in entries], _sums_of_seen([seen[e.place] for e in entries], fresh), fresh)


def _sums_of_seen(seen: Sequence[Seen], now: Sums) -> Sums:

    n = np.array([max(float(s.n), 2.0) for s in seen])
    effect = np.array([s.effect for s in seen])
    half = np.array([(s.ci[1] - s.ci[0]) / 2 for s in seen])
    se = half / tails.t_ppf(0.975, n - 1)
    squares = now.sd**2 * (n - 1)  # the spread that it has now; used only where hardly a row shows it
    shown = now.active / np.maximum(now.n, 1) * n
    zero = np.zeros(len(n))
    return Sums(effect, se, squares, n, zero, shown, shown, shown, n, n, 1 / n, 1 / n**3)


def _tested(places: Sequence[Place], old: Sums, new: Sums) -> dict[Place, Change]:
    test = two_sample(old, new)
    can = np.flatnonzero(test.testable)
    q = bh(test.p[can])
    smallest = np.maximum(detectable(test.se[can], test.df[can], len(can)), 0.0)
    ends = t_interval(test.difference[can], test.se[can], test.df[can])
    return {
        places[j]: Change(
            old=float(old.effect[j]),
            difference=float(test.difference[j]),
            ci=(float(ends[k, 0]), float(ends[k, 1])),
            d=float(test.d[j]),
            p=float(test.p[j]),
            q=float(q[k]),
            detectable=float(smallest[k]),
        )
        for k, j in enumerate(can.tolist())
    }


def beyond_chance(change: Change | None, unit: str, settings: Settings) -> bool:
    """Whether an effect changed: significantly, and by as much as matters."""
    return change is not None and change.q < settings.q and large(change.difference, change.d, unit, settings)


def large(difference: float, d: float, unit: str, settings: Settings) -> bool:
    """Whether a difference is as large as matters: points of shares, else standard deviations."""
    if unit.startswith(SHARE):
        return abs(difference) * 100 >= settings.min_points - 1e-9
    return abs(d) >= settings.min_sd


def printed(effect: Floats | float, unit: str) -> float:
    """An effect as the number that the audit prints of it: points, or the unit of the values."""
    value = np.asarray(effect, dtype=np.float64)
    return float(100 * value if unit.startswith(SHARE) else value)


def more(rates: Rates) -> float:
    """By how many per cent the larger of two means is above the smaller; below 0 where rejected's is the larger."""
    low, high = sorted((rates.chosen, rates.rejected))
    if low == high:
        return 0.0
    size = 100 * (high / low - 1) if low > 0 else float("inf")
    return size if rates.chosen > rates.rejected else -size


def more_for(effect: float, rates: Rates) -> float:
    """About by how many per cent more there must be on one side for a mean difference in log(1 + n) of this size.

    A mean that is c times as large moves log(1 + n) by about log(c) · E[n / (1 + n)], here with every response that shows any
    at the mean of those: of long texts by log(c), of a count that few responses have by far less.
    """
    mean = (rates.chosen + rates.rejected) / 2
    shown = min(rates.shown or 1.0, 1.0)
    slope = shown * mean / (shown + mean) if mean > 0 else 0.0
    return float(100 * np.expm1(min(abs(effect) / slope, 50.0))) if slope > 0 else float("inf")
