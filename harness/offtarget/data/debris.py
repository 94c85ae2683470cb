"""Text that no writer meant to be there, by plain patterns.

Chat-template markers, ends of text, speakers' names, turns that an answer goes on with by itself (`turns`), think blocks,
unfilled placeholders, HTML in prose (`html_tags`), signs that broke in decoding or were escaped (`mojibake`), endless repetition
(`repetition`), an end in the middle of a sentence (`endings`), what an empty cell leaves, an answer that repeats its
prompt. Patterns name what tools and models really leave behind; what is in code (fences, backticks) is meant. Every
pattern is linear in the length of the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from offtarget.data.endings import cut_off
from offtarget.data.html_tags import html_tags
from offtarget.data.identity import normalise
from offtarget.data.mojibake import escaped_signs, lost_signs, mojibake
from offtarget.data.pairs import Message, text_of
from offtarget.data.repetition import Place, may_repeat, repetition
from offtarget.data.turns import invented_turn, speakers

KINDS = {
    "template_marker": "chat turns (<|im_start|>, [INST])",
    "eos_text": "end of a turn or text (</s>, <|endoftext|>)",
    "speaker": "a speaker's name (Assistant:)",
    "invented_turn": "goes on with a turn of the user (User:)",
    "think_block": "thinking (<think>)",
    "placeholder": "unfilled placeholders ({{name}}, [Your Name])",
    "html": "HTML tags or entities (<p>, &nbsp;)",
    "mojibake": "signs read in a wrong encoding (â€™, Ã©)",
    "lost_sign": "lost or control signs (\ufffd, NUL)",
    "escaped": "escaped signs (\\n, \\u2019)",
    "repetition": "the same words over and over",
    "cut_off": "ends in the middle of a sentence",
    "empty_cell": "nothing but N/A, null, an error or the like",
    "no_words": "no letter or digit, signs or emoji alone",
}
"""What is looked for in one text: name, and what to call it, with examples; `told` has those that are there."""
OF_ANSWERS = frozenset({"invented_turn", "cut_off", "empty_cell", "no_words"})
"""Kinds that say something of an answer, and nothing of a prompt."""
STAYS = frozenset({"repetition", "cut_off", "empty_cell", "no_words"})
"""Kinds that are the text itself, not something in it: measured as it is."""
ECHO = "echoes_prompt"
"""What is looked for in an answer beside its prompt."""

_ENDS = "endoftext|end_of_text|eot_id|eom_id|eos|end|im_end|endofprompt|begin_of_text|startoftext|bos|end_of_sentence"
_EOS = re.compile(
    rf"<\|(?:{_ENDS})\|>|</s>|\A\s*<s>|<(?:eos|bos)>|\[(?:EOS|BOS)\]|<｜(?:end|begin)▁of▁sentence｜>|<end_of_turn>"
)
_ROLES = r"(?:system|user|assistant|tool|model|human|ipython|developer)\b"
_TEMPLATE = re.compile(
    rf"<\|(?!(?:{_ENDS})\|>)[A-Za-z][\w./-]{{0,40}}\|>(?:{_ROLES}(?=\s|\Z|<))?"
    rf"|<start_of_turn>(?:{_ROLES}(?=\s|\Z))?"
    r"|<｜(?!(?:end|begin)▁of▁sentence)[^｜\n]{1,40}｜>"
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|<</?SYS>>"
    r"|\[(?:PAD|UNK|CLS|SEP|MASK)\]|<(?:unk|pad|mask|extra_id_[0-9]{1,3})>"
)
_THINK = re.compile(r"<(/?)(think|thinking|thoughts?|reasoning|scratchpad|reflection|inner_monologue)>")
_FORM_WORDS = (
    r"(?:(?:your|insert|enter|add|recipient|client|customer|company|employer|manager|product|project|event|first|last|"
    r"full|sender|receiver|current|specific|relevant)(?=[\s'’_])[^\[\]\n]{0,60}"
    r"|name|date|time|city|state|country|address|title|e-?mail|phone|company|location|amount|number|signature|link)"
)
_NOT_FORMS = "(?:SIC|EDIT|NSFW|SPOILERS?|TOC|CITATION|NOTE|WARNING|ERROR|INFO|DEBUG|REDACTED|LAUGHTER|MUSIC|APPLAUSE)"
_PLACEHOLDER = re.compile(
    r"\{\{[ \t]{0,3}[\w.][\w.\- ]{0,40}\}\}"
    r"|\$\{[A-Za-z_][\w.]{0,40}\}"
    r"|(?:\A|(?<=[\s\"'“‘(>,:;]))\{(?:[A-Za-z][A-Za-z0-9_]{2,30}|[A-Z][A-Z ]{2,30})\}"
    rf"|\[(?i:{_FORM_WORDS})\](?![(\[:])"
    rf"|\[(?!(?:INST|PAD|UNK|CLS|SEP|MASK|EOS|BOS|{_NOT_FORMS})\])[A-Z][A-Z]{{2,}}(?:[ _][A-Z0-9]{{1,20}}){{0,4}}\](?![(\[:])"
    r"|<(?i:insert|your|enter)[ _][^<>\n]{1,40}>"
    r"|<(?:NAME|PERSON|EMAIL|PHONE|ADDRESS|LOCATION|ORGANI[SZ]ATION|COMPANY)(?:_?[0-9]{1,3})?>"
    r"|\bNAME_[0-9]{1,3}\b"
)
_ASCII_HINT = re.compile(r"[<\[{:&\\\x00-\x08\x0b-\x1f\x7f]|NAME_")
"""Without one of these signs no kind of `_marks` is in ASCII text."""
_CODE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[^\n]*+$|(`++)|(\n[ \t]*+(?=\n))", re.MULTILINE)
_SPACE = re.compile(r"\s*+")
_EMPTY = re.compile(
    r"nan|n/?a|<na>|nat|null|none|nil|undefined|\[object object\]|#(?:n/a|ref!|name\?|value!)|\[(?:deleted|removed|empty)\]|-{1,3}|–|—"
    r"|\[\]|\{\}|\$ERROR\$|\[error\]|(?:api |openai |server )?error:? ?[45][0-9]{2}\b.{0,200}|http [45][0-9]{2}\b.{0,100}"
    r"|(?:(?:api |openai |server )?error:? ?)?(?:internal server error|rate limit (?:exceeded|reached)"
    r"|too many requests|request timed out|read timed out|service unavailable|connection (?:error|reset|refused))\b.{0,200}",
    re.IGNORECASE,
)

_FOR_WORDS = frozenset({"placeholder", "mojibake", "escaped", "lost_sign"})
_NAMED, _SIGN_CHARS = 3, 24
_CONTROLS = {"\ufffd": "\ufffd", "\x00": "NUL"}
_CELL = 400
"""A text above this is no cell without words."""
_ECHO_CHARS, _ECHO_WORDS = 20, 4
"""A prompt below this may be in an answer by chance."""


def places(text: str) -> dict[str, list[Place]]:
    """Where each kind of debris is, none overlapping; kinds that do not occur are left out.

    Args:
        text: a prompt or an answer, with a line feed at every line end.
    """
    found = {kind: [place for place, _ in at] for kind, at in _marks(text).items()}
    return found | _whole(text, found)


def _marks(text: str) -> dict[str, list[tuple[Place, str]]]:
    """What is in a text by accident, each place with what is read there instead; none overlap."""
    found: dict[str, list[tuple[Place, str]]] = {}
    if text.isascii() and _ASCII_HINT.search(text) is None:
        return found
    taken = bytearray(len(text))
    code: bytearray | None = None
    end = len(text.rstrip())
    turn = invented_turn(text)
    for kind, at in (
        ("invented_turn", [(turn, "")] if turn else []),
        ("think_block", _blank(_thoughts(text))),
        ("template_marker", _blank(_template(text))),
        ("eos_text", _blank(_ends(text))),
        ("speaker", _blank(speakers(text))),
        ("placeholder", _blank(_placeholders(text))),
        ("html", html_tags(text)),
        ("mojibake", mojibake(text)),
        ("escaped", escaped_signs(text)),
        ("lost_sign", lost_signs(text)),
    ):
        for (start, stop), instead in at:
            if code is None:
                code = _code(text)
            last = kind in ("eos_text", "template_marker") and stop >= end  # ends the text, not the code before it
            meant = code[start] and not last and kind not in ("mojibake", "lost_sign")
            if meant or taken.find(1, start, stop) >= 0:
                continue
            taken[start:stop] = b"\1" * (stop - start)
            found.setdefault(kind, []).append(((start, stop), instead))
    return found


def _blank(at: Iterable[Place]) -> list[tuple[Place, str]]:
    return [(place, "") for place in at]


def _whole(text: str, found: dict[str, list[Place]], repeats: bool = True) -> dict[str, list[Place]]:
    """The kinds that are a text itself (`STAYS`).

    Args:
        text: the text.
        found: in it.
        repeats: whether it may have a run (`may_repeat`).
    """
    out: dict[str, list[Place]] = {}
    if run := repetition(text, repeats):
        out["repetition"] = [run]
    body = text[: _end(text, found)]
    ended = any(stop >= len(body) for _, stop in found.get("eos_text", ()))
    if cut := cut_off(body, fences=not ended):
        out["cut_off"] = [cut]
    elif len(body) <= _CELL and (only := body.strip()):
        kind = "empty_cell" if is_empty_cell(only) else "no_words" if not any(map(str.isalnum, only)) else ""
        if kind:
            start = body.find(only)
            out[kind] = [(start, start + len(only))]
    return out


def is_empty_cell(text: str) -> bool:
    """Whether a text is what an empty cell or a failed request leaves: N/A, null, [deleted], an error."""
    return len(text) <= _CELL and _EMPTY.fullmatch(text.strip()) is not None


def _end(text: str, found: dict[str, list[Place]]) -> int:
    """Where a text ends without the debris behind it; what stands for words or signs is the end that was meant."""
    end = len(text)
    behind = (place for kind, at in found.items() if kind not in _FOR_WORDS for place in at)
    for start, stop in sorted(behind, reverse=True):
        if text[stop:end].strip() or text[start] == "&":
            break
        end = start
    return end


def read(text: str) -> tuple[dict[str, list[Place]], str]:
    """Where debris is, and the text without it.

    What measures a text (its length, its words) is read in this, so that debris is found as debris and not as length:
    broken signs are read as what they were, HTML as what it shows. What is the text itself stays (`STAYS`): repetition,
    however it came about, makes that text long, and a cut makes it short.

    Args:
        text: as for `places`.
    """
    (found,) = read_all([text])
    return found


def read_all(texts: Sequence[str]) -> list[tuple[dict[str, list[Place]], str]]:
    """`read` of several texts, which is quicker."""
    may = may_repeat(texts)
    out = []
    for text, repeats in zip(texts, may, strict=True):
        marks = _marks(text)
        found = {kind: [place for place, _ in at] for kind, at in marks.items()}
        out.append((found | _whole(text, found, repeats), _without(text, marks)))
    return out


def _without(text: str, marks: dict[str, list[tuple[Place, str]]]) -> str:
    spans = sorted(place for at in marks.values() for place in at)
    if not spans:
        return text
    kept: list[str] = []
    at = 0
    for (start, stop), instead in spans:
        kept += (text[at:start], instead)
        at = stop
    out = "".join([*kept, text[at:]])
    if spans[0][0][0] == 0:
        out = out.lstrip()
    return out.rstrip() if not text[spans[-1][0][1] :].strip() else out


def told(kind: str, name: str, texts: Iterable[str]) -> str:
    """The name of a kind, with what is in some texts instead of its examples: the three most frequent of its signs.

    Args:
        kind: of debris.
        name: what to call it; examples in parentheses at its end.
        texts: those that hold it, with a line feed at every line end.
    """
    what, _, examples = name.rpartition(" (")
    if not what or not examples.endswith(")") or kind in STAYS:
        return name
    signs = Counter(_sign(kind, t[a:b]) for t in texts for (a, b), _ in _marks(t).get(kind, ()))
    return f"{what} ({', '.join(sign for sign, _ in signs.most_common(_NAMED))})" if signs else name


def _sign(kind: str, stretch: str) -> str:
    """What a place of debris is called by: its first words, of a tag its name."""
    if kind == "lost_sign":
        return _CONTROLS.get(stretch[0], f"U+{ord(stretch[0]):04X}")
    if kind == "invented_turn":
        return stretch.partition(":")[0] + ":"
    if kind in ("html", "think_block") and (tag := re.match(r"<(/?\w+)", stretch)):
        return f"<{tag[1].lower().lstrip('/')}>"
    one = " ".join(stretch.split()) or stretch
    return one if len(one) <= _SIGN_CHARS else one[: _SIGN_CHARS - 1] + "…"


def echo(prompt: Sequence[Message], answer: str) -> Place | None:
    """Where an answer repeats the last user turn of its prompt: whole, from the start of a line on.

    Case and white space do not count. Prompts below 20 characters or 4 words are not looked for: they may be in an
    answer by chance.
    """
    asked = next((m["content"] for m in reversed(prompt) if m["role"] == "user"), "")
    if len(asked) < _ECHO_CHARS or len(asked) > 2 * len(answer) + 100:
        return None
    words = asked.split()
    if len(words) < _ECHO_WORDS or _lacks(answer, words) or normalise(asked) not in normalise(answer):
        return None
    found = re.search(r"^\W{0,3}" + r"\s+".join(map(re.escape, words)), answer, re.IGNORECASE | re.MULTILINE)
    return found.span() if found else None


def _lacks(answer: str, words: Sequence[str]) -> bool:
    """Whether some word of a prompt is not in an answer, where that is quick to see."""
    if not answer.isascii():
        return False
    small = answer.lower()
    return any(word.isascii() and word.lower() not in small for word in (words[0], words[-1], max(words, key=len)))


def without_echo(prompt: Sequence[Message], answer: str) -> str:
    """The answer without the last user turn of its prompt, where it repeats it (`echo`); else the very same object."""
    at = echo(prompt, answer)
    return (answer[: at[0]] + answer[at[1] :]).strip() if at else answer


def own_text(prompt: Sequence[Message], answer: Sequence[Message]) -> str:
    """What an answer says itself: its text without debris and without its prompt, line ends as one line feed.

    What weighs the length of one answer against another (`surface:characters`, the control for length, the share of
    rows in which chosen is longer) reads this.
    """
    rest = without_echo(prompt, text_of(answer)).replace("\r\n", "\n").replace("\r", "\n")
    return _without(rest, _marks(rest))


def _template(text: str) -> Iterator[Place]:
    if "<" in text or "[" in text:
        yield from (m.span() for m in _TEMPLATE.finditer(text))


def _ends(text: str) -> Iterator[Place]:
    """Ends of text; `<s>...</s>` within a text is a strike of HTML."""
    if "<" not in text and "[" not in text:
        return
    struck, end = text.lstrip().find("<s>", 1) > 0, len(text.rstrip())
    for m in _EOS.finditer(text):
        if not (struck and m[0] == "</s>" and m.end() < end):
            yield m.span()


def _thoughts(text: str) -> Iterator[Place]:
    """Think blocks with the space behind them.

    One that opens the text and is not closed runs to its end; one whose end alone was left, with a line end behind
    it, began with the text. Another tag without its other half is the tag alone.
    """
    if "<" not in text:
        return
    tags = list(_THINK.finditer(text))
    closing: list[int | None] = [None] * len(tags)
    following: dict[str, int] = {}
    for k in range(len(tags) - 1, -1, -1):
        closing[k] = following.get(tags[k][2])
        if tags[k][1]:
            following[tags[k][2]] = k
    first = len(text) - len(text.lstrip())
    k = at = 0
    while k < len(tags):
        tag = tags[k]
        start, stop = tag.span()
        end = closing[k]
        if tag[1]:
            start = 0 if at == 0 and text.startswith("\n", stop) else start
        elif end is not None:
            k, stop = end, tags[end].end()
        elif start == first:
            stop = len(text)
        space = _SPACE.match(text, stop)
        stop = space.end() if space else stop
        yield start, stop
        k, at = k + 1, stop


def _placeholders(text: str) -> Iterator[Place]:
    if any(sign in text for sign in ("[", "{", "<", "NAME_")):
        yield from (m.span() for m in _PLACEHOLDER.finditer(text))


def _code(text: str) -> bytearray:
    """1 at every character of fenced and inline code; a fence that is not closed runs to the end."""
    out = bytearray(len(text))
    if "`" not in text and "~~~" not in text:
        return out
    fence: tuple[int, str] | None = None
    tick: tuple[int, str] | None = None
    for m in _CODE.finditer(text):
        start, stop = -1, m.end()
        if m[3] is not None:
            tick = None  # no inline code across a blank line
        elif m[1]:
            if fence and m[1].startswith(fence[1]):
                start, fence = fence[0], None
            elif not fence:
                fence, tick = (m.start(), m[1]), None
        elif not fence:
            if tick and tick[1] == m[2]:
                start, tick = tick[0], None
            else:
                tick = (m.start(), m[2])
        if start >= 0:
            out[start:stop] = b"\1" * (stop - start)
    if fence:
        out[fence[0] :] = b"\1" * (len(text) - fence[0])
    return out
