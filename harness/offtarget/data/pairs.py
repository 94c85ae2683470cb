"""A preference pair, and a loaded set of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from offtarget.data.asked import RowsAsked

_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)
"""One for all, since `json.dumps` makes a new one for each call."""


class Message(TypedDict):
    """One turn of a conversation, as chat templates take it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference: the same prompt, a chosen and a rejected completion, all as message lists."""

    id: str
    """Unique in its set."""
    group: str
    """The unit of splitting: by default a hash of the prompt, the same for prompts that are the same text
    (`identity.PromptGroups`)."""
    prompt: list[Message]
    """Ends in a user turn."""
    chosen: list[Message]
    """The turns that follow the prompt in the preferred answer; usually one assistant turn."""
    rejected: list[Message]
    meta: dict[str, Any] = field(default_factory=dict)
    """What else the source says of the row (topic, source, agreement); never read by the statistics."""
    sides: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """What it says of either response beside its text, (of chosen, of rejected), by the stem of the two columns
    (`sides.SideColumns`); None where it does not say it of that one."""


JOINT = "\n\n"
"""What is between the turns of a text."""


def spoken(messages: Sequence[Message]) -> list[bool]:
    """Which turns are read: all of a prompt; of an answer, which ends in a turn of the assistant, what the assistant says.

    Where chosen and rejected part before the last turn, the answers hold turns of the user and of tools too. They
    are what the answers led to, not what they say.
    """
    answer = bool(messages) and messages[-1]["role"] == "assistant"
    return [not answer or m["role"] == "assistant" for m in messages]


def text_of(messages: Iterable[Message]) -> str:
    """The contents of the turns that are read (`spoken`), joined by blank lines: what a lens that reads plain text sees."""
    turns = list(messages)
    if len(turns) == 1 and turns[0]["role"] in ("assistant", "user"):
        return turns[0]["content"]
    return JOINT.join(m["content"] for m, read in zip(turns, spoken(turns), strict=True) if read)


def reading(pairs: Iterable[Pair]) -> dict[str, str]:
    """What a hash of rows must hold beside them: which turns are read, where that is not all."""
    whole = all(all(spoken(side)) for p in pairs for side in (p.chosen, p.rejected))
    return {} if whole else {"answers": "turns of the assistant"}


def prompt_group(prompt: Iterable[Message]) -> str:
    """A short hash of a prompt (roles and contents), used as the group of a pair."""
    blob = _WRITER.encode([[m["role"], m["content"]] for m in prompt])
    return hashlib.sha256(blob.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """A row, or one pair of it, that was left out."""

    where: str
    """File and line or row, as messages name it: "pairs.jsonl line 3"."""
    reason: str
    """What `PairSet.dropped` counts it under."""
    detail: str = ""
    """What exactly was seen, where the reason alone does not say it."""


@dataclass(frozen=True)
class PairSet:
    """A loaded dataset: its pairs in a fixed order, and what was lost on the way."""

    name: str
    """Registry name, hub id or file name."""
    pairs: list[Pair]
    revision: str | None = None
    """The pinned revision of the source; None where the source has none or none was seen."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows (or pairs of a row) that could not be used, counted by reason."""
    dropped_rows: tuple[DroppedRow, ...] = ()
    """The same one by one, in the order of the source."""
    redistribution: str = "unknown"
    """yes, no or unknown: whether text of the set may be shown in committed results."""
    read_as: str = ""
    """The shape and the columns by which the rows were read, and whether a card said so or they were guessed."""
    adapter: str = ""
    """The one shape of all rows; empty where they have several."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Field of that adapter -> the column that it reads, where it reads one."""
    n_renamed: int = 0
    """Pairs whose id in the source stood there before, and got a suffix."""
    truth: Path | None = None
    """File that says what was put into which row, where the card of a set of known truth names one."""
    usable: int | None = None
    """Usable pairs of the source, where `pairs` is only a part of them (a limit, a sample)."""

    notes: tuple[str, ...] = ()
    """What was taken for what on reading, one line each."""
    cautions: tuple[str, ...] = ()
    """What a decision on the pairs should know of their reading."""
    split_column: bool = False
    """Whether `meta["split"]` of a pair is a split; it may be a label of that name."""
    unit: str = ""
    """The column whose values are the groups, in words; empty where prompts are."""
    unit_given: bool = False
    """Whether the reader was told what the groups are (`--columns group=...`): nothing else is made the unit then."""
    drawn: str = ""
    """Which part of the source `pairs` is, in words; empty for the whole."""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Id of a pair -> the line on which its row starts, of files whose rows are on lines."""
    asked: RowsAsked | None = None
    """What the reader was asked for; None of a set that was made in another way."""

    @property
    def n_usable(self) -> int:
        """Usable pairs of the source; `dropped` counts the others."""
        return len(self.pairs) if self.usable is None else self.usable

    @cached_property
    def rows_sha256(self) -> str:
        """Hash of all that the pairs say, in order, and of which turns are read: the identity of the data that was used."""
        read = reading(self.pairs)
        digest = hashlib.sha256(json.dumps(read).encode() if read else b"")
        for p in self.pairs:
            row = [p.id, p.group, p.prompt, p.chosen, p.rejected]
            digest.update(_WRITER.encode(row).encode())
            digest.update(b"\n")
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"<PairSet {self.name}: {len(self):,} pairs>"

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __getitem__(self, row: int) -> Pair:
        return self.pairs[row]

    def __len__(self) -> int:
        return len(self.pairs)
