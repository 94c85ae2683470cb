"""How strongly each response, and each word of it, expresses a concept: read once, kept in the store.

Readouts come from the frozen start model or from rules, before training, and never change:

* `feature`: the lens's own value: a rule's count (as log(1 + x)), a rate, a projection; for latents the mean firing
  frequency of the concept's members. `feature_max`: their mean largest activation.
* `direction`: projection of the mean activation on the difference of means between responses that show the concept
  and such as do not (arXiv 2606.12360, section 2.6); `direction_max`: the largest projection of a token (section 2.1).
* `probe`, `probe_max`: the same with the normal of a logistic regression.
* `attention`: log-odds of an attention probe over the response's tokens.

What shows a concept is told by its own feature, so a probe generalises the rule or the latents, and no more. A concept
of the direction lens brings its own contrastive examples: its direction and its probe are fitted on them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.length import Lengths
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.directions.examples import ConceptExamples
from offtarget.lens.directions.fit import mean_difference, probe
from offtarget.lens.features import FeatureMatrix, Stat
from offtarget.lens.names import concept_parts
from offtarget.lens.probes import HELD_OUT, MAX_BYTES, attention_probe
from offtarget.lens.reader import Reader
from offtarget.lens.sae.collect import held_out
from offtarget.lens.surface.places import places
from offtarget.models import ModelRef
from offtarget.shaping.concept_matrix import ConceptMatrix
from offtarget.shaping.context import ConceptScores, Direction, WordScores
from offtarget.shaping.layers import Layers
from offtarget.shaping.presence import raw_features, shown
from offtarget.shaping.rewriting import Ask, by_model, by_rule
from offtarget.shaping.words import covered, largest, word_spans
from offtarget.store import hash_of, write_atomic

if TYPE_CHECKING:
    from offtarget.lens.sae.encode import SaeLens

VERSION = 1
WORDS_VERSION = 2
READOUTS = ("feature", "feature_max", "direction", "direction_max", "probe", "probe_max", "attention")
FEWEST = 8
"""Responses with a concept, and without, that a direction or a probe needs."""

Floats = NDArray[np.float64]


@dataclass(eq=False)
class StoredReadings:
    """Scores, words and directions of a training set; a `Readings` for protocols.

    Args:
        pairs: the training pairs.
        features: what lenses say of them.
        members: concept id -> the features it is made of.
        reader: the start model, which is found only when it is needed, and how it reads.
        sae: (lens name, model) -> the SAE whose latents are in `features`.
        examples: concept id -> the contrastive examples that its direction is fitted on, where it has any.
        labels: concept id -> its label.
        ask: a way to ask a model service, for counterfactuals.
    """

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    members: dict[str, tuple[str, ...]]
    reader: Reader
    sae: "Callable[[ModelRef], SaeLens] | None" = None
    examples: Mapping[str, ConceptExamples] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    ask: Ask | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What a probe says of itself: held-out AUROC by concept and readout."""

    asked: set[str] = field(default_factory=set)
    """What was asked for since this was last emptied: concept and readout."""
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What was asked before: several protocols and seeds of a grid ask for the same."""

    @cached_property
    def layers(self) -> Layers:
        """What the start model makes of the responses."""
        return Layers(self.pairs, self.reader)

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    # ---- what a protocol asks for

    def scores(self, concept: str, readout: str = "feature") -> ConceptScores:
        """Scores of every pair, z-scored and clipped.

        Raises:
            ConfigError: no such concept or readout; it never varies, or too few responses show it.
        """
        self.asked.add(f"{concept} {readout}")
        found: ConceptScores = self._once(("scores", concept, readout), lambda: self._scores(concept, readout))
        return found

    def direction(self, concept: str, layer: int | None = None) -> Direction:
        """The concept's unit direction, by difference of means, and the responses' spread along it."""
        self.asked.add(f"{concept} direction")
        found: Direction = self._once(("direction", concept, layer), lambda: self._direction(concept, layer))
        return found

    def directions(self, concept: str, layers: Sequence[int]) -> list[Direction]:
        """The concept's directions at several layers, for which the responses are read once."""
        layers = [self.layer(concept, n) for n in layers]
        if self._examples(concept) is None:
            self._sides(concept)  # too few are said before anything is read
        if layers:
            self.layers.means(layers[0], with_layers=layers)
        return [self.direction(concept, n) for n in layers]

    def layer(self, concept: str, layer: int | None = None) -> int:
        """The layer that is asked for, else that of the concept's examples, else two thirds up.

        Raises:
            ConfigError: the model has no such layer, or the concept is none of the texts.
        """
        self._require_text(concept, "direction of it in a model")
        own = self._examples(concept)
        return self.layers.choose(own.layer if layer is None and own is not None else layer)

    def words(self, concept: str, readout: str = "feature") -> tuple[list[WordScores], list[WordScores]]:
        """Scores of every word of chosen and rejected, in standard deviations over all words.

        Raises:
            ConfigError: a readout that reads no words, or one by which all words are alike.
        """
        self._require_text(concept, "word that shows it")
        self.asked.add(f"{concept} {readout} of words")
        found: tuple[list[WordScores], list[WordScores]] = self._once(
            ("words", concept, readout), lambda: self._words(concept, readout)
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
        self._require_text(concept, "way to rewrite an answer without it")
        if role is None:
            return by_rule(concept, sign, responses)
        if self.ask is None:
            raise ConfigError(f"no model can be asked here, so '{role}' cannot rewrite")
        label = self.labels.get(concept, concept.removeprefix("surface:"))
        return by_model(self.ask, role, label, sign, responses)

    # ---- where it comes from

    def find(self, concept: str) -> tuple[str, ...]:
        """The features that a concept is made of."""
        if concept not in self.members:
            raise unknown_name("concept", concept, self.members)
        return self.members[concept]

    def raw(self, concept: str, stat: Stat = "freq") -> tuple[Floats, Floats]:
        """(n_pairs,) the concept's own feature for chosen and rejected, before standardising."""
        return raw_features(self.features, self.find(concept), stat)

    def _require_text(self, concept: str, what: str) -> None:
        """Refuse what only a property of the texts has.

        Raises:
            ConfigError: the concept is what the source says beside them.
        """
        part = self._part(concept)
        if part is not None and not part.of_text:
            raise ConfigError(
                f"concept '{concept}' is what a column says, not what the texts say, so there is no {what}; filter, "
                "label_flip, reweight and reward_shaping take it (readout=feature)"
            )

    def _part(self, concept: str) -> FeatureMatrix | None:
        """What the lens of a concept read."""
        members = self.find(concept)
        return next((p for p in self.features if any(c.id in members for c in p.columns)), None)

    def _scores(self, concept: str, readout: str) -> ConceptScores:
        if readout not in READOUTS:
            raise unknown_name("readout", readout, READOUTS)
        members = self.find(concept)
        if readout not in ("feature", "feature_max"):
            self._require_text(concept, f"readout {readout} of it")
        if readout in ("feature", "feature_max"):
            return ConceptScores.standardise(*self.raw(concept, "max" if readout == "feature_max" else "freq"))
        inputs = {**self.layers.identity(), "concept": self._feature_identity(members), "readout": readout}

        def build(out: Path) -> None:
            chosen, rejected, facts = self._read(concept, readout)
            np.savez(out / "scores.npz", chosen=chosen, rejected=rejected)
            write_atomic(out / "facts.json", json.dumps(facts))

        folder = self.reader.store.get("concept-scores", VERSION, inputs, build)
        self.facts[f"{concept} {readout}"] = json.loads((folder / "facts.json").read_text())
        with np.load(folder / "scores.npz", allow_pickle=False) as z:
            return ConceptScores.standardise(z["chosen"], z["rejected"])

    def _feature_identity(self, members: Sequence[str]) -> Any:
        part = next(p for p in self.features if any(c.id == members[0] for c in p.columns))
        own = [self.examples[m].model_dump(mode="json") for m in members if m in self.examples]
        return [part.lens, hash_of(part.info), list(members), *([hash_of(own)] if own else [])]

    def _read(self, concept: str, readout: str) -> tuple[Floats, Floats, dict[str, Any]]:
        """Raw readouts of chosen and rejected by the model's activations, and what is to be said of them."""
        if readout == "attention":
            return self._attention(concept)
        kind, _, largest = readout.partition("_")
        own = self._examples(concept)
        if kind == "direction" and own is not None and own.method == "joint":
            found = self.layers.from_lens(own, tuple(self.examples.values()))
            vector, facts = found.vector, found.facts
        else:
            vector, facts = self._vector(concept, kind)
        layer = int(facts["layer"])
        if largest:
            return *self.layers.largest(layer, vector), facts
        projected = (self.layers.means(layer) @ vector).astype(float)
        return projected[: len(self.pairs)], projected[len(self.pairs) :], facts

    def _vector(self, concept: str, kind: str, layer: int | None = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Unit vector of a concept ("direction" or "probe") and its AUROC on texts that it was not fitted on.

        A "direction" is the difference of means, which moves a model further than one that is fitted to tell apart.
        """
        if (own := self._examples(concept)) is not None:
            method = "probe" if kind == "probe" else "mean_difference"
            found = self.layers.from_examples(own, self.layer(concept, layer), method)
            return found.vector, found.facts
        high, low = self._sides(concept)
        layer = self.layer(concept, layer)
        h = self.layers.means(layer)
        fit = mean_difference if kind == "direction" else probe
        test = np.tile([held_out(p.group, HELD_OUT) for p in self.pairs.pairs], 2)
        facts: dict[str, Any] = {"layer": layer, "with": int(high.sum()), "without": int(low.sum())}
        if min((high & test).sum(), (low & test).sum(), (high & ~test).sum(), (low & ~test).sum()) >= FEWEST:
            from sklearn.metrics import roc_auc_score

            there = fit(h[high & ~test], h[low & ~test])
            labelled = (high | low) & test
            facts["held_out_auroc"] = round(float(roc_auc_score(high[labelled], h[labelled] @ there)), 4)
        return fit(h[high], h[low]), facts

    def _examples(self, concept: str) -> ConceptExamples | None:
        members = self.find(concept)
        return self.examples.get(members[0]) if len(members) == 1 else None

    def _sides(self, concept: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
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

    def _direction(self, concept: str, layer: int | None) -> Direction:
        layer = self.layer(concept, layer)
        vector, facts = self._vector(concept, "direction", layer)
        self.facts[f"{concept} direction"] = facts
        projected, n = self.layers.means(layer) @ vector, len(self.pairs)
        margin = projected[:n].astype(float) - projected[n:]
        return Direction(layer, vector, float(projected.std()), margin)

    def _attention(self, concept: str) -> tuple[Floats, Floats, dict[str, Any]]:
        high, low = self._sides(concept)
        layer = self.layer(concept)
        read = self.layers.tokens(layer, lambda hidden: hidden.half(), "attention probe")
        if (size := sum(v.nbytes for v in read.values)) > MAX_BYTES:
            raise ConfigError(
                f"an attention probe keeps every token's activation, here {size / 2**30:.1f} GiB of at most "
                f"{MAX_BYTES / 2**30:.0f}: train on fewer pairs, or choose readout probe_max"
            )
        both = np.concatenate([read.chosen, read.rejected])
        test_pair = np.tile([held_out(p.group, HELD_OUT) for p in self.pairs.pairs], 2)
        n = len(read.values)
        present, labelled, test = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        there = both >= 0
        present[both[there & high]] = True
        labelled[both[there & (high | low)]] = True
        test[both[there & test_pair]] = True
        probe = attention_probe(read.values, present, labelled, test)
        facts = {
            "layer": layer,
            "with": int(high.sum()),
            "without": int(low.sum()),
            "held_out_auroc": round(probe.auroc, 4),
        }
        lowest = float(probe.scores.min())
        sides = [np.where(side >= 0, probe.scores[side], lowest) for side in (read.chosen, read.rejected)]
        return sides[0], sides[1], facts

    # ---- words

    def _words(self, concept: str, readout: str) -> tuple[list[WordScores], list[WordScores]]:
        members = self.find(concept)
        texts = [[text_of(getattr(p, side)) for p in self.pairs.pairs] for side in ("chosen", "rejected")]
        spans = [[word_spans(t) for t in side] for side in texts]
        lens, name = concept_parts(members[0])
        if readout == "feature" and lens == "surface":
            raw = [
                [covered(s, places(name, t)) for s, t in zip(some, side, strict=True)]
                for some, side in zip(spans, texts, strict=True)
            ]
        else:
            raw = self._token_words(concept, readout, spans)
        values = np.concatenate([np.zeros(0), *(x for side in raw for x in side)])
        centre, sd = (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)
        if not sd > 0:
            raise ConfigError(
                f"concept '{concept}', readout '{readout}': no word differs from another, so none can be masked"
            )
        chosen, rejected = (
            [WordScores(s, (x - centre) / sd) for s, x in zip(some, side, strict=True)]
            for some, side in zip(spans, raw, strict=True)
        )
        return chosen, rejected

    def _token_words(self, concept: str, readout: str, spans: list[list[NDArray[np.int64]]]) -> list[list[Floats]]:
        """The largest token score in each word, for chosen and rejected; kept in the store."""
        if readout not in ("feature", "direction", "probe"):
            raise unknown_name("readout of words", readout, ("feature", "direction", "probe"))
        inputs = {**self.layers.identity(), "concept": self._feature_identity(self.find(concept)), "readout": readout}

        def build(out: Path) -> None:
            layer, reduce, facts = self._reducer(concept, readout)
            write_atomic(out / "facts.json", json.dumps(facts))
            read = self.layers.tokens(layer, reduce, "words")
            flat, bounds = [], [0]
            for side, some in zip((read.chosen, read.rejected), spans, strict=True):
                for k, s in zip(side, some, strict=True):
                    where = read.places[k] if k >= 0 else np.zeros((0, 2), np.int64)
                    flat.append(largest(s, where, read.values[k] if k >= 0 else np.zeros(0, np.float32)))
                    bounds.append(bounds[-1] + len(flat[-1]))
            np.savez(out / "words.npz", values=np.concatenate([np.zeros(0), *flat]), bounds=np.array(bounds))

        folder = self.reader.store.get("word-scores", WORDS_VERSION, inputs, build)
        self.facts[f"{concept} {readout} of words"] = json.loads((folder / "facts.json").read_text())
        with np.load(folder / "words.npz", allow_pickle=False) as z:
            values, bounds = z["values"], z["bounds"]
        parts = [values[a:b] for a, b in pairwise(bounds)]
        n = len(self.pairs)
        return [parts[:n], parts[n:]]

    def _reducer(self, concept: str, readout: str) -> tuple[int, Callable[[Any], Any], dict[str, Any]]:
        """The layer to read, what to make of each token there, and what is to be said of that."""
        import torch

        part = self._part(concept)
        if readout == "feature" and part is not None and part.kind == "latent":
            if self.sae is None:
                raise ConfigError(f"concept '{concept}': no SAE is available to read single tokens with")
            found = self.sae(self.reader.ref)
            index = [int(concept_parts(m)[1]) for m in self.find(concept)]
            return (found.layer, lambda hidden: found.sae.encode(hidden)[:, index].mean(1), {"layer": found.layer})
        vector, facts = self._vector(concept, "probe" if readout == "probe" else "direction")
        return facts["layer"], lambda hidden: hidden @ torch.from_numpy(vector).to(hidden.device), facts

    @cached_property
    def matrix(self) -> ConceptMatrix:
        """All concepts' own features."""
        return ConceptMatrix.of(self.features, self.members)
