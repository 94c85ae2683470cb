"""How an audit's rows and features were read: what another command needs to read the same."""

from typing import Any

from pydantic import field_validator

from offtarget.data.asked import RowsAsked
from offtarget.data.messages import clean


class Reading(RowsAsked):
    """The options by which rows and features of an audit were read."""

    data: str | tuple[str, ...]
    """Registry name, path or hub id, as it was given; several files. Bytes of a name that are not UTF-8 are U+FFFD."""
    lens: tuple[str, ...]
    """Names with what is after the colon: `sae:FOLDER`."""
    model: str | None
    """Whose activations were read, as it was given; None where no lens reads any."""
    max_length: int
    """Tokens of prompt and answer that lenses on activations read."""
    template: str | None = None
    """Path of the chat template, as it was given."""

    @field_validator("data", "card", "template", mode="before")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        """Names of files as text that JSON can hold."""
        if isinstance(value, str):
            return clean(value)
        return tuple(map(clean, value)) if isinstance(value, tuple | list) else value
