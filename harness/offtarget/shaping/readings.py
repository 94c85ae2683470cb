"""How strongly each response, and each word of it, expresses a concept: read once, kept in the store.

Readouts come from the frozen start model or from rules, before training, and never change:

* `feature`: the lens's own value: a rule's count (as log(1 + x)), a rate, a projection; for latents the mean firing
  frequency of the concept's members. `feature_max`: their mean largest activation.
* `direction`: projection of the mean activation on the difference of means between responses that show the concept
  and such as do not (arXiv 2606.12360, section 2.6); `direction_max`: the largest projection of a token (section 2.1).
* `probe`, `probe_max`: the same with the normal of a logistic regression.
* `attention`: log-odds of an attention probe over the response's tokens.
* `influence`: how far learning from the response would make the start model's own answers show more of the concept
  (`offtarget.influence`), instead of how much the response itself shows.

What shows a concept is told by its own feature, so a probe generalises the rule or the latents, and no more. A concept
of the direction lens brings its own contrastive examples: its direction and its probe are fitted on them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.length import Lengths
from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError
from offtarget.shaping.context import ConceptScores, Direction, WordScores
from offtarget.shaping.presence import shown
from offtarget.shaping.rewriting import Ask, by_model, by_rule
from offtarget.shaping.scores import READOUTS as READOUTS
from offtarget.shaping.scores import direction_of, scores_of
from offtarget.shaping.source import Source
from offtarget.shaping.words import words_of


@dataclass(eq=False)
class StoredReadings(Source):
    """Scores, words and directions of a training set, each made once: a `Readings` for protocols.

    Args:
        pairs: as in `Source`, and so on.
        labels: concept id -> its label.
        ask: a way to ask a model service, for counterfactuals.
    """

    labels: dict[str, str] = field(default_factory=dict)
    ask: Ask | None = None
    asked: set[str] = field(default_factory=set)
    """What was asked for since this was last emptied: concept and readout."""
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What was asked before: several protocols and seeds of a grid ask for the same."""

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def scores(self, concept: str, readout: str = "feature") -> ConceptScores:
        """Scores of every pair, z-scored and clipped.

        Raises:
            ConfigError: no such concept or readout; it never varies, or too few responses show it.
        """
        self.asked.add(f"{concept} {readout}")
        found: ConceptScores = self._once(("scores", concept, readout), lambda: scores_of(self, concept, readout))
        return found

    def direction(self, concept: str, layer: int | None = None) -> Direction:
        """The concept's unit direction, by difference of means, and the responses' spread along it."""
        self.asked.add(f"{concept} direction")
        found: Direction = self._once(("direction", concept, layer), lambda: direction_of(self, concept, layer))
        return found

    def directions(self, concept: str, layers: Sequence[int]) -> list[Direction]:
        """The concept's directions at several layers, for which the responses are read once."""
        layers = [self.layer(concept, n) for n in layers]
        if self.own_examples(concept) is None:
            self.sides(concept)  # too few are said before anything is read
        if layers:
            self.layers.means(layers[0], with_layers=layers)
        return [self.direction(concept, n) for n in layers]

    def words(self, concept: str, readout: str = "feature") -> tuple[list[WordScores], list[WordScores]]:
        """Scores of every word of chosen and rejected, in standard deviations over all words.

        Raises:
            ConfigError: a readout that reads no words, or one by which all words are alike.
        """
        self.require_text(concept, "word that shows it")
        self.asked.add(f"{concept} {readout} of words")
        found: tuple[list[WordScores], list[WordScores]] = self._once(
            ("words", concept, readout), lambda: words_of(self, concept, readout)
        )
        return found

    def length(self) -> Lengths:
        """How long the responses are, in characters."""
        return Lengths.of(self.pairs.pairs)

    def presence(self, concept: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which chosen and which rejected responses show the concept."""
        chosen, rejected = self.raw(concept)
        high, _ = shown(np.concatenate([chosen, rejected]))
        return high[: len(chosen)], high[len(chosen) :]

    def rewrite(
        self, concept: str, sign: int, responses: Sequence[tuple[Pair, str]], role: str | None
    ) -> list[str | None]:
        """Responses without the concept (sign −1) or with it (+1), by rule or by a model.

        Raises:
            ConfigError: no rule can do it and no model is named.
        """
        self.require_text(concept, "way to rewrite an answer without it")
        if role is None:
            return by_rule(concept, sign, responses)
        if self.ask is None:
            raise ConfigError(f"no model can be asked here, so '{role}' cannot rewrite")
        label = self.labels.get(concept, concept.removeprefix("surface:"))
        return by_model(self.ask, role, label, sign, responses)
