"""Names beside points, where they meet nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.report.plots.canvas import COLOURS, Tone, short

NAMED = 8
"""Points of a plot that are named, where nobody says otherwise."""


@dataclass(frozen=True)
class Point:
    """One point of a scatter plot, with an interval on each axis where it is known."""

    label: str
    x: float
    y: float
    x_ci: tuple[float, float] | None = None
    y_ci: tuple[float, float] | None = None
    tone: Tone = "muted"
    filled: bool = True


def name_outermost(
    ax: Any,
    x: Sequence[float],
    y: Sequence[float],
    labels: Sequence[str],
    candidates: list[int],
    *,
    most: int = NAMED,
    letters: int = 34,
    inward: float = 0.75,
) -> None:
    """Write labels beside the points of largest |x|, leaving out those that would lie on one another.

    Labels never change the size of the plot.
    """
    span = (max(y) - min(y)) or 1.0
    used: list[tuple[bool, float]] = []
    said: set[str] = set()
    for i in sorted(candidates, key=lambda i: (-abs(x[i]), i)):
        right = x[i] > 0
        if len(used) >= most:
            break
        if labels[i] in said:  # several clusters of latents may go by one name
            continue
        if any(r == right and abs(y[i] - h) < 0.065 * span for r, h in used):
            continue
        used.append((right, y[i]))
        said.add(labels[i])
        offset = (6, -3) if right else (-6, -3)
        align = "left" if right else "right"
        # a label that would leave the picture is written on the inner side of its point
        if abs(x[i]) > inward * max(abs(v) for v in x):
            offset, align = (-offset[0], -3), "right" if right else "left"
        ax.annotate(
            short(labels[i], letters), (x[i], y[i]), xytext=offset, textcoords="offset points", ha=align, fontsize=7.5
        ).set_in_layout(False)


HEIGHTS = (0.025, -0.075, 0.085, -0.135, 0.15, -0.2, 0.215, -0.265, 0.28, -0.33, 0.345, 0.41)
"""Of a label above its point, in shares of the plot: near ones first."""
OUTSIDE = 100
"""What it costs a label to leave the plot, where it would lie on the numbers of an axis; to lie on another label costs 4."""


def place_labels(ax: Any, points: Sequence[Point]) -> None:
    """Name each point, on the side and at the height where the label meets the fewest earlier ones."""
    from matplotlib.collections import LineCollection

    x_low, x_high = ax.get_xlim()
    y_low, y_high = ax.get_ylim()
    taken: list[tuple[float, float, float, float]] = []
    leads = []
    dots = [((p.x - x_low) / (x_high - x_low), (p.y - y_low) / (y_high - y_low)) for p in points]
    for p, (u, v) in sorted(zip(points, dots, strict=True), key=lambda t: (-t[1][1], t[1][0], t[0].label)):
        text = short(p.label, 36)
        w, h = 0.0165 * len(text), 0.055
        best = None
        for dy in HEIGHTS:
            if best is not None and best[0] <= abs(dy):  # it meets nothing, and what follows lies further off
                break
            for right in (True, False):
                x0 = u + 0.02 if right else u - 0.02 - w
                box = (x0, v + dy, x0 + w, v + dy + h)
                cost = sum(_overlap(box, b) for b in taken) * 4
                cost += sum(1 for a, b in dots if box[0] <= a <= box[2] and box[1] <= b <= box[3])
                outside = box[0] < 0 or box[2] > 1.02 or box[1] < 0 or box[3] > 1
                cost += OUTSIDE * outside + abs(dy)
                if best is None or cost < best[0]:
                    best = (cost, right, dy, box)
        assert best is not None
        _, right, dy, box = best
        taken.append(box)
        at = (u + (0.02 if right else -0.02), v + dy)
        leads.append([(u, v), at])
        ax.text(
            *at, text, transform=ax.transAxes, ha="left" if right else "right", va="bottom", fontsize=7.5
        ).set_in_layout(False)
    # plain lines, all at once: an arrow of matplotlib's costs 10 ms each
    ax.add_collection(
        LineCollection(leads, transform=ax.transAxes, linewidths=0.5, colors=COLOURS["muted"], zorder=1), autolim=False
    )


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
