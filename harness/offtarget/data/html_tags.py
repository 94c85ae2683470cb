"""HTML in prose: tags and entities that were left in a text that should be plain or markdown.

A whole page of HTML is code that was asked for, and so is a tag that the text speaks of ("the <p> tag"): neither counts.
"""

import html
import re

Place = tuple[int, int]
"""First character, and the one after the last."""

_BLOCKS = "p|br|div|ul|ol|li|h[1-6]|table|thead|tbody|tr|blockquote|pre|hr|dl|dt|dd|center|section|article"
_SPANS = "b|i|u|em|strong|span|a|img|font|small|big|sup|sub|del|ins|strike|mark|code|td|th|cite|tt"
_TAG = re.compile(
    rf"<(/?)(?:(?P<block>{_BLOCKS})|(?:{_SPANS}))"
    r"(?P<more>(?:[ \t\n]+[A-Za-z][\w:-]*(?:=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?){0,8})[ \t]*/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|mdash|ndash|hellip|rsquo|lsquo|ldquo|rdquo|bull|middot|copy|reg|trade|deg|times"
    r"|eacute|egrave|agrave|ccedil|[aouAOU]uml|szlig|ntilde|euro|pound|laquo|raquo|#[0-9]{2,6}|#x[0-9A-Fa-f]{2,5});"
)
_PAGE = re.compile(
    r"<(?:!DOCTYPE|html|head|body|script|style|form|input|button|svg|template|div[ \n]+(?:class|id)|\?xml|\?php)\b",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(
    r"[\"'”’)]?[ \t]+(?:HTML )?(?:tags?|elements?|attributes?|blocks?|entit(?:y|ies))\b", re.IGNORECASE
)


def html_tags(text: str) -> list[tuple[Place, str]]:
    """Tags and entities, each with what is there for a reader: a line end for a block, a sign for an entity.

    Args:
        text: with a line feed at every line end.
    """
    tags = "<" in text and ("</" in text or "<p>" in text or "<hr" in text or "<br" in text.lower())
    if not tags and "&" not in text:
        return []
    if "<" in text and _PAGE.search(text):
        return []
    out = []
    if "<" in text:
        out = [(m.span(), "\n" if m["block"] else "") for m in _TAG.finditer(text) if not _spoken_of(text, *m.span())]
    if "&" in text:
        out += [
            (m.span(), html.unescape(m[0]).replace("\xa0", " "))
            for m in _ENTITY.finditer(text)
            if not _spoken_of(text, *m.span())
        ]
    return sorted(out)


def _spoken_of(text: str, start: int, stop: int) -> bool:
    """Whether the text speaks of a tag: it is called one, or stands alone in quotation marks or parentheses."""
    if _SPOKEN_OF.match(text, stop):
        return True
    return start > 0 and stop < len(text) and (text[start - 1] + text[stop]) in ('""', "''", "“”", "‘’", "()")
