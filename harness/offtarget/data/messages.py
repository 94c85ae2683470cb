"""Text and message lists of any source, brought to lists of `Message`; and why a pair cannot be used."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from offtarget.data.pairs import Message
from offtarget.errors import DataError

TIE = "tie"
NO_LABEL = "no label"
EMPTY = "empty response"
IDENTICAL = "identical responses"
NULL = "null response"
IMAGES = "images in the row"
NOT_TEXT = "content that is not text"
NO_TRANSCRIPT = "not a transcript"
NO_REPLY = "response does not end in an assistant turn"
EMPTY_PROMPT = "empty prompt"
PROMPTS_DIFFER = "prompts differ"
PROMPT_END = "prompt does not end in a user turn"
UNMATCHED = "response without a counterpart"
NO_RIVAL = "no other answer to the prompt"
UNKNOWN_ROLE = "unknown role"
BROKEN_TALK = "conversation that cannot be parsed"
BROKEN = "broken row"
HEADER = "header again"

NATURAL = frozenset({TIE, HEADER, NO_RIVAL})
"""Reasons that good data has too: somebody looked at both answers and preferred neither, a table says its header twice, or of
answers with scores one is the only one to its prompt.
Labels and text that are missing, answers that are the same, and rows of another shape are none: where many rows are lost to
such reasons, the file is damaged or was read the wrong way."""
NO_PREFERENCE = frozenset({TIE, NO_LABEL, IDENTICAL, NO_RIVAL})
"""Reasons for which a row that was read rightly states no preference."""


class Drop(Exception):  # noqa: N818 - not an error: a named reason, counted by the loader
    """A row, or one pair of it, that cannot be used though the file is sound."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user", "customer": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
    "ai": "assistant", "chatbot": "assistant", "function_call": "assistant", "tool_call": "assistant",
    "tool": "tool", "function": "tool", "observation": "tool", "ipython": "tool", "tool_response": "tool",
}  # fmt: skip
"""What sources call a speaker -> the role that chat templates know."""
WHO = ("role", "from", "speaker")
SAID = ("content", "value", "text")
TALKS = ("messages", "conversations", "conversation", "turns", "dialogue")
"""Keys under which a mapping keeps a conversation."""
ASKS = ("user", "tool")
"""Roles after which the assistant speaks."""
_PICTURES = ("image", "image_url", "input_image", "video", "video_url", "audio", "input_audio", "file")
_TEXTS = ("text", "input_text", "output_text")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, since no encoder takes them; all else is kept."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def is_turn(value: Any) -> bool:
    """Whether a value is one message: a mapping that says who speaks, and has a place for what is said."""
    return (
        not isinstance(value, str)  # the commonest, told quicker than by the next line
        and isinstance(value, Mapping)
        and any(isinstance(value.get(k), str) for k in WHO)
        and any(k in value for k in (*SAID, "tool_calls", "function_call"))
    )


def conversation_of(value: Any) -> list[Any] | None:
    """The list of messages that a value is, or holds as its one message or under a key such as `messages`; else None."""
    if is_turn(value):
        return [value]
    if isinstance(value, Mapping):
        held = [value[k] for k in TALKS if value.get(k)]
        return conversation_of(held[0]) if len(held) == 1 and not isinstance(held[0], Mapping) else None
    if isinstance(value, Sequence) and not isinstance(value, str) and value and all(map(is_turn, value)):
        return list(value)
    return None


def as_messages(value: Any, role: str, what: str, *, strict: bool) -> list[Message]:
    """A string, a message, or a message list as a message list.

    Args:
        value: a string (one turn of `role`); a mapping with `role` and `content` (or `from` and `value`); a list of
            such; or a mapping that holds one under `messages` or `conversations`. Content is a string or a list of
            parts `{type: text, text: ...}`; calls of tools become text. Other keys are ignored.
        role: the role of a bare string.
        what: the column, for messages.
        strict: whether null and non-text content is an error (one's own file) or a drop (a public set).

    Raises:
        DataError: a value of another type, or null when `strict`.
        Drop: images; null or non-text content when not `strict`.
    """
    if isinstance(value, str):
        return [{"role": role, "content": clean(value)}]
    if value is None:
        raise _unusable(f"{what} is null", NULL if role == "assistant" else EMPTY_PROMPT, strict)
    if isinstance(value, Sequence) and not value:
        raise Drop(EMPTY if role == "assistant" else EMPTY_PROMPT)
    turns = conversation_of(value)
    if turns is None:
        raise DataError(_no_conversation(value, what))
    return [_message(turn, f"{what}, turn {n}", strict) for n, turn in enumerate(turns, start=1)]


