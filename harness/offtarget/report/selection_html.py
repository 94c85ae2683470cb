"""The page of a selection: what each protocol reaches and costs at every strength that was tried."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from offtarget.report.html import environment, render_page
from offtarget.report.plots.frontier import Walk, frontier
from offtarget.store import write_atomic

NEAR = 0.1
"""A mean weight further than this from the goal is not called matched."""


def render_selection(selection: Any, amplifies: bool, out: Path) -> Path:
    """Write the page of a selection.

    Args:
        selection: the record (`engine.selection.Selection`).
        amplifies: whether the verdicts amplify, so that what is reached is no recovery.
        out: the file.
    """
    reached = "beyond plain DPO, sd" if amplifies else "recovery"
    by_weight = selection.by == "weight"
    page = render_page(
        environment(),
        "selection.html.j2",
        s=selection,
        what="a weight of" if by_weight else reached,
        reached=reached,
        picture=Markup("") if by_weight else _picture(selection, reached),
        label=lambda p: _label(p, selection.points),
        missed=lambda p: _missed(p, selection),
    )
    return write_atomic(out, page)


def _missed(point: Any, selection: Any) -> bool:
    """Whether a chosen strength is the nearest and yet not near: its interval leaves the goal out, or its weight is off."""
    if selection.by == "weight":
        return bool(point.chosen and abs(point.weight - selection.goal) > NEAR)
    ci = point.reached.ci
    return bool(point.chosen and ci is not None and not ci[0] <= selection.goal <= ci[1])


def _picture(selection: Any, reached: str) -> Markup:
    walks: dict[str, list[Any]] = {}
    for p in selection.points:
        if None not in (p.reached.value, p.drift.value, p.capability.value):
            walks.setdefault(_label(p, selection.points), []).append(p)
    lines = []
    for label, points in walks.items():
        points = sorted(points, key=lambda p: abs(p.strength))
        lines.append(
            Walk(
                label,
                tuple(p.strength for p in points),
                tuple(p.reached.value for p in points),
                tuple(p.drift.value for p in points),
                tuple(p.capability.value for p in points),
                next((i for i, p in enumerate(points) if p.chosen), None),
            )
        )
    return frontier(
        lines, selection.goal, reached=reached, capability="capability against start",
        alt="What each protocol reaches against drift and capability, by strength",
    )  # fmt: skip


def _label(point: Any, points: Sequence[Any]) -> str:
    """A protocol's name, with the parameters in which it differs from others of that name."""
    same = [p.parameters for p in points if p.protocol == point.protocol]
    telling = sorted(k for k, v in point.parameters.items() if k != "strength" and any(p.get(k) != v for p in same))
    more = ", ".join(f"{k}={point.parameters[k]}" for k in telling)
    return f"{point.protocol} ({more})" if more else str(point.protocol)
