"""Where in a text the rules of the surface lens see what they count, for a person to look at.

Lengths, rates of line breaks and measures of vocabulary have no place.
"""

import re
from collections.abc import Iterable, Iterator

from offtarget.data import debris, markup
from offtarget.lens.surface import phrases
from offtarget.lens.surface.lexicon import CONTRACTION
from offtarget.lens.surface.measures import ELLIPSIS, EMOJI, PARENTHESES, QUOTED, features, shouted
from offtarget.lens.surface.prose import Place, Prose

_SIGNS = {
    "em_dash": re.compile("[—―]"),
    "exclamations": re.compile("[!！]"),
    "questions": re.compile("[?？؟]"),
    "ellipsis": ELLIPSIS,
    "quotations": QUOTED,
    "parentheses": PARENTHESES,
}
_UNIONS = {"markdown": ("heading", "bullets", "numbered", "bold")}
_MARKER = re.compile(r"[-*+•▪◦‣●]|[0-9]{1,3}[.)]")


def places(name: str, text: str) -> list[Place]:
    """Where one rule applies, in order, none overlapping.

    Args:
        name: of the rule, without `surface:`.
        text: a response; line ends of all systems are understood.
    """
    text = text.replace("\r\n", " \n").replace("\r", "\n")  # of the same length
    unmeant = debris.places(text)
    if name in debris.KINDS:
        return unmeant.get(name, [])
    for start, stop in (place for kind, at in unmeant.items() if kind not in debris.STAYS for place in at):
        text = text[:start] + " " * (stop - start) + text[stop:]  # no other rule reads it
    found = [p for part in _UNIONS.get(name, (name,)) for p in _of_rule(part, text)]
    out: list[Place] = []
    for start, stop in sorted(found):
        if stop > start and (not out or start >= out[-1][1]):
            out.append((start, stop))
    return out


def _of_rule(name: str, text: str) -> Iterable[Place]:
    if name == "emoji":
        return [m.span() for m in EMOJI.finditer(text)]
    if name == "digits":
        return [m.span() for m in re.finditer(r"\d+", text)]
    blocks, inline, prose, quoted = _read(text)
    if name in _SIGNS:
        return [m.span() for m in _SIGNS[name].finditer(prose)]
    if name == "ends_with_question":
        last = max(prose.rfind(sign) for sign in "?？؟")
        return [(last, last + 1)] if last >= 0 and features(text)[name] else []
    if name == "bold_opener":
        opening = sorted([*blocks.get("heading", []), *inline.get("bold", [])])[:1]
        return opening if features(text)[name] else []
    if name in blocks or name in inline:
        return [*blocks.get(name, []), *inline.get(name, [])]
    return _words(name, Prose(prose, quoted))


def _read(text: str) -> tuple[dict[str, list[Place]], dict[str, list[Place]], str, set[int]]:
    """Places of block and inline elements, and the prose: what is none of it, in its place, and spaces elsewhere.

    Last the numbers of its lines that are in a block quote.
    """
    blocks: dict[str, list[Place]] = {
        k: [] for k in ("heading", "bullets", "glyph_bullets", "numbered", "table", "rule", "blockquote", "code_block")
    }  # fmt: skip
    left = list(" " * len(text))
    quoted = set()
    for number, line in enumerate(markup.lines(text)):
        if line.fence:
            blocks["code_block"].append((line.start, line.stop))
            if line.stop < len(text):
                left[line.stop] = "\n"
            continue
        seen = markup.Markup()
        rest = markup.read_line(line.text, line.above, seen)
        if seen.quote_lines:
            quoted.add(number)
        stop = line.start + len(line.text)
        counts = (
            ("heading", seen.headings), ("bullets", seen.bullets), ("glyph_bullets", seen.glyph_bullets),
            ("numbered", seen.numbered), ("table", seen.tables), ("rule", seen.rules), ("blockquote", seen.quote_lines),
        )  # fmt: skip
        for kind, n in counts:
            if n and kind in ("bullets", "glyph_bullets", "numbered"):
                marker = _MARKER.search(text, line.start, stop)
                blocks[kind].append(marker.span() if marker else (line.start, stop))
            elif n:
                blocks[kind].append((line.start, stop))
        begin = stop - len(line.text) + (line.text.find(rest) if rest else len(line.text))
        left[begin : begin + len(rest)] = rest
        if stop < len(text):
            left[stop] = "\n"
    inline, prose = _inline("".join(left))
    return blocks, inline, prose, quoted


def _inline(body: str) -> tuple[dict[str, list[Place]], str]:
    """Places of inline elements, and the prose with spaces for their markers."""
    found: dict[str, list[Place]] = {name: [] for name, _, _ in markup.INLINE}
    for name, pattern, kept in markup.INLINE:
        parts, at = [], 0
        for m in pattern.finditer(body):
            found[name].append(m.span())
            start, stop = m.span()
            parts.append(body[at:start])
            if kept:
                first, last = m.span(kept)
                parts += [" " * (first - start), body[first:last], " " * (stop - last)]
            else:
                parts.append(_hidden(stop - start))
            at = stop
        body = "".join(parts) + body[at:]
        if name == "inline_code":
            found["url"] = [m.span() for m in markup.URL.finditer(body)]
        if name == "link":
            body = markup.URL.sub(lambda m: _hidden(len(m[0])), body)
    return found, body


def _hidden(n: int) -> str:
    return markup.CODE_MARK + " " * (n - 1)


def _words(name: str, prose: Prose) -> Iterator[Place]:
    if name == "caps_words":
        yield from (prose.places[i] for i in shouted(prose.tokens))
        return
    if name in ("contractions", "negation"):
        for t, place in zip(prose.lower, prose.places, strict=True):
            if "'" in t and (CONTRACTION.fullmatch(t) if name == "contractions" else t.endswith("n't")):
                yield place
    yield from phrases.find(name, prose)
