"""Directions of a model, fitted to the examples of concepts: from the store, from those that ship, or now.

The fit for the embedded model and the shipped concepts is part of the package (`pretrained/directions-smollm2-135m`),
since reading the examples takes minutes on a processor:

    python -m offtarget.lens.directions.fitted     # writes it again, after a change of examples or of the fit
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.activations import choose_layer
from offtarget.lens.directions.examples import ConceptExamples, read_concepts
from offtarget.lens.directions.fit import Direction, Floats, calibrate, half_vectors
from offtarget.lens.directions.joint import Answers, joint_vectors, responses
from offtarget.lens.features import Span
from offtarget.lens.pooled import max_projections, pooled_activations
from offtarget.lens.reader import MAX_LENGTH, Reader
from offtarget.models import EMBEDDED
from offtarget.store import Store, hash_of
from offtarget.versions import package_versions

VERSION = 2
SHIPPED_FIT = Path(__file__).parents[1] / "pretrained" / "directions-smollm2-135m"
VECTORS, FACTS = "vectors.npz", "directions.json"
EXAMPLE_TOKENS = MAX_LENGTH
"""Most tokens of an example, whatever the length that is read of the pairs: a fit is the same for all audits."""


def project(
    reader: Reader, pairs: PairSet, layer: int, vectors: NDArray[np.float32], pool: str
) -> tuple[dict[Span, Floats], int]:
    """`(n_pairs, n_vectors)` for each span, NaN where it has no token; and how many pairs were cut."""
    if pool == "max":
        read, to = max_projections(reader, pairs, layer, vectors), np.eye(len(vectors), dtype=np.float32)
    else:
        read, to = pooled_activations(reader, pairs, layer), vectors.T
    spans: dict[Span, NDArray[np.float32]] = {"prompt": read.prompt, "chosen": read.chosen, "rejected": read.rejected}
    return {span: along(x, to) for span, x in spans.items()}, read.n_truncated


def along(x: NDArray[np.float32], vectors: NDArray[np.float32]) -> Floats:
    """`(n, n_vectors)` projections of rows, NaN for a row of zeros: a text without a token."""
    return np.where(x.any(axis=1, keepdims=True), x @ vectors, np.nan)


def fitted(concepts: Sequence[ConceptExamples], layer: int, reader: Reader) -> tuple[Direction, ...]:
    """The directions of concepts after one layer.

    Args:
        concepts: what to fit; those of method `joint` are fitted together.
        layer: decoder layer, from 0.
        reader: the model and how it reads; examples are read whole, however little is read of the pairs.

    Raises:
        ConfigError: the model has no such layer.
        UndecidedError: examples that the model does not tell apart at all.
    """
    whole = replace(reader, max_length=EXAMPLE_TOKENS)
    found = _shipped(concepts, layer, whole)
    if found is not None:
        return found
    inputs = {"concepts": identity(concepts, layer), **whole.inputs("scikit-learn", "numpy")}

    def build(out: Path) -> None:
        save(out, fit_layer(concepts, layer, whole).directions)

    return load(reader.store.get("directions", VERSION, inputs, build), concepts)


def identity(concepts: Sequence[ConceptExamples], layer: int) -> str:
    """A hash of all that a fit is made from, but for the model."""
    return hash_of([VERSION, layer, [c.model_dump(mode="json") for c in concepts]])


@dataclass(frozen=True, eq=False)
class Fit:
    """The directions of one layer, and what they answer to in examples that they were not fitted on."""

    directions: tuple[Direction, ...]
    unseen: NDArray[np.float64]
    """`(n_contrasts, n_directions)` (`joint.responses`): each half of the examples along the directions of the other."""
    other_style: NDArray[np.float64]
    """The same of the examples in another style, along the directions from all others."""


def fit_layer(concepts: Sequence[ConceptExamples], layer: int, reader: Reader) -> Fit:
    """Fit the directions of one layer: one pass over the examples of all, and one more where some are of pool `max`."""
    reader = replace(reader, max_length=EXAMPLE_TOKENS)
    examples, rows, apart = _together(concepts)
    means = pooled_activations(reader, examples, layer, first_half=True)
    d = means.chosen.shape[1] // 2
    vectors = _vectors(concepts, [Answers.from_halves(means.chosen[r], means.rejected[r]) for r in rows])
    sides = np.full((2, len(examples), len(concepts), 3), np.nan, dtype=np.float32)
    for pool in ("mean", "max"):
        mine = [k for k, c in enumerate(concepts) if c.pool == pool]
        if not mine:
            continue
        stacked = vectors[mine].reshape(3 * len(mine), d)
        if pool == "mean":
            both = [along(x[:, :d], stacked.T) for x in (means.chosen, means.rejected)]
        else:
            spans, _ = project(reader, examples, layer, stacked, "max")
            both = [spans["chosen"], spans["rejected"]]
        for side, x in zip(sides, both, strict=True):
            side[:, mine] = x.reshape(len(examples), len(mine), 3)
    unseen = responses([_unseen(c, sides[:, r]) for c, r in zip(concepts, rows, strict=True)])
    other_style = responses([(sides[0, h, :, 2], sides[1, h, :, 2]) for h in apart])
    out = []
    for k, (c, r, h) in enumerate(zip(concepts, rows, apart, strict=True)):
        held_out = (sides[0, h, k, 2], sides[1, h, k, 2]) if c.held_out else None
        found = calibrate(c, layer, vectors[k, 2], sides[0, r, k], sides[1, r, k], held_out)
        out.append(replace(found, d=_number(unseen[k, k]), loudest=_loudest(concepts, unseen[:, k], k)))
    return Fit(tuple(out), unseen, other_style)


def _number(x: np.float64) -> float | None:
    return float(x) if np.isfinite(x) else None


def _loudest(concepts: Sequence[ConceptExamples], column: NDArray[np.float64], own: int) -> tuple[str, float] | None:
    """The contrast of another concept to which a direction answers most."""
    others = np.where(np.arange(len(column)) == own, np.nan, np.abs(column))
    if not np.isfinite(others).any():
        return None
    j = int(np.nanargmax(others))
    return concepts[j].concept, float(column[j])


def save(out: Path, directions: Sequence[Direction], **more: Any) -> None:
    """Write directions to a folder, without their examples."""
    np.savez(out / VECTORS, vectors=np.stack([d.vector for d in directions]))
    facts = [
        {
            "concept": d.concept.concept, "layer": d.layer, "centre": d.centre, "sd": d.sd, "auroc": d.auroc,
            "other_style": d.other_style, "d": d.d, "loudest": d.loudest,
        }
        for d in directions
    ]  # fmt: skip
    text = json.dumps({**more, "directions": facts}, indent=1)
    (out / FACTS).write_text(text + "\n", encoding="utf-8")


def load(folder: Path, concepts: Sequence[ConceptExamples]) -> tuple[Direction, ...]:
    """What `save` wrote, for the same concepts in the same order."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))["directions"]
    with np.load(folder / VECTORS, allow_pickle=False) as z:
        vectors = z["vectors"]
    assert [f["concept"] for f in facts] == [c.concept for c in concepts]
    return tuple(
        Direction(
            c, f["layer"], v, f["centre"], f["sd"], f["auroc"], f["other_style"], f["d"],
            None if f["loudest"] is None else (f["loudest"][0], f["loudest"][1]),
        )
        for c, f, v in zip(concepts, facts, vectors, strict=True)
    )  # fmt: skip


