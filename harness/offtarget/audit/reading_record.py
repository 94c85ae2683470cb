"""How an audit's rows and features were read: what another command needs to read the same."""

from dataclasses import asdict, fields
from typing import Any

from pydantic import field_validator

from offtarget.data.asked import RowsAsked
from offtarget.data.messages import clean
from offtarget.records import Record


class Reading(Record):
    """The options by which rows and features of an audit were read."""

    data: str | tuple[str, ...]
    """Registry name, path or hub id, as it was given; several files. Bytes of a name that are not UTF-8 are U+FFFD."""
    columns: dict[str, str] | None = None
    split: str | None = None
    limit: int | None = None
    limit_seed: int = 0
    head: int | None = None
    card: str | None = None
    skip_bad_rows: bool = False
    allow_drops: bool = False
    lens: tuple[str, ...]
    """Names with what is after the colon: `sae:FOLDER`."""
    model: str | None
    """Whose activations were read, as it was given; None where no lens reads any."""
    max_length: int
    """Tokens of prompt and answer that lenses on activations read."""
    template: str | None = None
    """Path of the chat template, as it was given."""

    @classmethod
    def of(cls, rows: RowsAsked, **features: Any) -> "Reading":
        """The record of rows that were asked for, and of how their features were read."""
        return cls(**asdict(rows), **features)

    @property
    def rows(self) -> RowsAsked:
        """The options that say which rows were read."""
        return RowsAsked(**{f.name: getattr(self, f.name) for f in fields(RowsAsked)})

    @field_validator("data", "card", "template", mode="before")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        """Names of files as text that JSON can hold."""
        if isinstance(value, str):
            return clean(value)
        return tuple(map(clean, value)) if isinstance(value, tuple | list) else value
