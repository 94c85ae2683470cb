"""The influence of training rows on concepts, for protocols that choose rows by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.recipe import VerifyOptions
from offtarget.engine.rows import shuffled_by_id
from offtarget.errors import UndecidedError
from offtarget.evals.policy import Sampling
from offtarget.influence.own import OwnAnswers, own_answers
from offtarget.influence.run import By, Influence, influence
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import lens_of
from offtarget.shaping.presence import raw_features
from offtarget.training.run import prepare
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet

SEED = 7_000
"""Of the start model's own answers: none that an observed policy is sampled with."""


@dataclass(eq=False)
class Influencer:
    """What each answer of a set does to any concept; the start model's own answers are sampled and read once for all."""

    reader: Reader
    pairs: PairSet
    """The training rows."""
    lenses: Sequence[str]
    features: Sequence[FeatureMatrix]
    """Of these rows: lenses that were fitted read new answers as they read these."""
    members: Mapping[str, tuple[str, ...]]
    """Concept id -> the features that it is made of."""
    spec: TrainingSpec
    options: VerifyOptions
    by: By = "gradient"
    _known: dict[str, Influence] = field(default_factory=dict, repr=False)

    @cached_property
    def own(self) -> OwnAnswers:
        """The start model's own answers to prompts of these rows, in an order that depends on ids alone."""
        seen: set[str] = set()
        asked: list[Pair] = []
        for p in shuffled_by_id(self.pairs.pairs):
            if p.group not in seen and len(asked) < self.options.prompts:
                seen.add(p.group)
                asked.append(p)
        sampling = Sampling(self.options.max_tokens, self.options.temperature, seed=SEED)
        lenses = tuple(name for name in self.lenses if lens_of(name).of_text)
        return own_answers(self.reader, asked, lenses, sampling, self.options.own_samples, self.features)

    @cached_property
    def rows(self) -> TrainingSet:
        """The rows that can be trained on."""
        return prepare(self.pairs, self.reader.ref, self.spec, self.reader.template)

    def of(self, concept: str) -> Influence:
        """What each row does to a concept; 0 of a row that cannot be trained on.

        Raises:
            UndecidedError: the start model's own answers do not show it enough.
        """
        if concept not in self._known:
            values = np.concatenate(raw_features(self.own.features, self.members[concept], "freq"))
            try:
                found = influence(self.reader, self.rows, self.spec, self.own, values, seed=SEED, by=self.by)
            except UndecidedError as e:
                raise UndecidedError(f"influence on {concept}: {e}") from None
            place = {p.id: i for i, p in enumerate(self.pairs.pairs)}
            changes = np.zeros((len(self.pairs), 2))
            changes[[place[p.id] for p in self.rows.pairs]] = found.changes
            self._known[concept] = Influence(changes, found.effective)
        return self._known[concept]

    def __call__(self, concept: str) -> tuple[Floats, Floats]:
        """What the chosen and the rejected answer of each row do to a concept, `(n_pairs,)` each."""
        changes = self.of(concept).changes
        return changes[:, 0], changes[:, 1]
