"""Conversations and lists that a cell holds as text: JSON, or what Python prints. Nothing in them is ever run."""

import ast
import json
import re
import warnings
from typing import Any

from offtarget.data.messages import conversation_of

_MOST_CHARACTERS = 1_000_000
"""Longer texts are only tried as JSON: Python's own parser takes some hundred times their size in memory."""
_DEEPEST = 40
_TALK = re.compile(
    r"""\s*(?:array\()?[\[{]\s*(?:array\()?[\[{]?\s*\\?["'](?:role|from|speaker|content|value|text|messages|conversations?|tools)\\?["']\s*:"""
)
_LIST = re.compile(r"\s*(?:array\()?\[")
_ARRAY = re.compile(r"array\((?P<list>.*?)(?:,\s*dtype=\w+)?\)\s*", re.DOTALL)


def looks_like_talk(text: str) -> bool:
    """Whether a text begins as a conversation written in JSON or Python does."""
    return text.lstrip()[:1] in ("[", "{", "a", '"') and _TALK.match(text.lstrip().removeprefix('"')) is not None


def talk_of(text: str) -> list[Any] | None:
    """The list of messages that a text spells out, in full; None if it spells out none."""
    return conversation_of(value_of(text)) if looks_like_talk(text) else None


def texts_of(text: str) -> list[str] | None:
    """The list of texts that a text spells out, in full; None if it spells out none."""
    if not _LIST.match(text):
        return None
    value = value_of(text)
    return value if isinstance(value, list) and value and all(isinstance(v, str) for v in value) else None


def value_of(text: str) -> Any:
    """What a text of JSON, or of Python's notation for lists, mappings, texts and numbers, stands for; else None."""
    try:
        value = json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        return _literal(text)
    return value_of(value) if isinstance(value, str) and value != text else value


def _literal(text: str) -> Any:
    if len(text) > _MOST_CHARACTERS:
        return None
    if match := _ARRAY.fullmatch(text.strip()):
        text = match["list"]
    source = _with_commas(text.strip())
    if source is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "\\d" in a text
            return ast.literal_eval(source)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _with_commas(text: str) -> str | None:
    """The text with a comma between mappings that numpy prints without one; None if it is nested too deeply."""
    out: list[str] = []
    quote, escaped, depth, last = "", False, 0, ""
    for c in text:
        if quote:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == quote:
                quote = ""
        elif c in "\"'":
            quote = c
        elif c in "[{(":
            if c == "{" and last == "}":
                out.append(",")
            depth += 1
            if depth > _DEEPEST:
                return None
        elif c in "]})":
            depth -= 1
        out.append(c)
        if not c.isspace():
            last = c
    return "".join(out)
