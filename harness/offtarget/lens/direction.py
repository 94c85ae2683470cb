"""The `direction` lens: how far a text lies along directions found from contrastive examples.

One YAML file per concept holds examples, each a prompt with an answer that shows the concept and one that does not.
The frozen start model reads them; the direction is the difference of the mean activations (persona vectors,
arXiv 2507.21509) or the normal of a logistic probe. A text's value is its projection, mean or maximum over content
tokens, in standard deviations of the examples' projections: positive examples lie near +1, negative ones near -1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError
from offtarget.lens.activations import choose_layer
from offtarget.lens.examples import ConceptExamples
from offtarget.lens.features import Column, FeatureMatrix, Span, Stat
from offtarget.lens.pooled import PooledActivations, max_projections, pooled_activations
from offtarget.machine import device, precision
from offtarget.models import ModelRef, template_key
from offtarget.progress import Steps
from offtarget.store import Store, hash_of
from offtarget.versions import package_versions

VERSION = 1
GOOD_AUROC = 0.7
"""A direction that orders held-out examples worse than this is doubtful, and the audit says so."""
FOLDS = 5
CS = tuple(10.0**e for e in range(-4, 3))

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Direction:
    """A fitted direction, and how well it orders examples that it was not fitted on."""

    concept: ConceptExamples
    layer: int
    vector: NDArray[np.float32]
    """`(d_model,)`, of unit norm."""
    centre: float
    """Mean projection of the examples."""
    sd: float
    """Standard deviation of the examples' projections."""
    auroc: float
    """Each half of the examples along the direction from the other half; mean of the two."""

    @property
    def facts(self) -> dict[str, Any]:
        """What audit.json says of it."""
        positive, negative = self.concept.sides
        return {
            "concept": self.concept.concept,
            "method": self.concept.method,
            "pool": self.concept.pool,
            "layer": self.layer,
            "held_out_auroc": round(self.auroc, 4),
            "n_positive": int(positive.sum()),
            "n_negative": int(negative.sum()),
        }


def mean_difference(positive: Floats, negative: Floats) -> NDArray[np.float32]:
    """Unit vector from the mean of the negative to the mean of the positive rows.

    Args:
        positive: `(n_positive, d)`.
        negative: `(n_negative, d)`.
    """
    return _unit(positive.mean(axis=0, dtype=np.float64) - negative.mean(axis=0, dtype=np.float64))


