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
from offtarget.lens.directions.fitted import fitted
from offtarget.lens.pooled import max_projections, pooled_activations
from offtarget.lens.probes import TokenReadout, read_tokens
from offtarget.lens.reader import Reader

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layers:
    """Reads a training set with the frozen start model; everything is kept in the store."""

    pairs: PairSet
    """The training pairs."""
    reader: Reader

    def choose(self, asked: int | None = None) -> int:
        """The layer that was asked for, or two thirds up.

        Raises:
            ConfigError: the model has no such layer.
        """
        return choose_layer(self.reader.ref, asked)

    def identity(self) -> dict[str, Any]:
        """All that decides what is read, for keys of the store."""
        return {"rows": self.pairs.rows_sha256, "layer": self.choose(), **self.reader.inputs("scikit-learn", "numpy")}

    def means(self, layer: int, with_layers: Sequence[int] = ()) -> NDArray[np.float32]:
        """(2 n_pairs, d_model) mean activation of every chosen, then every rejected response after a layer.

        Args:
            layer: decoder layer, from 0.
            with_layers: layers that will be asked for next, read in the same pass.
        """
        found = pooled_activations(self.reader.doing("directions"), self.pairs, layer, with_layers=with_layers)
        return np.concatenate([found.chosen, found.rejected])

    def largest(self, layer: int, vector: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """(n_pairs,) the largest projection of a token on a vector, for chosen and rejected."""
        found = max_projections(self.reader.doing("scores"), self.pairs, layer, vector[None])
        return found.chosen[:, 0].astype(float), found.rejected[:, 0].astype(float)

    def tokens(self, layer: int, reduce: Callable[[Any], Any], what: str) -> TokenReadout:
        """What `reduce` makes of every token's activation."""
        return read_tokens(self.reader.doing(what), self.pairs, layer, reduce)

    def from_examples(self, examples: ConceptExamples, layer: int, method: str) -> Direction:
        """A concept's direction from contrastive examples instead of the training responses."""
        return direction_at(examples.model_copy(update={"method": method}), layer, self.reader.doing("examples"))

    def from_lens(self, examples: ConceptExamples, among: Sequence[ConceptExamples]) -> Direction:
        """The direction along which the lens reads a concept, fitted together with the others of its layer."""
        layer = self.choose(examples.layer)
        together = [c for c in among if self.choose(c.layer) == layer]
        found = fitted(together, layer, self.reader.doing("examples"))
        return next(d for d in found if d.concept.concept == examples.concept)
