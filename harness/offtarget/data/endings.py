"""Answers that stop in the middle: of a sentence, of a list, of a block of code.

Much that ends well has no full stop: "Paris", titles, items of lists, verses, signatures, formulas, chat. So the end of
a text counts as a cut only where the text itself shows that more was to come: it ends with a word or sign that cannot end
a sentence, in a block of code that is not closed, or without the end mark that its other sentences have.
"""

import re

from offtarget.data.language import is_english

Place = tuple[int, int]
"""First character, and the one after the last."""

_END = frozenset(".!?…:;。！？｡．؟۔।॥։።᙮᠃⁇⁈⁉‽")
_GOES_ON = frozenset(",，、،([{（「—–‐-&/")
"""Signs behind which a sentence goes on."""
_OPEN_WORDS = frozenset(
    (
        "a", "an", "the", "of", "to", "and", "or", "for", "with", "from", "into", "by", "as", "at", "if",
        "than", "because", "although", "while", "whereas", "whose", "my", "your", "our", "their", "is", "are",
        "was", "were", "be", "been", "being", "has", "have", "had", "can", "could", "will", "would", "should",
        "may", "might", "must", "its", "very", "such", "every", "these", "those",
    )
)  # fmt: skip
"""Words that hardly end a sentence that has no end mark."""
_HARD_WORDS = frozenset(
    (
        "a", "an", "the", "of", "and", "or", "from", "into", "because", "although", "whereas", "whose", "my",
        "your", "our", "their", "every",
    )
)  # fmt: skip
"""Words that end none, in verses and items of lists either."""

_CODE_END = _END | frozenset(")}]>`~")
"""Signs at which code, or prose behind it, may end."""

