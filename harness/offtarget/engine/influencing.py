"""The influence of training rows on concepts, for protocols that choose rows by it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.shaping.presence import raw_features
from offtarget.training.spec import TrainingSpec

if TYPE_CHECKING:
    from offtarget.influence.run import By, Influence

SEED = 7
"""Of the LoRA matrices of a step towards a concept."""


@dataclass(eq=False)
class Influencer:
    """What each answer of a set does to any concept, by the other answers of the set.

    Prompts are halved by a hash. Rows of one half are read under the step that the other half leads to: on its own step a row
    would grow by its own length, whatever it shares with others.
    """

    reader: Reader
    pairs: PairSet
    """The training rows."""
    features: Sequence[FeatureMatrix]
    """Of these rows, by every lens."""
    members: Mapping[str, tuple[str, ...]]
    """Concept id -> the features that it is made of."""
    spec: TrainingSpec | None = None
    """How they would be trained on; None: as by default."""
    by: "By" = "influence"
    _known: "dict[str, Influence]" = field(default_factory=dict, repr=False)

    def of(self, concept: str) -> "Influence":
        """What each row does to a concept; 0 of a row that cannot be trained on.

        Raises:
            UndecidedError: too few answers of a half differ in it.
        """
        if concept not in self._known:
            self._known[concept] = self._made(concept)
        return self._known[concept]

    def _made(self, concept: str) -> "Influence":
        from offtarget.influence.run import Influence, influence

        spec = self.spec or TrainingSpec()  # which asks torch what the machine can do
        chosen, rejected = raw_features(self.features, self.members[concept], "freq")
        half = np.array([hashlib.sha256(f"half {p.group}".encode()).digest()[0] % 2 for p in self.pairs.pairs])
        changes, effective = np.zeros((len(self.pairs), 2)), 0.0
        for k in (0, 1):
            own, other = np.flatnonzero(half == k), np.flatnonzero(half != k)
            try:
                found = influence(
                    self.reader,
                    self._some(own),
                    self._some(other),
                    np.concatenate([chosen[other], rejected[other]]),
                    spec,
                    seed=SEED,
                    by=self.by,
                )
            except UndecidedError as e:
                raise UndecidedError(f"influence on {concept}: {e}") from None
            changes[own] = found.changes
            effective += found.effective
        return Influence(changes, effective)

    def _some(self, rows: Ints) -> PairSet:
        return replace(self.pairs, pairs=[self.pairs.pairs[int(i)] for i in rows])

    def __call__(self, concept: str) -> tuple[Floats, Floats]:
        """What the chosen and the rejected answer of each row do to a concept, `(n_pairs,)` each."""
        changes = self.of(concept).changes
        return changes[:, 0], changes[:, 1]
