"""What all plots share: the theme, the figure, and its way into a page.

Figures are drawn with the object-oriented API of matplotlib in their own colours, which are then replaced by the
CSS variables of the page, so the same picture serves light, dark and print. The same input gives the same bytes.
"""

import hashlib
import io
import os
import re
import warnings
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
_RC: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "axes.grid": True,
    "grid.color": COLOURS["line"],
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


@cache
def _plain() -> None:
    """Matplotlib as it ships: no backend of the environment, and nothing of a matplotlibrc that lies about."""
    os.environ["MPLBACKEND"] = "Agg"  # before the import, which refuses unknown ones
    import matplotlib as mpl

    mpl.rcdefaults()


def figure(width: float, height: float) -> Any:
    _plain()
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(fig)
    return fig


def rc() -> Any:
    _plain()
    import matplotlib as mpl

    return mpl.rc_context({**_RC, "svg.hashsalt": "offtarget"})


def short(text: str, limit: int) -> str:
    # marks without their own width and letters that no font may have would upset the layout only
    return visible(" ".join(text.split()), limit)
