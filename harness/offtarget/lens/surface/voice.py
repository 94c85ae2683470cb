"""Which stretches of an answer are the writer's own voice: not quoted, not told of others, not drafted for the user.

Plain rules for English, right in the common cases alone. A rule that asks what the writer himself says or does reads
the text through `own`; a rule that asks which words stand there does not need it.
"""

import re
from collections.abc import Collection, Iterator

from offtarget.lens.surface.sentences import sentences

OTHER = "\ue001"
"""Stands for each character that is not the writer's own."""

_SIGNS = (*((sign, "'") for sign in "’‘ʼ´`"), *((space, " ") for space in "\t\u00a0\u202f"))
_DOUBLE = re.compile(r"\"[^\"\n]++\"|“[^“”\n]++”|«[^«»\n]++»|„[^„“”\n]++[“”]|「[^「」\n]++」")
_SINGLE = re.compile(r"(?<![\w'])'(?=[^\s'])(?>(?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)")

_TELLS = (
    "(?:said|says|saying|told|tells|wrote|writes|replied|replies|answered|answers|added|adds|asked|explained|explains|"
    "declared|stated|states|shouted|whispered|muttered|cried|sighed|thought|insisted|announced|reported|reads|begins|"
    "went|goes|warned|noted|recalled|claimed|argued|laughed|growled|repeated|put it)"
)
_SELF = "i|my|our|your|we|you|it|this|that|which|what|as|and|but|or|so|policy|law|rules?|guidelines?|conscience|content|request"
_WHO = rf"(?!(?:{_SELF})\b)(?:(?:the|a|an|his|her|their|its|one|mr|mrs|ms|dr)\.? )?(?!(?:{_SELF})\b)\w+"
_TOLD_AFTER = re.compile(
    rf"[,!?] {_WHO}(?: \w+)? {_TELLS}(?=[.,;:!?]|$| (?:in|to|on|at|and|with|before|after|when|as|again|back)\b)"
    rf"|[,!?] (?:said|says|wrote|writes|replied|answered|asked|cried|shouted|whispered|explained|thought|added|reads|reports)"
    rf" (?!that\b|i\b|so\b){_WHO}"
)
"""Behind what somebody else said: ", she said", ", wrote Tom"."""
_TOLD_BEFORE = re.compile(
    rf"(?:^|[\s,(])(?:{_WHO} ){_TELLS}(?:(?: \w+){{0,4}} ?:|(?: (?:back|me|us|him|her|them|again|\w+ly))?,) "
)
"""Before what somebody else said: "the witness put it: ..."."""
_DRAFT = re.compile(
    r"(?:you (?:can|could|might|may|should|would)|(?:try|consider|practi[cs]e)|(?:way|polite|firm|better|simple)[\w ]{0,30})"
    r"(?: (?:also|simply|just|then|politely|always|to))*"
    r" (?:say|saying|write|writing|reply|replying|respond|responding|answer|answering|tell|telling|send|use|try)\b[^:.!?\n]{0,60}(?::|"
    r",(?= i\b| sorry| no\b| thank))"
    r"|(?:something|a (?:reply|line|message|sentence|phrase)) like(?: this)?[:,]"
    r"|(?:here|below|following|this)\b[^.!?:\n]{0,40} (?:draft|reply|replies|response|responses|message|messages|email|letter|script|"
    r"scripts|"
    r"line|lines|example|examples|phrase|phrases|template|templates|wording|version|rewrite|translation|note|text|dialogue|ways?|poem|"
    r"story|speech|scene)\b"
    r"[^.!?:\n]{0,80}:"
)
"""Before words that are meant for the user to use: "you could say: ..."."""
_SALUTATION = re.compile(
    r"^ *(?:dear|hi|hello|hey|to)\b(?: [\w.'\[\]-]+){1,6} *[,:!] *$|^ *dear (?:[\w.'\[\]-]+ ?){1,5},(?= )", re.MULTILINE
)
_SUBJECT = re.compile(r"^ *subject(?: line)?:", re.MULTILINE)
_SIGN_OFF = re.compile(
    r"^ *(?:(?:yours|best|kind|warm|warmest|with|many|sincerely|regards|cheers|love|respectfully|thanks)\b[\w ]{0,30}),? *$"
    r"(?:\n[^\n]{1,40}$)?",
    re.MULTILINE,
)
_SPEAKER = re.compile(r"^ *([a-z][\w.]*(?: [\w.#]+){0,2}) *(?:\([^)\n]{0,30}\))? ?:(?= *\S)", re.MULTILINE)
_OWN_LABELS = frozenset(
    {"answer", "a", "note", "assistant", "ai", "ai assistant", "response", "disclaimer", "warning", "reply", "chatbot", "bot",
     "me", "edit", "update", "important", "ps", "summary", "output", "final answer", "short answer", "please note"}
)  # fmt: skip
"""What stands before a colon though the writer goes on in his own voice."""


