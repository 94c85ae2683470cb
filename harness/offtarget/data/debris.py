"""Text that no writer meant to stand there, by plain patterns.

Chat-template markers, ends of text, think blocks, unfilled placeholders, endless repetition (`repetition`), an answer
that repeats its prompt. Patterns name what tools and models really leave behind; what stands in code (fences, backticks) is meant. Every
pattern is linear in the length of the text.
"""

import re
from collections.abc import Iterator, Sequence

from offtarget.data.identity import normalise
from offtarget.data.pairs import Message, text_of
from offtarget.data.repetition import Place, repetition

KINDS = {
    "template_marker": "chat turns (<|im_start|>, [INST])",
    "eos_text": "end of text (</s>, <|endoftext|>)",
    "think_block": "thinking (<think>)",
    "placeholder": "unfilled placeholders ({{name}}, [Your Name])",
    "repetition": "the same words over and over",
}
"""What is looked for in one text: name, and what to call it."""
ECHO = "echoes_prompt"
"""What is looked for in an answer beside its prompt."""

_ENDS = (
    "endoftext|end_of_text|eot_id|eom_id|eos|end|endofprompt|begin_of_text|startoftext|bos|end_of_sentence"
)
_EOS = re.compile(
    rf"<\|(?:{_ENDS})\|>|</s>|\A\s*<s>|<(?:eos|bos)>|\[(?:EOS|BOS)\]|<｜(?:end|begin)▁of▁sentence｜>"
)
_ROLES = r"(?:system|user|assistant|tool|model|human|ipython|developer)\b"
_TEMPLATE = re.compile(
    rf"<\|(?!(?:{_ENDS})\|>)[A-Za-z][\w./-]{{0,40}}\|>(?:{_ROLES}(?=\s|\Z|<))?"
    rf"|<(?:start|end)_of_turn>(?:{_ROLES}(?=\s|\Z))?"
    r"|<｜(?!(?:end|begin)▁of▁sentence)[^｜\n]{1,40}｜>"
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|<</?SYS>>"
    r"|\[(?:PAD|UNK|CLS|SEP|MASK)\]|<(?:unk|pad|mask|extra_id_[0-9]{1,3})>"
)
_SPEAKER = re.compile(
    r"(?:\#\#\# ?(?:Instruction|Response|Human|Assistant|User|System)|Human|Assistant|USER|ASSISTANT) ?:(?:[ \t]++|(?=\n)|\Z)"
)
"""Speakers as Alpaca, Vicuna and hh-rlhf write them; looked for where a text or a paragraph begins."""
_THINK = re.compile(r"<(/?)(think|thinking|thoughts?|reasoning|scratchpad|reflection|inner_monologue)>")
_FORM_WORDS = (
    r"(?:(?:your|insert|enter|add|recipient|client|customer|company|employer|manager|product|project|event|first|last|"
    r"full|sender|receiver|current|specific|relevant)(?=[\s'’_])[^\[\]\n]{0,60}"
    r"|name|date|time|city|state|country|address|title|e-?mail|phone|company|location|amount|number|signature|link)"
)
_NOT_FORMS = (
    "(?:SIC|EDIT|NSFW|SPOILERS?|TOC|CITATION|NOTE|WARNING|ERROR|INFO|DEBUG|REDACTED|LAUGHTER|MUSIC|APPLAUSE)"
)
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
_CODE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[^\n]*+$|(`++)|(\n[ \t]*+(?=\n))", re.MULTILINE)
_SPACE = re.compile(r"\s*+")

_ECHO_CHARS, _ECHO_WORDS = 20, 4
"""A prompt below this may stand in an answer by chance."""


def places(text: str) -> dict[str, list[Place]]:
    """Where each kind of debris stands, none overlapping; kinds that do not occur are left out.

    Args:
        text: a prompt or an answer, with a line feed at every line end.
    """
    found = _marks(text)
    if run := repetition(text):
        found["repetition"] = [run]
    return found


def _marks(text: str) -> dict[str, list[Place]]:
    """The same but for repetition."""
    found: dict[str, list[Place]] = {}
    taken = bytearray(len(text))
    code: bytearray | None = None
    end = len(text.rstrip())
    for kind, at in (
        ("think_block", _thoughts(text)),
        ("template_marker", _template(text)),
        ("eos_text", _ends(text)),
        ("placeholder", _placeholders(text)),
    ):
        for start, stop in at:
            if code is None:
                code = _code(text)
            last = (
                kind in ("eos_text", "template_marker") and stop >= end
            )  # ends the text, not the code before it
            if (code[start] and not last) or taken.find(1, start, stop) >= 0:
                continue
            taken[start:stop] = b"\1" * (stop - start)
            found.setdefault(kind, []).append((start, stop))
    return found


def read(text: str) -> tuple[dict[str, list[Place]], str]:
    """Where debris stands, and the text without it.

    What measures a text (its length, its words) is read in this, so that debris is found as debris and not as length.
    Repetition stays: however it came about, that text is long.

    Args:
        text: as for `places`.
    """
    found = places(text)
    return found, _without(text, found)


def _without(text: str, found: dict[str, list[Place]]) -> str:
    spans = sorted(place for kind, at in found.items() if kind != "repetition" for place in at)
    if not spans:
        return text
    kept, at = [], 0
    for start, stop in spans:
        kept.append(text[at:start])
        at = stop
    out = "".join([*kept, text[at:]])
    if spans[0][0] == 0:
        out = out.lstrip()
    return out.rstrip() if not text[spans[-1][1] :].strip() else out


def echo(prompt: Sequence[Message], answer: str) -> Place | None:
    """Where an answer repeats the last user turn of its prompt: whole, from the start of a line on.

    Case and white space do not count. Prompts below 20 characters or 4 words are not looked for: they may stand in an
    answer by chance.
    """
    asked = next((m["content"] for m in reversed(prompt) if m["role"] == "user"), "")
    if len(asked) < _ECHO_CHARS or len(asked) > 2 * len(answer) + 100:
        return None
    words = asked.split()
    if len(words) < _ECHO_WORDS or normalise(asked) not in normalise(answer):
        return None
    found = re.search(r"^\W{0,3}" + r"\s+".join(map(re.escape, words)), answer, re.IGNORECASE | re.MULTILINE)
    return found.span() if found else None


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
    at = len(text) - len(text.lstrip())
    while at >= 0:
        if m := _SPEAKER.match(text, at):
            yield m.span()
        at = text.find("\n\n", at)
        at = at if at < 0 else at + 2


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
