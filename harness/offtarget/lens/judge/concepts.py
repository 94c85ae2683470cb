"""What a judge is asked about: a name and a sentence that says what more of it means."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offtarget.documents import read_yaml
from offtarget.errors import ConfigError

MAX_NAME, MAX_DEFINITION = 60, 240
"""Characters that are kept of what a model proposes, and allowed in a file."""


@dataclass(frozen=True)
class JudgedConcept:
    """One property of a response that another may have less of."""

    name: str
    definition: str

    def as_json(self) -> dict[str, str]:
        """For `info`."""
        return asdict(self)


def read_judged(file: str | Path) -> tuple[JudgedConcept, ...]:
    """Own concepts from a YAML file that maps each name to a sentence.

    Raises:
        ConfigError: no such file, not YAML, not such a mapping, or two names that mean the same column.
    """
    path = Path(file)
    raw = read_yaml(path)
    if not isinstance(raw, dict) or not raw:
        raise ConfigError(
            f"{path}: concepts for a judge are a mapping of names to sentences "
            "(formal wording: The wording is formal rather than casual.)"
        )
    found = []
    for name, definition in raw.items():
        if not isinstance(name, str) or not isinstance(definition, str) or not name.strip() or not definition.strip():
            raise ConfigError(f"{path}: {name}: give a name and one sentence that says what more of it means")
        for text, most in ((name, MAX_NAME), (definition, MAX_DEFINITION)):
            if len(text) > most:
                raise ConfigError(
                    f"{path}: {name[:MAX_NAME]}: {len(text)} characters, at most {most} are shown; shorten it"
                )
        found.append(JudgedConcept(one_line(name), one_line(definition)))
    names = column_names(found)
    if len({normalised(c.name) for c in found}) < len(found):
        raise ConfigError(f"{path}: two names differ in case or signs alone ({', '.join(names)}); keep one of them")
    return tuple(found)


def as_concepts(raw: Iterable[Any]) -> tuple[JudgedConcept, ...]:
    """The inverse of `JudgedConcept.as_json`, for the concepts of an earlier audit."""
    return tuple(JudgedConcept(str(c["name"]), str(c["definition"])) for c in raw)


def one_line(text: str) -> str:
    """Text without line breaks and other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def normalised(name: str) -> str:
    """What two names share that mean the same: case, signs, and a leading "more" do not count."""
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    while len(words) > 1 and words[0] in ("more", "greater", "higher", "a", "the", "use", "uses", "of"):
        words = words[1:]
    return " ".join(words)


def column_names(concepts: Sequence[JudgedConcept]) -> list[str]:
    """Ids of the columns, `judge:formal-wording`, each once."""
    out: list[str] = []
    for c in concepts:
        slug = re.sub(r"[^a-z0-9]+", "-", normalised(c.name)).strip("-")[:40].strip("-")
        slug = slug or f"concept-{hashlib.sha256(c.name.encode()).hexdigest()[:8]}"
        name, k = f"judge:{slug}", 2
        while name in out:
            name, k = f"judge:{slug}-{k}", k + 1
        out.append(name)
    return out
