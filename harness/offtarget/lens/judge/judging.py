"""Which of two responses has more of each concept, asked pair by pair; a share of the pairs in both orders.

Which response is A is drawn by a coin that knows no label. A pair that is asked in both orders counts for a side only
where both answers say so. An answer that cannot be read is no answer, and not "neither".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.lens.judge.answers import sides
from offtarget.lens.judge.concepts import JudgedConcept
from offtarget.lens.judge.options import JudgeOptions
from offtarget.lens.judge.texts import DATA, Shown, between, place, shown, tag_for

FEWEST_SWAPPED = 30
"""Pairs asked in both orders, where there are that many."""
JUDGE = """Below are a request and two responses, A and B. {data}

{texts}

Properties:
{properties}

For each property: which response has more of it, A or B? Say neither where both have as much of it, or none. Judge each \
property for itself, not which response is better. Answer with a JSON object that gives each number A, B or neither, and \
nothing else: {{"1": ..., "2": ...}}"""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judgements:
    """What the judge said, by pair and concept: 1 the response that was A at first has more, -1 the other, 0 neither.

    NaN is no answer that could be read, or none that was asked for. Nothing here knows a label but `chosen_first`.
    """

    once: Floats
    """`(n_pairs, n_concepts)` as asked first."""
    swapped: Floats
    """`(n_pairs, n_concepts)` asked again with A and B exchanged, turned back."""
    chosen_first: Floats
    """`(n_pairs,)` 1 where the chosen response was A at first, else -1."""
    asked: NDArray[np.bool_]
    """`(n_pairs,)` in one order at least; of pairs whose responses are one text nothing is asked, and neither has more."""
    asked_twice: NDArray[np.bool_]
    """`(n_pairs,)`"""

    @property
    def said(self) -> Floats:
        """Both orders together: where both were read a side must be said twice, else the one that was read counts."""
        both = np.where(self.once == self.swapped, self.once, 0.0)
        one = np.where(np.isnan(self.once), self.swapped, self.once)
        return np.where(np.isnan(self.once) | np.isnan(self.swapped), one, both)

    @property
    def value(self) -> Floats:
        """The same turned to labels: 1 chosen has more, -1 rejected."""
        return self.said * self.chosen_first[:, None]


@dataclass(frozen=True, eq=False)
class Plan:
    """All requests of one judging, and what each asks."""

    prompts: list[str]
    sheets: list[tuple[int, bool, list[int]]]
    """Row, whether A and B are exchanged, and the concepts in the order of their numbers."""
    shown: list[Shown | None]
    """By row; None where it is not judged."""
    twice: NDArray[np.bool_]

    @property
    def n_cut(self) -> int:
        """Judged pairs of which not everything is shown."""
        return sum(s is not None and s.is_cut for s in self.shown)

    @property
    def n_judged(self) -> int:
        """Pairs that are judged."""
        return sum(s is not None for s in self.shown)


def plan(pairs: PairSet, concepts: Sequence[JudgedConcept], held_out: NDArray[np.bool_], options: JudgeOptions) -> Plan:
    """Which pairs are asked about, in which order of responses and of concepts.

    Args:
        pairs: the rows.
        concepts: what is asked.
        held_out: rows of prompts that no concept was proposed from: they are the first to be asked in both orders.
        options: the judge's.
    """
    rows = _drawn(pairs, options)
    there: list[Shown | None] = [None] * len(pairs)
    for i in rows:
        there[i] = shown(pairs.pairs[i], options.characters, options.seed)
    twice = np.zeros(len(pairs), dtype=bool)
    asked = [i for i in rows if not there[i].alike]  # type: ignore[union-attr]
    n = min(len(asked), max(FEWEST_SWAPPED, int(np.ceil(options.swapped * len(asked)))))
    asked.sort(key=lambda i: (not held_out[i], place(options.seed, "twice", pairs.pairs[i].group), i))
    twice[asked[:n]] = True
    prompts, sheets = [], []
    for i in sorted(asked):
        s = there[i]
        assert s is not None
        numbers = sorted(
            range(len(concepts)), key=lambda j: place(options.seed, s.prompt, s.first, s.second, concepts[j].name)
        )
        for begin in range(0, len(numbers), options.at_once):
            some = numbers[begin : begin + options.at_once]
            for exchanged in (False, True)[: 1 + int(twice[i])]:
                prompts.append(_request(s, [concepts[j] for j in some], exchanged))
                sheets.append((i, exchanged, some))
    return Plan(prompts, sheets, there, twice)


def _drawn(pairs: PairSet, options: JudgeOptions) -> list[int]:
    """The rows that are judged, whole prompts in a random order until there are enough."""
    if options.pairs is None or options.pairs >= len(pairs):
        return list(range(len(pairs)))
    order = sorted(range(len(pairs)), key=lambda i: (place(options.seed, "judge", pairs.pairs[i].group), i))
    return sorted(order[: options.pairs])


def _request(s: Shown, concepts: Sequence[JudgedConcept], exchanged: bool) -> str:
    a, b = (s.second, s.first) if exchanged else (s.first, s.second)
    tag = tag_for([s.prompt, s.first, s.second])
    texts = "\n".join([between(tag, "request", s.prompt), between(tag, "A", a), between(tag, "B", b)])
    properties = "\n".join(f"{k}. {c.name}: {c.definition}" for k, c in enumerate(concepts, 1))
    return JUDGE.format(data=DATA.format(tag=tag), texts=texts, properties=properties)


def answer_tokens(options: JudgeOptions) -> int:
    """Most tokens of a judging answer."""
    return options.tokens or 32 + 16 * options.at_once


def read(made: Plan, answers: Sequence[str], n_concepts: int) -> Judgements:
    """The answers to a plan's requests."""
    n = len(made.shown)
    said = np.full((2, n, n_concepts), np.nan)
    alike = [i for i, s in enumerate(made.shown) if s is not None and s.alike]
    asked = np.zeros(n, dtype=bool)
    said[0, alike] = 0.0
    for (i, exchanged, numbers), answer in zip(made.sheets, answers, strict=True):
        asked[i] = True
        for j, side in zip(numbers, sides(answer, len(numbers)), strict=True):
            if side is not None:
                said[int(exchanged), i, j] = side
    chosen_first = np.array([1.0 if s is None or s.chosen_first else -1.0 for s in made.shown])
    return Judgements(said[0], -said[1], chosen_first, asked, made.twice)
