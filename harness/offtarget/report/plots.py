"""Plots as inline SVG that follow the page's theme: forest, volcano, scatters, power curves, prediction, maps.

Figures are drawn with the object-oriented API of matplotlib in placeholder colours, which are then
replaced by the CSS variables of the page, so the same picture serves light, dark and print. The same
input gives the same bytes.
"""

import hashlib
import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup, escape

from offtarget.report.html import visible

Q_LINE = 0.05
NAMED = 8
"""Points of a volcano plot that are named."""
MAPPED_NAMES = 30
"""Topics of a map that are named."""
Tone = Literal["ink", "muted", "line", "up", "down", "mark"]

_PLACEHOLDER: dict[str, str] = {
    "ink": "#010203",
    "muted": "#040506",
    "line": "#070809",
    "up": "#0a0b0c",
    "down": "#0d0e0f",
    "mark": "#101112",
    "paper": "#131415",
}
_RC: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": _PLACEHOLDER["ink"],
    "axes.edgecolor": _PLACEHOLDER["line"],
    "axes.labelcolor": _PLACEHOLDER["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _PLACEHOLDER["muted"],
    "ytick.color": _PLACEHOLDER["muted"],
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "axes.grid": True,
    "grid.color": _PLACEHOLDER["line"],
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True)
class Interval:
    """One line of a forest plot."""

    label: str
    value: float
    ci: tuple[float, float] | None = None
    tone: Tone = "up"
    faint: bool = False
    """Drawn hollow: not significant."""


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


def _svg(fig: Any, name: str, alt: str) -> Markup:
    """The figure as an inline `<svg>` with theme colours, no fixed size and no ids that could clash."""
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings():
        # text stays text: the reader's fonts draw the letters that the layout font lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        fig.savefig(out, format="svg", transparent=True, metadata=nothing)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" ', "", text, count=1)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px var(--sans)", text)
    for tone, code in _PLACEHOLDER.items():
        text = text.replace(code, f"var(--{tone})")
    # ids of markers and clip paths are made unique to this plot
    prefix = hashlib.sha256(name.encode()).hexdigest()[:6]
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = text.replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
    text = re.sub(r"\n\s*", "\n", text)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(visible(alt))}" ', 1))  # noqa: S704


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(fig)
    return fig


def _rc() -> Any:
    import matplotlib as mpl

    return mpl.rc_context({**_RC, "svg.hashsalt": "offtarget"})


def _short(text: str, limit: int) -> str:
    # marks without a width of their own and letters that no font may have would upset the layout only
    return visible(" ".join(text.split()), limit)


