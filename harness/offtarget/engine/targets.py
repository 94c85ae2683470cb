"""From an audit and its verdicts to what a protocol needs: targets, scores, directions."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.records import Audit
from offtarget.data.pairs import PairSet
from offtarget.engine.features import LENSES
from offtarget.engine.recipe import Recipe, RecipeVerdict
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.lens import surface
from offtarget.lens.activations import choose_layer
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.pooled import PooledActivations, pooled_activations
from offtarget.models import ModelRef
from offtarget.shaping.context import ConceptScores, ShapingContext, Target
from offtarget.shaping.scores import (
    direction_scores,
    feature_scores,
    mean_difference,
    raw_scores,
)
from offtarget.store import Store
from offtarget.verdicts import Verdicts

CORRELATED = 0.5
"""From this correlation on, a concept's score is said not to be independent of another's."""


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

    Surface concepts are always the same; with `audit.like` all concepts and contexts are known. Else clusters of
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
    lenses = {x.partition(":")[0] for x in recipe.audit.lens}
    concepts = {c.id for c in (like.concepts if like else surface.COLUMNS)}
    contexts = {*(like.topics.ids if like.topics else ()), *(k.id for k in like.kinds)} if like else set()
    unknown = []
    for v in found.verdicts:
        lens = v.concept.partition(":")[0]
        if lens in LENSES and lens not in lenses:
            raise ConfigError(
                f"{where}: the verdict on {v.name()} needs lens '{lens}', but audit.lens is "
                f"{', '.join(recipe.audit.lens)}; add it there"
            )
        if v.concept not in concepts:
            if like or lens != "sae":
                raise unknown_name("concept", v.concept, concepts, hint=f"(in {where})")
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
        "verdicts": [v.model_dump() | {"date": today} for v in verdicts],
    }
    return verdict_file.parse(yaml.safe_dump(body), _where(verdicts))


def targets_of(verdicts: Verdicts, audit: Audit, pair_ids: Sequence[str]) -> tuple[Target, ...]:
    """What to carry out on these rows; a verdict on a context overrides the general one there."""
    out = []
    outside = set(pair_ids) - set(audit.workings.pair_ids)
    if outside and any(v.context for v in verdicts.verdicts):
        raise ConfigError(
            f"a verdict speaks of one topic, but {len(outside)} of {len(pair_ids)} training pairs were not audited, so "
            "their topic is not known: audit all rows (no audit.limit)"
        )
    position = {pid: i for i, pid in enumerate(audit.workings.pair_ids)}
    index = [position.get(pid) for pid in pair_ids]
    for v in verdicts.verdicts:
        if v.sign == 0:
            continue
        audited = verdict_file.rows_of(v, verdicts, audit.workings)
        rows = np.array([v.context is None if i is None else bool(audited[i]) for i in index])
        out.append(Target(v.concept, v.sign, v.strength, v.context, None if rows.all() else rows))
    return tuple(out)


@dataclass(frozen=True, eq=False)
class Scorer:
    """Concept scores and directions of a training set, each computed once."""

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    members: dict[str, tuple[str, ...]]
    """Concept id -> feature ids."""
    model: Callable[[], ModelRef]
    """Found only when a direction is asked for."""
    store: Store
    max_length: int = 512
    template: str | None = None
    progress: Callable[[str, int, int], None] | None = None

    def _members(self, concept: str) -> tuple[str, ...]:
        if concept not in self.members:
            raise unknown_name("concept", concept, self.members)
        return self.members[concept]

    @cached_property
    def pooled(self) -> PooledActivations:
        """Mean activations of every answer."""
        model, report = self.model(), self.progress
        return pooled_activations(
            model,
            self.pairs,
            choose_layer(model),
            max_length=self.max_length,
            store=self.store,
            template=self.template,
            progress=(lambda done, total: report("directions", done, total)) if report else None,
        )

    def direction(self, concept: str) -> tuple[int, NDArray[np.float32], float]:
        """Layer, unit vector and spread of a concept."""
        v, spread = mean_difference(self.pooled, *raw_scores(self.features, self._members(concept)))
        return self.pooled.layer, v, spread

    def scores(self, concept: str, readout: str) -> ConceptScores:
        """Scores by the lens ("feature") or along the concept's direction ("direction")."""
        if readout == "feature":
            return feature_scores(self.features, self._members(concept))
        if readout == "direction":
            return direction_scores(self.pooled, self.direction(concept)[1])
        raise unknown_name("readout", readout, ["feature", "direction"])

    def correlated(self, concept: str) -> list[str]:
        """What the score goes along with: surface features whose pair difference correlates with its margin.

        The method assumes that concepts are independent, so this is said before training.
        """
        margin = self.scores(concept, "feature").margin
        found = []
        for part in self.features:
            for column in part.columns:
                if not column.id.startswith("surface:") or (column.id,) == self._members(concept):
                    continue
                chosen, rejected = raw_scores([part], (column.id,))
                other = chosen - rejected
                if margin.std() > 0 and other.std() > 0:
                    r = float(np.corrcoef(margin, other)[0, 1])
                    if abs(r) >= CORRELATED:
                        found.append(
                            (abs(r), f"{concept} goes along with {column.id} (r {r:+.2f} over pairs)")
                        )
        return [text for _, text in sorted(found, reverse=True)[:5]]

    def _notes(self, concept: str) -> list[str]:
        try:
            return self.correlated(concept)
        except ConfigError as e:
            return [f"concept '{concept}': {e}"]

    def context(self, targets: tuple[Target, ...], seed: int) -> ShapingContext:
        """What a protocol is handed."""
        return ShapingContext(
            self.pairs.pairs,
            targets,
            seed=seed,
            score_of=cache(self.scores),
            direction_of=cache(self.direction),
            notes=[note for t in targets for note in self._notes(t.concept)],
        )
