"""What stock answers do to an audit, as written in `audit.json`."""

from typing import Literal

from offtarget.records import Record


class StockTexts(Record):
    """The stock answers of one side: texts that answer many prompts (`data.stock`)."""

    side: Literal["chosen", "rejected"]
    n_texts: int
    texts: tuple[str, ...]
    """The beginnings of the most frequent ones."""
    chosen_rate: float
    """Share of rows whose chosen answer is one of these texts."""
    rejected_rate: float
    tested: Literal["without", "by text", "no"]
    """How a finding over the whole set must hold beside them. without: in the rows that hold none of them. by text: with
    each of them as one unit, where they are as good as ten texts. no: neither can be asked, and nothing is a finding."""
    n_without: int
    """Rows that hold none of the few texts of either side."""


class OnStock(Record):
    """What a hypothesis over the whole set would be if the stock answers were rows like all others."""

    q: float
    """By whole prompts over all rows, as if no text stood more than once."""
    effect_without: float | None
    """The effect in the rows without the stock answers; None where that was not asked."""
