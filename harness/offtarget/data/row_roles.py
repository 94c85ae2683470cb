"""Columns that speak of a row as a whole: which they are, and what they add to its prompt."""

from collections.abc import Mapping
from typing import Any

from offtarget.data import columns as names_of
from offtarget.data.cards import RowColumns
from offtarget.data.cells import cell_of, has
from offtarget.data.evidence import TALK, TEXT, Census, values_of
from offtarget.data.guessing import Shapes
from offtarget.data.messages import as_messages, clean
from offtarget.data.pairs import Message
from offtarget.data.splits import is_split_name
from offtarget.errors import DataError

BY_PROMPT = "prompt"
"""The group column that stands for the prompt itself."""


def row_columns(given: Mapping[str, str], stated: RowColumns | None, shapes: Shapes, seen: Census) -> RowColumns:
    """Which columns speak of a row as a whole.

    Args:
        given: role -> column, as the person said.
        stated: what a card says; then nothing is guessed.
        shapes: the shapes of the rows; columns that they read are not taken twice.
        seen: all rows.
    """
    if stated is not None:
        return stated.model_copy(update=dict(given))
    used: set[str] = set().union(*(layout.adapter.used_columns() for layout in shapes.layouts))
    free = [c for c in seen.whole.names(TEXT, TALK) if c not in used and c not in given.values()]
    guessed: dict[str, str] = {}
    systems = names_of.named(free, names_of.SYSTEM)
    if systems:
        guessed["system"] = systems[0]
    prompts = {str(getattr(layout.adapter, "prompt", "")).lower() for layout in shapes.layouts}
    if "instruction" in prompts and (inputs := names_of.named(free, ("input",))):
        guessed["input"] = inputs[0]
    earlier = [c for c in seen.whole.columns if c.lower() == "history" and c not in used and _is_earlier(seen, c)]
    if earlier:
        guessed["earlier"] = earlier[0]
    return RowColumns(**{**guessed, **given})


def _is_earlier(seen: Census, column: str) -> bool:
    cells = [cell_of(r, column) for r in seen.whole.rows if r.get(column)]
    return bool(cells) and all(
        isinstance(cell, list) and all(isinstance(x, list) and len(x) == 2 for x in cell) for cell in cells
    )


def holds_splits(columns: RowColumns, given: Mapping[str, str], seen: Census, split: str | None) -> bool:
    """Whether the split column holds splits: by what it is called in the call, or by its values."""
    if split is not None or "split" in given:
        return True
    return all(map(is_split_name, values_of(seen.whole, columns.split)))


def extended_prompt(
    prompt: list[Message], row: Mapping[str, Any], columns: RowColumns, *, strict: bool
) -> list[Message]:
    """A prompt with what the columns `system`, `earlier`, `context` and `input` add to it.

    Raises:
        DataError: a cell of a wrong kind, or two system turns that differ.
        Drop: the same in a public set.
    """
    turns = list(prompt)
    context, more = (_text(row, c) for c in (columns.context, columns.input))
    if context or more:
        last = turns[-1]["content"]
        said = f"{context}\n\n{last}" if context else last
        turns[-1] = {"role": turns[-1]["role"], "content": f"{said}\n{more}" if more else said}
    if columns.earlier:
        turns = [*_earlier(row, columns.earlier), *turns]
    if columns.system and has(row, columns.system):
        cell = cell_of(row, columns.system)
        system = as_messages(cell, "system", f"column '{columns.system}'", strict=strict) if cell else []
        for n, turn in enumerate(system, start=1):
            if turn["role"] != "system":
                raise DataError(
                    f"column '{columns.system}', turn {n} has role {turn['role']} where a system turn should be"
                )
        own = turns[0]["content"].strip() if turns[0]["role"] == "system" else None
        said = "\n".join(m["content"] for m in system)
        if own is not None and said.strip() and own != said.strip():
            raise DataError(f"the prompt begins with a system turn, and column '{columns.system}' holds another one")
        if said.strip() and own is None:
            turns = [{"role": "system", "content": said}, *turns]
    return turns


def _text(row: Mapping[str, Any], column: str | None) -> str:
    cell = cell_of(row, column) if column and has(row, column) else None
    if cell is None:
        return ""
    if isinstance(cell, str):
        return clean(cell) if cell.strip() else ""
    raise DataError(f"column '{column}' is not text; only text can be added to a prompt")


def _earlier(row: Mapping[str, Any], column: str) -> list[Message]:
    cell = cell_of(row, column) if has(row, column) else None
    turns: list[Message] = []
    for item in cell or []:
        if not isinstance(item, list | tuple) or len(item) != 2 or not all(isinstance(x, str) for x in item):
            raise DataError(f"column '{column}' is not a list of (question, answer)")
        turns += [{"role": "user", "content": clean(item[0])}, {"role": "assistant", "content": clean(item[1])}]
    return turns
