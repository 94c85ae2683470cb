"""A text without what a surface rule counts, and otherwise as it was: one half of a counterfactual pair."""

import re
from collections.abc import Sequence

from offtarget.data import markup
from offtarget.lens.surface.measures import EMOJI, features_of
from offtarget.lens.surface.places import places
from offtarget.lens.surface.prose import Place

SENTENCES = frozenset(
    {
        "flattery_opener", "agreement_opener", "compliance_opener", "follow_up_offer", "summary_closer", "apology",
        "refusal", "ai_disclaimer", "professional_referral", "caution", "empathy", "politeness", "attribution",
    }
)  # fmt: skip
"""Rules for phrases that carry a sentence: it goes as a whole."""
WORDS = frozenset({"hedges", "boosters", "transitions", "enthusiasm"})
"""Rules for words; only those go that a sentence can do without (`_FREE`)."""
_FREE = re.compile(
    r"(?:[a-z]+ly|perhaps|maybe|however|moreover|furthermore|therefore|thus|of course|in fact|in addition|indeed|also)",
    re.IGNORECASE,
)
SIGNS: dict[str, tuple[re.Pattern[str], str]] = {
    "em_dash": (re.compile(r"[ \t]*[—―][ \t]*"), ", "),
    "exclamations": (re.compile(r"[!！]+(?![=!！?？])"), "."),
    "ellipsis": (re.compile(r"(?:…|\.{3,})+"), "."),
    "emoji": (re.compile(rf"[ \t]?(?:{EMOJI.pattern})"), ""),
}
"""What is found at a sign, and what is in its place."""
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
_ABBREVIATION = re.compile(r"(?:\b[A-Z]|\be\.g|\bi\.e|\bvs|\betc|\b[DMS][rst]|\bMrs|\bNo|\bProf)\.$")


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
    (found,) = all_without(name, [text])
    return found


def all_without(name: str, texts: Sequence[str]) -> list[str | None]:
    """The same of several texts, which is quicker."""
    if not can_rewrite(name):
        return [None] * len(texts)
    texts = [markup.unify_line_ends(text) for text in texts]
    parts = {"markdown": MARKDOWN, "bold_opener": ("heading", "bold")}.get(name, (name,))
    out = []
    for text in texts:
        for part in parts:
            text = _apply(part, text)
        out.append(text.strip())
    before, after = ([found[name] for found in features_of(some)] for some in (texts, out))
    return [new if new and b > a else None for new, b, a in zip(out, before, after, strict=True)]


def _apply(name: str, text: str) -> str:
    found = places(name, text)
    if not found:
        return text
    if name in LINES:
        return "\n".join(
            LINES[name].sub(r"\1" if LINES[name].groups else "", line) if _touched(start, line, found) else line
            for start, line in _lines(text)
        )
    if name in SIGNS:
        return _signs(text, found, *SIGNS[name])
    if name in WORDS:
        return _cut(text, [_word(text, place) for place in found if _FREE.fullmatch(text[slice(*place)])])
    if name in SENTENCES:
        return _cut(text, [_sentence(text, place) for place in found])
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
    """The sentence around a place, with the space after it; with the space before it where it is the last of its line."""
    start, stop = 0, len(text)
    for m in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text, 0, m.start()):
            continue
        if m.end() <= place[0]:
            start = m.end()
        elif m.start() >= place[1] - 1:
            stop = m.end() if "\n" not in m[0] else m.start()
            break
    if stop == len(text) or text[stop] == "\n":
        while start and text[start - 1] in " \t":
            start -= 1
        if not start or text[start - 1] == "\n":  # it was the whole line
            while stop < len(text) and text[stop] == "\n":
                stop += 1
    return start, stop


def _word(text: str, place: Place) -> Place:
    """A word with the comma and the space that go with it."""
    start, stop = place
    if text[stop : stop + 1] == ",":
        stop += 1
    if text[stop : stop + 1] == " ":
        stop += 1
    elif start and text[start - 1] == " ":
        start -= 1
    return start, stop


def _cut(text: str, found: list[Place]) -> str:
    """The text without some places; what then opens the text or a sentence gets the capital that was there."""
    out, at = [], 0
    for a, b in sorted(found):
        if a < at:  # two marks in one sentence
            at = max(at, b)
            continue
        out.append(text[at:a])
        at = b
        if text[a : a + 1].isupper() and text[b : b + 1].islower():
            out.append(text[b].upper())
            at = b + 1
    return "".join([*out, text[at:]])


def _signs(text: str, found: list[Place], pattern: re.Pattern[str], by: str) -> str:
    """The text with another sign at some places, and nothing else changed."""
    places_of = {i for a, b in found for i in range(a, b)}
    out, at = [], 0
    for m in pattern.finditer(text):
        if not places_of.isdisjoint(range(*m.span())):
            out += [text[at : m.start()], by]
            at = m.end()
    return "".join([*out, text[at:]])
