"""From an audit and its verdicts to what a protocol needs: targets, scores, directions."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offtarget import verdicts as verdict_file
from offtarget.audit.records import Audit
from offtarget.data.pairs import PairSet
from offtarget.engine.recipe import RecipeVerdict
from offtarget.errors import ConfigError, unknown_name
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
    if isinstance(verdicts, str):
        path = Path(verdicts) if Path(verdicts).is_file() else base / verdicts
        return verdict_file.read(path, audit)
    import yaml

    today = dt.datetime.now(dt.UTC).date().isoformat()
    body = {
        "schema_version": 1,
        "vocabulary": audit.vocabulary,
        "verdicts": [v.model_dump() | {"date": today} for v in verdicts],
    }
    return verdict_file.parse(yaml.safe_dump(body), "the recipe's verdicts", audit)


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
