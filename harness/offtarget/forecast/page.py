"""A forecast as one HTML page: forests of what is expected, behaviours, cautions, and how far to believe it."""

from pathlib import Path

from markupsafe import Markup

from offtarget.board.tables import Table, Value, as_html, shift_entry, table
from offtarget.forecast.records import BehaviourForecast, ConceptForecast, Forecast
from offtarget.report.html import environment, fixed, percent, render_page
from offtarget.report.plots.effects import Interval, forest
from offtarget.store import write_atomic
from offtarget.verification.records import FAMILIES

PAGE = "forecast.html"
DRAWN = 24
"""Concepts of each family in its forest."""
LISTED = 200
"""And in its table."""


def render(found: Forecast, out: Path) -> Path:
    """Write the page of a forecast."""
    return write_atomic(out, page(found))


def page(found: Forecast) -> str:
    """The page as text; it loads nothing."""
    families = list(dict.fromkeys(c.family for c in found.concepts))
    return render_page(
        environment(Path(__file__).parent / "templates"),
        "forecast.html.j2",
        found=found,
        validity=says_validity(found),
        cost=percent(found.price.of_training, 0),
        families=[(FAMILIES.get(name, name), *_family(found, name)) for name in families],
        parameters={k: v for k, v in found.parameters.items() if v not in ("", None)},
        behaviours=as_html(_behaviours(found)) if found.behaviours else "",
    )


def says_validity(found: Forecast) -> str:
    """How far the forecast is to be believed, in one sentence."""
    v = found.validity
    if not v.known:
        return f"How well {found.predictor} forecasts is {v.note}."
    n = len(v.sets)
    over = f"on {n} set{'s' if n != 1 else ''} where training was observed"
    return (
        f"{found.predictor} agreed with training, over {v.family}, at r² {_range(v.r2)} ({_range(v.r2_equal)} at equal length) "
        f"{over}; of its surest twentieth {_range(v.surest, share=True)} moved as forecast."
    )


def _range(values: tuple[float, ...], *, share: bool = False) -> str:
    low, high = (percent(x, 0) if share else fixed(x, 2) for x in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _family(found: Forecast, name: str) -> tuple[int, int, Markup, Markup]:
    mine = [c for c in found.concepts if c.family == name]
    picture = forest(
        [_line(c, found.protocol is not None) for c in mine[:DRAWN]],
        name=f"forecast-{name}",
        x_label="expected change" + (" (bar: under the plan)" if found.protocol else ""),
        alt=f"Expected change of the {name} that are forecast most surely, with 95 % intervals",
    )
    return sum(c.q < 0.05 for c in mine), len(mine), picture, as_html(_concepts(mine[:LISTED], found.protocol))


def _line(c: ConceptForecast, planned: bool) -> Interval:
    return Interval(
        c.label,
        c.plain.value,
        c.plain.ci,
        tone="up" if c.plain.value > 0 else "down",
        faint=c.q >= 0.05,
        beside=c.planned.value if planned and c.planned else None,
        text=fixed(c.plain.value, 2, sign=True),
    )


def _concepts(rows: list[ConceptForecast], protocol: str | None) -> Table:
    plan = () if protocol is None else (f"under {protocol}",)
    head = ("concept", "forecast", *plan, "at equal length", "q", "chosen − rejected")
    return table("", head, [_row(c, protocol is not None) for c in rows], words=("concept",))


def _row(c: ConceptForecast, planned: bool) -> list[Value]:
    more = [shift_entry(c.planned.value, c.planned.ci)] if planned and c.planned else []
    return [
        c.label,
        shift_entry(c.plain.value, c.plain.ci),
        *more,
        fixed(c.plain.at_equal_length, 3, sign=True),
        fixed(c.q, 3),
        shift_entry(c.difference.value, c.difference.ci),
    ]


def _behaviours(found: Forecast) -> Table:
    plan = () if found.protocol is None else (f"under {found.protocol}",)
    head = ("behaviour", "unit", "wanted", "start", "forecast", *plan, "samples")
    return table("", head, [_behaviour(b) for b in found.behaviours], words=head[:3])


def _behaviour(b: BehaviourForecast) -> list[Value]:
    more = [] if b.planned is None else [shift_entry(b.planned, b.planned_ci)]
    return [b.behaviour, b.unit, b.direction, fixed(b.start, 3), shift_entry(b.plain, b.plain_ci), *more, b.n]
