"""How much, and how surely: forest and volcano."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, Tone, figure, rc, short, svg
from offtarget.report.plots.naming import name_outermost

Q_LINE = 0.05


@dataclass(frozen=True)
class Interval:
    """One line of a forest plot."""

    label: str
    value: float
    ci: tuple[float, float] | None = None
    tone: Tone = "up"
    faint: bool = False
    """Drawn hollow: not significant."""


def forest(rows: Sequence[Interval], *, name: str, x_label: str, alt: str) -> Markup:
    """A forest plot: one line a row, first row on top, with its interval; empty markup for no rows."""
    if not rows:
        return Markup("")
    with rc():
        fig = figure(8.6, 0.7 + 0.235 * len(rows))
        ax = fig.add_subplot()
        for i, r in enumerate(rows):
            colour = COLOURS[r.tone]
            if r.ci is not None:
                ax.plot(
                    r.ci,
                    [i, i],
                    color=colour,
                    linewidth=1.6,
                    alpha=0.55 if r.faint else 1,
                    solid_capstyle="butt",
                )
            face = COLOURS["paper"] if r.faint else colour
            shape = "o" if r.tone != "down" else "D"
            size = 5.2 if shape == "o" else 4.6
            ax.plot([r.value], [i], shape, markersize=size, markerfacecolor=face, markeredgecolor=colour)
        ax.axvline(0, color=COLOURS["muted"], linewidth=0.9)
        ax.set_yticks(range(len(rows)), [short(r.label, 52) for r in rows])
        ax.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(x_label)
        return svg(fig, name, alt)


def thin(x: Sequence[float], y: Sequence[float], cells: int = 160) -> list[int]:
    """Indices of points that remain when only the first in each cell of a cells × cells grid is drawn.

    Points that fall on the same spot of the picture are drawn once; nothing that could be seen is lost.
    """
    if not x:
        return []
    x_low, y_low = min(x), min(y)
    x_step = (max(x) - x_low) / cells or 1.0
    y_step = (max(y) - y_low) / cells or 1.0
    seen: set[tuple[int, int]] = set()
    kept = []
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        spot = (int((a - x_low) / x_step), int((b - y_low) / y_step))
        if spot not in seen:
            seen.add(spot)
            kept.append(i)
    return kept


def volcano(
    d: Sequence[float],
    q: Sequence[float],
    labels: Sequence[str],
    *,
    name: str,
    alt: str,
) -> Markup:
    """Effect size d against −log10 q, with the outermost points named; q below 1e-30 is drawn at 30."""
    if not d:
        return Markup("")
    height = [min(30.0, -math.log10(max(v, 1e-300))) for v in q]
    keep = thin(d, height)
    with rc():
        fig = figure(8.6, 3.9)
        ax = fig.add_subplot()
        for tone, shape, at in (
            ("line", "o", [i for i in keep if q[i] >= Q_LINE]),
            ("up", "o", [i for i in keep if q[i] < Q_LINE and d[i] > 0]),
            ("down", "D", [i for i in keep if q[i] < Q_LINE and d[i] <= 0]),
        ):
            edge = COLOURS["muted"] if tone == "line" else COLOURS[tone]
            face = "none" if tone == "line" else COLOURS[tone]
            size = 3.4 if shape == "o" else 3.0
            ax.plot(
                [d[i] for i in at],
                [height[i] for i in at],
                shape,
                markersize=size,
                markerfacecolor=face,
                markeredgecolor=edge,
                markeredgewidth=0.6,
                alpha=0.8,
            )
        ax.axhline(-math.log10(Q_LINE), color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
        ax.axvline(0, color=COLOURS["line"], linewidth=0.9)
        ax.margins(x=0.16, y=0.09)
        reach = max(abs(v) for v in d) or 1.0
        ax.set_xlim(-1.22 * reach, 1.22 * reach)
        name_outermost(ax, d, height, labels, [i for i in range(len(d)) if q[i] < Q_LINE])
        ax.set_xlabel(
            "Cohen's d   (left: to rejected · right: to chosen; in a context, against the other rows)"
        )
        ax.set_ylabel("−log10 q" + ("  (30 and more at 30)" if max(height) >= 30 else ""))
        return svg(fig, name, alt)
