"""The `direction` lens: how far a text lies along directions found from contrastive examples.

One YAML file per concept holds examples, each a prompt with an answer that shows the concept and one that does not.
The frozen start model reads them; directions are fitted together (`joint.py`) or one by one (`fit.py`). A text's value is
its projection, mean or maximum over content tokens, in standard deviations of the examples' projections: positive
examples lie near +1, negative ones near -1.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.data.pairs import PairSet
from offtarget.lens.activations import choose_layer
from offtarget.lens.directions.examples import ConceptExamples
from offtarget.lens.directions.fit import GOOD_AUROC, Direction, Floats
from offtarget.lens.directions.fitted import VERSION as FIT_VERSION
from offtarget.lens.directions.fitted import fit_layer, fitted, project
from offtarget.lens.features import FILE_VERSION, Column, FeatureMatrix, Span, Stat
from offtarget.lens.reader import Reader
from offtarget.machine import precision
from offtarget.store import hash_of

VERSION = 2
UNIT = "sd of the examples"
"""A value of 1: one standard deviation of the examples that the direction was made from."""


def encode_directions(pairs: PairSet, concepts: Sequence[ConceptExamples], reader: Reader) -> FeatureMatrix:
    """The value of every span of a set along every direction.

    Args:
        pairs: what to read.
        concepts: what to look for.
        reader: the frozen start model and how it reads; examples and pairs are read by the same one.

    Returns:
        Statistic "value" of the spans prompt, chosen and rejected; `info` holds each direction's held-out AUROC. A
        span without a token has the value 0, the middle of the examples.

    Raises:
        ConfigError: the model has no such layer.
        UndecidedError: examples that the model does not tell apart at all.
    """
    from scipy.sparse import csr_matrix

    layers = [choose_layer(reader.ref, c.layer) for c in concepts]
    identity = hash_of([FIT_VERSION, [[c.model_dump(mode="json"), at] for c, at in zip(concepts, layers, strict=True)]])
    inputs = {
        "rows": pairs.rows_sha256,
        "directions": identity,
        "format": FILE_VERSION,
        **reader.inputs("scikit-learn", "numpy"),
    }

    def build(out: Path) -> None:
        found: dict[str, Direction] = {}
        values: dict[str, dict[Span, Floats]] = {}
        cut = 0
        for layer in sorted(set(layers)):
            mine = [c for c, at in zip(concepts, layers, strict=True) if at == layer]
            here = fitted(mine, layer, reader)
            there, n = _values(pairs, here, layer, reader)
            found |= {d.concept.concept: d for d in here}
            values |= there
            cut = max(cut, n)
        directions = [found[c.concept] for c in concepts]
        info = {
            "name": "direction",
            "identity": identity,
            "version": VERSION,
            "layer": layers[0] if len(set(layers)) == 1 else layers,
            "model": reader.ref.name,
            "model_identity": reader.ref.identity,
            "template": reader.template_key,
            "dtype": precision(reader.dtype),
            "max_length": reader.max_length,
            "n_truncated": cut,
            "directions": [d.facts for d in directions],
            "cautions": [
                f"direction '{d.concept.concept}' is weak: it orders held-out examples with AUROC "
                f"{d.auroc:.2f}, under {GOOD_AUROC}; the model may not represent it at layer {d.layer}"
                for d in directions
                if d.auroc < GOOD_AUROC
            ],
        }
        columns = tuple(Column(f"direction:{c.concept}", f"{c.label} (direction)", UNIT, "value") for c in concepts)
        spans: tuple[Span, ...] = ("prompt", "chosen", "rejected")
        matrices: dict[tuple[Span, Stat], Any] = {
            (s, "value"): csr_matrix(np.column_stack([values[c.concept][s] for c in concepts])) for s in spans
        }
        ids, groups = tuple(p.id for p in pairs.pairs), tuple(p.group for p in pairs.pairs)
        FeatureMatrix("direction", columns, matrices, ids, groups, info, reads_model=True).save(out)

    return FeatureMatrix.load(reader.store.get("direction-features", VERSION, inputs, build))


def direction_at(concept: ConceptExamples, layer: int, reader: Reader) -> Direction:
    """One direction from its examples alone, at any layer.

    Raises:
        ConfigError: the model has no such layer.
        UndecidedError: examples that the model does not tell apart at all.
    """
    alone = concept.model_copy(update={"pool": "mean"})
    return fit_layer([alone], layer, reader).directions[0]


def _values(
    pairs: PairSet, directions: Sequence[Direction], layer: int, reader: Reader
) -> tuple[dict[str, dict[Span, Floats]], int]:
    """By concept `(n_pairs,)` for each span, and how many pairs were cut: one pass for all directions of a pool."""
    out: dict[str, dict[Span, Floats]] = {}
    cut = 0
    for pool in ("mean", "max"):
        mine = [d for d in directions if d.concept.pool == pool]
        if not mine:
            continue
        there, cut = project(reader, pairs, layer, np.stack([d.vector for d in mine]), pool)
        for j, d in enumerate(mine):
            out[d.concept.concept] = {s: np.nan_to_num((x[:, j] - d.centre) / d.sd) for s, x in there.items()}
    return out, cut
