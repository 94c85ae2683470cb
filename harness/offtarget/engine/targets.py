"""From verdicts to targets: what is to be carried out, and on which rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.metadata import column_of, rows_with
from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.records import Audit
from offtarget.data.pairs import Pair
from offtarget.engine.recipe import Recipe, RecipeVerdict
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.lens.table import check_concept
from offtarget.shaping.context import Target
from offtarget.verdicts import Verdicts


def decide(verdicts: Sequence[RecipeVerdict] | str, audit: Audit, base: Path) -> Verdicts:
    """The verdicts of a recipe: its own list, bound to this audit's vocabulary, or those of a file.

    Raises:
        ConfigError: a wrong decision, an unknown concept or context.
        UndecidedError: a file made for another vocabulary.
    """
    found = _written(verdicts, base, audit.vocabulary)
    gates = gates_of(verdicts)
    of_audit = [v.model_copy(update={"context": None}) if v.context in gates else v for v in found.verdicts]
    verdict_file.check(found.model_copy(update={"verdicts": tuple(of_audit)}), audit, _where(verdicts))
    return found


def check_verdicts(recipe: Recipe, base: Path) -> list[str]:
    """Check what can be known of a recipe's verdicts before its audit is made.

    Concepts of rules and directions are always the same; with `audit.like` all concepts and contexts are known. Else clusters of
    latents, topics and kinds of prompt come only with the audit.

    Args:
        recipe: whose verdicts.
        base: folder that the path of a verdicts file starts from.

    Returns:
        The concepts and contexts that only the audit can tell.

    Raises:
        ConfigError: a wrong decision, a concept that does not exist, or one of a lens that is not read.
        UndecidedError: a file made for another vocabulary than that of `audit.like`.
    """
    where = _where(recipe.verdicts)
    like = Vocabulary.read(Path(recipe.audit.like)) if recipe.audit.like else None
    found = _written(recipe.verdicts, base, like.key if like else "not known yet")
    if like and found.vocabulary != like.key:
        raise UndecidedError(
            f"{where}: made for vocabulary {found.vocabulary[:12]}, but audit.like has {like.key[:12]}; decide again "
            "in a copy of its verdicts.template.yaml"
        )
    contexts = {c.id for c in Audit.read(Path(recipe.audit.like)).contexts} if recipe.audit.like else set()
    gates = gates_of(recipe.verdicts)
    unknown = []
    for v in found.verdicts:
        known = check_concept(v.concept, recipe.audit.lens, where, "audit.lens")
        if like and v.concept not in (concepts := [c.id for c in like.concepts]):
            raise unknown_name("concept", v.concept, concepts, hint=f"(in {where})")
        if not (known or like):
            unknown.append(v.concept)
        if v.context is not None and v.context not in {*contexts, *gates}:
            if like and not column_of(v.context):
                raise unknown_name("context", v.context, contexts, hint=f"(in {where})")
            unknown.append(v.context)
    return list(dict.fromkeys(unknown))


def _where(verdicts: Sequence[RecipeVerdict] | str) -> str:
    return verdicts if isinstance(verdicts, str) else "the recipe's verdicts"


def _written(verdicts: Sequence[RecipeVerdict] | str, base: Path, vocabulary: str) -> Verdicts:
    """The verdicts as they are: those of a file, or the recipe's own for a vocabulary."""
    if isinstance(verdicts, str):
        return verdict_file.read(Path(verdicts) if Path(verdicts).is_file() else base / verdicts)
    import yaml

    today = dt.datetime.now(dt.UTC).date().isoformat()
    rows = [
        v.model_dump(exclude={"where"})
        | {"date": today}
        | ({"context": gate_name(v.where)} if v.where is not None else {})
        for v in verdicts
    ]
    body = {"schema_version": 1, "vocabulary": vocabulary, "verdicts": rows}
    return verdict_file.parse(yaml.safe_dump(body), _where(verdicts))


def targets_of(
    verdicts: Verdicts, audit: Audit, pairs: Sequence[Pair], gates: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Target, ...]:
    """What to carry out on these rows, in an order that does not depend on that of the verdicts.

    A verdict on a context overrides the general one there.

    Args:
        verdicts: what was decided.
        audit: that it was decided on.
        pairs: the training pairs.
        gates: contexts that the audit does not know, and what a pair's metadata says in them.

    Raises:
        ConfigError: a context that no training pair is in, or can be told to be in.
    """
    gates = gates or {}
    position = {pid: i for i, pid in enumerate(audit.workings.pair_ids)}
    index = [position.get(p.id) for p in pairs]
    outside = index.count(None)
    found_only = {v.context for v in verdicts.verdicts if v.context and not column_of(v.context)}
    if outside and found_only - gates.keys():
        raise ConfigError(
            f"a verdict speaks of one topic, but {outside} of {len(pairs)} training pairs were not audited, so "
            "their topic is not known: audit all rows (no audit.limit)"
        )

    def inside(context: str | None) -> NDArray[np.bool_]:
        if context is None:
            return np.ones(len(pairs), bool)
        if gate := gates.get(context):
            return np.array([all(str(p.meta.get(k)) == value for k, value in gate.items()) for p in pairs])
        if column := column_of(context):
            return rows_with(pairs, context, {c.name: c.cuts for c in audit.metadata}.get(column, ()))
        audited = audit.workings.inside(context)
        return np.array([i is not None and bool(audited[i]) for i in index])

    out = []
    for v in sorted(verdicts.verdicts, key=lambda v: (v.concept, v.context or "")):
        if v.sign == 0:
            continue
        rows = verdict_file.rows_of(v, verdicts, inside)
        if rows.any():
            out.append(Target(v.concept, v.sign, v.strength, v.context, None if rows.all() else rows))
        elif v.context is not None:
            raise ConfigError(
                f"the verdict on {v.name()} speaks of a context that no training pair is in: train on more pairs, or "
                "leave it out"
            )
    return tuple(out)


def columns_asked(by: Sequence[str] | None, verdicts: Verdicts, like: Path | None) -> tuple[str, ...] | None:
    """The metadata columns to compare: those asked for or those of the earlier audit, and those that a verdict speaks of."""
    named = [c for v in verdicts.verdicts if v.context and (c := column_of(v.context))]
    if not named:
        return None if by is None else tuple(by)
    before = by if by is not None else [c.name for c in Audit.read(like).metadata] if like else []
    return tuple(dict.fromkeys([*before, *named]))


def written(verdicts: Sequence[RecipeVerdict] | str, base: Path) -> Verdicts:
    """The verdicts of a recipe, not yet held against an audit."""
    return _written(verdicts, base, "not known yet")


def gates_of(verdicts: Sequence[RecipeVerdict] | str) -> dict[str, dict[str, str]]:
    """The contexts that a recipe's own verdicts make of metadata, by name."""
    written = [] if isinstance(verdicts, str) else [v.where for v in verdicts]
    return {gate_name(where): where for where in written if where is not None}


def gate_name(gate: Mapping[str, str]) -> str:
    """A gate by metadata instead of a context: `topic=cooking`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(gate.items()))
