"""How a direction is found from the activations of contrastive examples, and how good it is.

One by one: the difference of the means (persona vectors, arXiv 2507.21509) or the normal of a logistic probe. Together:
`joint.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import UndecidedError
from offtarget.lens.directions.examples import ConceptExamples

GOOD_AUROC = 0.8
"""A direction that orders held-out examples worse than this is weak, and the audit says so."""
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
    other_style: float | None = None
    """AUROC on `held_out` of the concept's file, which is in another style; None where there is nothing in it."""
    d: float | None = None
    """Paired d of its own held-out examples (`joint.responses`); None where fewer than two prompts have both answers."""
    loudest: tuple[str, float] | None = None
    """The concept among those read together to whose examples it answers most, and its d on them."""

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
            "other_style_auroc": None if self.other_style is None else round(self.other_style, 4),
            "held_out_d": None if self.d is None else round(self.d, 3),
            "most_by_another": None
            if self.loudest is None
            else {"concept": self.loudest[0], "d": round(self.loudest[1], 3)},
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
            log_loss(y[fold == k], fit(fold != k, c).predict_proba(x[fold == k]), labels=[0, 1]) for k in range(FOLDS)
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
        raise UndecidedError("the positive and negative examples of a direction have the same mean activation")
    return np.asarray(v / norm, dtype=np.float32)


def half_vectors(concept: ConceptExamples, positive: Floats, negative: Floats) -> NDArray[np.float32]:
    """Directions from one half of the examples, the other, and all: `(3, d_model)`.

    Args:
        concept: its examples; its method is not `joint`.
        positive: `(n_examples, d_model)` mean activations of the positive answers; rows without one are not used.
        negative: of the negative answers.
    """
    (has_positive, has_negative), even = concept.sides, concept.even
    fit = METHODS[concept.method]
    return np.stack([fit(positive[has_positive & s], negative[has_negative & s]) for s in (even, ~even, even | ~even)])


def calibrate(
    concept: ConceptExamples,
    layer: int,
    vector: NDArray[np.float32],
    positive: Floats,
    negative: Floats,
    held_out: tuple[Floats, Floats] | None = None,
) -> Direction:
    """A direction with the scale of its examples and its AUROC on those that it was not fitted on.

    Args:
        concept: its examples.
        layer: where it was read.
        vector: from all examples.
        positive: `(n_examples, 3)` projections of the positive answers on the directions of `half_vectors`.
        negative: of the negative answers.
        held_out: projections of the positive and of the negative answers in another style on the direction from all.
    """
    (has_positive, has_negative), even = concept.sides, concept.even
    aurocs = [
        auroc(positive[has_positive & tested, k], negative[has_negative & tested, k])
        for k, tested in enumerate((~even, even))
    ]
    everything = np.concatenate([positive[has_positive, 2], negative[has_negative, 2]]).astype(np.float64)
    if not np.isfinite(everything).all():
        raise UndecidedError(
            f"direction '{concept.concept}': the prompt of an example leaves no room for its answer within 512 tokens; "
            "shorten it"
        )
    other = None
    if held_out is not None:
        p, n = (side[np.isfinite(side)] for side in held_out)
        other = auroc(p, n) if len(p) and len(n) else None
    return Direction(
        concept, layer, vector, float(everything.mean()), float(everything.std()), float(np.mean(aurocs)), other
    )


def auroc(positive: Floats, negative: Floats) -> float:
    """Share of pairs of a positive and a negative value in which the positive is larger; a tie is half."""
    above = positive[:, None] - negative
    return float(((above > 0) + 0.5 * (above == 0)).mean())
