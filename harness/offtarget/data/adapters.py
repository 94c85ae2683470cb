"""From a row of a source, whatever its shape, to pairs.

What is natural in good data (ties, equal responses) is a drop, to be counted by its reason; what means that the file
is not what its reader takes it for (a missing column, a number where text should be) is a `DataError`.
"""

from dataclasses import dataclass, field
from typing import Any

from offtarget.data import messages as msg
from offtarget.data.adapter_base import Adapter, Candidate
from offtarget.data.cells import Row
from offtarget.data.decoding import Decoder
from offtarget.data.messages import Drop, as_messages
from offtarget.data.pairs import Message, text_of
from offtarget.errors import DataError

PICTURES = ("image", "images", "video", "videos", "audio", "audios")
"""Columns that hold what is no text; a row in which one is filled is left out."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row says of one pair."""

    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    tag: str = ""
    """Tells apart the pairs of one row: "1-0" is response 1 preferred to response 0."""
    candidate: Candidate | None = field(default=None, compare=False, repr=False)
    """Which responses of the row these are."""


def adapt(row: Row, adapter: Adapter, *, strict: bool = True, decoder: Decoder | None = None) -> list[Parts | Drop]:
    """The pairs that a row states, and a `Drop` for each that cannot be used.

    Args:
        row: one row, column name -> cell.
        adapter: where to look.
        strict: in one's own file a null response and a prompt that does not end in a user turn are
            errors; in a public set nobody here can fix them, so they are dropped.
        decoder: how text that spells out a conversation is taken.

    Raises:
        DataError: the row is not of this shape; the message lacks file and row, which the loader adds.
    """
    filled = next((c for c in PICTURES if row.get(c)), None)
    if filled is not None and filled not in adapter.used_columns():
        return [Drop(msg.IMAGES, f"column '{filled}'")]
    try:
        candidates = adapter.candidates(row)
    except Drop as drop:
        return [drop]
    out: list[Parts | Drop] = []
    for candidate in candidates:
        try:
            out.append(_build(candidate, strict, decoder or Decoder()))
        except Drop as drop:
            if strict and drop.reason == msg.BROKEN_TALK:
                raise DataError(drop.detail) from None
            out.append(drop)
    return out


def _build(c: Candidate, strict: bool, decoder: Decoder) -> Parts:
    asked, chosen_cell, rejected_cell = decoder.candidate(c.prompt, (c.chosen, c.rejected), c.columns)
    sides = []
    for cell, column in ((chosen_cell, c.columns[1]), (rejected_cell, c.columns[2])):
        side = as_messages(cell, "assistant", f"column '{column}'", strict=strict)
        if c.columns[0]:
            _has_a_reply(side, f"column '{column}'", strict)
        sides.append(side)
    prompt = None
    if c.columns[0]:
        prompt = as_messages(asked, "user", f"column '{c.columns[0]}' (the prompt)", strict=strict)
    prompt, chosen, rejected = _cut(prompt, *sides)
    if prompt[-1]["role"] not in msg.ASKS:
        text = (
            f"the prompt ends in a turn of '{prompt[-1]['role']}', not of the user; "
            "leave that turn out, or put it at the head of both responses"
        )
        raise DataError(text) if strict else Drop(msg.PROMPT_END, text)
    if not text_of(prompt).strip():
        raise Drop(msg.EMPTY_PROMPT)
    for side in (chosen, rejected):
        if not side or side[-1]["role"] != "assistant":
            raise Drop(msg.NO_REPLY)
        if not side[-1]["content"].strip():
            raise Drop(msg.EMPTY)
    if _stripped(chosen) == _stripped(rejected):
        raise Drop(msg.IDENTICAL)
    return Parts(prompt, chosen, rejected, c.tag, c)


def _has_a_reply(side: list[Message], what: str, strict: bool) -> None:
    """Refuse an answer in which the assistant says nothing: the roles are mistaken."""
    if any(m["role"] == "assistant" for m in side):
        return
    text = f"{what}, turn {len(side)} has role {side[-1]['role']} where an assistant turn should be"
    raise DataError(text) if strict else Drop(msg.NO_REPLY, text)


def _cut(
    prompt: list[Message] | None, chosen: list[Message], rejected: list[Message]
) -> tuple[list[Message], list[Message], list[Message]]:
    """Part the prompt from responses that carry it."""
    carried = [side[0]["role"] != "assistant" for side in (chosen, rejected)]
    if prompt is not None and not any(carried):
        return prompt, chosen, rejected
    if prompt is not None and not all(carried):
        n = len(prompt)
        sides = [s[n:] if c and s[:n] == prompt else s for s, c in zip((chosen, rejected), carried, strict=True)]
        if any(not s or s[0]["role"] != "assistant" for s in sides):
            raise Drop(msg.PROMPTS_DIFFER, "one answer begins with turns that are not those of the prompt")
        return prompt, sides[0], sides[1]
    n = msg.common_prompt(chosen, rejected)
    if not n:
        raise Drop(msg.PROMPTS_DIFFER, "the two answers have no turn in common to begin with")
    own = chosen[:n]
    if prompt is not None:
        if prompt[-1]["content"].strip() not in {m["content"].strip() for m in own}:
            raise Drop(msg.PROMPTS_DIFFER, "both answers begin with turns that are not those of the prompt")
        if prompt[-n:] == own:
            own = prompt  # it may have a system turn that the responses lack
    return own, chosen[n:], rejected[n:]


def _stripped(turns: list[Message]) -> list[tuple[str, str]]:
    return [(m["role"], m["content"].strip()) for m in turns]


def usable(found: list[Parts | Drop]) -> int:
    """How many of what `adapt` gave are pairs, ties, or pairs of equal answers.

    A missing label is no sign that a row is of a shape: so looks every row of another one.
    """
    return sum(isinstance(x, Parts) or x.reason in (msg.TIE, msg.IDENTICAL) for x in found)


def tried(rows: list[Any], adapter: Adapter, decoder: Decoder | None = None) -> float:
    """Share of rows that an adapter can read; equal answers and ties count as read."""
    read = 0
    for row in rows:
        try:
            found = adapt(row, adapter, strict=False, decoder=decoder)
        except DataError:
            continue
        read += bool(found) and usable(found) > 0
    return read / len(rows) if rows else 0.0
