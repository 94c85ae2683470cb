"""A person's decisions on concepts: what a model may learn from a dataset, what not, and who said so.

schema_version: 1
vocabulary: <key>          # holds for every audit made with it
by: name                   # of every verdict that does not say it itself, as date
date: 2026-01-31
verdicts:
  - {concept: surface:bold, context: null, decision: suppress, strength: 1.0, why: "style, not substance"}
"""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from offtarget.audit.concepts.metadata import column_of
from offtarget.audit.folder import AuditWithRows
from offtarget.audit.records import Audit
from offtarget.documents import parse_yaml, plain_line
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.records import Record, explain

SCHEMA_VERSION = 1
Decision = Literal["allow", "suppress", "amplify", "undecided"]
UNDECIDED_BY = "template"
"""Who is said to have decided in a line of earlier templates, which allow: such a line is no decision either."""
BLANK = frozenset({"by", "date", "why", "where", "until", "seen"})
"""What a verdict may leave unsaid; that is then not written."""
_CONTEXT_ID = re.compile(r"(topic|prompt):[0-9a-f]{12}")


def _real_date(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date | str):
        raise ValueError("write the date as YYYY-MM-DD")
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write the date as YYYY-MM-DD")
    return value


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not yes or no")
    return value


def _usable_strength(value: float) -> float:
    if not math.isfinite(value) or value <= 0:
        raise ValueError("strength must be a finite number above 0; to turn a concept down, decide 'suppress'")
    return value


def _worded(text: str) -> str:
    """A key or value of metadata as it is; quoted where its signs could be those between them, or of a context's id."""
    return text if re.fullmatch(r"[\w .-]+", text) else json.dumps(text, ensure_ascii=False)


class Seen(Record):
    """What a decision was made on: the size of the concept's lean as the decider saw it."""

    effect: float
    """In the unit of the concept."""
    ci: tuple[float, float]
    """95 %."""
    n: int = Field(ge=0)
    """Pairs that the effect is over."""
    unit: str = ""
    audit: str = Field(min_length=1)
    """Key of the audit."""
    vocabulary: str = Field(min_length=1)


