"""What the start model's layers hold of the responses of a training set: means, largest projections, single tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.lens.activations import choose_layer
from offtarget.lens.directions.encode import direction_at
from offtarget.lens.directions.examples import ConceptExamples
from offtarget.lens.directions.fit import Direction
from offtarget.lens.directions.fitted import Reader, fitted
from offtarget.lens.pooled import max_projections, pooled_activations
from offtarget.lens.probes import TokenReadout, read_tokens
from offtarget.machine import device, precision
from offtarget.models import ModelRef, template_key
from offtarget.progress import Progress, steps_of
from offtarget.store import Store
from offtarget.versions import package_versions

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layers:
    """Reads a training set with the frozen start model; everything is kept in the store.

    Args:
        pairs: the training pairs.
        model: the start model; found only when it is needed.
        store: where activations lie.
        max_length: tokens of prompt and response together.
        template: path of a chat template, for models without one.
        progress: called with (what, done, total).
    """

    pairs: PairSet
    model: Callable[[], ModelRef]
    store: Store
    max_length: int
    template: str | None
    progress: Progress | None

    def choose(self, asked: int | None = None) -> int:
        """The layer that was asked for, or two thirds up.

        Raises:
            ConfigError: the model has no such layer.
        """
        return choose_layer(self.model(), asked)

    def identity(self) -> dict[str, Any]:
        """All that decides what is read, for keys of the store."""
        model = self.model()
        return {
            "rows": self.pairs.rows_sha256,
            "model": model.identity,
            "template": template_key(model, self.template),
            "layer": choose_layer(model),
            "max_length": self.max_length,
            "dtype": precision(),
            "device": device(),
            "packages": package_versions("torch", "transformers", "scikit-learn", "numpy"),
        }

    def means(self, layer: int, with_layers: Sequence[int] = ()) -> NDArray[np.float32]:
        """(2 n_pairs, d_model) mean activation of every chosen, then every rejected response after a layer.

        Args:
            layer: decoder layer, from 0.
            with_layers: layers that will be asked for next, read in the same pass.
        """
        options = self._options("directions")
        found = pooled_activations(self.model(), self.pairs, layer, with_layers=with_layers, **options)
        return np.concatenate([found.chosen, found.rejected])

    def largest(self, layer: int, vector: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """(n_pairs,) the largest projection of a token on a vector, for chosen and rejected."""
        found = max_projections(self.model(), self.pairs, layer, vector[None], **self._options("scores"))
        return found.chosen[:, 0].astype(float), found.rejected[:, 0].astype(float)

    def tokens(self, layer: int, reduce: Callable[[Any], Any], what: str) -> TokenReadout:
        """What `reduce` makes of every token's activation."""
        return read_tokens(self.model(), self.pairs, layer, reduce, **self._options(what))

    def from_examples(self, examples: ConceptExamples, layer: int, method: str) -> Direction:
        """A concept's direction from contrastive examples instead of the training responses."""
        fitted = examples.model_copy(update={"method": method})
        return direction_at(fitted, self.model(), layer, **self._options("examples"))

    def from_lens(self, examples: ConceptExamples, among: Sequence[ConceptExamples]) -> Direction:
        """The direction along which the lens reads a concept, fitted together with the others of its layer."""
        layer = self.choose(examples.layer)
        together = [c for c in among if self.choose(c.layer) == layer]
        read = Reader(self.model(), dtype=None, **self._options("examples"))
        return next(d for d in fitted(together, layer, read) if d.concept.concept == examples.concept)

    def _options(self, what: str) -> dict[str, Any]:
        report = self.progress
        return {
            "max_length": self.max_length,
            "store": self.store,
            "template": self.template,
            "progress": steps_of(report, what),
        }
