"""A comparison as one HTML page: the differences, and the answers that flipped, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from offtarget.board.tables import Entry, Table, Value, as_html, table
from offtarget.comparison.answers import Flip, flips
from offtarget.comparison.records import Compared, Comparison
from offtarget.comparison.sides import Side
from offtarget.evals.compare import PairedDifference
from offtarget.report.html import environment, fixed, number, p_value, render_page
from offtarget.report.plots.effects import Interval, forest

SHOWN = 50
"""Samples shown of each behaviour and way."""
HEAD = (
    "behaviour", "unit", "b − a", "95 % interval", "p", "q", "detectable", "samples", "missing", "conclusion",
)  # fmt: skip


@dataclass(frozen=True)
class Flipped:
    """The samples of one behaviour that changed."""

    behaviour: str
    unit: str
    up: Sequence[Flip]
    down: Sequence[Flip]
    n: int
    """Samples that both have."""


def page(found: Comparison, a: Side, others: Sequence[Side], command: str) -> str:
    """The page.

    Args:
        found: the differences.
        a: what the others are compared with.
        others: in the order of `found.comparisons`.
        command: that makes the page again.
    """
    env = environment(Path(__file__).parent / "templates")
    env.filters["value"] = lambda x: number(int(x) if x == int(x) else x)
    parts = [
        {
            "compared": one,
            "table": as_html(_table(one)),
            "picture": _picture(one, f"against-{i}"),
            "flipped": [_flipped(a, b, d) for d in one.differences],
            "texts": bool(a.answers and b.answers),
            "single": len(a.seeds) <= 1 and len(b.seeds) <= 1,
        }
        for i, (one, b) in enumerate(zip(found.comparisons, others, strict=True))
    ]
    return render_page(env, "comparison.html.j2", found=found, parts=parts, shown=SHOWN, command=command)


def _table(one: Compared) -> Table:
    rows: list[tuple[Value, ...]] = [
        (
            d.behaviour,
            d.unit,
            _sorted(fixed(d.difference, 3, sign=True), d.difference),
            "–" if d.ci is None else f"{fixed(d.ci[0], 3, sign=True)} to {fixed(d.ci[1], 3, sign=True)}",
            _sorted(p_value(d.p), d.p),
            _sorted(p_value(d.q), d.q),
            _sorted(fixed(d.detectable, 3), d.detectable),
            d.n,
            d.n_missing,
            d.conclusion + (f", at the {d.at_end}" if d.at_end else ""),
            *([_null(one, d.behaviour)] if one.nulls else []),
        )
        for d in one.differences
    ]
    head = (*HEAD, "null adapters") if one.nulls else HEAD
    return table("", head, rows, words=("behaviour", "unit", "conclusion"))


def _null(one: Compared, behaviour: str) -> Entry:
    """The mean size of the shifts of null adapters, and their range."""
    if (found := one.nulls.get(behaviour)) is None:
        return Entry("–", key="")
    low, high = (fixed(x, 3, sign=True) for x in found.range)
    return Entry(f"{fixed(found.size, 3)} ({low} to {high})", (fixed(found.size, 3), f"{low} … {high}"), key=found.size)


def _sorted(text: str, value: float | None) -> Entry:
    return Entry(text, key="" if value is None else value)


def _picture(one: Compared, name: str) -> Markup:
    """Shares alone: other behaviours have units of their own."""
    lines = [
        Interval(d.behaviour, d.difference, d.ci, faint=d.conclusion != "differs")
        for d in one.differences
        if d.difference is not None and d.ci is not None and "share" in d.unit
    ]
    if len(lines) < 2:
        return Markup("")
    alt = f"Differences {one.b} minus the first, behaviours that are shares"
    return forest(lines, name=name, x_label="difference of shares, b − a", alt=alt)


def _flipped(a: Side, b: Side, d: PairedDifference) -> Flipped:
    found = flips(a, b, d.behaviour)
    up, down = [f for f in found if f.b > f.a], [f for f in found if f.b < f.a]
    return Flipped(d.behaviour, d.unit, up, down, d.n)
