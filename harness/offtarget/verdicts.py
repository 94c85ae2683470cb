"""A person's decisions on concepts: what a model may learn from a dataset, what not, and who said so.

schema_version: 1
vocabulary: <key>          # holds for every audit made with it
verdicts:
  - {concept: surface:bold, context: null, decision: suppress, strength: 1.0, by: name,
     date: 2026-01-31, why: "style, not substance"}
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError

from offtarget.audit.concepts.metadata import column_of
from offtarget.audit.records import Audit
from offtarget.documents import parse_yaml
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.records import Record, explain
from offtarget.store import write_atomic

SCHEMA_VERSION = 1
Decision = Literal["allow", "suppress", "amplify"]
UNDECIDED_BY = "template"
"""Who is said to have decided in a line of the template: such a line is no decision, and no exception to one."""
_CONTEXT_ID = re.compile(r"(topic|prompt):[0-9a-f]{12}")


def _real_date(value: Any) -> Any:
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


class Verdict(Record):
    """One decision on one concept, everywhere or in one context."""

    model_config = ConfigDict(allow_inf_nan=True)  # the strength says itself what it may be

    concept: str = Field(min_length=1)
    context: str | None = None
    """A context id; None: everywhere."""
    decision: Decision
    strength: Annotated[float, BeforeValidator(_no_boolean), AfterValidator(_usable_strength)] = 1.0
    """Multiplies a protocol's own strength; always positive, the decision gives the sign."""
    by: str = Field(min_length=1)
    date: Annotated[dt.date, BeforeValidator(_real_date)]
    why: str = ""

    @property
    def sign(self) -> int:
        """+1 to amplify, -1 to suppress, 0 to allow."""
        return {"amplify": 1, "suppress": -1, "allow": 0}[self.decision]

    @property
    def place(self) -> tuple[str, str | None]:
        """Concept and context."""
        return self.concept, self.context

    def name(self) -> str:
        """`concept` or `concept in context`, for messages."""
        return self.concept if self.context is None else f"{self.concept} in {self.context}"


class Verdicts(Record):
    """A verdicts file: at most one decision for each concept and context."""

    schema_version: Literal[1] = 1
    vocabulary: str = Field(min_length=1)
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Traced:
    """The rows a verdict speaks of."""

    verdict: Verdict
    more_in_chosen: tuple[str, ...]
    """Pair ids with u > 0 inside the context, the largest first: they teach the concept."""
    more_in_rejected: tuple[str, ...]
    """Pair ids with u < 0, the largest first: they teach against it."""


def read(path: Path, audit: Audit | None = None) -> Verdicts:
    """Read and validate a verdicts file; with an audit, also that it fits it.

    Raises:
        ConfigError: if the file cannot be read, has an unknown key, a wrong value, two contradicting verdicts
            on one concept and context, or names a concept or context the audit does not have.
        UndecidedError: if the verdicts were made for another vocabulary.
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
    if raw.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"{where}: schema_version is {raw.get('schema_version')!r}, but this offtarget reads "
            f"{SCHEMA_VERSION}; write `schema_version: {SCHEMA_VERSION}`"
        )
    try:
        found = Verdicts.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, Verdicts, _parts(raw))}") from None
    found = found.model_copy(update={"verdicts": _without_repeats(found.verdicts, where)})
    if audit is not None:
        check(found, audit, where)
    return found


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


def write(verdicts: Verdicts, path: Path) -> Path:
    """Write a verdicts file, one line a verdict, whole or not at all; reading it gives the same verdicts."""
    lines = [f"schema_version: {verdicts.schema_version}", f"vocabulary: {_inline(verdicts.vocabulary)}"]
    lines.append("verdicts:" if verdicts.verdicts else "verdicts: []")
    lines += [f"  - {_inline(v.model_dump(mode='python'))}" for v in verdicts.verdicts]
    return write_atomic(path, "\n".join(lines) + "\n")


def _inline(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=2**20, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("\n...")


def merge(*files: Verdicts, newest_wins: bool = False) -> Verdicts:
    """Several people's verdicts as one.

    Args:
        files: of one vocabulary.
        newest_wins: of two that contradict, keep the one with the later date (on the same day the one from
            the later file) instead of refusing.

    Raises:
        ConfigError: if there are none, or two contradict.
        UndecidedError: if they were made for different vocabularies.
    """
    if not files:
        raise ConfigError("no verdicts to merge; give at least one file")
    if len({f.vocabulary for f in files}) > 1:
        keys = ", ".join(sorted({f.vocabulary[:12] for f in files}))
        raise UndecidedError(f"verdicts of different vocabularies ({keys}) cannot be merged; decide them apart")
    everyone = [v for f in files for v in f.verdicts]
    if newest_wins:
        kept: dict[tuple[str, str | None], Verdict] = {}
        for v in everyone:
            if v.place not in kept or v.date >= kept[v.place].date:
                kept[v.place] = v
        everyone = list(kept.values())
    merged = _without_repeats(everyone, "merging verdicts")
    return Verdicts(vocabulary=files[0].vocabulary, verdicts=merged)


def decided(verdicts: Verdicts) -> tuple[Verdict, ...]:
    """The verdicts that somebody decided: a line that still is the template's, and allows, decides nothing."""
    return tuple(v for v in verdicts.verdicts if v.by != UNDECIDED_BY or v.sign)


