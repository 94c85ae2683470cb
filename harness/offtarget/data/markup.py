"""Markdown in a response: counts of each element, and the prose that is left without it.

A reading of CommonMark that is enough for counting. Every pattern is possessive or stops at the next
delimiter, so time is linear in the length of the text whatever it holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from offtarget.data.code_lines import code_lines, may_hold_code

CODE_MARK = "\ue000"
"""Is in the prose where inline code was: neither a word nor a space."""

# Possessive quantifiers are behind single signs alone; behind a group they miss matches in Python before 3.11.5
# (CPython issue 106052), so groups are atomic instead: (?>(?:...)*), not (?:...)*+.
_FENCE = re.compile(r"(`{3,}+(?=[^`]*$)|~{3,}+)")
_HEADING = re.compile(r"#{1,6}+[ \t]++(?=\S)")
_NUMBER = re.compile(r"[0-9]{1,3}+[.)][ \t]++(?=\S)")
_INLINE_CODE = re.compile(r"(?<!`)(?:`[^`\n]++`|``(?!`)(?>(?:[^`\n]|`(?!`))+)``)(?!`)")
_LINK = re.compile(r'!?\[([^\[\]\n]++)\]\((?>(?:[^()\s]|\([^()\s]*+\))+)(?>(?:[ \t]++"[^"\n]*+")?)\)')
URL = re.compile(r'(?:https?://|\bwww\.)[^\s<>"()\[\]]++')
_BOLD_STARS = re.compile(
    r"(?<![A-Za-z0-9*\\])\*\*(\*?+(?=[^\s*])[^*\n]++(?>(?:\*(?!\*)[^*\n]++)*)(?<!\s)(?>(?:\*(?=\*\*))?))\*\*(?!\*)"
)
_BOLD_LINES = re.compile(
    r"(?<!\w)__(?![a-z0-9]++(?>(?:_[a-z0-9]++)*)__)((?=[^\s_])[^_\n]++(?>(?:_(?!_)[^_\n]++)*)(?<!\s))__(?!\w)"
)
_ITALIC_STARS = re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]++)(?<!\s)\*(?![\w*])")
_ITALIC_LINES = re.compile(r"(?<!\w)_(?=[^\s_])([^_\n]++(?>(?:(?<=\w)_(?=\w)[^_\n]++)*))(?<!\s)_(?!\w)")

INLINE = (
    ("inline_code", _INLINE_CODE, 0),
    ("link", _LINK, 1),
    ("bold", _BOLD_STARS, 1),
    ("bold", _BOLD_LINES, 1),
    ("italic", _ITALIC_STARS, 1),
    ("italic", _ITALIC_LINES, 1),
)
"""Elements inside lines, in the order in which they are read: name, pattern, and the group that stays in the prose (0:
nothing does). Addresses are counted before links and leave the prose after them."""


@dataclass
class Markup:
    """Counts of markdown elements in one text, and its prose.

    Inside fenced code nothing is counted but the fence; inside code without one (`data.code_lines`) nothing.
    """

    headings: int = 0
    """Lines with 1 to 6 `#` and a space."""
    bullets: int = 0
    """Lines that open with `-`, `*` or `+` and a space."""
    glyph_bullets: int = 0
    """Lines that open with a typographic bullet (•, ▪, ◦, ‣, ●), which markdown does not know."""
    numbered: int = 0
    """Lines that open with at most three digits, `.` or `)`, and a space: a year is no list item."""
    tables: int = 0
    """Rows of dashes and pipes below a row with pipes."""
    rules: int = 0
    """Lines of three or more `-`, `*` or `_` alone."""
    code_blocks: int = 0
    """Fenced; an unclosed one runs to the end."""
    quote_lines: int = 0
    inline_code: int = 0
    links: int = 0
    """`[text](target)`, images too."""
    urls: int = 0
    """Web addresses, bare or as the target of a link, outside code."""
    bold: int = 0
    """Spans in `**` or `__`; a lower-case `__name__` is code, not bold."""
    italic: int = 0
    """Spans in `*` or `_`."""
    opens_bold: bool = False
    """The first line that is not blank is a heading or begins with bold."""
    quoted: set[int] = field(default_factory=set)
    """Numbers of the lines of the prose that are in a block quote."""
    prose: str = ""
    """The text without code, addresses and markers; link texts and emphasised words stay."""

    @property
    def is_marked(self) -> bool:
        """Whether there is a heading, a list item or bold text: what is called markdown everywhere."""
        return bool(self.headings or self.bullets or self.numbered or self.bold)


def read(text: str) -> Markup:
    """Count the markdown of a text.

    Args:
        text: any text; line ends of all systems are understood.
    """
    out = Markup()
    body = _read_blocks(unify_line_ends(text) if "\r" in text else text, out)
    out.prose = _read_inline(body, out)
    return out


def unify_line_ends(text: str) -> str:
    """The text with one line feed for the line ends of all systems."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_blocks(text: str, out: Markup) -> str:
    """Count what is decided line by line; returns the lines outside fences, without their markers."""
    body: list[str] = []
    opened = False
    for line in lines(text):
        if line.fence:
            out.code_blocks += 1
        if line.fence or line.code:
            opened = True
            body.append("")
            continue
        headings, quotes = out.headings, out.quote_lines
        rest = read_line(line.text, line.above, out)
        if out.quote_lines > quotes:
            out.quoted.add(len(body))
        body.append(rest)
        if rest and not opened:
            opened = True
            bold = _BOLD_STARS.match(rest) or _BOLD_LINES.match(rest)
            out.opens_bold = out.headings > headings or bold is not None
    return "\n".join(body)


