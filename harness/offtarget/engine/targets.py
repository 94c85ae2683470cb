"""From verdicts to targets: what is to be carried out, and on which rows."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.metadata import column_of, rows_with
from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.folder import AuditFolder, AuditWithRows
from offtarget.audit.records import Audit
from offtarget.data.pairs import Pair
from offtarget.engine.recipe import Recipe
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.lens.table import check_concept
from offtarget.shaping.context import Target
from offtarget.verdicts import Verdict, Verdicts


def decide(verdicts: Sequence[Verdict] | str, audit: Audit, base: Path) -> Verdicts:
    """The verdicts of a recipe: its own list, bound to this audit's vocabulary, or those of a file.

    Raises:
        ConfigError: a wrong decision, an unknown concept or context.
        UndecidedError: a file made for another vocabulary.
    """
    found = _written(verdicts, base, audit.vocabulary)
    verdict_file.check(found, audit, _where(verdicts))
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
    contexts = {c.id for c in AuditFolder(recipe.audit.like).audit.contexts} if recipe.audit.like else set()
    unknown = []
    for v in found.verdicts:
        known = check_concept(v.concept, recipe.audit.lens, where, "audit.lens")
        if like and v.concept not in (concepts := [c.id for c in like.concepts]):
            raise unknown_name("concept", v.concept, concepts, hint=f"(in {where})")
        if not (known or like):
            unknown.append(v.concept)
        if v.context is not None and v.context not in contexts:
            if like and not column_of(v.context):
                raise unknown_name("context", v.context, contexts, hint=f"(in {where})")
            unknown.append(v.context)
    return list(dict.fromkeys(unknown))


def _where(verdicts: Sequence[Verdict] | str) -> str:
    return verdicts if isinstance(verdicts, str) else "the recipe's verdicts"


def _written(verdicts: Sequence[Verdict] | str, base: Path, vocabulary: str) -> Verdicts:
    """The verdicts as they are: those of a file, or the recipe's own for a vocabulary."""
    if isinstance(verdicts, str):
        return verdict_file.read(Path(verdicts) if Path(verdicts).is_file() else base / verdicts)
    return verdict_file.of(
        (v if v.by else v.model_copy(update={"by": "recipe"}) for v in verdicts), vocabulary, _where(verdicts)
    )


def inside_of(
    verdicts: Verdicts, audited: AuditWithRows, pairs: Sequence[Pair]
) -> Callable[[str | None], NDArray[np.bool_]]:
    """Which of some pairs lie in the scope of a verdict, `(n_pairs,)`.

    Raises:
        ConfigError: a context is one that the audit found, and some pairs were not audited.
    """
    gates = {v.scope: v.where for v in verdicts.verdicts if v.where is not None}
    position = {pid: i for i, pid in enumerate(audited.workings.pair_ids)}
    index = [position.get(p.id) for p in pairs]
    outside = index.count(None)
    if outside and any(v.context and not column_of(v.context) for v in verdict_file.decided(verdicts)):
        raise ConfigError(
            f"a verdict speaks of one topic, but {outside} of {len(pairs)} training pairs were not audited, so "
            "their topic is not known: audit all rows (no audit.limit)"
        )

    def inside(scope: str | None) -> NDArray[np.bool_]:
        if scope is None:
            return np.ones(len(pairs), bool)
        if gate := gates.get(scope):
            return np.array([all(str(p.meta.get(k)) == value for k, value in gate.items()) for p in pairs])
        if column := column_of(scope):
            return rows_with(pairs, scope, {c.name: c.cuts for c in audited.audit.metadata}.get(column, ()))
        there = audited.workings.inside(scope)
        return np.array([i is not None and bool(there[i]) for i in index])

    return inside


def targets_of(verdicts: Verdicts, audited: AuditWithRows, pairs: Sequence[Pair]) -> tuple[Target, ...]:
    """What to carry out on these rows, in an order that does not depend on that of the verdicts.

    A verdict on a context overrides the general one there.

    Args:
        verdicts: what was decided.
        audited: the audit that it was decided on.
        pairs: the training pairs.

    Raises:
        ConfigError: a context that no training pair is in, or can be told to be in.
    """
    inside = inside_of(verdicts, audited, pairs)
    out = []
    for v in sorted(verdicts.verdicts, key=lambda v: (v.concept, v.scope or "")):
        if v.sign == 0:
            continue
        rows = verdict_file.rows_of(v, verdicts, inside)
        if rows.any():
            out.append(Target(v.concept, v.sign, v.strength, v.scope, None if rows.all() else rows))
        elif v.scope is not None:
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
    before = by if by is not None else [c.name for c in AuditFolder(like).audit.metadata] if like else []
    return tuple(dict.fromkeys([*before, *named]))


def written(verdicts: Sequence[Verdict] | str, base: Path) -> Verdicts:
    """The verdicts of a recipe, not yet held against an audit."""
    return _written(verdicts, base, "not known yet")
