"""Predicted against observed shifts, and figures against their nulls."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, figure, rc, short, svg
from offtarget.report.plots.naming import name_outermost


@dataclass(frozen=True)
class Cloud:
    """Predicted (x) against observed (y) shifts of many concepts, with the line fitted to them."""

    x: Sequence[float]
    y: Sequence[float]
    labels: Sequence[str]
    slope: float
    intercept: float
    title: str


def clouds(panels: Sequence[Cloud], *, name: str, x_label: str, y_label: str, alt: str) -> Markup:
    """Clouds side by side; points that moved as predicted are circles, the others diamonds; the outermost named."""
    panels = [p for p in panels if len(p.x)]
    if not panels:
        return Markup("")
    with rc():
        fig = figure(8.6, 4.1)
        for k, panel in enumerate(panels):
            ax = fig.add_subplot(1, len(panels), k + 1)
            agree = [a * b > 0 for a, b in zip(panel.x, panel.y, strict=True)]
            for tone, shape, want in (("up", "o", True), ("down", "D", False)):
                at = [i for i, same in enumerate(agree) if same == want]
                ax.plot(
                    [panel.x[i] for i in at],
                    [panel.y[i] for i in at],
                    shape,
                    markersize=3.4 if shape == "o" else 3.0,
                    markerfacecolor=COLOURS[tone],
                    markeredgecolor=COLOURS[tone],
                    alpha=0.55,
                    markeredgewidth=0.3,
                )
            ends = [min(panel.x), max(panel.x)]
            line = [panel.intercept + panel.slope * e for e in ends]
            ax.plot(ends, line, color=COLOURS["ink"], linewidth=1.1)
            ax.axhline(0, color=COLOURS["muted"], linewidth=0.7)
            ax.axvline(0, color=COLOURS["muted"], linewidth=0.7)
            ax.margins(0.18)
            reach = max(map(abs, panel.x)) or 1.0
            ax.set_xlim(-1.15 * reach, 1.15 * reach)
            name_outermost(
                ax, panel.x, panel.y, panel.labels, list(range(len(panel.x))), most=5, letters=24, inward=0.0
            )
            ax.set_xlabel(x_label)
            if k == 0:
                ax.set_ylabel(y_label)
            ax.set_title(panel.title, loc="left", fontsize=9, color=COLOURS["ink"])
        return svg(fig, name, alt)


@dataclass(frozen=True)
class Against:
    """One line of a plot of figures against their nulls."""

    label: str
    value: float
    null: float
    """95th percentile of chance."""


def against_null(rows: Sequence[Against], ceiling: float | None, *, name: str, x_label: str, alt: str) -> Markup:
    """A dot for each figure, a bar for what chance reaches, a dashed line for the ceiling; empty for no rows."""
    if not rows:
        return Markup("")
    with rc():
        fig = figure(8.6, 0.8 + 0.235 * len(rows))
        ax = fig.add_subplot()
        for i, r in enumerate(rows):
            ax.barh([i], [r.null], height=0.62, color=COLOURS["line"])
            tone = "up" if r.value > r.null else "muted"
            face = COLOURS[tone] if r.value > r.null else COLOURS["paper"]
            ax.plot([r.value], [i], "o", markersize=5.2, markerfacecolor=face, markeredgecolor=COLOURS[tone])
        if ceiling is not None:
            ax.axvline(ceiling, color=COLOURS["mark"], linewidth=1.0, linestyle=(0, (4, 3)))
        ax.set_yticks(range(len(rows)), [short(r.label, 60) for r in rows])
        ax.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(x_label)
        return svg(fig, name, alt)
