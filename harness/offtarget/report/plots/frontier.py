"""What each protocol costs as its strength grows: one line for each, from weak to strong."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offtarget.report.plots.canvas import COLOURS, figure, rc, svg
from offtarget.report.plots.curves import LINE_STYLES


@dataclass(frozen=True)
class Walk:
    """One protocol's points in the order of its strengths."""

    label: str
    strengths: tuple[float, ...]
    reached: tuple[float, ...]
    drift: tuple[float, ...]
    capability: tuple[float, ...]
    chosen: int | None
    """Which of them was chosen."""


def frontier(walks: Sequence[Walk], goal: float | None, *, reached: str, capability: str, alt: str) -> Markup:
    """Target reached against drift and against capability, chosen strengths ringed, the goal as a line."""
    walks = [w for w in walks if w.strengths]
    if not walks:
        return Markup("")
    with rc():
        fig = figure(8.6, 3.9)
        for k, (values, label) in enumerate((("drift", "drift (mean |shift|, sd)"), ("capability", capability))):
            ax = fig.add_subplot(1, 2, k + 1)
            for j, walk in enumerate(walks):
                tone, line, marker = LINE_STYLES[j % len(LINE_STYLES)]
                colour, x = COLOURS[tone], getattr(walk, values)
                ax.plot(x, walk.reached, line + marker, color=colour, markersize=4.5, linewidth=1.1, label=walk.label)
                there: dict[tuple[float, float], list[str]] = {}  # strengths that end in the same place share a label
                for a, b, s in zip(x, walk.reached, walk.strengths, strict=True):
                    there.setdefault((a, b), []).append(f"{s:g}")
                for (a, b), names in there.items():
                    ax.annotate(
                        ", ".join(names),
                        (a, b),
                        xytext=(4, 4),
                        textcoords="offset points",
                        fontsize=7,
                        color=COLOURS["muted"],
                    )
                if walk.chosen is not None:
                    ax.plot(
                        [x[walk.chosen]], [walk.reached[walk.chosen]], "o", markersize=11, markerfacecolor="none",
                        markeredgecolor=colour,
                    )  # fmt: skip
            if goal is not None:
                ax.axhline(goal, color=COLOURS["muted"], linewidth=0.8, linestyle=":")
            ax.margins(0.12)
            ax.set_xlabel(label)
            ax.set_ylabel(reached)
        handles, labels = fig.axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False, fontsize=8)
        return svg(fig, "frontier", alt)
