"""Words of a response, and what marks or single tokens in it say of each."""

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import text_of
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.names import concept_parts
from offtarget.lens.surface.places import places
from offtarget.shaping.context import WordScores
from offtarget.shaping.scores import vector_of
from offtarget.shaping.source import Floats, Source
from offtarget.store import write_atomic

WORDS_VERSION = 3
_WORD = re.compile(r"\S+")


def words_of(source: Source, concept: str, readout: str) -> tuple[list[WordScores], list[WordScores]]:
    """Scores of every word of chosen and rejected, in standard deviations over all words.

    Raises:
        ConfigError: a readout that reads no words, or one by which all words are alike.
    """
    members = source.find(concept)
    texts = [[text_of(getattr(p, side)) for p in source.pairs.pairs] for side in ("chosen", "rejected")]
    spans = [[word_spans(t) for t in side] for side in texts]
    lens, name = concept_parts(members[0])
    if readout == "feature" and lens == "surface":
        raw = [
            [covered(s, places(name, t)) for s, t in zip(some, side, strict=True)]
            for some, side in zip(spans, texts, strict=True)
        ]
    else:
        raw = _token_words(source, concept, readout, spans)
    values = np.concatenate([np.zeros(0), *(x for side in raw for x in side)])
    centre, sd = (float(values.mean()), float(values.std())) if len(values) else (0.0, 0.0)
    if not sd > 0:
        raise ConfigError(
            f"concept '{concept}', readout '{readout}': no word differs from another, so none can be masked or weighted"
        )
    chosen, rejected = (
        [WordScores(s, (x - centre) / sd) for s, x in zip(some, side, strict=True)]
        for some, side in zip(spans, raw, strict=True)
    )
    return chosen, rejected


def _token_words(
    source: Source, concept: str, readout: str, spans: list[list[NDArray[np.int64]]]
) -> list[list[Floats]]:
    """The largest token score in each word, for chosen and rejected; kept in the store."""
    if readout not in ("feature", "direction", "probe"):
        raise unknown_name("readout of words", readout, ("feature", "direction", "probe"))
    inputs = {**source.layers.identity(), "concept": source.identity(concept), "readout": readout}

    def build(out: Path) -> None:
        layer, reduce, facts = _reducer(source, concept, readout)
        write_atomic(out / "facts.json", json.dumps(facts))
        read = source.layers.tokens(layer, reduce, "words")
        flat, bounds = [], [0]
        for side, some in zip((read.chosen, read.rejected), spans, strict=True):
            for k, s in zip(side, some, strict=True):
                where = read.places[k] if k >= 0 else np.zeros((0, 2), np.int64)
                flat.append(largest(s, where, read.values[k] if k >= 0 else np.zeros(0, np.float32)))
                bounds.append(bounds[-1] + len(flat[-1]))
        np.savez(out / "words.npz", values=np.concatenate([np.zeros(0), *flat]), bounds=np.array(bounds))

    folder = source.reader.store.get("word-scores", WORDS_VERSION, inputs, build)
    source.facts[f"{concept} {readout} of words"] = json.loads((folder / "facts.json").read_text())
    with np.load(folder / "words.npz", allow_pickle=False) as z:
        values, bounds = z["values"], z["bounds"]
    parts = [values[a:b] for a, b in pairwise(bounds)]
    n = len(source.pairs)
    return [parts[:n], parts[n:]]


def _reducer(source: Source, concept: str, readout: str) -> tuple[int, Callable[[Any], Any], dict[str, Any]]:
    """The layer to read, what to make of each token there, and what is to be said of that."""
    import torch

    part = source.part(concept)
    if readout == "feature" and part is not None and part.kind == "latent":
        if source.sae is None:
            raise ConfigError(f"concept '{concept}': no SAE is available to read single tokens with")
        found = source.sae(source.reader.ref)
        index = [int(concept_parts(m)[1]) for m in source.find(concept)]
        return (found.layer, lambda hidden: found.sae.encode(hidden)[:, index].mean(1), {"layer": found.layer})
    vector, facts = vector_of(source, concept, "probe" if readout == "probe" else "direction")
    return facts["layer"], lambda hidden: hidden @ torch.from_numpy(vector).to(hidden.device), facts


def word_spans(text: str) -> NDArray[np.int64]:
    return np.array([m.span() for m in _WORD.finditer(text)], np.int64).reshape(-1, 2)


def covered(spans: NDArray[np.int64], found: Sequence[tuple[int, int]]) -> Floats:
    """1 for words that any of the places touches, else 0."""
    out = np.zeros(len(spans))
    for a, b in found:
        out[(spans[:, 0] < b) & (spans[:, 1] > a)] = 1.0
    return out


def largest(spans: NDArray[np.int64], where: NDArray[np.int64], values: NDArray[np.floating[Any]]) -> Floats:
    """(n_words,) the largest value of a word's tokens; words without one (cut off) get the smallest of all."""
    out = np.full(len(spans), -np.inf)
    real = where[:, 1] > where[:, 0] if len(where) else np.zeros(0, bool)
    if len(spans) and real.any():
        # a token belongs to the word in which it ends: it may begin with the space before it
        word = np.searchsorted(spans[:, 0], where[real, 1], side="left") - 1
        inside = (word >= 0) & (where[real, 0] < spans[np.maximum(word, 0), 1])
        np.maximum.at(out, word[inside], np.asarray(values, float)[real][inside])
    least = float(np.min(values)) if len(values) else 0.0
    return np.where(np.isfinite(out), out, least)