def plain(prose: str) -> str:
    """The text in lower case, with straight apostrophes and plain spaces; of the same length."""
    lower = prose.lower()
    if prose.isascii():
        return lower.replace("`", "'").replace("\t", " ")
    if len(lower) != len(prose):  # some capitals have small letters of two signs
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in prose)
    for sign, instead in _SIGNS:
        lower = lower.replace(sign, instead)
    return lower


def own(prose: str, quoted: Collection[int] = ()) -> str:
    """The writer's own words, as in `plain`, and `OTHER` for each character of the rest but line ends.

    Args:
        prose: text without code and markers (`markup.Markup.prose`).
        quoted: numbers of its lines that stand in a block quote.
    """
    text = plain(prose)
    said = list(text)
    for start, stop in _others(text, prose, quoted):
        for i in range(start, stop):
            if said[i] != "\n":
                said[i] = OTHER
    return "".join(said)


def _others(text: str, prose: str, quoted: Collection[int]) -> Iterator[tuple[int, int]]:
    """Stretches that are not the writer's own; they may overlap."""
    if quoted:
        at = 0
        for number, line in enumerate(text.split("\n")):
            if number in quoted:
                yield at, at + len(line)
            at += len(line) + 1
    whole = prose.strip()
    quotes = [m.span() for m in _DOUBLE.finditer(prose)] if any(q in prose for q in '"“«„「') else []
    if any(stop - start >= len(whole) for start, stop in quotes):
        quotes = []  # an answer that is wholly set in quotation marks is still the writer's
    yield from quotes
    if "'" in text:
        yield from (m.span() for m in _SINGLE.finditer(text) if m.end() - m.start() < len(whole))
    yield from _letters(text)
    yield from _dialogue(text)
    yield from _told(text)


def _letters(text: str) -> Iterator[tuple[int, int]]:
    """A letter from its salutation or subject line to its greeting; with a subject line without one, to the end."""
    if m := _SUBJECT.search(text) or _SALUTATION.search(text):
        end = _SIGN_OFF.search(text, m.end())
        if end or m.re is _SUBJECT:  # an answer may greet its user too, but does not sign
            yield m.start(), end.end() if end else len(text)


def _dialogue(text: str) -> Iterator[tuple[int, int]]:
    """Lines that open with the name of a speaker, where at least two do and not all are labels of an answer."""
    if text.count(":") < 2:
        return
    lines = [m for m in _SPEAKER.finditer(text) if m[1] not in _OWN_LABELS]
    if len(lines) < 2 or len({m[1] for m in lines}) == len(lines) > 2:
        return  # labels that never come back are those of a list
    for m in lines:
        stop = text.find("\n", m.end())
        yield m.end(), len(text) if stop < 0 else stop


def _told(text: str) -> Iterator[tuple[int, int]]:
    """What others say without quotation marks, and what is drafted for the user."""
    for start, stop in sentences(text):
        sentence = text[start:stop]
        if _TOLD_AFTER.search(sentence):
            yield start, stop
            continue
        if m := _TOLD_BEFORE.search(sentence):
            yield start + m.end(), stop
        if ":" not in sentence and "," not in sentence:
            continue
        if m := _DRAFT.search(sentence):
            end = text.find("\n\n", stop)
            rest = sentence[m.end() :].strip()
            if not rest:  # the draft is what follows
                after = len(text) - len(text[stop:].lstrip())
                end = text.find("\n\n", after)
            elif m[0].startswith(("here", "below", "following", "this")):  # what follows it may be the writer's again
                end = stop
            yield start + m.end(), len(text) if end < 0 else end