class Verdict(Record):
    """One decision on one concept: everywhere, in one context, or on pairs whose metadata says so.

    Files of verdicts, recipes and cells hold the same record. Only a file must say who decided, and when; a cell keeps
    what changes a run.
    """

    model_config = ConfigDict(allow_inf_nan=True)  # the strength says itself what it may be

    concept: str = Field(min_length=1)
    context: str | None = None
    """A context id; None: everywhere."""
    decision: Decision
    strength: Annotated[float, BeforeValidator(_no_boolean), AfterValidator(_usable_strength)] = 1.0
    """Multiplies a protocol's own strength; always positive, the decision gives the sign."""
    by: str = ""
    date: Annotated[dt.date | None, BeforeValidator(_real_date)] = None
    why: str = ""
    where: dict[str, str] | None = Field(default=None, min_length=1)
    """Only the pairs whose metadata says so, such as {topic: cooking}; instead of a context, which the audit found."""
    until: Annotated[dt.date | None, BeforeValidator(_real_date)] = None
    """The last day on which it holds for the gate; None: it does not expire."""
    seen: Seen | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Verdict":
        if self.context is not None and self.where is not None:
            raise ValueError("a verdict has a context or a where, not both")
        return self

    @model_serializer(mode="wrap")
    def _without_blanks(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """All that is said: cells hold no author, and their keys hash what they hold."""
        values: dict[str, Any] = whole(self)
        return {k: v for k, v in values.items() if k not in BLANK or v not in (None, "")}

    @property
    def sign(self) -> int:
        """+1 to amplify, -1 to suppress, 0 to allow and where nothing is decided."""
        return {"amplify": 1, "suppress": -1}.get(self.decision, 0)

    @property
    def decided(self) -> bool:
        """Whether somebody decided: a line that is as its template had it changes nothing, and is no exception."""
        return self.decision != "undecided" and (self.by != UNDECIDED_BY or self.sign != 0)

    @property
    def scope(self) -> str | None:
        """The context, or the metadata in words (`topic=cooking`); None: everywhere."""
        if self.where is None:
            return self.context
        return ", ".join(f"{_worded(key)}={_worded(value)}" for key, value in sorted(self.where.items()))

    @property
    def place(self) -> tuple[str, str | None]:
        """Concept and scope: at most one verdict is on each."""
        return self.concept, self.scope

    def name(self) -> str:
        """`concept` or `concept in scope`, for messages."""
        return self.concept if self.scope is None else f"{self.concept} in {self.scope}"

    def acting(self) -> "Verdict":
        """The part that changes a run: not who decided it, when, or why."""
        return self.model_copy(update={"by": "", "date": None, "why": "", "until": None, "seen": None})

    def decider(self) -> str:
        """`ann (2026-01-31)`, for messages."""
        return (self.by or "nobody named") + (f" ({self.date})" if self.date else "")


class Verdicts(Record):
    """A verdicts file: at most one decision for each concept and context."""

    schema_version: Literal[1] = 1
    vocabulary: str = Field(min_length=1)
    by: str = ""
    """Who decided, of the verdicts that do not say it."""
    date: Annotated[dt.date | None, BeforeValidator(_real_date)] = None
    """When, of the verdicts that do not say it."""
    verdicts: Annotated[tuple[Verdict, ...], BeforeValidator(lambda rows: () if rows is None else rows)] = ()

    @model_validator(mode="after")
    def _each_signed(self) -> "Verdicts":
        """Each verdict says who decided and when, where the file says it once."""
        if self.by or self.date:
            said = tuple(
                v.model_copy(update={"by": v.by or self.by, "date": v.date or self.date}) for v in self.verdicts
            )
            object.__setattr__(self, "verdicts", said)
        return self


@dataclass(frozen=True)
class Traced:
    """The rows a verdict speaks of."""

    verdict: Verdict
    more_in_chosen: tuple[str, ...]
    """Pair ids with u > 0 inside the context, the largest first: they teach the concept."""
    more_in_rejected: tuple[str, ...]
    """Pair ids with u < 0, the largest first: they teach against it."""


_HEAD = """\
# Decisions on {name}. `offtarget review` writes this file, and people may: comments and order stay.
schema_version: 1
vocabulary: {vocabulary}
verdicts: []
"""


def empty(audit: Audit) -> str:
    """The text of a verdicts file without a decision."""
    return _HEAD.format(name=plain_line(audit.dataset.name), vocabulary=audit.vocabulary)


def read(path: Path, audit: Audit | None = None) -> Verdicts:
    """Read and validate a verdicts file; with an audit, also that it fits it.

    Raises:
        ConfigError: if the file cannot be read, has an unknown key, a wrong value, two contradicting verdicts
            on one concept and context, or names a concept or context the audit does not have.
        UndecidedError: if the verdicts were made for another vocabulary, or are of another schema version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: no verdicts to read ({error.strerror}); copy verdicts.template.yaml of an audit to verdicts.yaml and decide there"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8; give a verdicts.yaml") from None
    return parse(text, str(path), audit)


def parse(text: str, where: str, audit: Audit | None = None) -> Verdicts:
    """Verdicts from YAML text.

    Args:
        text: the YAML.
        where: named in messages.
        audit: to check them against.

    Raises:
        ConfigError: as `read`.
        UndecidedError: as `read`.
    """
    raw = parse_yaml(text, where)
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: a mapping with schema_version, vocabulary and verdicts is needed")
    version = raw.get("schema_version")
    if isinstance(version, int) and version != SCHEMA_VERSION:
        raise UndecidedError(
            f"{where}: verdicts of schema version {version}, but this offtarget reads {SCHEMA_VERSION}; decide again in a "
            "copy of the audit's verdicts.template.yaml"
        )
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{where}: schema_version is {version!r}, but this offtarget reads {SCHEMA_VERSION}; write "
            f"`schema_version: {SCHEMA_VERSION}`"
        )
    try:
        found = Verdicts.model_validate(raw)
    except ValidationError as error:
        parts = {**named(raw), "": "the file"}
        raise ConfigError(f"{where}: {explain(error, Verdicts, parts)}") from None
    for k, v in enumerate(found.verdicts):
        lacking = [f"'{key}'" for key in ("by", "date") if not getattr(v, key)]
        if v.decided and lacking:
            raise ConfigError(
                f"{where}: {named(raw)[f'verdicts.{k}']} lacks {' and '.join(lacking)}; add it there, or once for all at "
                "the top of the file"
            )
    found = of(found.verdicts, found.vocabulary, where)
    if audit is not None:
        check(found, audit, where)
    return found


def of(verdicts: Iterable[Verdict], vocabulary: str, where: str) -> Verdicts:
    """Verdicts for one vocabulary, each place once.

    Args:
        verdicts: they.
        vocabulary: its key.
        where: named in messages.

    Raises:
        ConfigError: if two contradict.
    """
    return Verdicts(vocabulary=vocabulary, verdicts=_without_repeats(verdicts, where))


def check(verdicts: Verdicts, audit: Audit, where: str = "verdicts") -> None:
    """Check that verdicts speak of this audit's concepts and contexts.

    Raises:
        UndecidedError: if they were made for another vocabulary, or for topics of another reference corpus.
        ConfigError: if a concept or context is unknown; names the nearest.
    """
    if verdicts.vocabulary != audit.vocabulary:
        raise UndecidedError(
            f"{where}: made for vocabulary {verdicts.vocabulary[:12]}, but the audit has "
            f"{audit.vocabulary[:12]}; audit with --like the audit they were made on, "
            "or decide again in a copy of its verdicts.template.yaml"
        )
    concepts = {c.id: c.title for c in audit.concepts}
    contexts = {c.id for c in audit.contexts}
    for v in verdicts.verdicts:
        if v.concept not in concepts:
            raise unknown_name("concept", v.concept, concepts, hint=f"(in {where})", labels=concepts)
        if v.context is None or v.context in contexts:
            continue
        if column := column_of(v.context):
            raise UndecidedError(
                f"{where}: the verdict on {v.name()} speaks of a value of metadata that this audit did not test; "
                f"audit with --by {column}"
            )
        if _CONTEXT_ID.fullmatch(v.context):
            raise UndecidedError(
                f"{where}: the verdict on {v.name()} speaks of a context this audit does not have; audit with "
                "--like the audit it was made on"
            )
        raise unknown_name("context", v.context, contexts, hint=f"(in {where})")


def decided(verdicts: Verdicts) -> tuple[Verdict, ...]:
    """The verdicts that somebody decided."""
    return tuple(v for v in verdicts.verdicts if v.decided)


def undecided(verdicts: Verdicts) -> str:
    """How many verdicts nobody decided, for people; empty where there are none."""
    n, left = len(verdicts.verdicts), len(verdicts.verdicts) - len(decided(verdicts))
    return f"{left} of {n} verdicts are undecided: they change nothing" if left else ""


def rows_of(
    verdict: Verdict, verdicts: Verdicts, inside: Callable[[str | None], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """The rows that a verdict speaks of, `(n_pairs,)`.

    A general verdict leaves out the rows of contexts for which somebody decided otherwise on the same concept.

    Args:
        verdict: one of `verdicts`.
        verdicts: all of them.
        inside: the rows in a scope; None: all rows.
    """
    rows = inside(verdict.scope)
    if verdict.scope is None:
        for other in decided(verdicts):
            if other.concept == verdict.concept and other.scope is not None:
                rows = rows & ~inside(other.scope)
    return rows


def trace(
    verdicts: Verdicts, audited: AuditWithRows, inside: Callable[[str | None], NDArray[np.bool_]] | None = None
) -> tuple[Traced, ...]:
    """The rows behind each verdict, in the order of the verdicts.

    Args:
        verdicts: they.
        audited: the audit, with the rows behind it.
        inside: the rows in a scope, where one is not a context of the audit.

    Raises:
        ConfigError: if a concept or context is unknown.
        UndecidedError: if the verdicts were made for another vocabulary.
    """
    check(verdicts, audited.audit)
    workings = audited.workings
    out = []
    for v in verdicts.verdicts:
        rows = rows_of(v, verdicts, inside or workings.inside)
        u = workings.column(v.concept)
        sides = []
        for sign in (1, -1):
            mine = np.flatnonzero(rows & (sign * u > 0))
            ranked = mine[np.argsort(-sign * u[mine], kind="stable")]
            sides.append(tuple(workings.pair_ids[i] for i in ranked))
        out.append(Traced(v, sides[0], sides[1]))
    return tuple(out)


def _without_repeats(verdicts: Iterable[Verdict], where: str) -> tuple[Verdict, ...]:
    """One verdict for each concept and context; an undecided one makes way for another.

    Raises:
        ConfigError: if two contradict (another decision or strength).
    """
    kept: dict[tuple[str, str | None], Verdict] = {}
    for v in verdicts:
        old = kept.setdefault(v.place, v)
        if not (old.decided and v.decided):
            kept[v.place] = v if v.decided else old
        elif (old.decision, old.strength) != (v.decision, v.strength):
            raise ConfigError(
                f"{where}: two verdicts on {v.name()} contradict: {old.decision} {old.strength:g} by "
                f"{old.decider()}, {v.decision} {v.strength:g} by {v.decider()}; keep one"
            )
    return tuple(kept.values())


def named(raw: Mapping[str, Any]) -> dict[str, str]:
    """What messages call the parts of a document with `verdicts`: each verdict by its number and concept."""
    rows = raw.get("verdicts")
    parts = {}
    for k, row in enumerate(rows if isinstance(rows, list) else ()):
        concept = f" ({row['concept']})" if isinstance(row, dict) and "concept" in row else ""
        parts[f"verdicts.{k}"] = f"verdict {k + 1}{concept}"
    return parts
