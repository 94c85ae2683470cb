"""A text without what a surface rule counts, and otherwise as it was: one half of a counterfactual pair."""

import re
from collections.abc import Callable

from offtarget.lens import markup, surface
from offtarget.lens.places import Place, places

SENTENCES = frozenset(
    {
        "flattery_opener", "agreement_opener", "compliance_opener", "follow_up_offer", "summary_closer", "apology",
        "refusal", "ai_disclaimer", "professional_referral", "caution", "empathy", "politeness", "attribution",
    }
)  # fmt: skip
"""Rules for phrases that carry a sentence: it goes as a whole."""
WORDS = frozenset({"hedges", "boosters", "transitions", "enthusiasm", "profanity"})
"""Rules for words that a sentence can do without."""
SIGNS: dict[str, str] = {
    "em_dash": ", ",
    "exclamations": ".",
    "ellipsis": ".",
    "emoji": "",
    "parentheses": "",
}
"""What stands in the place of a sign."""
LINES: dict[str, re.Pattern[str]] = {
    "heading": re.compile(r"^\s{0,3}#{1,6}[ \t]+|[ \t]+#+[ \t]*$"),
    "bullets": re.compile(r"^(\s*)[-*+][ \t]+"),
    "glyph_bullets": re.compile(r"^(\s*)[•▪◦‣●][ \t]*"),
    "numbered": re.compile(r"^(\s*)[0-9]{1,3}[.)][ \t]+"),
    "blockquote": re.compile(r"^\s{0,3}>[ \t]?"),
    "rule": re.compile(r"^\s*(?:[-*_][ \t]*){3,}$"),
}
"""Marks at the edge of a line; its text stays."""
MARKDOWN = ("heading", "bullets", "numbered", "bold")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)]*\s+|\n+")


def can_rewrite(name: str) -> bool:
    """Whether there is a way to take out what a rule counts (its name without `surface:`)."""
    inline = {n for n, _, kept in markup.INLINE if kept}
    return name in SENTENCES | WORDS | SIGNS.keys() | LINES.keys() | inline | {"markdown", "bold_opener"}


def without(name: str, text: str) -> str | None:
    """A text in which a surface rule counts less, or None where that is not possible.

    Args:
        name: of the rule, without `surface:`.
        text: a response.
    """
    if not can_rewrite(name):
        return None
    text = markup.unify_line_ends(text)
    before = surface.features(text)[name]
    steps: list[Callable[[str], str]]
    if name == "markdown":
        steps = [lambda t, part=part: _apply(part, t) for part in MARKDOWN]  # type: ignore[misc]
    elif name == "bold_opener":
        steps = [lambda t, part=part: _apply(part, t) for part in ("heading", "bold")]  # type: ignore[misc]
    else:
        steps = [lambda t: _apply(name, t)]
    out = text
    for step in steps:
        out = step(out)
    out = _tidy(out)
    if not out or not surface.features(out)[name] < before:
        return None
    return out


def _apply(name: str, text: str) -> str:
    found = places(name, text)
    if not found:
        return text
    if name in LINES:
        return "\n".join(
            LINES[name].sub(r"\1" if LINES[name].groups else "", line)
            if _touched(start, line, found)
            else line
            for start, line in _lines(text)
        )
    if name in SIGNS:
        return _replace(text, found, SIGNS[name])
    if name in WORDS:
        return _replace(text, found, "")
    if name in SENTENCES:
        return _replace(text, [_sentence(text, place) for place in found], "")
    patterns = [(p, k) for n, p, k in markup.INLINE if n == name]
    out, at = [], 0
    for start, _ in found:  # only there: the same signs in a block of code are code
        for pattern, kept in patterns:
            m = pattern.match(text, start)
            if m and start >= at:
                out += [text[at:start], m.group(kept)]
                at = m.end()
    return "".join([*out, text[at:]])


def _lines(text: str) -> list[tuple[int, str]]:
    out, at = [], 0
    for line in text.split("\n"):
        out.append((at, line))
        at += len(line) + 1
    return out


def _touched(start: int, line: str, found: list[Place]) -> bool:
    return any(a < start + len(line) + 1 and b > start for a, b in found)


def _sentence(text: str, place: Place) -> Place:
    """The sentence around a place, with the space after it."""
    start, stop = 0, len(text)
    for m in _SENTENCE_END.finditer(text):
        if m.end() <= place[0]:
            start = m.end()
        elif m.start() >= place[1] - 1:
            stop = m.end()
            break
    return start, stop


def _replace(text: str, found: list[Place], by: str) -> str:
    out, at = [], 0
    for a, b in sorted(found):
        if a < at:  # two marks in one sentence
            at = max(at, b)
            continue
        out += [text[at:a], by]
        at = b
    return "".join([*out, text[at:]])


def _tidy(text: str) -> str:
    """No doubled spaces, no space before a sign, no lost capital at the start, at most one empty line."""
    text = re.sub(r"(?<=\S)[ \t]{2,}", " ", text)
    text = re.sub(r"[ \t]+([,.;:!?])", r"\1", text)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text[:1].upper() + text[1:]