_ITEM = re.compile(r"(?:[-*+•▪◦‣●·–—]|[0-9]{1,3}[.):]|[A-Za-z][.)]|\([0-9a-zA-Z]{1,3}\)|#{1,6}|>+)[ \t]+")
_INNER_END = re.compile(r"(?:[.!?…؟।۔][\"'”’»)\]*_]*[ \t]+(?=\S)|[。！？])")
_ABBREVIATION = re.compile(
    r"(?:\b[A-Za-z]|\be\.g|\bi\.e|\bvs|\betc|\b[DMS][rst]|\bMrs|\bNo|\bProf|\bapprox|^[0-9]{1,3}(?:\.[0-9]{1,3}){0,3})\.\s*\Z"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NO_PROSE = re.compile(
    r"https?://|www\.|\w\.(?:com|org|net)\b|@[\w.]+\Z|(?:\A|\s)#\w|[=\\$|{}<>^]|\*\*\Z|[:;]-?[PDOpdo3]\Z"
)
"""Addresses, tags, formulas, emoticons."""
_SIGNED = re.compile(r"[-–—~][ ]?(?:[A-Z][\w.'’-]*[ ]?){1,4}")
"""Who said it: a dash and a name."""
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_LETTER_END = re.compile(
    r"(?:regards|sincerely|love|wishes|truly|yours|cheers|thanks|faithfully|thank you|signed|best|respectfully|cordially)[,，]?\Z",
    re.I,
)

_LINE_WORDS, _FRAGMENT_WORDS, _PEER_WORDS, _SIGNED_WORDS = 6, 2, 4, 4
"""Words from which on a line is prose, a stretch before a sign that goes on a sentence, a line one to compare with; the
last line of a letter before its signature has no more than the last."""
_TAIL = 4000
"""Characters at the end of a text that are looked at."""


def cut_off(text: str, fences: bool = True) -> Place | None:
    """Where a text stops in the middle: its last, unfinished sentence; None where it ends as texts do.

    Args:
        text: an answer without debris at its end, with a line feed at every line end.
        fences: whether a block of code that is not closed counts; not where an end-of-text marker says that all is there.
    """
    body = text.rstrip()
    if not body:
        return None
    if fences and (fenced := _open_fence(body)) is not None:
        return fenced
    last = body[-1]
    if last in _END or not (last.isalnum() or last in _GOES_ON):
        return None
    start = body.rfind("\n") + 1
    if len(body) - start > _TAIL:
        start = len(body) - _TAIL
    line = body[start:]
    begin = _fragment(line)
    fragment = line[begin:]
    if _is_cut(body[:start], line, fragment, inner=begin > 0):
        return start + begin, len(body)
    return None


def _open_fence(text: str) -> Place | None:
    """From a fence that is not closed to the end."""
    if "```" not in text and "~~~" not in text:
        return None
    opened: tuple[int, str] | None = None
    for m in _FENCE.finditer(text):
        if opened is None:
            if "`" not in m[2]:
                opened = m.start(), m[1]
        elif m[1].startswith(opened[1]) and not m[2].strip():
            opened = None
    return (opened[0], len(text)) if opened and text[-1] not in _CODE_END and "\n" in text[opened[0] :] else None


def _fragment(line: str) -> int:
    """Where the last sentence of a line begins: behind the last end mark that is not an abbreviation's or an item's."""
    begin = 0
    for m in _INNER_END.finditer(line):
        if m.end() < len(line) and not (
            m[0][0] == "." and _ABBREVIATION.search(line, max(0, m.start() - 8), m.start() + 1)
        ):
            begin = m.end()
    return begin


def _is_cut(before: str, line: str, fragment: str, inner: bool) -> bool:
    """Whether the last sentence of a text is unfinished.

    Args:
        before: the lines above the last.
        line: the last one.
        fragment: its last sentence, without an end mark.
        inner: whether another sentence is before it on the line.
    """
    words = _WORD.findall(fragment)
    bare = line.lstrip()
    if not words or bare.startswith("#") or _SIGNED.fullmatch(fragment) or _NO_PROSE.search(line[-200:]):
        return False
    item, last = _ITEM.match(bare) is not None, line[-1]
    if last in "，、":  # of scripts without spaces between words
        return len(fragment) >= _LINE_WORDS
    if last == ",":
        return len(words) > _SIGNED_WORDS and not _LETTER_END.search(line)
    if last in _GOES_ON:
        return len(words) >= _FRAGMENT_WORDS and (last != "-" or line.endswith(" -"))
    if not (last.isalnum() and fragment.endswith(words[-1])):
        return False
    if len(words) > 1 and _goes_on(words[-1], item, inner or len(words) >= _LINE_WORDS):
        return is_english(before[-_TAIL:] + line) is not False
    if _casual(before[-_TAIL:], line):
        return False
    if inner:
        return len(_WORD.findall(line)) >= _LINE_WORDS
    return len(words) >= _LINE_WORDS and _peers_end(before, item)


def _goes_on(word: str, item: bool, prose: bool) -> bool:
    """Whether an English sentence goes on behind a word."""
    return word in _HARD_WORDS or (word in _OPEN_WORDS and prose and not item)


def _peers_end(before: str, item: bool) -> bool:
    """Whether the lines like the last one, two at least, all end with an end mark."""
    n = 0
    for other in reversed(before[-_TAIL:].split("\n")):
        rest = other.strip()
        if not rest or bool(_ITEM.match(rest)) is not item or len(_WORD.findall(rest)) < _PEER_WORDS:
            continue
        bare = rest.rstrip("\"'”’»)]*_ ")
        if not bare or bare[-1] not in _END:
            return False
        n += 1
        if n >= 4:
            break
    return n >= 2


def _casual(before: str, line: str) -> bool:
    """Whether a text is written without care for capitals and full stops."""
    text = before + line
    starts = re.findall(r"(?:\A|[.!?]\s+|\n+)([^\W\d_])", text)
    return sum(map(str.islower, starts)) * 3 > len(starts) or bool(re.search(r"(?<![\w.])i(?=\s)", text))
