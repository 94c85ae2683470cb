"""What a model answered, read strictly: what is not clearly an answer is none.

Only the answer is read, never the request. So text of the dataset that looks like an answer counts for nothing, unless
the model repeats it; and where an answer says two things of one concept, it says nothing of it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from offtarget.lens.judge.concepts import MAX_DEFINITION, MAX_NAME, JudgedConcept, one_line

FIRST, SECOND, NEITHER = 1, -1, 0
_SIDES = {"a": FIRST, "b": SECOND} | dict.fromkeys(
    ("neither", "equal", "equally", "both", "tie", "same", "none", "alike", "no difference"), NEITHER
)
_LINE = re.compile(
    r"^[\s\"'*>-]*(?i:property\s+)?(\d{1,3})[\s\"'*]*[.:)=-][\s\"'*:=-]*(?i:response\s+)?"
    r"(A|B|(?i:neither|equal|equally|both|tie|same|none|alike))[\s\"'*]*(?:$|[.,;:(–—-])",
    re.MULTILINE,
)
_ITEM = re.compile(r"^\s*(?:\d{1,3}[.):]|[-*•])\s+(.+)$", re.MULTILINE)
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_ENTRY = re.compile(rf'"name"\s*:\s*{_QUOTED}(?:\s*,\s*"definition"\s*:\s*{_QUOTED})?')
PLACEHOLDER = "two to five words"
"""Of the example in the request: a model that repeats it proposes nothing."""


def sides(answer: str, n: int) -> list[int | None]:
    """For each of n properties which response has more: 1 the first, -1 the second, 0 neither, None not to be read.

    Args:
        answer: a JSON object from numbers to A, B or neither; a list in order; lines such as "2: B"; or one word.
        n: properties that were asked about.
    """
    said: list[set[int]] = [set() for _ in range(n)]
    whole = _side(answer)
    if n == 1 and whole is not None:
        return [whole]
    found = [(k, v) for part in _parsed(answer, "{") for k, v in part if isinstance(k, str)]
    if not found:
        lists = [part for part in _parsed(answer, "[") if isinstance(part, list) and len(part) == n]
        found = [(str(k), v) for part in lists for k, v in enumerate(part, 1)]
    read = [(k, _side(v)) for k, v in found] or [(m[1], _side(m[2])) for m in _LINE.finditer(answer)]
    for key, side in read:
        if side is not None and key.strip().isdecimal() and 1 <= int(key) <= n:
            said[int(key) - 1].add(side)
    return [s.pop() if len(s) == 1 else None for s in said]


def proposals(answer: str) -> list[JudgedConcept]:
    """The concepts that an answer names: a JSON list of objects or of texts, or a list of lines; empty where none."""
    for part in _parsed(answer, "["):
        if isinstance(part, list) and (found := [c for c in map(_entry, part) if c]):
            return found
    entries = [(_text(m[1]), _text(m[2] or "")) for m in _ENTRY.finditer(answer)]  # a list that was cut off
    lines = [_halves(m[1]) for m in _ITEM.finditer(answer)] if not entries else []
    return [c for name, definition in (*entries, *lines) if (c := _concept(name, definition))]


def groups(answer: str, n: int) -> list[list[int]] | None:
    """A partition of 0..n-1 from a JSON list of lists of numbers from 1 on; None where there is none to be read.

    A number that is named again stays where it was named first; one that is not named stands alone.
    """
    for part in _parsed(answer, "["):
        if not isinstance(part, list) or not part or not all(isinstance(g, list) for g in part):
            continue
        left = set(range(n))
        out = []
        for group in part:
            mine = [x - 1 for x in group if type(x) is int and x - 1 in left]
            mine = list(dict.fromkeys(mine))
            left -= set(mine)
            if mine:
                out.append(mine)
        return [*out, *([x] for x in sorted(left))]
    return None


def _parsed(text: str, opening: str) -> Iterator[Any]:
    """The JSON values in a text that begin with a bracket, from left to right; objects are tuples of (key, value)."""
    decoder = json.JSONDecoder(object_pairs_hook=tuple)
    at = text.find(opening)
    while at >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
            yield value
        except (ValueError, RecursionError):
            at += 1
        at = text.find(opening, at)


def _side(value: Any) -> int | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    word = re.sub(r"^response\s+", "", value.strip(" \t\n\"'*.`()").lower())
    return _SIDES.get(word)


def _entry(item: Any) -> JudgedConcept | None:
    if isinstance(item, str):
        return _concept(*_halves(item))
    if not isinstance(item, tuple):
        return None
    known = {k: v for k, v in item if isinstance(v, str)}
    return _concept(known.get("name", known.get("property", "")), known.get("definition", known.get("description", "")))


def _text(escaped: str) -> str:
    try:
        return str(json.loads(f'"{escaped}"'))
    except ValueError:
        return escaped


def _halves(line: str) -> tuple[str, str]:
    """The name of a line, and what is after its colon or dash."""
    parts = re.split(r"\s*:\s+|\s+[–—-]\s+", line.replace("**", ""), maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def _concept(name: str, definition: str) -> JudgedConcept | None:
    name = one_line(name).strip("\"'*_`.: ")
    definition = one_line(definition).strip("\"'*_` ")
    if not 3 <= len(name) <= MAX_NAME or PLACEHOLDER in name or not any(c.isalpha() for c in name):
        return None
    return JudgedConcept(name, definition[:MAX_DEFINITION] or name)
