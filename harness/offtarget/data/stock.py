"""Answers that come again under other prompts: canned refusals, "I don't know", one sentence for half of a side.

What an empty cell leaves (N/A, null) is no answer, however often it comes again: it is debris, and a fact of each row.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from offtarget.data.debris import is_empty_cell
from offtarget.data.identity import normalise, text_key
from offtarget.data.pairs import Pair, text_of

Side = Literal["chosen", "rejected"]
SIDES: tuple[Side, Side] = ("chosen", "rejected")

MIN_SHARE = 0.02
"""Stock answers make more than this share of their side, all together."""
MIN_EACH, MIN_PROMPTS = 0.005, 3
"""Each makes this share of its side or more, under this many different prompts or more."""


@dataclass(frozen=True, slots=True)
class StockAnswer:
    """One text that answers many prompts."""

    text: str
    """As it first is."""
    rows: tuple[int, ...]
    """Numbers of the rows whose answer on that side is this text."""
    n_prompts: int


def stock_answers(pairs: Sequence[Pair], side: Side) -> list[StockAnswer]:
    """The stock answers of one side, the most frequent first.

    Args:
        pairs: the rows.
        side: chosen or rejected.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for i, p in enumerate(pairs):
        text = text_of(getattr(p, side))
        if not is_empty_cell(text):
            rows[normalise(text)].append(i)
    out = []
    for members in rows.values():
        if len(members) < MIN_PROMPTS or len(members) < MIN_EACH * len(pairs):
            continue
        n_prompts = len({text_key(pairs[i].prompt) for i in members})
        if n_prompts >= MIN_PROMPTS:
            out.append(StockAnswer(text_of(getattr(pairs[members[0]], side)), tuple(members), n_prompts))
    if sum(len(a.rows) for a in out) <= MIN_SHARE * len(pairs):
        return []
    return sorted(out, key=lambda a: (-len(a.rows), a.rows))


def effective_texts(pairs: Sequence[Pair], side: Side) -> float:
    """As how many texts of equal frequency a side is (Kish: n² over the sum of squared frequencies)."""
    counts = Counter(normalise(text_of(getattr(p, side))) for p in pairs)
    return len(pairs) ** 2 / sum(n * n for n in counts.values())