def forest(rows: Sequence[Interval], *, name: str, x_label: str, alt: str) -> Markup:
    """A forest plot: one line a row, first row on top, with its interval; empty markup for no rows."""
    if not rows:
        return Markup("")
    with _rc():
        fig = _figure(8.6, 0.7 + 0.235 * len(rows))
        ax = fig.add_subplot()
        for i, r in enumerate(rows):
            colour = _PLACEHOLDER[r.tone]
            if r.ci is not None:
                ax.plot(
                    r.ci,
                    [i, i],
                    color=colour,
                    linewidth=1.6,
                    alpha=0.55 if r.faint else 1,
                    solid_capstyle="butt",
                )
            face = _PLACEHOLDER["paper"] if r.faint else colour
            shape = "o" if r.tone != "down" else "D"
            size = 5.2 if shape == "o" else 4.6
            ax.plot([r.value], [i], shape, markersize=size, markerfacecolor=face, markeredgecolor=colour)
        ax.axvline(0, color=_PLACEHOLDER["muted"], linewidth=0.9)
        ax.set_yticks(range(len(rows)), [_short(r.label, 52) for r in rows])
        ax.tick_params(axis="y", length=0, labelcolor=_PLACEHOLDER["ink"])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(x_label)
        return _svg(fig, name, alt)


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
    with _rc():
        fig = _figure(8.6, 3.9)
        ax = fig.add_subplot()
        for tone, shape, at in (
            ("line", "o", [i for i in keep if q[i] >= Q_LINE]),
            ("up", "o", [i for i in keep if q[i] < Q_LINE and d[i] > 0]),
            ("down", "D", [i for i in keep if q[i] < Q_LINE and d[i] <= 0]),
        ):
            edge = _PLACEHOLDER["muted"] if tone == "line" else _PLACEHOLDER[tone]
            face = "none" if tone == "line" else _PLACEHOLDER[tone]
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
        ax.axhline(-math.log10(Q_LINE), color=_PLACEHOLDER["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
        ax.axvline(0, color=_PLACEHOLDER["line"], linewidth=0.9)
        ax.margins(x=0.16, y=0.09)
        reach = max(abs(v) for v in d) or 1.0
        ax.set_xlim(-1.22 * reach, 1.22 * reach)
        _name_outermost(ax, d, height, labels, [i for i in range(len(d)) if q[i] < Q_LINE])
        ax.set_xlabel(
            "Cohen's d   (left: to rejected · right: to chosen; in a context, against the other rows)"
        )
        ax.set_ylabel("−log10 q" + ("  (30 and more at 30)" if max(height) >= 30 else ""))
        return _svg(fig, name, alt)


def _name_outermost(
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
            _short(labels[i], letters),
            (x[i], y[i]),
            xytext=offset,
            textcoords="offset points",
            ha=align,
            fontsize=7.5,
        ).set_in_layout(False)


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
    with _rc():
        fig = _figure(8.6 if len(panels) > 1 else 5.6, 3.6)
        for k, panel in enumerate(panels):
            ax = fig.add_subplot(1, len(panels), k + 1)
            for p in panel.points:
                colour = _PLACEHOLDER[p.tone]
                bars = {"color": colour, "linewidth": 0.9, "alpha": 0.5}
                if p.x_ci is not None:
                    ax.plot(p.x_ci, [p.y, p.y], **bars)
                if p.y_ci is not None:
                    ax.plot([p.x, p.x], p.y_ci, **bars)
                face = colour if p.filled else _PLACEHOLDER["paper"]
                shape = "o" if p.tone != "muted" else "s"
                ax.plot([p.x], [p.y], shape, markersize=6, markerfacecolor=face, markeredgecolor=colour)
            ax.margins(0.16)
            _place_labels(ax, panel.points)
            ax.set_xlabel(panel.x_label)
            ax.set_ylabel(panel.y_label)
            if panel.title:
                ax.set_title(panel.title, loc="left", fontsize=9, color=_PLACEHOLDER["ink"])
        return _svg(fig, name, alt)


@dataclass(frozen=True)
class Curve:
    """One line of a power curve, with an interval at each point where it is known."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    ci: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True)
class CurvePanel:
    """One picture of curves over one axis."""

    curves: Sequence[Curve]
    x_label: str
    y_label: str
    title: str = ""


LINE_STYLES: tuple[tuple[Tone, str, str], ...] = (
    ("up", "-", "o"),
    ("down", "--", "D"),
    ("mark", "-.", "s"),
    ("ink", ":", "^"),
    ("muted", "-", "v"),
)
"""Tone, line and marker of the first, second, ... curve: told apart without colour too."""


def curves(panels: Sequence[CurvePanel], *, per_row: int, name: str, alt: str) -> Markup:
    """Shares (0 to 1) against a logarithmic axis, in rows of panels, with one legend below."""
    if not any(p.curves for p in panels):
        return Markup("")
    from matplotlib.ticker import FixedLocator, NullLocator

    rows = math.ceil(len(panels) / per_row)
    labels = list(dict.fromkeys(c.label for p in panels for c in p.curves))
    with _rc():
        fig = _figure(8.6, 2.3 * rows + 0.4)
        handles: dict[str, Any] = {}
        for k, panel in enumerate(panels):
            ax = fig.add_subplot(rows, per_row, k + 1)
            for c in panel.curves:
                tone, line, marker = LINE_STYLES[labels.index(c.label) % len(LINE_STYLES)]
                colour = _PLACEHOLDER[tone]
                for x, ci in zip(c.x, c.ci, strict=False):
                    if ci is not None:
                        ax.plot([x, x], ci, color=colour, linewidth=0.9, alpha=0.4)
                (handles[c.label],) = ax.plot(
                    c.x, c.y, line, marker=marker, markersize=4, color=colour, linewidth=1.3, label=c.label
                )
            ax.set_xscale("log")
            ticks = sorted({x for c in panel.curves for x in c.x})
            ax.xaxis.set_major_locator(FixedLocator(ticks))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xticklabels([f"{x:g}" for x in ticks])
            ax.set_ylim(-0.04, 1.04)
            if k % per_row == 0:
                ax.set_ylabel(panel.y_label)
            if k >= len(panels) - per_row:
                ax.set_xlabel(panel.x_label)
            ax.set_title(panel.title, loc="left", fontsize=9, color=_PLACEHOLDER["ink"])
        fig.legend(
            handles.values(), [_short(x, 40) for x in handles], loc="outside lower center", ncols=5,
            frameon=False, fontsize=8,
        )  # fmt: skip
        return _svg(fig, name, alt)


def _place_labels(ax: Any, points: Sequence[Point]) -> None:
    """Name each point, on the side and at the height where the label meets the fewest earlier ones."""
    x_low, x_high = ax.get_xlim()
    y_low, y_high = ax.get_ylim()
    taken: list[tuple[float, float, float, float]] = []
    dots = [((p.x - x_low) / (x_high - x_low), (p.y - y_low) / (y_high - y_low)) for p in points]
    for p, (u, v) in sorted(zip(points, dots, strict=True), key=lambda t: (-t[1][1], t[1][0], t[0].label)):
        text = _short(p.label, 26)
        w, h = 0.021 * len(text), 0.055
        best = None
        for dy in (0.025, -0.075, 0.085, -0.135):
            for right in (True, False):
                x0 = u + 0.02 if right else u - 0.02 - w
                box = (x0, v + dy, x0 + w, v + dy + h)
                cost = sum(_overlap(box, b) for b in taken) * 4
                cost += sum(1 for a, b in dots if box[0] <= a <= box[2] and box[1] <= b <= box[3])
                cost += 5 * (box[0] < 0 or box[2] > 1.02) + 2 * (box[1] < 0 or box[3] > 1) + abs(dy)
                if best is None or cost < best[0]:
                    best = (cost, right, dy, box)
        assert best is not None
        _, right, dy, box = best
        taken.append(box)
        ax.annotate(
            text,
            (p.x, p.y),
            xytext=(u + (0.02 if right else -0.02), v + dy),
            textcoords="axes fraction",
            ha="left" if right else "right",
            va="bottom",
            fontsize=7.5,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.5,
                "color": _PLACEHOLDER["muted"],
                "shrinkA": 0,
                "shrinkB": 3,
            },
        )


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


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
    with _rc():
        fig = _figure(8.6, 4.1)
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
                    markerfacecolor=_PLACEHOLDER[tone],
                    markeredgecolor=_PLACEHOLDER[tone],
                    alpha=0.55,
                    markeredgewidth=0.3,
                )
            ends = [min(panel.x), max(panel.x)]
            line = [panel.intercept + panel.slope * e for e in ends]
            ax.plot(ends, line, color=_PLACEHOLDER["ink"], linewidth=1.1)
            ax.axhline(0, color=_PLACEHOLDER["muted"], linewidth=0.7)
            ax.axvline(0, color=_PLACEHOLDER["muted"], linewidth=0.7)
            ax.margins(0.18)
            reach = max(map(abs, panel.x)) or 1.0
            ax.set_xlim(-1.15 * reach, 1.15 * reach)
            _name_outermost(
                ax, panel.x, panel.y, panel.labels, list(range(len(panel.x))), most=5, letters=24, inward=0.0
            )
            ax.set_xlabel(x_label)
            if k == 0:
                ax.set_ylabel(y_label)
            ax.set_title(panel.title, loc="left", fontsize=9, color=_PLACEHOLDER["ink"])
        return _svg(fig, name, alt)


@dataclass(frozen=True)
class Against:
    """One line of a plot of figures against their nulls."""

    label: str
    value: float
    null: float
    """95th percentile of chance."""


def against_null(
    rows: Sequence[Against], ceiling: float | None, *, name: str, x_label: str, alt: str
) -> Markup:
    """A dot for each figure, a bar for what chance reaches, a dashed line for the ceiling; empty for no rows."""
    if not rows:
        return Markup("")
    with _rc():
        fig = _figure(8.6, 0.8 + 0.235 * len(rows))
        ax = fig.add_subplot()
        for i, r in enumerate(rows):
            ax.barh([i], [r.null], height=0.62, color=_PLACEHOLDER["line"])
            tone = "up" if r.value > r.null else "muted"
            face = _PLACEHOLDER[tone] if r.value > r.null else _PLACEHOLDER["paper"]
            ax.plot(
                [r.value], [i], "o", markersize=5.2, markerfacecolor=face, markeredgecolor=_PLACEHOLDER[tone]
            )
        if ceiling is not None:
            ax.axvline(ceiling, color=_PLACEHOLDER["mark"], linewidth=1.0, linestyle=(0, (4, 3)))
        ax.set_yticks(range(len(rows)), [_short(r.label, 60) for r in rows])
        ax.tick_params(axis="y", length=0, labelcolor=_PLACEHOLDER["ink"])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(x_label)
        return _svg(fig, name, alt)


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
    with _rc():
        fig = _figure(8.6, 4.6)
        ax = fig.add_subplot()
        for b in sorted(bubbles, key=lambda b: (-b.size, b.label)):
            colour = _PLACEHOLDER[b.tone]
            size = 6 + 30 * math.sqrt(b.size / largest) / (1 + len(bubbles) / 60)
            ax.plot(
                [b.x], [b.y], "o", markersize=size, markerfacecolor=colour, markeredgecolor=colour, alpha=0.28
            )
        ax.margins(0.2)
        named = sorted(bubbles, key=lambda b: (-b.size, b.label))[:MAPPED_NAMES]
        _place_labels(ax, [Point(b.label, b.x, b.y) for b in named])
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.set_xlabel(
            f"topics that lie near share what they are about (two axes, {share:.0%} of the variance)"
        )
        return _svg(fig, name, alt)
