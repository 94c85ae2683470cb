"""A cell of prompt or answer as it was meant: text, or a conversation that was written as text."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offtarget.data import serialised, transcripts
from offtarget.data.messages import ASKS, BROKEN_TALK, Drop
from offtarget.data.pairs import Message
from offtarget.data.transcripts import Marks, Talk

SERIALISED = "JSON or Python"
"""The form of a conversation that is neither a list nor running text."""
PROMPT = "prompt"
"""Under which prompts that were cut off are counted."""
_LONG = 20
"""Characters of a prompt whose repetition in both answers is no accident."""
_REPLY_MARK = re.compile(
    r"\s*(?:Assistant|ASSISTANT|AI|Answer|A|Response|#{2,3} ?(?:Response|Assistant))\s*:|\s*<\|assistant\|>|\s*\[/INST\]"
)


@dataclass
class Decoder:
    """How the texts of one file are taken, and how often each way was used."""

    unsure: Mapping[str, Marks] = field(default_factory=dict)
    """Column -> marks of plain words that all its texts use."""
    talks: frozenset[str] = frozenset()
    """Columns of which most texts begin with a mark for who speaks. Elsewhere such a mark may have leaked into an answer:
    a text is a conversation there only if it reads as one to its end."""
    serialised: frozenset[str] = frozenset()
    """Columns of conversations written as JSON or Python, where a cell that begins as one must be one."""
    cut: bool = False
    """Whether so many answers repeat their prompt that it is the way in which the file is written."""
    cut_short: bool = False
    """Whether nearly all do, so that a short prompt is cut off too."""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(column, form) -> cells."""

    def candidate(self, prompt: Any, sides: tuple[Any, Any], columns: tuple[str, str, str]) -> tuple[Any, Any, Any]:
        """Prompt and both answers as they were meant.

        Answers lose white space and the mark that ends a turn where their prompt's own marks say that they go on with
        it, and the prompt where both repeat it.

        Args:
            prompt: a cell, or None.
            sides: the cells of both answers.
            columns: where the three are from.
        """
        asked = self._talk(prompt, columns[0])
        if isinstance(asked, Talk) and columns[0] not in self.talks and not _asks(asked):
            asked = None
        taken = self._taken(prompt, asked, columns[0])
        answers = self._answers(sides, columns[1:], last_turn(taken))
        if all(isinstance(a, str) for a in answers):
            if isinstance(asked, Talk):
                answers = [a.strip() for a in answers]
                ended = [transcripts.without_end(a, asked.marks) for a in answers]
                if all(e != a for e, a in zip(ended, answers, strict=True)):
                    answers = ended
            answers = self._without_prompt(taken, prompt, answers)
        return taken, answers[0], answers[1]

    def _talk(self, cell: Any, column: str) -> Talk | list[Any] | None:
        """The conversation that a cell of text spells out."""
        if not isinstance(cell, str):
            return None
        talk = serialised.talk_of(cell)
        if talk is None and column in self.serialised and serialised.looks_like_talk(cell):
            raise Drop(
                BROKEN_TALK,
                f"column '{column}' begins as a conversation written as text but is not whole JSON or Python "
                f"(it ends in '{cell.strip()[-20:]}')",
            )
        return talk or transcripts.parse(cell, self.unsure.get(column))

    def _taken(self, cell: Any, talk: Talk | list[Any] | None, column: str) -> Any:
        if talk is None:
            return cell
        self.seen[column, talk.marks.shown if isinstance(talk, Talk) else SERIALISED] += 1
        return talk.turns if isinstance(talk, Talk) else talk

    def _answers(self, sides: tuple[Any, Any], columns: tuple[str, ...], last: str | None) -> list[Any]:
        """Both sides; those that are only marked as the assistant's stay text, unless both are.

        Args:
            sides: the cells.
            columns: where they are from.
            last: what the last turn of the prompt says.
        """
        talks = [self._talk(s, c) for s, c in zip(sides, columns, strict=True)]
        whole = [isinstance(t, Talk) and _answers_in(t) for t in talks]
        for i, talk in enumerate(talks):
            if not isinstance(talk, Talk) or columns[i] in self.talks or _is_bare(talk):
                continue
            if not whole[i] or not (all(whole) or _asked_in(talk) == (last or "").strip()):
                talks[i] = None
        marked = [isinstance(t, Talk) for t in talks]
        bare = [isinstance(t, Talk) and _is_bare(t) for t in talks]
        return [
            cell if bare[i] and not all(marked) else self._taken(cell, talks[i], columns[i])
            for i, cell in enumerate(sides)
        ]

    def _without_prompt(self, taken: Any, prompt: Any, answers: list[Any]) -> list[Any]:
        if not self.cut:
            return answers
        cut = repeated(prompt, last_turn(taken), answers[0], answers[1], short=self.cut_short)
        if cut is None:
            return answers
        self.seen["", PROMPT] += 1
        return list(cut)


def is_answer(talk: Talk) -> bool:
    """Whether a conversation in a column of answers has the roles of one."""
    return _is_bare(talk) or _answers_in(talk)


def _asks(talk: Talk) -> bool:
    """Whether a conversation ends where the assistant is to speak."""
    return talk.open or talk.turns[-1]["role"] in ASKS


def _answers_in(talk: Talk) -> bool:
    """Whether a conversation is one in which the assistant answers last."""
    return transcripts.alternates(talk) and talk.turns[-1]["role"] == "assistant"


def _is_bare(talk: Talk) -> bool:
    """Whether nobody but the assistant speaks."""
    return not any(m["role"] == "user" for m in talk.turns)


def _asked_in(talk: Talk) -> str:
    """What the user says last."""
    return next((m["content"].strip() for m in reversed(talk.turns) if m["role"] == "user"), "")


def last_turn(taken: Any) -> str | None:
    """What the last turn of a decoded prompt says, where that is plain text."""
    if isinstance(taken, str):
        return taken
    turns: list[Message] = taken if isinstance(taken, list) else []
    said = turns[-1].get("content") if turns and isinstance(turns[-1], Mapping) else None
    return said if isinstance(said, str) else None


def repeated(
    prompt: Any, last: str | None, chosen: str, rejected: str, *, short: bool = False
) -> tuple[str, str] | None:
    """Both answers without the prompt that both begin with; None unless both do and go on after it.

    Args:
        prompt: the prompt's cell.
        last: what its last turn says.
        chosen: one answer.
        rejected: the other.
        short: also for prompts under 20 characters, with which an answer may begin by accident.
    """
    for text in (prompt, last):
        if not isinstance(text, str) or len(text.strip()) < (1 if short else _LONG):
            continue
        start = text.strip()
        sides = [s.lstrip() for s in (chosen, rejected)]
        if not all(s.startswith(start) for s in sides):
            continue
        rests = [s[len(start) :] for s in sides]
        if any(not r.strip() or (start[-1].isalnum() and r[0].isalnum()) for r in rests):
            continue
        marks = [_REPLY_MARK.match(r) for r in rests]
        if marks[0] and marks[1]:
            rests = [r[m.end() :] for r, m in zip(rests, marks, strict=True) if m]
        return rests[0].strip(), rests[1].strip()
    return None