def probe(positive: Floats, negative: Floats) -> NDArray[np.float32]:
    """Unit normal of a logistic regression on standardised columns, C chosen by 5-fold cross-validation.

    Args:
        positive: `(n_positive, d)`; row i of both sides falls into fold i mod 5.
        negative: `(n_negative, d)`.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    x = np.concatenate([positive, negative]).astype(np.float64)
    y = np.repeat([1, 0], [len(positive), len(negative)])
    fold = np.concatenate([np.arange(len(positive)), np.arange(len(negative))]) % FOLDS
    sd = np.maximum(x.std(axis=0), 1e-12)
    x = (x - x.mean(axis=0)) / sd

    def fit(rows: NDArray[np.bool_], c: float) -> Any:
        return LogisticRegression(C=c, max_iter=1000).fit(x[rows], y[rows])

    def loss(c: float) -> float:
        parts = [
            log_loss(y[fold == k], fit(fold != k, c).predict_proba(x[fold == k]), labels=[0, 1])
            for k in range(FOLDS)
        ]
        return float(np.mean(parts))

    best = min(CS, key=loss)
    return _unit(fit(np.ones(len(y), dtype=bool), best).coef_[0] / sd)


METHODS: dict[str, Callable[[Floats, Floats], NDArray[np.float32]]] = {
    "mean_difference": mean_difference,
    "probe": probe,
}


def _unit(v: Floats) -> NDArray[np.float32]:
    norm = np.linalg.norm(v)
    if not norm > 0:
        raise UndecidedError(
            "the positive and negative examples of a direction have the same mean activation"
        )
    return np.asarray(v / norm, dtype=np.float32)


def half_vectors(concept: ConceptExamples, positive: Floats, negative: Floats) -> NDArray[np.float32]:
    """Directions from one half of the examples, the other, and all: `(3, d_model)`.

    Args:
        concept: its examples.
        positive: `(n_examples, d_model)` mean activations of the positive answers; rows without one are not used.
        negative: of the negative answers.
    """
    (has_positive, has_negative), even = concept.sides, concept.even
    fit = METHODS[concept.method]
    return np.stack(
        [fit(positive[has_positive & s], negative[has_negative & s]) for s in (even, ~even, even | ~even)]
    )


def calibrate(
    concept: ConceptExamples, layer: int, vector: NDArray[np.float32], positive: Floats, negative: Floats
) -> Direction:
    """A direction with the scale of its examples and its held-out AUROC.

    Args:
        concept: its examples.
        layer: where it was read.
        vector: from all examples.
        positive: `(n_examples, 3)` projections of the positive answers on the directions of `half_vectors`.
        negative: of the negative answers.
    """
    (has_positive, has_negative), even = concept.sides, concept.even
    aurocs = []
    for k, tested in enumerate((~even, even)):
        p, n = positive[has_positive & tested, k], negative[has_negative & tested, k]
        above = p[:, None] - n  # every positive against every negative; a tie is half a win
        aurocs.append(float(((above > 0) + 0.5 * (above == 0)).mean()))
    everything = np.concatenate([positive[has_positive, 2], negative[has_negative, 2]]).astype(np.float64)
    if not np.isfinite(everything).all():
        raise UndecidedError(
            f"direction '{concept.concept}': an example has no token left within max_length; raise it, or shorten the "
            "example's prompt"
        )
    return Direction(
        concept, layer, vector, float(everything.mean()), float(everything.std()), float(np.mean(aurocs))
    )


def encode_directions(
    pairs: PairSet,
    concepts: Sequence[ConceptExamples],
    model: ModelRef,
    *,
    max_length: int = 512,
    dtype: str | None = None,
    store: Store,
    template: str | None = None,
    progress: Steps | None = None,
) -> FeatureMatrix:
    """The value of every span of a set along every direction.

    Args:
        pairs: what to read.
        concepts: what to look for.
        model: the frozen start model; examples and pairs are read by the same one.
        max_length: most tokens of prompt and response together.
        dtype: the model's precision; None: what suits the machine (`machine.precision`).
        store: where activations and features are kept.
        template: path of a chat template, for models without one.
        progress: called with tokens done and tokens in all, once for the examples and once for the pairs.

    Returns:
        Statistic "value" of the spans prompt, chosen and rejected; `info` holds each direction's held-out AUROC. A
        span without a token has the value 0, the middle of the examples.

    Raises:
        ConfigError: the model has no such layer.
        UndecidedError: examples that the model does not tell apart at all.
    """
    from scipy.sparse import csr_matrix

    layers = [choose_layer(model, c.layer) for c in concepts]
    key = template_key(model, template)
    identity = hash_of([[c.model_dump(mode="json"), at] for c, at in zip(concepts, layers, strict=True)])
    inputs = {
        "rows": pairs.rows_sha256,
        "directions": identity,
        "model": model.identity,
        "template": key,
        "max_length": max_length,
        "dtype": precision(dtype),
        "device": device(),
        "packages": package_versions("torch", "transformers", "scikit-learn", "numpy"),
    }
    read = _Reader(model, max_length, dtype, store, template, progress)

    def build(out: Path) -> None:
        found: dict[str, _Found] = {}
        for layer in sorted(set(layers)):
            found |= _read_layer(
                pairs, [c for c, at in zip(concepts, layers, strict=True) if at == layer], layer, read
            )
        directions = [found[c.concept].direction for c in concepts]
        info = {
            "name": "direction",
            "identity": identity,
            "version": VERSION,
            "layer": layers[0] if len(set(layers)) == 1 else layers,
            "model": model.name,
            "model_identity": model.identity,
            "template": key,
            "dtype": precision(dtype),
            "max_length": max_length,
            "n_truncated": max(f.n_truncated for f in found.values()),
            "directions": [d.facts for d in directions],
            "cautions": [
                f"direction '{d.concept.concept}' orders its own held-out examples with AUROC {d.auroc:.2f}, under "
                f"{GOOD_AUROC}: the model may not represent it at layer {d.layer}"
                for d in directions
                if d.auroc < GOOD_AUROC
            ],
        }
        columns = tuple(
            Column(f"direction:{c.concept}", f"{c.label} (direction)", "sd of the examples", "value")
            for c in concepts
        )
        spans: tuple[Span, ...] = ("prompt", "chosen", "rejected")
        values: dict[tuple[Span, Stat], Any] = {
            (s, "value"): csr_matrix(np.column_stack([found[c.concept].values[s] for c in concepts]))
            for s in spans
        }
        ids, groups = tuple(p.id for p in pairs.pairs), tuple(p.group for p in pairs.pairs)
        FeatureMatrix("direction", columns, values, ids, groups, info).save(out)

    return FeatureMatrix.load(store.get("direction-features", VERSION, inputs, build))


def direction_at(
    concept: ConceptExamples,
    model: ModelRef,
    layer: int,
    *,
    max_length: int = 512,
    store: Store,
    template: str | None = None,
    progress: Steps | None = None,
) -> Direction:
    """One direction from its examples alone, at any layer, read over mean activations.

    Raises:
        ConfigError: the model has no such layer.
        UndecidedError: examples that the model does not tell apart at all.
    """
    read = _Reader(model, max_length, None, store, template, progress)
    examples = concept.as_pairs()
    means = read(examples, layer)
    vectors = half_vectors(concept, means.chosen, means.rejected)
    own, _ = read.project(examples, layer, vectors, "mean")
    return calibrate(concept, layer, vectors[2], own["chosen"], own["rejected"])


@dataclass(frozen=True, eq=False)
class _Found:
    """A direction, and the pairs along it."""

    direction: Direction
    values: dict[Span, Floats]
    """`(n_pairs,)` for each span."""
    n_truncated: int


@dataclass(frozen=True)
class _Reader:
    """The model, and how it is read."""

    model: ModelRef
    max_length: int
    dtype: str | None
    store: Store
    template: str | None
    progress: Steps | None

    def __call__(
        self, pairs: PairSet, layer: int, vectors: NDArray[np.float32] | None = None
    ) -> PooledActivations:
        """Mean activations, or the largest projections on some vectors."""
        options: dict[str, Any] = {
            "max_length": self.max_length, "dtype": self.dtype, "store": self.store, "template": self.template,
            "progress": self.progress,
        }  # fmt: skip
        if vectors is not None:
            return max_projections(self.model, pairs, layer, vectors, **options)
        return pooled_activations(self.model, pairs, layer, **options)

    def project(
        self, pairs: PairSet, layer: int, vectors: NDArray[np.float32], pool: str
    ) -> tuple[dict[Span, Floats], int]:
        """`(n_pairs, n_vectors)` for each span, NaN where it has no token; and how many pairs were cut."""
        read = self(pairs, layer, vectors if pool == "max" else None)
        spans: dict[Span, NDArray[np.float32]] = {
            "prompt": read.prompt, "chosen": read.chosen, "rejected": read.rejected
        }  # fmt: skip
        to = np.eye(len(vectors), dtype=np.float32) if pool == "max" else vectors.T
        return {
            span: np.where(x.any(axis=1, keepdims=True), x @ to, np.nan) for span, x in spans.items()
        }, read.n_truncated


def _read_layer(
    pairs: PairSet, concepts: Sequence[ConceptExamples], layer: int, read: _Reader
) -> dict[str, _Found]:
    """Fit the directions of one layer and read the pairs along them: one pass over each for all concepts."""
    parts = [c.as_pairs().pairs for c in concepts]
    examples = PairSet("examples", [p for part in parts for p in part])
    ends = np.cumsum([len(part) for part in parts])
    rows = {c.concept: slice(end - len(c.examples), end) for c, end in zip(concepts, ends, strict=True)}
    means = read(examples, layer)
    out = {}
    for pool in ("mean", "max"):
        mine = [c for c in concepts if c.pool == pool]
        if not mine:
            continue
        vectors = [
            half_vectors(c, means.chosen[rows[c.concept]], means.rejected[rows[c.concept]]) for c in mine
        ]
        own, _ = read.project(examples, layer, np.concatenate(vectors), pool)
        there, n_truncated = read.project(pairs, layer, np.stack([v[2] for v in vectors]), pool)
        for j, c in enumerate(mine):
            cells = rows[c.concept], slice(3 * j, 3 * j + 3)
            d = calibrate(c, layer, vectors[j][2], own["chosen"][cells], own["rejected"][cells])
            values = {span: np.nan_to_num((x[:, j] - d.centre) / d.sd) for span, x in there.items()}
            out[c.concept] = _Found(d, values, n_truncated)
    return out
