"""The page itself: one shell for the server and for the file that works without one."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from offtarget.report.html import TEMPLATES, environment

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("build.js", "source.js", "card.js", "review.js")
"""In the order in which they run."""


def style() -> str:
    """The report's style, and the page's own."""
    return "\n".join(p.read_text(encoding="utf-8") for p in (TEMPLATES / "page.css", STATIC / "review.css"))


def script() -> str:
    """The page's script, which holds no data."""
    parts = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def shell(data: dict[str, Any] | None = None, title: str = "offtarget review") -> str:
    """The page as text.

    Args:
        data: list and cards, for a page that works without a server; its style and script are then inside.
        title: of the page.
    """
    values: dict[str, Any] = {"title": title, "data": None, "style": "", "script": "", "policy": ""}
    if data is not None:
        code = script()
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        values |= {
            "style": Markup(style()),  # noqa: S704
            "script": Markup(code),  # noqa: S704
            "data": Markup(embedded(data)),  # noqa: S704
            "policy": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'",
        }
    text = environment(STATIC).get_template("review.html.j2").render(**values)
    return text.encode("utf-8", "replace").decode("utf-8")


def embedded(data: dict[str, Any]) -> str:
    """JSON that no text in it can end: signs that HTML or a script could take for their own are written as codes."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
