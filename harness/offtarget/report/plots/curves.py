"""Curves: of power, and of dose and response."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, Tone, figure, rc, short, svg


@dataclass(frozen=True)
class Curve:
    """One line, with an interval at each point where it is known."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    ci: tuple[tuple[float, float] | None, ...] = ()
    marks: tuple[tuple[float, float], ...] = ()
    """Points with a ring around them."""


@dataclass(frozen=True)
class CurvePanel:
    """One picture of curves over one axis."""

    curves: Sequence[Curve]
    x_label: str
    y_label: str
    title: str = ""
    level: float | None = None
    """A height that is drawn across."""


LINE_STYLES: tuple[tuple[Tone, str, str], ...] = (
    ("up", "-", "o"),
    ("down", "--", "D"),
    ("mark", "-.", "s"),
    ("ink", ":", "^"),
    ("muted", "-", "v"),
)
"""Tone, line and marker of the first, second, ... curve: told apart without colour too."""


def curves(panels: Sequence[CurvePanel], *, per_row: int, name: str, alt: str, shares: bool = True) -> Markup:
    """Lines in rows of panels, with one legend below.

    Args:
        panels: the pictures.
        per_row: how many lie side by side.
        name: of the whole, for ids that clash with no other plot.
        alt: what it shows, in words.
        shares: shares (0 to 1) against a logarithmic axis; else shifts in the unit of each panel, above and below 0.
    """
    if not any(p.curves for p in panels):
        return Markup("")
    from matplotlib.ticker import FixedLocator, NullLocator

    rows = math.ceil(len(panels) / per_row)
    labels = list(dict.fromkeys(c.label for p in panels for c in p.curves))
    with rc():
        fig = figure(8.6, 2.3 * rows + 0.4)
        handles: dict[str, Any] = {}
        for k, panel in enumerate(panels):
            ax = fig.add_subplot(rows, per_row, k + 1)
            for i, c in enumerate(panel.curves):
                beside = 0.0 if shares else 0.012 * (i - (len(panel.curves) - 1) / 2)
                tone, line, marker = LINE_STYLES[labels.index(c.label) % len(LINE_STYLES)]
                colour = COLOURS[tone]
                for x, ci in zip(c.x, c.ci, strict=False):
                    if ci is not None:
                        ax.plot([x + beside, x + beside], ci, color=colour, linewidth=0.9, alpha=0.4)
                (handles[c.label],) = ax.plot(
                    c.x, c.y, line, marker=marker, markersize=4, color=colour, linewidth=1.3, label=c.label
                )
                for x, y in c.marks:
                    ax.plot([x], [y], "o", markersize=10, markerfacecolor="none", color=colour, linewidth=0)
            if shares:
                ax.set_xscale("log")
                ax.set_ylim(-0.04, 1.04)
            else:
                ax.axhline(0, color=COLOURS["muted"], linewidth=0.7, zorder=0)
            if panel.level is not None:
                ax.axhline(panel.level, color=COLOURS["muted"], linewidth=0.9, linestyle="--", zorder=0)
            ticks = sorted({x for c in panel.curves for x in c.x})
            ax.xaxis.set_major_locator(FixedLocator(ticks))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xticklabels([f"{x:g}" for x in ticks])
            if k % per_row == 0 or not shares:
                ax.set_ylabel(short(panel.y_label, 28))
            if k >= len(panels) - per_row:
                ax.set_xlabel(panel.x_label)
            ax.set_title(panel.title, loc="left", fontsize=9, color=COLOURS["ink"])
        fig.legend(
            handles.values(), [short(x, 40) for x in handles], loc="outside lower center", ncols=5,
            frameon=False, fontsize=8,
        )  # fmt: skip
        return svg(fig, name, alt)
