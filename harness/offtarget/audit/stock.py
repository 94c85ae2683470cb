"""Stock answers in the statistics: what a finding over the whole set must hold beside.

Where one text answers a third of a side, the prompts that it answers are no evidence beyond that text: had it other
words, the lean would be another. What such texts do is a fact of the rows, and is stated as one. A finding over the
whole set must hold beside them:

- Texts that are as good as ten of equal frequency are units: a mean is taken for other than zero only where labels
  swapped prompt by prompt and labels swapped text by text both find it so. That is stricter than the sum of the two
  variances (Cameron, Gelbach and Miller 2011) where one of them is small, and never wrong by more than either test.
- Of fewer, units tell nothing: the test with one huge unit cannot reject. There the rows that hold none of them are
  asked, and must lean the same way. Where too few such rows are left, nothing over the whole set is a finding.

What leans over all rows and does not hold so is kept apart (`OnStock`): it is not absent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.flips import flip_p, refine, typical_values
from offtarget.audit.statistics.means import MIN_GROUPS, MIN_PAIRS, Floats, Ints, effective_groups, group_sums
from offtarget.audit.stock_records import StockTexts
from offtarget.data.identity import normalise
from offtarget.data.linked import kish
from offtarget.data.pairs import Pair, text_of
from offtarget.data.stock import MIN_PROMPTS, SIDES, StockAnswer, stock_answers

SHOWN, EXCERPT = 3, 60
"""Texts that a record quotes, and characters of each."""


@dataclass(frozen=True, eq=False)
class Stock:
    """The stock answers of some rows, as the test over the whole set takes them."""

    by_text: tuple[Ints, ...] = ()
    """Units in which each of many stock answers of a side is one."""
    without: NDArray[np.bool_] | None = None
    """Rows that hold none of few stock answers; None where no side has few."""
    records: tuple[StockTexts, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether enough rows are without them to test anything."""
        return all(r.tested != "no" for r in self.records)


@dataclass(frozen=True, eq=False)
class Beside:
    """Tests of means beside the stock answers, each array by column."""

    p: Floats
    ci: Floats
    """95 %, `(n_columns, 2)`; leaves out 0 exactly where p < 0.05."""
    effect_without: Floats | None
    """The mean over the rows without; None where that was not asked."""


def find_stock(pairs: Sequence[Pair], codes: Ints) -> Stock:
    """The stock answers of some rows.

    Args:
        pairs: the rows.
        codes: unit of each row; a text that is in fewer than three of them is no stock answer.
    """
    found = {side: _of_units(stock_answers(pairs, side), codes) for side in SIDES}
    few = {side: bool(a) and _effective(a) < MIN_GROUPS for side, a in found.items()}
    held = np.zeros(len(pairs), dtype=bool)
    for side in SIDES:
        if few[side]:
            held[[i for a in found[side] for i in a.rows]] = True
    without = ~held
    enough = _enough(codes[without])
    texts = {side: [normalise(text_of(getattr(p, side))) for p in pairs] for side in SIDES}
    records: list[StockTexts] = []
    for side in SIDES:
        if answers := found[side]:
            among = {normalise(a.text) for a in answers}
            rates = [sum(t in among for t in texts[s]) / len(pairs) for s in SIDES]
            records.append(
                StockTexts(
                    side=side,
                    n_texts=len(answers),
                    texts=tuple(_excerpt(a.text) for a in answers[:SHOWN]),
                    chosen_rate=rates[0],
                    rejected_rate=rates[1],
                    tested="by text" if not few[side] else "without" if enough else "no",
                    n_without=int(without.sum()),
                )
            )
    by_text = tuple(_codes(found[side], codes) for side in SIDES if found[side] and not few[side])
    return Stock(by_text, without if any(few.values()) else None, tuple(records))


def _of_units(answers: Sequence[StockAnswer], codes: Ints) -> list[StockAnswer]:
    return [a for a in answers if len(np.unique(codes[list(a.rows)])) >= MIN_PROMPTS]


def _effective(answers: Sequence[StockAnswer]) -> float:
    """As how many texts of equal frequency the stock answers are."""
    return kish(k for k, a in enumerate(answers) for _ in a.rows)


def _enough(codes: Ints) -> bool:
    return len(codes) >= MIN_PAIRS and effective_groups(_numbered(codes)) >= MIN_GROUPS


def _numbered(codes: Ints) -> Ints:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _codes(answers: Sequence[StockAnswer], codes: Ints) -> Ints:
    """Units in which each stock answer is one; rows with another answer keep theirs."""
    new = codes + len(answers)
    for k, answer in enumerate(answers):
        new[list(answer.rows)] = k
    return _numbered(new)


def _excerpt(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= EXCERPT else one[: EXCERPT - 1] + "…"


def hold_beside(stock: Stock, codes: Ints, u: NDArray[Any], p: Floats, ci: Floats, top: Ints, *, seed: int) -> Beside:
    """What is left of tests by prompt: p is raised and intervals are widened to what they are beside the stock answers.

    Args:
        stock: of the same rows.
        codes: unit of each row.
        u: `(n_pairs, n_columns)`.
        p: by prompt, `(n_columns,)`.
        ci: by prompt, `(n_columns, 2)`.
        top: columns whose interval comes from random labellings.
        seed: of those.
    """
    p, ci = p.copy(), ci.copy()
    for of_texts in stock.by_text:
        _raise_to(p, ci, u, of_texts, top, seed)
    if stock.without is None:
        return Beside(p, ci, None)
    if not stock.enough:
        p[:] = 1.0
        ci[:, 0], ci[:, 1] = np.minimum(ci[:, 0], 0.0), np.maximum(ci[:, 1], 0.0)
        return Beside(p, ci, None)
    rest = u[stock.without]
    _raise_to(p, ci, rest, _numbered(codes[stock.without]), top, seed)
    effect = rest.mean(axis=0, dtype=np.float64)
    p[effect * u.mean(axis=0, dtype=np.float64) <= 0] = 1.0
    return Beside(p, ci, effect)


def _raise_to(p: Floats, ci: Floats, u: NDArray[Any], codes: Ints, top: Ints, seed: int) -> None:
    """Raise p, and widen the intervals, to what they are by some units of some rows, where that is more.

    Args:
        p: `(n_columns,)`, written.
        ci: `(n_columns, 2)`, written.
        u: of those rows, `(n_rows, n_columns)`.
        codes: their units.
        top: columns whose interval comes from random labellings.
        seed: of those.
    """
    sums = group_sums(u, codes, int(codes.max()) + 1)
    other = flip_p(sums)
    if len(top):
        typical = typical_values(sums[:, top], np.bincount(codes).astype(np.float64), seed=seed)
        other[top] = refine(typical, other[top])
        ci[top, 0] = np.minimum(ci[top, 0], typical.ci[:, 0])
        ci[top, 1] = np.maximum(ci[top, 1], typical.ci[:, 1])
    np.maximum(p, other, out=p)
