"""The page shell that reports and boards share: templates, escaping, and numbers as people read them.

A page holds text that nobody has vetted (responses of a dataset), so three things guard it: every value
is escaped by the template engine; signs that reorder or hide text are made visible; and the page's policy
lets no script run but the one whose hash it names.
"""

import base64
import hashlib
import math
import re
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"

# directional marks, embeddings, overrides, isolates; zero-width and invisible signs; line separators
_HIDDEN = {
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xE0000, 0xE0080),
    0x00AD,
    0x061C,
    0x180E,
    0xFEFF,
}
_JOINERS = {0x200C, 0x200D}  # used in emoji and in many scripts, harmless to order
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff" + "".join(re.escape(chr(c)) for c in sorted(_HIDDEN - _JOINERS)) + "]"
)
"""Any sign that `visible` replaces: most texts hold none."""


def visible(text: str, limit: int | None = None) -> str:
    """Text with its hidden signs made visible, cut to `limit` characters.

    Controls, lone surrogates, directional overrides and zero-width signs become `⟦U+202E⟧`; line breaks
    and tabs stay. It is still plain text: escaping is the template's.
    """
    cut = limit is not None and len(text) > limit
    if limit is not None and cut:
        text = text[: max(limit - 1, 0)]
    if not _SUSPECT.search(text):
        return text + ("…" if cut else "")
    out = []
    for c in text:
        code = ord(c)
        hidden = code in _HIDDEN and code not in _JOINERS
        if hidden or (unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"):
            out.append("" if c == "\r" else f"⟦U+{code:04X}⟧")
        else:
            out.append(c)
    return "".join(out) + ("…" if cut else "")


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number with about `digits` significant digits and a true minus; an en dash where it is missing."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if isinstance(value, int) or size == 0:
        text = f"{value:,.0f}"
    elif size >= 1e6 or size < 10.0 ** -(digits + 2):
        text = f"{value:.{digits - 1}e}"
    else:
        places = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:,.{min(places, digits + 1)}f}"
    text = text.replace("-", "−")
    return "+" + text if sign and value > 0 else text


def fixed(value: float | None, places: int = 2, *, sign: bool = False) -> str:
    """A number with a fixed count of places, for columns that should line up."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.{places}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    text = text.replace("-", "−")
    return "+" + text if sign and value > 0 and text.strip("0.,") != "" else text


def percent(value: float | None, places: int = 1) -> str:
    """A share as per cent: 0.8391 -> `83.9 %` (with a thin no-break space)."""
    return "–" if value is None else f"{fixed(100 * value, places)}\u202f%"


def p_value(value: float | None) -> str:
    """A p or q value: three places, or a power of ten; never 0."""
    if value is None or not math.isfinite(value):
        return "–"
    if value >= 0.001:
        return f"{value:.3f}"
    if value < 1e-300:
        return "< 1e−300"
    return f"{value:.0e}".replace("e-0", "e-").replace("-", "−")


def moment(value: datetime | str | None) -> str:
    """A time as `2026-01-31 12:00 UTC`; text that is not a time is given back."""
    if value is None or value == "":
        return "–"
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return when.strftime("%Y-%m-%d %H:%M") + (" UTC" if when.tzinfo is not None and not when.utcoffset() else "")


def coded(text: Any) -> Markup:
    """Text with what is between backticks set as code; all of it escaped."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:  # one without its other
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(parts)
    )


@cache
def environment(*folders: Path) -> Environment:
    """The template engine: everything is escaped, and a name that is not there is an error.

    One for the same folders, since it keeps the templates that it has compiled.
    """
    env = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        visible=visible, number=number, fixed=fixed, percent=percent, p_value=p_value, moment=moment, coded=coded
    )
    return env


@cache
def _shell(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def render_page(env: Environment, template: str, **values: Any) -> str:
    """A whole page: the template inside the shell, with the style, the script and the policy that fits it."""
    script, style = _shell("table.js"), _shell("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = env.get_template(template).render(
        policy=policy,
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        **values,
    )
    return page.encode("utf-8", "replace").decode("utf-8")
