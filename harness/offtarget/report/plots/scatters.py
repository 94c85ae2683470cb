"""Two figures against each other, few points each with a name."""

from collections.abc import Sequence
from dataclasses import dataclass

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
            for p in panel.points:
                colour = COLOURS[p.tone]
                bars = {"color": colour, "linewidth": 0.9, "alpha": 0.5}
                if p.x_ci is not None:
                    ax.plot(p.x_ci, [p.y, p.y], **bars)
                if p.y_ci is not None:
                    ax.plot([p.x, p.x], p.y_ci, **bars)
                face = colour if p.filled else COLOURS["paper"]
                shape = "o" if p.tone != "muted" else "s"
                ax.plot([p.x], [p.y], shape, markersize=6, markerfacecolor=face, markeredgecolor=colour)
            ax.margins(0.16)
            place_labels(ax, panel.points)
            ax.set_xlabel(panel.x_label)
            ax.set_ylabel(panel.y_label)
            if panel.title:
                ax.set_title(panel.title, loc="left", fontsize=9, color=COLOURS["ink"])
        return svg(fig, name, alt)
