"""Columns that score the two sides, held against the label: which rows prefer the answer with the lower score.

A pair of columns names the sides where their names are the same but for a word for the side: chosen_score and
rejected_score, score_winner and score_loser, preferredRating and dispreferredRating. Only columns that say they are
scores count: a token count may be lower on the chosen side with nothing wrong.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from offtarget.data.pairs import Pair

SHOWN = 50

_SIDES = {
    "chosen": "rejected", "winner": "loser", "win": "lose", "won": "lost", "winning": "losing", "preferred": "dispreferred",
    "accepted": "rejected", "better": "worse", "best": "worst", "positive": "negative", "pos": "neg", "good": "bad", "w": "l",
}  # fmt: skip
"""Word for the chosen side -> for the rejected one."""
_SCORE_WORDS = (
    "score scores rating ratings reward rewards grade grades quality overall utility helpfulness points vote votes elo "
    "preference value"
)
_SCORES = frozenset(_SCORE_WORDS.split())
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


class ScoreColumns(BaseModel):
    """Two columns that score chosen and rejected, and how they agree with the label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chosen: str
    """Column."""
    rejected: str
    n: int
    """Rows with both scores."""
    n_lower: int
    """Rows in which chosen has the lower score: the score contradicts the label."""
    n_equal: int
    lower: tuple[str, ...]
    """Ids of those, the widest gap first; at most 50."""


def score_columns(pairs: Sequence[Pair]) -> list[ScoreColumns]:
    """Every pair of columns that scores the two sides.

    Args:
        pairs: rows whose `meta` holds the columns.
    """
    columns = list(dict.fromkeys(k for p in pairs for k in p.meta))
    out = []
    for chosen, rejected in sides(columns):
        rows = [
            (p.id, a, b)
            for p in pairs
            if (a := number(p.meta.get(chosen))) is not None
            and (b := number(p.meta.get(rejected))) is not None
        ]
        if not rows:
            continue
        lower = sorted((a - b, i) for i, a, b in rows if a < b)
        out.append(
            ScoreColumns(
                chosen=chosen,
                rejected=rejected,
                n=len(rows),
                n_lower=len(lower),
                n_equal=sum(a == b for _, a, b in rows),
                lower=tuple(i for _, i in lower[:SHOWN]),
            )
        )
    return out


def sides(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of columns of a score that name the chosen and the rejected side."""
    by_words = {tuple(_words(c)): c for c in columns}
    out = []
    for words, column in by_words.items():
        if not _SCORES.intersection(words):
            continue
        for k, word in enumerate(words):
            other = by_words.get((*words[:k], _SIDES.get(word, ""), *words[k + 1 :]))
            if other is not None:
                out.append((column, other))
    return out


def _words(column: str) -> list[str]:
    return [w.lower() for w in _WORD.findall(column)]


def number(value: Any) -> float | None:
    """A cell as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def told(columns: ScoreColumns) -> str:
    """What a pair of columns says against the label, in words."""
    equal = f", {columns.n_equal} equal" if columns.n_equal else ""
    return f"{columns.n_lower} of {columns.n} rows have {columns.chosen} < {columns.rejected}{equal}"
