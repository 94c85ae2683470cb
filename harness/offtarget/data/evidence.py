"""What the cells of a file hold, column by column, over all its rows: what the shape is decided from."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from offtarget.data.amounts import Amounts, amount_of
from offtarget.data.cells import cell_of, is_empty, label_key
from offtarget.data.columns import may_have_role
from offtarget.data.located import BadRow, LocatedRow
from offtarget.data.messages import conversation_of
from offtarget.errors import DataError

_MOST_VALUES = 64
_SHORT = 60
"""Characters of a value that may be a label."""
SAMPLED = 512
"""Rows that are kept to try a shape on: at most this many of each set of filled columns, spread over the file."""

TEXT, TALK, TEXTS, NUMBER, TRUTH, RECORDS, OTHER = (
    "text", "conversation", "list of texts", "number", "true or false", "list of mappings", "other",
)  # fmt: skip
CONTENT = (TEXT, TALK, TEXTS)


@dataclass
class Column:
    """The cells of one column that hold something."""

    kinds: Counter[str] = field(default_factory=Counter)
    chars: int = 0
    values: Counter[str] | None = field(default_factory=Counter)
    """Short values as they are compared, with counts; None where there are many."""
    shown: dict[str, str] = field(default_factory=dict)
    """The same as they are written (one way of each)."""
    amounts: Amounts = field(default_factory=Amounts)
    """Its cells that are amounts."""

    @property
    def n(self) -> int:
        """Filled cells."""
        return self.kinds.total()

    @property
    def kind(self) -> str:
        """What most cells hold."""
        return self.kinds.most_common(1)[0][0] if self.kinds else OTHER

    @property
    def mean_chars(self) -> float:
        """Mean length of its texts."""
        return self.chars / max(1, self.kinds[TEXT])

    def add(self, value: Any) -> None:
        """Count one cell."""
        kind = kind_of_cell(value)
        self.kinds[kind] += 1
        if kind == TEXT:
            self.chars += len(value)
        if kind == NUMBER or (kind == TEXT and len(value) <= _SHORT):
            amount = amount_of(value)
            if amount is not None:
                self.amounts.add(amount)
        if self.values is None:
            return
        if kind in (TALK, TEXTS, RECORDS, OTHER) or (kind == TEXT and len(value) > _SHORT):
            self.values = None
            return
        key, text = label_key(value), str(value).strip()
        self.values[key] += 1
        self.shown[key] = min(text, self.shown.get(key, text))
        if len(self.values) > _MOST_VALUES:
            self.values = None

    def merge(self, other: "Column") -> None:
        """Add the cells of other rows."""
        self.kinds += other.kinds
        self.chars += other.chars
        self.amounts.merge(other.amounts)
        if self.values is None or other.values is None:
            self.values = None
            return
        self.values += other.values
        self.shown = {**other.shown, **{k: min(v, other.shown.get(k, v)) for k, v in self.shown.items()}}
        if len(self.values) > _MOST_VALUES:
            self.values = None


@dataclass
class Evidence:
    """Some rows of a file."""

    n: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    """A sample, drawn with a fixed seed: every n-th row would be all or none of those that come at regular distances."""
    _step: int = 1
    _draw: Random = field(default_factory=lambda: Random(0))  # noqa: S311

    def keep(self, row: Mapping[str, Any]) -> None:
        """Count one row, and keep it if it is one of the sample."""
        if self._step == 1 or self._draw.random() * self._step < 1:
            self.rows.append(row)
            if len(self.rows) >= 2 * SAMPLED:
                self.rows = [self.rows[i] for i in sorted(self._draw.sample(range(2 * SAMPLED), SAMPLED))]
                self._step *= 2
        self.n += 1

    def add(self, row: Mapping[str, Any], cells: Iterable[tuple[str, Any]]) -> None:
        """Count one row and its filled cells."""
        for name, value in cells:
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = Column()
            column.add(value)
        self.keep(row)

    def names(self, *kinds: str) -> list[str]:
        """Columns that mostly hold cells of some kinds, in the order of the file."""
        return [name for name, c in self.columns.items() if c.kind in kinds]


@dataclass
class Census:
    """All rows of a file, also apart by which columns with a role are filled."""

    whole: Evidence = field(default_factory=Evidence)
    by_key: dict[frozenset[str], Evidence] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    """All columns, filled or not."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row; `close` ends the count."""
        if not self._known.issuperset(row):
            self.header += [name for name in row if name not in self._known]
            self._known.update(row)
        cells = list(filled(row))
        key = key_of(cells)
        evidence = self.by_key.get(key)
        if evidence is None:
            evidence = self.by_key[key] = Evidence()
        evidence.add(row, cells)
        self.whole.keep(row)

    def close(self) -> "Census":
        """Put together what the whole holds."""
        order = {name: i for i, name in enumerate(self.header)}
        for evidence in self.by_key.values():
            for name, column in evidence.columns.items():
                self.whole.columns.setdefault(name, Column()).merge(column)
        by_place = sorted(self.whole.columns, key=lambda c: (order.get(c, order.get(c.partition(".")[0], 0)), c))
        self.whole.columns = {name: self.whole.columns[name] for name in by_place}
        return self

    _known: set[str] = field(default_factory=set)


def census(rows: Iterable[LocatedRow]) -> Census:
    """Look at all rows."""
    out = Census()
    for _, row in rows:
        if not isinstance(row, BadRow):
            out.add(row)
    return out.close()


def key_of(cells: Iterable[tuple[str, Any]]) -> frozenset[str]:
    """What tells apart rows of different shapes: which of the columns are filled that may have a role."""
    return frozenset(name for name, value in cells if isinstance(value, list | dict) or may_have_role(name))


def filled(row: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The cells of a row that hold something, with the entries of mappings as `column.entry`."""
    for name, value in row.items():
        if is_empty(value):
            continue
        yield name, value
        if not isinstance(value, str | int) and isinstance(value, Mapping) and conversation_of(value) is None:
            for inner, cell in value.items():
                if not is_empty(cell) and f"{name}.{inner}" not in row:
                    yield f"{name}.{inner}", cell


def kind_of_cell(value: Any) -> str:
    """What a cell holds."""
    if isinstance(value, str):
        return TEXT
    if isinstance(value, bool):
        return TRUTH
    if isinstance(value, int | float):
        return NUMBER
    if conversation_of(value) is not None:
        return TALK
    if isinstance(value, Sequence) and value and all(isinstance(v, str) for v in value):
        return TEXTS
    return RECORDS if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value) else OTHER


def shown_of(evidence: Evidence, column: str) -> dict[str, str]:
    """Short values of a column as they are written, by what they are compared as."""
    found = evidence.columns.get(column)
    return dict(found.shown) if found else {k: k for k in values_of(evidence, column)}


def require_one_scale(evidence: Evidence, columns: Sequence[str]) -> None:
    """Refuse columns to be compared whose amounts have no common scale in all rows.

    Raises:
        DataError: naming the columns.
    """
    together = Amounts()
    for name in columns:
        if name in evidence.columns:
            together.merge(evidence.columns[name].amounts)
    try:
        together.scale()
    except DataError as e:
        raise DataError(f"columns {', '.join(columns)}: {e}") from None


def values_of(evidence: Evidence, column: str) -> dict[str, int]:
    """Short values of a column with counts, also of one that is an entry of a mapping; empty where there are many."""
    found = evidence.columns.get(column)
    if found is None:
        counts = Counter(label_key(cell_of(r, column)) for r in evidence.rows if cell_of(r, column) is not None)
        return dict(counts) if len(counts) <= _MOST_VALUES else {}
    return dict(found.values or {})
