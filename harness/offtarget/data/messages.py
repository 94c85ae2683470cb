"""Text and message lists of any source, brought to lists of `Message`; and why a pair cannot be used."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from offtarget.data.pairs import Message
from offtarget.errors import DataError

TIE = "tie"
NO_LABEL = "no label"
EMPTY = "empty response"
IDENTICAL = "identical responses"
NULL = "null response"
NOT_TEXT = "content that is not text"
NO_TRANSCRIPT = "not a transcript"
NO_REPLY = "response does not end in an assistant turn"
EMPTY_PROMPT = "empty prompt"
PROMPTS_DIFFER = "prompts differ"
PROMPT_END = "prompt does not end in a user turn"
UNMATCHED = "response without a counterpart"
BROKEN = "broken row"

NATURAL = frozenset({TIE, NO_LABEL, IDENTICAL})
"""Reasons that good data has too. Text that is missing and rows of another shape are none: where many rows are lost to
such reasons, the file is damaged or was read the wrong way."""


class Drop(Exception):  # noqa: N818 - not an error: a named reason, counted by the loader
    """A row, or one pair of it, that cannot be used though the file is sound."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


_SURROGATE = re.compile("[\ud800-\udfff]")
_TURN = re.compile(r"\n\n(Human|Assistant):")


def clean(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, since no encoder takes them; all else is kept."""
    return _SURROGATE.sub("\ufffd", text)


def as_messages(value: Any, role: str, what: str, *, strict: bool) -> list[Message]:
    """A string or a message list as a message list.

    Args:
        value: a string (one turn of `role`), or a list of mappings with `role` and `content`, where the
            content is a string or a list of parts `{type: text, text: ...}`. Other keys are ignored.
        role: the role of a bare string.
        what: the column, for messages.
        strict: whether null and non-text content is an error (one's own file) or a drop (a public set).

    Raises:
        DataError: a value of another type, or null when `strict`.
        Drop: null or non-text content when not `strict`.
    """
    if isinstance(value, str):
        return [{"role": role, "content": clean(value)}]
    if value is None:
        raise _unusable(f"{what} is null", NULL if role == "assistant" else EMPTY_PROMPT, strict)
    if not isinstance(value, Sequence) or not all(isinstance(m, Mapping) for m in value):
        raise DataError(f"{what} is {_kind(value)}, not text or a list of messages with role and content")
    if not value:
        raise Drop(EMPTY if role == "assistant" else EMPTY_PROMPT)
    out: list[Message] = []
    for turn, m in enumerate(value, start=1):
        if not isinstance(m.get("role"), str) or "content" not in m:
            raise DataError(f"{what}, turn {turn}: a message needs the keys role and content")
        out.append({"role": m["role"], "content": _content(m["content"], f"{what}, turn {turn}", strict)})
    return out


def _content(value: Any, what: str, strict: bool) -> str:
    if isinstance(value, str):
        return clean(value)
    if value is None:
        raise _unusable(f"{what} has null content", NULL, strict)
    if isinstance(value, Sequence) and all(isinstance(p, Mapping) for p in value):
        texts = [p.get("text") for p in value if p.get("type") == "text"]
        if len(texts) == len(value) and all(isinstance(t, str) for t in texts):
            return clean("".join(t for t in texts if t))
        raise _unusable(f"{what} has content that is not text", NOT_TEXT, strict)
    raise DataError(f"{what} has content that is {_kind(value)}, not text")


def _unusable(message: str, reason: str, strict: bool) -> Exception:
    return DataError(message) if strict else Drop(reason)


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return names.get(type(value), f"of type {type(value).__name__}")


def parse_transcript(text: str) -> list[Message]:
    """Turns of a transcript in the form of hh-rlhf: blank line, `Human:` or `Assistant:`, text.

    White space around each turn is cut off.

    Raises:
        Drop: there is text before the first turn, or no turn at all.
    """
    head, *rest = _TURN.split(clean(text))
    if head.strip() or not rest:
        raise Drop(NO_TRANSCRIPT)
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        {"role": roles[who], "content": said.strip()} for who, said in zip(rest[::2], rest[1::2], strict=True)
    ]


def common_prompt(a: Sequence[Message], b: Sequence[Message]) -> int:
    """Length of the longest common prefix of two conversations that ends in a user turn; 0 if none."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    while n and a[n - 1]["role"] != "user":
        n -= 1
    return n