def rows_of(
    verdict: Verdict, verdicts: Verdicts, inside: Callable[[str | None], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """The rows that a verdict speaks of, `(n_pairs,)`.

    A general verdict leaves out the rows of contexts for which somebody decided otherwise on the same concept.

    Args:
        verdict: one of `verdicts`.
        verdicts: all of them.
        inside: the rows in a context; None: all rows.
    """
    rows = inside(verdict.context)
    if verdict.context is None:
        for other in decided(verdicts):
            if other.concept == verdict.concept and other.context is not None:
                rows = rows & ~inside(other.context)
    return rows


def trace(verdicts: Verdicts, audit: Audit) -> tuple[Traced, ...]:
    """The rows behind each verdict, in the order of the verdicts.

    Raises:
        ConfigError: if a concept or context is unknown.
        UndecidedError: if the verdicts were made for another vocabulary.
    """
    check(verdicts, audit)
    workings = audit.workings
    out = []
    for v in verdicts.verdicts:
        rows = rows_of(v, verdicts, workings.inside)
        u = workings.column(v.concept)
        sides = []
        for sign in (1, -1):
            mine = np.flatnonzero(rows & (sign * u > 0))
            ranked = mine[np.argsort(-sign * u[mine], kind="stable")]
            sides.append(tuple(workings.pair_ids[i] for i in ranked))
        out.append(Traced(v, sides[0], sides[1]))
    return tuple(out)


def template(audit: Audit, *, by: str = UNDECIDED_BY, date: dt.date | None = None) -> Verdicts:
    """A file to start from: every finding of an audit, allowed until somebody decides otherwise.

    Args:
        audit: whose findings.
        by: who is said to have decided.
        date: today if not given.
    """
    labels = {c.id: c.label for c in audit.concepts}
    topics = {c.id: c.label for c in audit.contexts}
    found = []
    for h in audit.findings:
        where = "" if h.context is None else f", where: {topics.get(h.context, h.context)}"
        found.append(
            Verdict(
                concept=h.concept,
                context=h.context,
                decision="allow",
                by=by,
                date=date or dt.datetime.now(dt.UTC).date(),
                why=f"not decided yet: {labels[h.concept]}: {h.lean}{where}",
            )
        )
    return Verdicts(vocabulary=audit.vocabulary, verdicts=_without_repeats(found, "template"))


def _without_repeats(verdicts: Iterable[Verdict], where: str) -> tuple[Verdict, ...]:
    """One verdict for each concept and context.

    Raises:
        ConfigError: if two contradict (another decision or strength).
    """
    kept: dict[tuple[str, str | None], Verdict] = {}
    for v in verdicts:
        old = kept.setdefault(v.place, v)
        if (old.decision, old.strength) != (v.decision, v.strength):
            raise ConfigError(
                f"{where}: two verdicts on {v.name()} contradict: {old.decision} {old.strength:g} by "
                f"{old.by} ({old.date}), {v.decision} {v.strength:g} by {v.by} ({v.date}); keep one"
            )
    return tuple(kept.values())


def _parts(raw: dict[str, Any]) -> dict[str, str]:
    """What to call the parts of a verdicts file: each verdict by its number and concept."""
    rows = raw.get("verdicts")
    named = {}
    for k, row in enumerate(rows if isinstance(rows, list) else ()):
        concept = f" ({row['concept']})" if isinstance(row, dict) and "concept" in row else ""
        named[f"verdicts.{k}"] = f"verdict {k + 1}{concept}"
    return {**named, "": "the file"}
