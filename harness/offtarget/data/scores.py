"""Columns that score the two sides, held against the label: which rows prefer the answer with the lower score.

Which columns name the sides, `offtarget.data.sides` says. Only columns that say they are scores count: a token count may
be lower on the chosen side with nothing wrong.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from offtarget.data.amounts import Amount, amount_of, scale_of
from offtarget.data.columns import words_of
from offtarget.data.pairs import Pair
from offtarget.data.sides import SCORE_WORDS, side_columns
from offtarget.errors import DataError
from offtarget.records import Record

SHOWN = 50


class ScoreColumns(Record):
    """Two columns that score chosen and rejected, and how they agree with the label."""

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
    unclear: str = ""
    """Why the scores of the two cannot be compared, in words; no row counts as lower or equal then."""


def score_columns(pairs: Sequence[Pair]) -> list[ScoreColumns]:
    """Every pair of columns that scores the two sides.

    Args:
        pairs: rows whose `meta` holds the columns.
    """
    columns = list(dict.fromkeys(k for p in pairs for k in p.meta))
    out = []
    for chosen, rejected in sides(columns):
        both = [
            (p.id, a, b)
            for p in pairs
            if (a := finite(p.meta.get(chosen))) is not None and (b := finite(p.meta.get(rejected))) is not None
        ]
        if not both:
            continue
        try:
            scale, unclear = scale_of(x for _, a, b in both for x in (a, b)), ""
        except DataError as e:
            scale, unclear = "plain", str(e)
        rows = [] if unclear else [(i, a.on(scale), b.on(scale)) for i, a, b in both]
        lower = sorted((a - b, i) for i, a, b in rows if a < b)
        out.append(
            ScoreColumns(
                chosen=chosen,
                rejected=rejected,
                n=len(both),
                n_lower=len(lower),
                n_equal=sum(a == b for _, a, b in rows),
                lower=tuple(i for _, i in lower[:SHOWN]),
                unclear=unclear,
            )
        )
    return out


def sides(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of columns of a score that name the chosen and the rejected side."""
    return [(c.chosen, c.rejected) for c in side_columns(columns) if SCORE_WORDS.intersection(words_of(c.chosen))]


def finite(value: Any) -> Amount | None:
    """A cell as a finite amount; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = amount_of(value)
    return found if found is not None and math.isfinite(found.value) else None


def told(columns: ScoreColumns) -> str:
    """What a pair of columns says against the label, in words."""
    if columns.unclear:
        return f"{columns.chosen}, {columns.rejected}: {columns.unclear}"
    equal = f", {columns.n_equal} equal" if columns.n_equal else ""
    return f"{columns.n_lower} of {columns.n} rows have {columns.chosen} < {columns.rejected}{equal}"
