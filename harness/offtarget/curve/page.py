"""Strength curves as one HTML page: a picture of each behaviour, the doses, and side effects at equal effect."""

from pathlib import Path

from offtarget.board.tables import Entry, Table, Value, as_html, shift_entry, table
from offtarget.curve.records import Curve, Curves, EqualShift
from offtarget.report.html import environment, fixed, render_page
from offtarget.report.plots.curves import Curve as Line
from offtarget.report.plots.curves import CurvePanel, curves

CURVE_JSON, CURVE_PAGE = "curve.json", "curve.html"


def page(found: Curves, command: str) -> str:
    """The page.

    Args:
        found: the curves.
        command: that makes the page again.
    """
    return render_page(
        environment(Path(__file__).parent / "templates"),
        "curve.html.j2",
        found=found,
        level=fixed(found.level, 3, sign=True),
        picture=_picture(found),
        equal=as_html(equal_table(found)),
        doses=as_html(dose_table(found)),
        notes=[f"{c.label}: {c.note}." for c in found.curves if c.note],
        intervals=says_intervals(found),
        command=command,
    )


def says_intervals(found: Curves) -> str:
    """Whose noise is in the intervals."""
    few = [c.label for c in found.curves if not c.seeds_told]
    if not few:
        return "Intervals hold the noise of prompts, sampling and training seeds."
    named = "" if len(few) == len(found.curves) else f" ({', '.join(few)})"
    return (
        f"Under three training seeds{named} intervals are about the policies that were trained: what another seed would "
        "give is not in them."
    )


def equal_table(found: Curves) -> Table:
    """Every behaviour of every curve where the target has shifted by the level."""
    first = found.curves[0].label
    head = ("protocol", "scale", "behaviour", "role", "unit", "shift", f"minus {first}")
    rows: list[list[Value]] = []
    for c in found.curves:
        cards = {r.behaviour: r for r in c.responses}
        if c.scale is None:
            rows.append([c.label, "–", "outside its range", "", "", "–", "–"])
        for e in c.equal:
            r = cards[e.behaviour]
            rows.append([c.label, _scale(c), e.behaviour, r.role, r.unit, *_shift(e)])
    return table("", head, rows, words=("protocol", "behaviour", "role", "unit"))


def dose_table(found: Curves) -> Table:
    """The shift of every behaviour at every scale."""
    scales = [f"× {s:g}" for s in found.scales]
    rows: list[list[Value]] = [
        [c.label, r.behaviour, r.unit, fixed(r.start, 3), *(shift_entry(d.shift, d.ci) for d in r.doses), r.n]
        for c in found.curves
        for r in c.responses
    ]
    head = ("protocol", "behaviour", "unit", "start", *scales, "samples")
    return table("", head, rows, words=("protocol", "behaviour", "unit"))


def _scale(c: Curve) -> Entry:
    assert c.scale is not None
    ci = "" if c.scale_ci is None else f"{fixed(c.scale_ci[0])} … {fixed(c.scale_ci[1])}"
    return Entry(f"{fixed(c.scale)} {ci}".strip(), (fixed(c.scale), *([ci] if ci else [])), key=c.scale)


def _shift(e: EqualShift) -> tuple[Entry, Entry]:
    versus = Entry("–", key="") if e.versus is None else shift_entry(e.versus, e.versus_ci)
    return shift_entry(e.shift, e.ci), versus


def _picture(found: Curves) -> object:
    """One panel a behaviour, the target first, with the level that the curves are matched at."""
    names = list(dict.fromkeys(r.behaviour for c in found.curves for r in c.responses))
    names.sort(key=lambda name: name != found.target)
    panels = []
    for name in names:
        lines = []
        unit = ""
        for c in found.curves:
            r = next((r for r in c.responses if r.behaviour == name), None)
            if r is None:
                continue
            unit = r.unit
            marks = () if c.scale is None else ((c.scale, _at(c, name, found)),)
            lines.append(
                Line(
                    c.label,
                    tuple(d.scale for d in r.doses),
                    tuple(d.shift for d in r.doses),
                    tuple(d.ci for d in r.doses),
                    marks,
                )
            )
        level = found.level if name == found.target else None
        panels.append(CurvePanel(lines, "scale of the adapter", unit, name, level))
    alt = f"Shift of {', '.join(names)} from the start model against the scale of the adapter"
    return curves(panels, per_row=2 if len(panels) in (2, 4) else 3, name="strength", alt=alt, shares=False)


def _at(c: Curve, name: str, found: Curves) -> float:
    return found.level if name == found.target else next(e.shift for e in c.equal if e.behaviour == name)
