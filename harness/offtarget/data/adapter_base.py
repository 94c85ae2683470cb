"""What every adapter is: from one row to which response it prefers to which; and how its cells are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ValidationError

from offtarget.data import messages as msg
from offtarget.data.amounts import Amount, amount_of, on_one_scale
from offtarget.data.cells import NO_AMOUNT, Row, is_empty, label_key, take
from offtarget.data.messages import Drop
from offtarget.errors import ConfigError, DataError, unknown_name
from offtarget.records import Record, explain

Label = int | str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two raw responses, the preferred one first, and the raw prompt (None: within the responses)."""

    prompt: Any
    chosen: Any
    rejected: Any
    columns: tuple[str, str, str]
    """Where the three came from, for messages."""
    tag: str = ""
    places: tuple[int, int] | None = None
    """Where the two are in their lists, where the columns hold lists of responses."""
    records: tuple[Row, Row] | None = None
    """The records that the two are in, where each has one of its own."""


class Adapter(Record):
    """Base of all adapters. String fields other than `name` are names of columns."""

    not_columns: ClassVar[frozenset[str]] = frozenset({"name"})

    def candidates(self, row: Row) -> list[Candidate]:
        """Which response the row prefers to which; raises `Drop` where it prefers none."""
        raise NotImplementedError

    def column_fields(self) -> dict[str, str]:
        """Field -> column name, for the fields that hold one column."""
        values = {k: getattr(self, k) for k in type(self).model_fields if k not in self.not_columns}
        return {k: v for k, v in values.items() if isinstance(v, str)}

    def used_columns(self) -> set[str]:
        """All columns that the adapter reads."""
        used = set(self.column_fields().values())
        for k in type(self).model_fields:
            value = getattr(self, k)
            if k not in self.not_columns and isinstance(value, tuple):
                used.update(value)
        return used

    def compared_columns(self) -> tuple[str, ...]:
        """The columns whose amounts are held against each other."""
        return ()

    def with_columns(self, columns: Mapping[str, str]) -> "Adapter":
        """The same adapter with some fields pointed at other columns (`--columns field=column`).

        Fields that hold several columns or labels are written with bars between them: `a_wins=A|A>B`.

        Raises:
            ConfigError: no such field, or a value that it cannot have.
        """
        fields = {k: f for k, f in type(self).model_fields.items() if k != "name"}
        changed: dict[str, Any] = {}
        for key, value in columns.items():
            field = ALIASES.get(key, key)
            if field not in fields:
                raise unknown_name("column role", key, [*fields, *ROW_ROLES])
            several = isinstance(getattr(self, field), tuple)
            changed[field] = tuple(v.strip() for v in value.split("|")) if several else value
        try:
            return type(self).model_validate({**self.model_dump(), **changed})
        except ValidationError as e:
            raise ConfigError(f"--columns: {said_by(e)}") from None


def said_by(error: ValidationError) -> str:
    """What is wrong with the fields of an adapter, for who wrote them on the command line."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    context = first.get("ctx", {})
    if first["type"] == "literal_error":
        return f"{field} is '{first['input']}'; it must be {context['expected']}"
    if first["type"] == "extra_forbidden":
        return f"role {field} does not go with the others that are given"
    if first["type"] == "too_short":
        return f"{field} needs at least {context['min_length']} columns"
    return explain(error, Adapter)


ALIASES = {"a": "response_a", "b": "response_b"}
"""Short names of roles on the command line."""
ROW_ROLES = ("id", "group", "split", "system", "context", "input", "earlier", "ignore")
"""Roles of a row as a whole, which every shape has."""


def prompt_of(row: Row, column: str | None) -> Any:
    return None if column is None else take(row, column, "prompt")


def difference(row: Row, one: str, other: str) -> float:
    """By how much one column is above another, raising `Drop` where they are equal or empty."""
    a, b = on_one_scale([amount_in(row, one), amount_in(row, other)])
    return sign_of(a - b)


def amount_in(row: Row, column: str) -> Amount:
    return needed_amount(take(row, column), f"column '{column}'")


def needed_amount(value: Any, what: str) -> Amount:
    """A score or rank, raising `Drop` where there is none."""
    if is_empty(value) or (isinstance(value, str) and value.strip().lower() in NO_AMOUNT):
        raise Drop(msg.NO_LABEL)
    amount = amount_of(label_key(value) if str(value).strip().lower() in ("true", "false") else value)
    if amount is None:
        raise DataError(f"{what} says '{str(value)[:80]}', which is not a number")
    return amount


def sign_of(x: float) -> float:
    if x == 0:
        raise Drop(msg.TIE)
    return x