class Line(NamedTuple):
    """A line outside code, or one that opens fenced code."""

    start: int
    """Where `text` begins in the whole."""
    text: str
    """Without spaces around it."""
    above: str
    """The line before it; empty after code."""
    fence: bool = False
    stop: int = 0
    """Where the fenced code that it opens ends."""
    code: bool = False
    """It stands for a stretch of code without a fence, and has no text."""


def lines(text: str) -> Iterator[Line]:
    """The lines of a text, those inside code left out.

    Args:
        text: with a line feed at every line end.
    """
    fence, above, at = "", "", 0
    opened = (0, "")
    all_lines = text.split("\n")
    code = {start: stop for start, stop in code_lines(all_lines)} if may_hold_code(text) else {}
    after_code = 0
    for number, line in enumerate(all_lines):
        rest = line.strip(" \t")
        start, at = at + len(line) - len(line.lstrip(" \t")), at + len(line) + 1
        if fence:
            if rest.startswith(fence) and not rest.strip(fence[0]):
                yield Line(opened[0], opened[1], "", True, start + len(rest))
                fence = ""
        elif number in code or number < after_code:
            if number in code:
                after_code, above = code[number], ""
                yield Line(start, "", "", code=True)
        elif rest[:3] in ("```", "~~~") and (match := _FENCE.match(rest)):
            fence, above, opened = match[1], "", (start, rest)
        else:
            yield Line(start, rest, above)
            above = line
    if fence:
        yield Line(opened[0], opened[1], "", True, len(text))


def read_line(rest: str, above: str, out: Markup) -> str:
    """Count the block markers of one line; returns the line without them."""
    if rest[:1] == ">" and rest[1:2] in ("", " ", "\t", ">"):
        out.quote_lines += 1
        rest = rest.lstrip("> \t")
    first = rest[:1]
    if first and first in "-*_" and len(rest) >= 3 and not rest.strip(first + " \t") and rest.count(first) >= 3:
        out.rules += 1
        return ""
    if first and first in "-|:" and "|" in rest and "-" in rest and "|" in above and not rest.strip("|:- \t"):
        out.tables += 1
        return ""
    if first and first in "-*+" and rest[1:2] in (" ", "\t"):
        out.bullets += 1
        return rest[2:].lstrip(" \t")
    if first and first in "•▪◦‣●":
        out.glyph_bullets += 1
        return rest[1:].lstrip(" \t")
    if first == "#" and (match := _HEADING.match(rest)):
        out.headings += 1
        return rest[match.end() :].rstrip("# \t")
    if first.isdigit() and (match := _NUMBER.match(rest)):
        out.numbered += 1
        return rest[match.end() :]
    return rest


def _read_inline(body: str, out: Markup) -> str:
    """Count what is inside lines; returns the prose. Each pattern runs only where its sign occurs."""
    if "`" in body:
        body, out.inline_code = _INLINE_CODE.subn(CODE_MARK, body)
    if "://" in body or "www." in body:
        out.urls = sum(1 for _ in URL.finditer(body))
    if "](" in body:
        body, out.links = _LINK.subn(r"\1", body)
    if out.urls:
        body = URL.sub(CODE_MARK, body)
    if "**" in body:
        body, out.bold = _BOLD_STARS.subn(r"\1", body)
    if "__" in body:
        body, lines = _BOLD_LINES.subn(r"\1", body)
        out.bold += lines
    if "*" in body:
        body, out.italic = _ITALIC_STARS.subn(r"\1", body)
    if "_" in body:
        body, lines = _ITALIC_LINES.subn(r"\1", body)
        out.italic += lines
    return body
