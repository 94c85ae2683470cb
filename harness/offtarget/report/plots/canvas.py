"""What all plots share: the theme, the figure, and its way into a page.

Figures are drawn with the object-oriented API of matplotlib in their own colours, which are then replaced by the
CSS variables of the page, so the same picture serves light, dark and print. The same input gives the same bytes.
"""

import hashlib
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Literal

from markupsafe import Markup, escape

from offtarget.report.html import visible

Tone = Literal["ink", "muted", "line", "up", "down", "mark"]

COLOURS: dict[str, str] = {
    "ink": "#010203",
    "muted": "#040506",
    "line": "#070809",
    "up": "#0a0b0c",
    "down": "#0d0e0f",
    "mark": "#101112",
    "paper": "#131415",
}
"""Stand-ins, replaced in a page by its CSS variables."""
LIGHT: dict[str, str] = {
    "ink": "#1c1d21",
    "muted": "#5d6068",
    "line": "#dcdcd6",
    "up": "#0a5fa5",
    "down": "#b04a05",
    "mark": "#00745a",
    "paper": "#fdfdfb",
}
"""The colours of a page in light, for figures that are shown outside a page."""
_OURS_TO_KEEP = frozenset({"backend", "backend_fallback", "interactive", "date.epoch", "timezone", "toolbar"})
"""Settings of the program around us that no plot depends on."""


def _theme(colours: Mapping[str, str]) -> dict[str, Any]:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "offtarget",
        "figure.facecolor": colours["paper"],
        "axes.facecolor": colours["paper"],
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9.0,
        "text.color": colours["ink"],
        "axes.edgecolor": colours["line"],
        "axes.labelcolor": colours["muted"],
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": colours["muted"],
        "ytick.color": colours["muted"],
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "axes.grid": True,
        "grid.color": colours["line"],
        "grid.linewidth": 0.5,
        "axes.axisbelow": True,
        "text.parse_math": False,
        "axes.unicode_minus": True,
    }


def svg(fig: Any, name: str, alt: str) -> Markup:
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
    for tone, code in COLOURS.items():
        text = text.replace(code, f"var(--{tone})")
    # ids of markers and clip paths are made unique to this plot
    prefix = hashlib.sha256(name.encode()).hexdigest()[:6]
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = text.replace('href="#', f'href="#{prefix}').replace("url(#", f"url(#{prefix}")
    text = re.sub(r"\n\s*", "\n", text)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(visible(alt))}" ', 1))  # noqa: S704


def standalone(plot: Markup) -> str:
    """A plot as a file of its own: in the colours of a light page, on paper of that colour."""
    text = (
        str(plot)
        .replace("<svg ", f'<svg style="background: {LIGHT["paper"]}" ', 1)
        .replace("var(--sans)", "sans-serif")
    )
    for tone, colour in LIGHT.items():
        text = text.replace(f"var(--{tone})", colour)
    return text + "\n"


@cache
def _matplotlib() -> Any:
    """Matplotlib, whatever backend the environment names; no plot of ours needs one.

    An import that fails on an unknown backend cannot be tried again, so the name is set afterwards, as the import would.
    """
    if "matplotlib" in sys.modules or (given := os.environ.pop("MPLBACKEND", None)) is None:
        import matplotlib as mpl

        return mpl
    try:
        import matplotlib as mpl
    finally:
        os.environ["MPLBACKEND"] = given
    with suppress(ValueError):
        mpl.rcParams["backend"] = given
    return mpl


def figure(width: float, height: float) -> Any:
    """A figure without a window; use it within `rc`."""
    _matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


@contextmanager
def rc(colours: Mapping[str, str] = COLOURS) -> Iterator[None]:
    """Matplotlib as it ships, in our theme; the settings of the program around us come back afterwards."""
    mpl = _matplotlib()
    defaults = {k: v for k, v in mpl.rcParamsDefault.items() if k not in _OURS_TO_KEEP}
    with mpl.rc_context({**defaults, **_theme(colours)}):
        yield


def short(text: str, limit: int) -> str:
    # marks without their own width and letters that no font may have would upset the layout only
    return visible(" ".join(text.split()), limit)
