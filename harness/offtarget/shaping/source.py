"""What is read of concepts: the pairs, what lenses say of them, and the start model; and what can be asked of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.directions.examples import ConceptExamples
from offtarget.lens.features import FeatureMatrix, Stat
from offtarget.lens.reader import Reader
from offtarget.models import ModelRef
from offtarget.shaping.concept_matrix import ConceptMatrix
from offtarget.shaping.layers import Layers
from offtarget.shaping.presence import raw_features, shown
from offtarget.store import hash_of

if TYPE_CHECKING:
    from offtarget.lens.sae.encode import SaeLens

FEWEST = 8
"""Responses with a concept, and without, that a direction or a probe needs."""

Floats = NDArray[np.float64]


@dataclass(eq=False)
class Source:
    """The training set and what reads it.

    Args:
        pairs: the training pairs.
        features: what lenses say of them.
        members: concept id -> the features it is made of.
        reader: the start model, which is found only when it is needed, and how it reads.
        sae: (lens name, model) -> the SAE whose latents are in `features`.
        examples: concept id -> the contrastive examples that its direction is fitted on, where it has any.
        influence: concept id -> what learning from each chosen and each rejected answer does to it, `(n_pairs,)` each.
    """

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    members: dict[str, tuple[str, ...]]
    reader: Reader
    sae: "Callable[[ModelRef], SaeLens] | None" = None
    examples: Mapping[str, ConceptExamples] = field(default_factory=dict)
    influence: Callable[[str], tuple[Floats, Floats]] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What a probe says of itself: held-out AUROC by concept and readout."""

    @cached_property
    def layers(self) -> Layers:
        """What the start model makes of the responses."""
        return Layers(self.pairs, self.reader)

    @cached_property
    def matrix(self) -> ConceptMatrix:
        """All concepts' own features."""
        return ConceptMatrix.of(self.features, self.members)

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """(2 n_pairs,) a hash of each response's pair and side: an order that is not that of a file.

        What is fitted on responses is fitted in this order, since folds and batches go by place.
        """
        return np.array([hash_of([p.id, side]) for side in ("chosen", "rejected") for p in self.pairs.pairs])

    def find(self, concept: str) -> tuple[str, ...]:
        """The features that a concept is made of."""
        if concept not in self.members:
            raise unknown_name("concept", concept, self.members)
        return self.members[concept]

    def raw(self, concept: str, stat: Stat = "freq") -> tuple[Floats, Floats]:
        """(n_pairs,) the concept's own feature for chosen and rejected, before standardising."""
        return raw_features(self.features, self.find(concept), stat)

    def part(self, concept: str) -> FeatureMatrix | None:
        """What the lens of a concept read."""
        members = self.find(concept)
        return next((p for p in self.features if any(c.id in members for c in p.columns)), None)

    def require_text(self, concept: str, what: str) -> None:
        """Refuse what only a property of the texts has.

        Raises:
            ConfigError: the concept is what the source says beside them.
        """
        part = self.part(concept)
        if part is not None and not part.of_text:
            raise ConfigError(
                f"concept '{concept}' is what a column says, not what the texts say, so there is no {what}; filter, "
                "label_flip, reweight and reward_shaping take it (readout=feature)"
            )

    def layer(self, concept: str, layer: int | None = None) -> int:
        """The layer that is asked for, else that of the concept's examples, else two thirds up.

        Raises:
            ConfigError: the model has no such layer, or the concept is none of the texts.
        """
        self.require_text(concept, "direction of it in a model")
        own = self.own_examples(concept)
        return self.layers.choose(own.layer if layer is None and own is not None else layer)

    def own_examples(self, concept: str) -> ConceptExamples | None:
        """The contrastive examples that a concept brings, if any."""
        members = self.find(concept)
        return self.examples.get(members[0]) if len(members) == 1 else None

    def sides(self, concept: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(2 n_pairs,) the responses that show the concept, and those that do not.

        Raises:
            ConfigError: fewer than 8 of either.
        """
        high, low = shown(np.concatenate(self.raw(concept)))
        if min(high.sum(), low.sum()) < FEWEST:
            raise ConfigError(
                f"concept '{concept}' is shown by {int(high.sum())} responses and absent from {int(low.sum())}: at least "
                f"{FEWEST} of each are needed for a direction"
            )
        return high, low

    def identity(self, concept: str) -> Any:
        """What a stored reading of a concept depends on besides the model."""
        members = self.find(concept)
        part = next(p for p in self.features if any(c.id == members[0] for c in p.columns))
        own = [self.examples[m].model_dump(mode="json") for m in members if m in self.examples]
        return [part.lens, hash_of(part.info), list(members), *([hash_of(own)] if own else [])]
