"""Scores of responses and directions of concepts, from lenses and from the start model's activations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.directions.fit import mean_difference, probe
from offtarget.lens.probes import HELD_OUT, MAX_BYTES, attention_probe
from offtarget.lens.sae.collect import held_out
from offtarget.shaping.context import ConceptScores, Direction
from offtarget.shaping.source import FEWEST, Floats, Source
from offtarget.store import write_atomic

VERSION = 2
READOUTS = ("feature", "feature_max", "direction", "direction_max", "probe", "probe_max", "attention", "influence")


def scores_of(source: Source, concept: str, readout: str) -> ConceptScores:
    """Scores of every pair by one readout; those of the model are kept in the store.

    Raises:
        ConfigError: no such readout; it never varies, or too few responses show the concept.
    """
    if readout not in READOUTS:
        raise unknown_name("readout", readout, READOUTS)
    if readout not in ("feature", "feature_max"):
        source.require_text(concept, f"readout {readout} of it")
    if readout in ("feature", "feature_max"):
        return ConceptScores.standardise(*source.raw(concept, "max" if readout == "feature_max" else "freq"))
    if readout == "influence":
        if source.influence is None:
            raise ConfigError("influence is read of rows that a recipe trains on; use it there (`offtarget run`)")
        return ConceptScores.standardise(*source.influence(concept))
    inputs = {**source.layers.identity(), "concept": source.identity(concept), "readout": readout}

    def build(out: Path) -> None:
        chosen, rejected, facts = _read(source, concept, readout)
        np.savez(out / "scores.npz", chosen=chosen, rejected=rejected)
        write_atomic(out / "facts.json", json.dumps(facts))

    folder = source.reader.store.get("concept-scores", VERSION, inputs, build)
    source.facts[f"{concept} {readout}"] = json.loads((folder / "facts.json").read_text())
    with np.load(folder / "scores.npz", allow_pickle=False) as z:
        return ConceptScores.standardise(z["chosen"], z["rejected"])


def direction_of(source: Source, concept: str, layer: int | None) -> Direction:
    """The unit direction by difference of means, and the spread of the responses along it."""
    layer = source.layer(concept, layer)
    vector, facts = vector_of(source, concept, "direction", layer)
    source.facts[f"{concept} direction"] = facts
    projected, n = source.layers.means(layer) @ vector, len(source.pairs)
    margin = projected[:n].astype(float) - projected[n:]
    return Direction(layer, vector, float(projected.std()), margin)


def vector_of(
    source: Source, concept: str, kind: str, layer: int | None = None
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Unit vector of a concept ("direction" or "probe") and its AUROC on texts that it was not fitted on.

    A "direction" is the difference of means, which moves a model further than one that is fitted to tell apart.
    """
    if (own := source.own_examples(concept)) is not None:
        method = "probe" if kind == "probe" else "mean_difference"
        found = source.layers.from_examples(own, source.layer(concept, layer), method)
        return found.vector, found.facts
    order = np.argsort(source.names)
    high, low = (side[order] for side in source.sides(concept))
    layer = source.layer(concept, layer)
    h = source.layers.means(layer)[order]
    fit = mean_difference if kind == "direction" else probe
    test = np.tile([held_out(p.group, HELD_OUT) for p in source.pairs.pairs], 2)[order]
    facts: dict[str, Any] = {"layer": layer, "with": int(high.sum()), "without": int(low.sum())}
    if min((high & test).sum(), (low & test).sum(), (high & ~test).sum(), (low & ~test).sum()) >= FEWEST:
        from sklearn.metrics import roc_auc_score

        there = fit(h[high & ~test], h[low & ~test])
        labelled = (high | low) & test
        facts["held_out_auroc"] = round(float(roc_auc_score(high[labelled], h[labelled] @ there)), 4)
    return fit(h[high], h[low]), facts


def _read(source: Source, concept: str, readout: str) -> tuple[Floats, Floats, dict[str, Any]]:
    """Raw readouts of chosen and rejected by the model's activations, and what is to be said of them."""
    if readout == "attention":
        return _attention(source, concept)
    kind, _, largest = readout.partition("_")
    own = source.own_examples(concept)
    if kind == "direction" and own is not None and own.method == "joint":
        found = source.layers.from_lens(own, tuple(source.examples.values()))
        vector, facts = found.vector, found.facts
    else:
        vector, facts = vector_of(source, concept, kind)
    layer = int(facts["layer"])
    if largest:
        return *source.layers.largest(layer, vector), facts
    projected = (source.layers.means(layer) @ vector).astype(float)
    return projected[: len(source.pairs)], projected[len(source.pairs) :], facts


def _attention(source: Source, concept: str) -> tuple[Floats, Floats, dict[str, Any]]:
    high, low = source.sides(concept)
    layer = source.layer(concept)
    read = source.layers.tokens(layer, lambda hidden: hidden.half(), "attention probe")
    if (size := sum(v.nbytes for v in read.values)) > MAX_BYTES:
        raise ConfigError(
            f"an attention probe keeps every token's activation, here {size / 2**30:.1f} GiB of at most "
            f"{MAX_BYTES / 2**30:.0f}: train on fewer pairs, or choose readout probe_max"
        )
    both = np.concatenate([read.chosen, read.rejected])
    test_pair = np.tile([held_out(p.group, HELD_OUT) for p in source.pairs.pairs], 2)
    n = len(read.values)
    present, labelled, test = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    there = both >= 0
    present[both[there & high]] = True
    labelled[both[there & (high | low)]] = True
    test[both[there & test_pair]] = True
    names = np.full(n, "", object)
    for value, name in sorted(zip(both[there], source.names[there], strict=True), key=lambda x: x[1], reverse=True):
        names[value] = name  # a text that several pairs share has the first of their names
    order = np.argsort(names.astype(str))
    probe = attention_probe([read.values[i] for i in order], present[order], labelled[order], test[order])
    scores = np.empty(n)
    scores[order] = probe.scores
    facts = {
        "layer": layer,
        "with": int(high.sum()),
        "without": int(low.sum()),
        "held_out_auroc": round(probe.auroc, 4),
    }
    lowest = float(scores.min())
    sides = [np.where(side >= 0, scores[side], lowest) for side in (read.chosen, read.rejected)]
    return sides[0], sides[1], facts
