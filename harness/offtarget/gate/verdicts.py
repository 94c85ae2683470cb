"""The decisions that a gate holds data to."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from offtarget.audit.records import CONTEXT_KIND, Audit, View
from offtarget.verdicts import Verdict, Verdicts, check, decided, of, read

SHOWN = 3
"""Verdicts in a note."""


def read_for(path: Path, audit: Audit, views: Sequence[View] = ("overall",)) -> tuple[Verdicts, list[str]]:
    """The verdicts of a file, checked against an audit, and what there is to say of them.

    A verdict whose `where` is one value of metadata that the audit tested judges the rows of that value. One on another
    `where`, in a context that the audit does not have, or in a view that is not gated judges nothing, and is counted in a
    note.

    Raises:
        ConfigError: it cannot be read, is broken, or names a concept that there is not; or a `where` and a context are the
            same rows and contradict.
        UndecidedError: it is of another vocabulary or schema.
    """
    found = read(path)
    contexts = {c.id: c.kind for c in audit.contexts}
    values = {(m.name, v.value): v.context for m in audit.metadata for v in m.values if v.context is not None}
    found = of([_placed(v, values) for v in found.verdicts], found.vocabulary, str(path))
    here = tuple(v for v in found.verdicts if v.context is None or v.context in contexts)
    check(found.model_copy(update={"verdicts": here}), audit, str(path))
    notes = []
    if away := [v for v in found.verdicts if v not in here]:
        n = len(away)
        more = f" and {n - SHOWN} more" if n > SHOWN else ""
        notes.append(
            f"{n} verdict{'' if n == 1 else 's'} of {path} judge{'s' if n == 1 else ''} nothing, since these rows do not have the "
            f"topic or value: {'; '.join(_away(v, list(contexts)) for v in away[:SHOWN])}{more}"
        )
    kinds = {CONTEXT_KIND[view] for view in views if view in CONTEXT_KIND}
    if unseen := sum(v.context is not None and contexts.get(v.context, "") not in kinds for v in here if v.decided):
        notes.append(
            f"{unseen} verdicts of {path} are in contexts of views that are not gated, and judge nothing here (`views` in "
            "offtarget.toml)"
        )
    if scoped := sum(v.where is not None for v in decided(found)):
        notes.append(
            f"{scoped} verdicts of {path} are on a `where` that is no value of metadata that this audit tested (--by), and "
            "judge nothing here"
        )
    if blind := sum(v.seen is None and v.decision in ("allow", "amplify") for v in decided(found)):
        notes.append(
            f"{blind} decisions to allow or amplify do not say what was seen, so any size of it passes; decide on the page "
            "(`offtarget review`)"
        )
    return found.model_copy(update={"verdicts": here}), notes


def _away(v: Verdict, contexts: Sequence[str]) -> str:
    """A verdict on a context that is not there, with the context that may be meant."""
    near = difflib.get_close_matches(v.context or "", contexts, n=1, cutoff=0.85)
    return f"{v.name()}{f' (did you mean {near[0]}?)' if near else ''}"


def _placed(v: Verdict, values: dict[tuple[str, str], str]) -> Verdict:
    """The same verdict in the context that is its `where`, where there is one."""
    if v.where is None or len(v.where) != 1:
        return v
    context = values.get(next(iter(v.where.items())))
    return v if context is None else v.model_copy(update={"where": None, "context": context})
