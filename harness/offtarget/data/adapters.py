"""From a row of a source, whatever its shape, to pairs.

What is natural in good data (ties, empty or equal responses) is a drop, to be counted by its reason;
what means that the file is not what its reader takes it for (a missing column, a number where text
should be) is a `DataError`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from offtarget.data import messages as msg
from offtarget.data.messages import Drop, as_messages
from offtarget.data.pairs import Message, text_of
from offtarget.data.shapes import Adapter, Candidate, ChosenRejected, Lists, Row, Transcript
from offtarget.errors import DataError


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row says of one pair."""

    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    tag: str = ""
    """Tells apart the pairs of one row: "1-0" is response 1 preferred to response 0."""


def adapt(row: Row, adapter: Adapter, *, strict: bool = True) -> list[Parts | Drop]:
    """The pairs that a row states, and a `Drop` for each that cannot be used.

    Args:
        row: one row, column name -> cell.
        adapter: where to look.
        strict: in one's own file a null response and a prompt that does not end in a user turn are
            errors; in a public set nobody here can mend them, so they are dropped.

    Raises:
        DataError: the row is not of this shape; the message lacks file and row, which the loader adds.
    """
    try:
        candidates = adapter.candidates(row)
    except Drop as drop:
        return [drop]
    out: list[Parts | Drop] = []
    for candidate in candidates:
        try:
            out.append(_build(candidate, strict))
        except Drop as drop:
            out.append(drop)
    return out


def guess(row: Row, columns: Mapping[str, str]) -> Adapter:
    """The adapter for a file without a card, from its first row and what `--columns` says.

    A prompt column with chosen and rejected (strings, message lists or lists of strings), or, without a
    prompt column, transcripts or message lists.
    """
    chosen = row.get(columns.get("chosen", "chosen"))
    has_prompt = "prompt" in columns or "prompt" in row
    adapter: Adapter = ChosenRejected()
    if isinstance(chosen, list) and chosen and all(isinstance(c, str) for c in chosen):
        adapter = Lists()
    elif not has_prompt and isinstance(chosen, str) and "\n\nHuman:" in chosen:
        adapter = Transcript()
    elif not has_prompt and isinstance(chosen, list):
        adapter = ChosenRejected(prompt=None)
    return adapter.with_columns(columns)


def _build(c: Candidate, strict: bool) -> Parts:
    chosen = as_messages(c.chosen, "assistant", f"column '{c.columns[1]}'", strict=strict)
    rejected = as_messages(c.rejected, "assistant", f"column '{c.columns[2]}'", strict=strict)
    prompt = None
    if c.columns[0]:
        prompt = as_messages(c.prompt, "user", f"column '{c.columns[0]}' (the prompt)", strict=strict)
    prompt, chosen, rejected = _cut(prompt, chosen, rejected)
    if prompt[-1]["role"] != "user":
        if strict:
            raise DataError(
                f"the prompt ends in a turn of '{prompt[-1]['role']}', not of the user; "
                "leave that turn out, or put it at the head of both responses"
            )
        raise Drop(msg.PROMPT_END)
    if not text_of(prompt).strip():
        raise Drop(msg.EMPTY_PROMPT)
    for side in (chosen, rejected):
        if not side or side[-1]["role"] != "assistant":
            raise Drop(msg.NO_REPLY)
        if not side[-1]["content"].strip():
            raise Drop(msg.EMPTY)
    if _stripped(chosen) == _stripped(rejected):
        raise Drop(msg.IDENTICAL)
    return Parts(prompt, chosen, rejected, c.tag)


def _cut(
    prompt: list[Message] | None, chosen: list[Message], rejected: list[Message]
) -> tuple[list[Message], list[Message], list[Message]]:
    """Part the prompt from responses that carry it."""
    carried = [side[0]["role"] != "assistant" for side in (chosen, rejected)]
    if prompt is not None and not any(carried):
        return prompt, chosen, rejected
    if prompt is not None and not all(carried):
        n = len(prompt)
        sides = [
            s[n:] if c and s[:n] == prompt else s for s, c in zip((chosen, rejected), carried, strict=True)
        ]
        if any(not s or s[0]["role"] != "assistant" for s in sides):
            raise Drop(msg.PROMPTS_DIFFER)
        return prompt, sides[0], sides[1]
    n = msg.common_prompt(chosen, rejected)
    if not n:
        raise Drop(msg.PROMPTS_DIFFER)
    own = chosen[:n]
    if prompt is not None:
        if prompt[-1]["content"].strip() not in {m["content"].strip() for m in own}:
            raise Drop(msg.PROMPTS_DIFFER)
        if prompt[-n:] == own:
            own = prompt  # it may have a system turn that the responses lack
    return own, chosen[n:], rejected[n:]


def _stripped(turns: list[Message]) -> list[tuple[str, str]]:
    return [(m["role"], m["content"].strip()) for m in turns]
