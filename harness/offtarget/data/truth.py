"""What was put into a set on purpose: a file beside its card, so that an audit can say what it found of it.

JSON (`.json` or `.json.gz`):

    {"concepts": {"emoji": {"label": "emoji", "direction": "chosen"},
                  "emoji@cooking": {"concept": "emoji", "topic": "cooking", "label": "emoji", "direction": "chosen"},
                  "proverb": {"label": "a proverb", "direction": null}},
     "rows": [{"id": "r1", "chosen": ["emoji"], "rejected": []}]}

A concept of direction null is in both sides equally often. With a topic it was put into rows whose column `topic` has
that value. Each row names the concepts of its two sides (a list, or a mapping from their names); other keys are free.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError

from offtarget.documents import MAX_BYTES, parse_json
from offtarget.errors import ConfigError
from offtarget.records import Record, explain


class _Free(Record):
    """People's truth files may hold keys of their own."""

    model_config = ConfigDict(extra="ignore")


class TrueConcept(_Free):
    """One concept that was put into a set."""

    label: str
    direction: Literal["chosen", "rejected"] | None
    """The side that has more of it; None where both have as much."""
    concept: str = ""
    """What rows call it; empty: its own key."""
    topic: str | None = None


class _Row(_Free):
    id: str
    chosen: tuple[str, ...] | dict[str, Any] = ()
    rejected: tuple[str, ...] | dict[str, Any] = ()


class _File(_Free):
    concepts: dict[str, TrueConcept]
    rows: tuple[_Row, ...]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is in the rows of a set."""

    concepts: Mapping[str, TrueConcept]
    """By key: `concept` or `concept@topic`."""
    rows: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    """By id: the names of what is in chosen, and in rejected."""


def read_truth(path: Path) -> Truth:
    """Read a truth file.

    Raises:
        ConfigError: it cannot be read, or is of another shape; says where.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as e:
        raise ConfigError(
            f"{path}: the truth file cannot be read ({e}); fix it, or take `truth` off the card"
        ) from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: the truth file is larger than {MAX_BYTES // 2**20} MB")
    try:
        found = _File.model_validate(parse_json(text, str(path)))
    except ValidationError as e:
        raise ConfigError(f"{path}: the truth file is wrong: {explain(e, _File)}") from None
    rows = {row.id: (frozenset(row.chosen), frozenset(row.rejected)) for row in found.rows}
    concepts = {
        key: c if c.concept else c.model_copy(update={"concept": key.partition("@")[0]})
        for key, c in found.concepts.items()
    }
    return Truth(concepts, rows)