def _no_conversation(value: Any, what: str) -> str:
    if isinstance(value, Sequence):
        for n, turn in enumerate(value, start=1):
            if isinstance(turn, Mapping) and not is_turn(turn):
                return f"{what}, turn {n}: a message needs the keys role and content (or from and value)"
    elif isinstance(value, Mapping) and {*WHO, *SAID, *TALKS} & value.keys():
        return f"{what} is a message without the keys role and content (or from and value)"
    return f"{what} is {kind_in_words(value)}, not text or a list of messages with role and content"


def _message(turn: Mapping[str, Any], what: str, strict: bool) -> Message:
    who = next(str(turn[k]) for k in WHO if isinstance(turn.get(k), str))
    role = ROLES.get(who.strip().lower())
    if role is None:
        text = f"{what} has the unknown role '{who}'; known are {', '.join(ROLES)}"
        raise _unusable(text, UNKNOWN_ROLE, strict)
    said = next((turn[k] for k in SAID if turn.get(k) is not None), None)
    calls = _calls(turn)
    if said is None and not calls:
        raise _unusable(f"{what} has null content", NULL, strict)
    text = "" if said is None else _content(said, what, strict)
    return {"role": role, "content": "\n".join(filter(None, (text, calls))) if calls else text}


def _calls(turn: Mapping[str, Any]) -> str:
    """The calls of tools of a turn as text: a line of JSON for each, without its random id; empty if there is none."""
    found = turn.get("tool_calls") or ([turn["function_call"]] if turn.get("function_call") else [])
    if not isinstance(found, Sequence) or isinstance(found, str):
        return str(found)
    return "\n".join(_call(c) for c in found if c)


def _call(call: Any) -> str:
    if isinstance(call, Mapping):
        call = call.get("function") or {k: v for k, v in call.items() if k not in ("id", "type", "index")}
    if isinstance(call, Mapping):
        arguments = call.get("arguments")
        if isinstance(arguments, str):
            with suppress(ValueError, RecursionError):
                arguments = json.loads(arguments)
        call = {**call, "arguments": arguments} if "arguments" in call else call
        call = {k: v for k, v in call.items() if v is not None}
    return clean(json.dumps({"tool_call": call}, ensure_ascii=False, sort_keys=True, default=str))


def _content(value: Any, what: str, strict: bool) -> str:
    if isinstance(value, str):
        return clean(value)
    parts = [value] if isinstance(value, Mapping) else value
    if isinstance(parts, Sequence) and all(isinstance(p, str | Mapping) for p in parts):
        if any(isinstance(p, Mapping) and _is_picture(p) for p in parts):
            raise Drop(IMAGES, what)
        texts = [p if isinstance(p, str) else p.get("text") if _is_text(p) else None for p in parts]
        if all(isinstance(t, str) for t in texts):
            return clean("".join(t for t in texts if t))
        raise _unusable(f"{what} has content that is not text", NOT_TEXT, strict)
    raise DataError(f"{what} has content that is {kind_in_words(value)}, not text")


def _is_picture(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    return kind in _PICTURES if kind is not None else any(part.get(k) for k in _PICTURES)


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type", "text") in _TEXTS


def _unusable(message: str, reason: str, strict: bool) -> Exception:
    return DataError(message) if strict else Drop(reason, message)


def kind_in_words(value: Any) -> str:
    """What kind of value it is, for messages."""
    names = {bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return names.get(type(value), f"of type {type(value).__name__}")


def common_prompt(a: Sequence[Message], b: Sequence[Message]) -> int:
    """Length of the longest common prefix of two conversations after which the assistant speaks; 0 if none."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    while n and a[n - 1]["role"] not in ASKS:
        n -= 1
    return n
