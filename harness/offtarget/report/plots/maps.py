"""Topics by nearness."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, Tone, figure, rc, svg
from offtarget.report.plots.naming import Point, place_labels

MAPPED_NAMES = 30
"""Topics of a map that are named."""


@dataclass(frozen=True)
class Bubble:
    """One topic of a map."""

    label: str
    x: float
    y: float
    size: int
    """Rows."""
    tone: Tone = "muted"


def topic_map(bubbles: Sequence[Bubble], share: float, *, name: str, alt: str) -> Markup:
    """Topics as circles, area by rows; the largest are named where there is room.

    Args:
        bubbles: the topics.
        share: of the variance between topics that the two axes show.
        name: of the plot, unique in its page.
        alt: for those who cannot see it.
    """
    if not bubbles:
        return Markup("")
    largest = max(b.size for b in bubbles) or 1
    with rc():
        fig = figure(8.6, 4.6)
        ax = fig.add_subplot()
        for b in sorted(bubbles, key=lambda b: (-b.size, b.label)):
            colour = COLOURS[b.tone]
            size = 6 + 30 * math.sqrt(b.size / largest) / (1 + len(bubbles) / 60)
            ax.plot(
                [b.x], [b.y], "o", markersize=size, markerfacecolor=colour, markeredgecolor=colour, alpha=0.28
            )
        ax.margins(0.2)
        named = sorted(bubbles, key=lambda b: (-b.size, b.label))[:MAPPED_NAMES]
        place_labels(ax, [Point(b.label, b.x, b.y) for b in named])
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.set_xlabel(
            f"topics that lie near share what they are about (two axes, {share:.0%} of the variance)"
        )
        return svg(fig, name, alt)
