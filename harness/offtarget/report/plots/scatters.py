"""Two figures against each other, few points each with a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, figure, rc, svg
from offtarget.report.plots.naming import Point, place_labels


@dataclass(frozen=True)
class Panel:
    """One picture of a row of scatter plots."""

    points: Sequence[Point]
    x_label: str
    y_label: str
    title: str = ""


def scatter(panels: Sequence[Panel], *, name: str, alt: str) -> Markup:
    """Scatter plots side by side, points named and with intervals; a panel without points is left out."""
    panels = [p for p in panels if p.points]
    if not panels:
        return Markup("")
    with rc():
        crowd = max(len(p.points) for p in panels)
        fig = figure(8.6 if len(panels) > 1 else 5.6, 3.6 + 0.15 * max(0, crowd - 8))
        for k, panel in enumerate(panels):
            ax = fig.add_subplot(1, len(panels), k + 1)
            _draw(ax, panel.points)
            ax.margins(0.16)
            place_labels(ax, panel.points)
            ax.set_xlabel(panel.x_label)
            ax.set_ylabel(panel.y_label)
            if panel.title:
                ax.set_title(panel.title, loc="left", fontsize=9, color=COLOURS["ink"])
        return svg(fig, name, alt)


def _draw(ax: Any, points: Sequence[Point]) -> None:
    """Points and their intervals, those that look alike as one artist: a board may have a hundred of them."""
    for tone in dict.fromkeys(p.tone for p in points):
        colour = COLOURS[tone]
        mine = [p for p in points if p.tone == tone]
        bars = {"color": colour, "linewidth": 0.9, "alpha": 0.5}
        if wide := [(p.y, *p.x_ci) for p in mine if p.x_ci is not None]:
            ax.hlines(*zip(*wide, strict=True), **bars)
        if tall := [(p.x, *p.y_ci) for p in mine if p.y_ci is not None]:
            ax.vlines(*zip(*tall, strict=True), **bars)
        shape = "s" if tone == "muted" else "o"
        for filled in (True, False):
            if own := [p for p in mine if p.filled == filled]:
                face = colour if filled else COLOURS["paper"]
                at = [p.x for p in own], [p.y for p in own]
                ax.plot(*at, shape, markersize=6, markerfacecolor=face, markeredgecolor=colour)