def _shipped(concepts: Sequence[ConceptExamples], layer: int, reader: Reader) -> tuple[Direction, ...] | None:
    """The fit that is part of the package, where it is of these concepts and this model."""
    if not (SHIPPED_FIT / FACTS).is_file():
        return None
    facts = json.loads((SHIPPED_FIT / FACTS).read_text(encoding="utf-8"))
    same = (
        facts["identity"] == identity(concepts, layer)
        and facts["model"] == reader.ref.identity
        and facts["template"] == reader.template_key
        and not reader.ref.adapters
    )
    return load(SHIPPED_FIT, concepts) if same else None


def _together(concepts: Sequence[ConceptExamples]) -> tuple[PairSet, list[slice], list[slice]]:
    """All examples as one set, and where those of each concept are in it: the fitted ones and those held out."""
    pairs: list[Pair] = []
    rows: list[slice] = []
    apart: list[slice] = []
    for c in concepts:
        for part, where in ((c.as_pairs(), rows), (c.held_out_pairs(), apart)):
            where.append(slice(len(pairs), len(pairs) + len(part)))
            pairs += part.pairs
    return PairSet("examples", pairs), rows, apart


def _vectors(concepts: Sequence[ConceptExamples], answers: Sequence[Answers]) -> NDArray[np.float32]:
    """`(n_concepts, 3, d_model)`: from one half of the examples, from the other, and from all."""
    out = np.zeros((len(concepts), 3, answers[0].positive.shape[1]), dtype=np.float32)
    joint = [k for k, c in enumerate(concepts) if c.method == "joint"]
    if joint:
        mine = [concepts[k] for k in joint]
        theirs = [answers[k] for k in joint]
        evens = [c.even for c in mine]
        for h, halves in enumerate((evens, [~e for e in evens], [e | ~e for e in evens])):
            out[joint, h] = joint_vectors(mine, theirs, halves).T
    for k, (c, a) in enumerate(zip(concepts, answers, strict=True)):
        if c.method != "joint":
            out[k] = half_vectors(c, a.positive, a.negative)
    return out


def _unseen(concept: ConceptExamples, sides: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """`(n_examples, n_concepts)` of either side, each example along the directions from the half without it."""
    even = concept.even[:, None]
    positive, negative = (np.where(even, side[..., 1], side[..., 0]) for side in sides)
    return positive, negative


def write_shipped() -> None:
    """Fit the shipped concepts to the embedded model and write what the package carries."""
    concepts = read_concepts()

    def report(what: str, done: int, total: int) -> None:
        sys.stderr.write(f"\r{what}: {done}/{total}    ")

    reader = Reader(EMBEDDED, Store(), EXAMPLE_TOKENS, "float32", progress=report).doing("examples")
    layer = choose_layer(reader.ref)
    SHIPPED_FIT.mkdir(exist_ok=True)
    more = {
        "identity": identity(concepts, layer),
        "model": reader.ref.identity,
        "template": reader.template_key,
        "packages": package_versions("torch", "transformers", "numpy"),
    }
    save(SHIPPED_FIT, fit_layer(concepts, layer, reader).directions, **more)


if __name__ == "__main__":
    write_shipped()
