"""From verdicts to targets: what is to be carried out, and on which rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.records import Audit
from offtarget.data.pairs import Pair
from offtarget.engine.features import check_concept
from offtarget.engine.recipe import Recipe, RecipeVerdict
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.shaping.context import Target
from offtarget.verdicts import Verdicts


def decide(verdicts: Sequence[RecipeVerdict] | str, audit: Audit, base: Path) -> Verdicts:
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
            f"{where}: made for vocabulary {found.vocabulary[:12]}, but audit.like has {like.key[:12]}; decide anew "
            "in a copy of its verdicts.template.yaml"
        )
    contexts = {*(like.topics.ids if like.topics else ()), *(k.id for k in like.kinds)} if like else set()
    unknown = []
    for v in found.verdicts:
        known = check_concept(v.concept, recipe.audit.lens, where, "audit.lens")
        if like and v.concept not in (concepts := [c.id for c in like.concepts]):
            raise unknown_name("concept", v.concept, concepts, hint=f"(in {where})")
        if not (known or like):
            unknown.append(v.concept)
        if v.context is not None and v.context not in contexts:
            if like:
                raise unknown_name("context", v.context, contexts, hint=f"(in {where})")
            unknown.append(v.context)
    return list(dict.fromkeys(unknown))


def _where(verdicts: Sequence[RecipeVerdict] | str) -> str:
    return verdicts if isinstance(verdicts, str) else "the recipe's verdicts"


def _written(verdicts: Sequence[RecipeVerdict] | str, base: Path, vocabulary: str) -> Verdicts:
    """The verdicts as they stand: those of a file, or the recipe's own for a vocabulary."""
    if isinstance(verdicts, str):
        return verdict_file.read(Path(verdicts) if Path(verdicts).is_file() else base / verdicts)
    import yaml

    today = dt.datetime.now(dt.UTC).date().isoformat()
    body = {
        "schema_version": 1,
        "vocabulary": vocabulary,
        "verdicts": [v.model_dump(exclude={"where"}) | {"date": today} for v in verdicts],
    }
    found = verdict_file.parse(yaml.safe_dump(body), _where(verdicts))
    if len(found.verdicts) != len(verdicts) and any(v.where for v in verdicts):
        raise ConfigError(
            "the recipe's verdicts: one concept is decided twice; give it one `where`, or one verdict without"
        )
    return found


def targets_of(
    verdicts: Verdicts, audit: Audit, pairs: Sequence[Pair], gates: Sequence[dict[str, str] | None] = ()
) -> tuple[Target, ...]:
    """What to carry out on these rows; a verdict on a context overrides the general one there.

    Args:
        verdicts: what was decided.
        audit: that it was decided on.
        pairs: the training pairs.
        gates: for each verdict what a pair's metadata must say; none where there are fewer gates than verdicts.

    Raises:
        ConfigError: a context or a gate that no training pair can be told to be in.
    """
    out = []
    pair_ids = [p.id for p in pairs]
    outside = set(pair_ids) - set(audit.workings.pair_ids)
    if outside and any(v.context for v in verdicts.verdicts):
        raise ConfigError(
            f"a verdict speaks of one topic, but {len(outside)} of {len(pair_ids)} training pairs were not audited, so "
            "their topic is not known: audit all rows (no audit.limit)"
        )
    position = {pid: i for i, pid in enumerate(audit.workings.pair_ids)}
    index = [position.get(pid) for pid in pair_ids]
    for k, v in enumerate(verdicts.verdicts):
        if v.sign == 0:
            continue
        audited = verdict_file.rows_of(v, verdicts, audit.workings)
        rows = np.array([v.context is None if i is None else bool(audited[i]) for i in index])
        gate = gates[k] if k < len(gates) else None
        context = v.context
        if gate:
            rows &= np.array(
                [all(str(p.meta.get(key)) == value for key, value in gate.items()) for p in pairs]
            )
            context = gate_name(gate)
            if not rows.any():
                raise ConfigError(
                    f"the verdict on {v.name()} is for pairs with {context}, but no training pair has it"
                )
        out.append(Target(v.concept, v.sign, v.strength, context, None if rows.all() else rows))
    return tuple(out)


def gate_name(gate: Mapping[str, str]) -> str:
    """A gate by metadata in the place of a context: `topic=cooking`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(gate.items()))
