"""How much, and how surely: a forest of effects with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, LIGHT, Tone, figure, rc, short, svg

REACH = 2.5
"""Effects beyond it are drawn at the edge, with their size as text: one of them would squeeze all others."""


@dataclass(frozen=True)
class Interval:
    """One line of a forest plot."""

    label: str
    value: float
    ci: tuple[float, float] | None = None
    tone: Tone = "up"
    faint: bool = False
    """Drawn hollow: not significant."""
    beside: float | None = None
    """Another figure of the same row, drawn as a short bar across it."""
    text: str = ""
    """The size in words, written where the value lies beyond the edge."""


def forest(rows: Sequence[Interval], *, name: str, x_label: str, alt: str, narrow: bool = False) -> Markup:
    """A forest plot: one line a row, first row on top, with its interval; empty markup for no rows.

    Args:
        rows: what to draw.
        name: of the plot, unique in its page.
        x_label: below the axis.
        alt: for those who cannot see it.
        narrow: for a narrow screen: each name above its line.
    """
    return _forest(tuple(rows), name, x_label, alt, narrow)


@lru_cache(maxsize=16)
def _forest(rows: tuple[Interval, ...], name: str, x_label: str, alt: str, narrow: bool) -> Markup:
    """Kept, since a page is written again for each run that finds its audit in the store."""
    if not rows:
        return Markup("")
    with rc():
        return svg(_drawn(rows, x_label, COLOURS, narrow), name, alt)


def forest_figure(rows: Sequence[Interval], *, x_label: str) -> Any:
    """The same plot as a matplotlib figure in the colours of a light page."""
    with rc(LIGHT):
        return _drawn(rows, x_label, LIGHT, narrow=False)


def _drawn(rows: Sequence[Interval], x_label: str, colours: Mapping[str, str], narrow: bool) -> Any:
    beyond = [abs(r.value) > REACH for r in rows]
    fig = figure(4.2, 0.8 + 0.36 * len(rows)) if narrow else figure(8.6, 0.7 + 0.235 * len(rows))
    ax = fig.add_subplot()
    for i, r in enumerate(rows):
        _draw(ax, i, r, colours, beyond[i], tall=0.17 if narrow else 0.3)
    ax.axvline(0, color=colours["line" if narrow else "muted"], linewidth=0.9)
    names = [short(r.label, 46 if narrow else 52) for r in rows]
    if narrow:
        ax.set_yticks([])
        left = ax.get_yaxis_transform()
        for i, text in enumerate(names):
            ax.text(0.0, i - 0.42, text, transform=left, fontsize=8.5, va="center").set_in_layout(False)
    else:
        ax.set_yticks(range(len(rows)), names)
    ax.tick_params(axis="y", length=0, labelcolor=colours["ink"])
    ax.set_ylim(len(rows) - 0.4, -0.8 if narrow else -0.6)
    if any(beyond):
        low = min([0.0, *(max(r.value, -REACH) for r in rows)])
        high = max([0.0, *(min(r.value, REACH) for r in rows)])
        room = 0.06 * (high - low)
        ax.set_xlim(low - room, high + room)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(x_label)
    return fig


def _draw(ax: Any, i: int, r: Interval, colours: Mapping[str, str], beyond: bool, tall: float) -> None:
    colour = colours[r.tone]
    if beyond:
        up = r.value > 0
        edge = REACH if up else -REACH
        ax.plot([edge], [i], ">" if up else "<", markersize=6, markerfacecolor=colour, markeredgecolor=colour)
        ax.annotate(
            r.text or f"{r.value:+.2f}", (edge, i), xytext=(-7 if up else 7, 0), textcoords="offset points",
            ha="right" if up else "left", va="center", fontsize=8,
        ).set_in_layout(False)  # fmt: skip
        return
    if r.ci is not None:
        ends = [min(max(end, -REACH), REACH) for end in r.ci]
        ax.plot(ends, [i, i], color=colour, linewidth=1.6, alpha=0.55 if r.faint else 1, solid_capstyle="butt")
    if r.beside is not None and abs(r.beside) <= REACH:
        ax.plot([r.beside, r.beside], [i - tall, i + tall], color=colours["ink"], linewidth=1.4)
    face = colours["paper"] if r.faint else colour
    shape = "o" if r.tone != "down" else "D"
    size = 5.2 if shape == "o" else 4.6
    ax.plot([r.value], [i], shape, markersize=size, markerfacecolor=face, markeredgecolor=colour)
