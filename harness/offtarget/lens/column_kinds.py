"""What the cells of a column for the two sides hold: amounts, truths or names; or why they make no concept."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from offtarget.data.amounts import Amount, scale_of
from offtarget.data.scores import finite
from offtarget.errors import DataError

Cell = Any
Cells = Sequence[tuple[Cell, Cell]]
"""(of chosen, of rejected) of every row; None where the row does not say it."""

MOSTLY = 0.95
"""Share of the filled cells that must be of a kind to make the column one of it."""
FEWEST, FEWEST_SHARE = 5, 0.01
"""Rows, and share of rows, in which a value must be on either side to be a concept."""
MOST_VALUES = 30
"""Values of a column that become concepts, those in most rows."""
LONG = 80
"""Mean characters from which a column is text and no name."""
WIDE, WIDE_FROM = 20.0, 100.0
"""Amounts are compared on a log scale where none is below 0, the 95th percentile is above 100, and it is (each with 1
added) at least 20 times the 5th."""
LARGEST = 1e30
"""A number beyond it is none: float32 ends soon after."""
REST = "(any other)"
"""The value of all values that have no concept of their own."""
_MISSING = frozenset({"", "nan", "null", "n/a"})
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}(?: .*)?")
_WHOLE = re.compile(r"-?\d+\.0+")
_TIMES = frozenset({"timestamp", "date", "datetime", "time", "created", "updated", "utc"})
_FIRST_TIME = 1e8
"""Seconds; an amount of a column that is called a time and is larger everywhere is a moment."""
_IDENTITIES = frozenset({
    "id", "ids", "uuid", "hash", "index", "idx", "annotator", "annotators", "worker", "user", "author", "model", "type",
    "category", "class", "code", "group", "language", "lang",
})  # fmt: skip
"""Words of names of columns whose whole numbers name things and measure nothing."""
_COUNTED = frozenset({
    "tokens", "words", "characters", "chars", "letters", "sentences", "lines", "votes", "upvotes", "likes", "seconds",
})  # fmt: skip
_ID_CHARACTERS = 80


@dataclass(frozen=True)
class Variable:
    """What one pair of columns says of a side."""

    name: str
    stem: str
    """Of the columns (`data.sides.SideColumns`)."""
    kind: Literal["amount", "truth", "name"]
    unit: str = ""
    log: bool = False
    """Whether an amount is compared on a log scale."""
    values: tuple[str, ...] = ()
    """Of a name: those that are concepts, the one in most rows first."""
    rest: bool = False
    """Whether all other values are one more concept."""
    shares: bool = False
    """Whether amounts are read as shares of their wholes: "8/10" as 0.8, not as 8."""

    def number(self, cell: Cell) -> float | None:
        """An amount, or None where the cell holds none that can be compared."""
        amount = _amount(cell)
        if amount is None or (self.shares and amount.whole is None):
            return None
        found = amount.on("shares" if self.shares else "plain")
        return None if self.log and found < 0 else found


def decide(name: str, stem: str, cells: Cells) -> Variable | str:
    """What a column is, or in words why it makes no concept.

    Args:
        name: the columns' name without the word for the side.
        stem: the same with `*` in its place.
        cells: of all rows.
    """
    need = fewest(len(cells))
    both = [(a, b) for a, b in cells if is_there(a) and is_there(b)]
    if len(both) < need:
        return f"on both sides in {len(both)} rows only"
    flat = [x for pair in both for x in pair]
    texts = Counter(map(text, flat))
    if len(texts) == 1:
        return f"'{_short(next(iter(texts)))}' everywhere"
    if all(text(a) == text(b) for a, b in both):
        return "the same on both sides of every row"
    if _share(flat, lambda x: truth(x) is not None) == 1:
        return Variable(name, stem, "truth")
    words = set(stem.split("_"))
    amounts = [x for x in map(_amount, flat) if x is not None]
    numbers = [x.value for x in amounts]
    if _share(flat, lambda x: isinstance(x, str) and _DATE.fullmatch(x.strip())) >= MOSTLY or (
        words & _TIMES and len(numbers) == len(flat) and min(numbers) > _FIRST_TIME
    ):
        return "dates"
    names = bool(words & _IDENTITIES) and all(x == round(x) for x in numbers)
    if len(numbers) >= MOSTLY * len(flat) and not names:
        usable = [(a, b) for a, b in both if _amount(a) is not None and _amount(b) is not None]
        try:
            scale = scale_of(amounts)
        except DataError:
            return "amounts of no common scale"
        numbers = [x.on(scale) for x in amounts]
        found = Variable(name, stem, "amount", _unit(name, amounts), _wide(numbers), shares=scale == "shares")
        if all(found.number(a) == found.number(b) for a, b in usable):
            return "the same on both sides of every row"
        return found
    if sum(map(len, texts.elements())) > LONG * len(flat):
        return "long text"
    return _named(name, stem, both, need)


def is_mixed(cells: Cells) -> bool:
    """Whether a column holds numbers and text that is none."""
    flat = [x for pair in cells for x in pair if is_there(x)]
    return bool(flat) and 1 - MOSTLY < _share(flat, lambda x: _amount(x) is not None) < MOSTLY


def fewest(n_rows: int) -> int:
    """Rows that a value must be in: 5, and 1 % of all."""
    return max(FEWEST, math.ceil(FEWEST_SHARE * n_rows))


def _named(name: str, stem: str, both: Cells, need: int) -> Variable | str:
    rows: Counter[str] = Counter()
    for a, b in both:
        rows.update({text(a), text(b)})
    kept = sorted((v for v, n in rows.items() if n >= need), key=lambda v: (-rows[v], v))[:MOST_VALUES]
    if not kept:
        return f"{len(rows):,} values, none of them in {need} rows"
    rest = rows.keys() - set(kept)
    n_rest = sum(not rest.isdisjoint((text(a), text(b))) for a, b in both)
    return Variable(name, stem, "name", values=tuple(kept), rest=len(rest) > 1 and n_rest >= need)


def is_there(cell: Cell) -> bool:
    """Whether a cell says anything."""
    if isinstance(cell, float):
        return not math.isnan(cell)
    return cell is not None and not (isinstance(cell, str) and cell.strip().lower() in _MISSING)


def truth(cell: Cell) -> bool | None:
    """A cell as true or false; None where it is neither."""
    if isinstance(cell, bool):
        return cell
    return _TRUTHS.get(cell.strip().lower()) if isinstance(cell, str) else None


def text(cell: Cell) -> str:
    """A cell as it is compared with others: white space as single spaces, 3.0 and "3.0" as 3."""
    if isinstance(cell, float):
        return f"{cell:.12g}"
    found = " ".join(str(cell).split())
    return found.partition(".")[0] if _WHOLE.fullmatch(found) else found


def value_id(value: str) -> str:
    """A value as the end of a concept's id; what is too long ends in a hash."""
    if len(value) <= _ID_CHARACTERS:
        return value
    return f"{value[:_ID_CHARACTERS]}~{hashlib.sha256(value.encode()).hexdigest()[:8]}"


def _amount(cell: Cell) -> Amount | None:
    """A cell as an amount that can be compared."""
    found = finite(cell)
    return None if found is None or abs(found.value) > LARGEST else found


def _unit(name: str, amounts: Sequence[Amount]) -> str:
    """The unit of an amount: what is counted, or units of the column, and of how many where cells say it."""
    last = name.rpartition("_")[2]
    if last in _COUNTED:
        return last
    of = sorted({x.whole for x in amounts if x.whole is not None})
    if len(of) > 1:
        return f"share of the most that {name} can be"
    return f"units of {name}" + (f" (of {of[0]:g})" if of else "")


def _wide(numbers: Sequence[float]) -> bool:
    low, high = np.quantile(numbers, [0.05, 0.95])
    return bool(min(numbers) >= 0 and high > WIDE_FROM and (1 + high) / (1 + low) >= WIDE)


def _share(flat: Sequence[Cell], test: Any) -> float:
    return sum(bool(test(x)) for x in flat) / len(flat)


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:39]}…"
