"""Directions that are fitted together, so that each answers to its own contrast and to no other.

Traits go the same way by accident: flattery is enthusiastic, vague answers hedge. A difference of means takes all of
that along. Here one ridge regression reads every contrast at once. Row i is an answer's mean activation less the mean of
the answers to the same prompt; its target has a 1 (less that mean) for the concept it shows and 0 for all others. Rows of
a second kind are the mean activation of an answer less that of its first half, with targets 0: more of the same text
shall change nothing. With X of both and Y,

    W = (X'X + r·tr(X'X)/d · I)⁻¹ X'Y,

which is Fisher's discriminant with a shrunken covariance (Hastie, Tibshirani and Friedman, The Elements of Statistical
Learning, sections 4.3 and 12.5), for many contrasts at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.errors import UndecidedError
from offtarget.lens.directions.examples import ConceptExamples

RIDGE = 0.1
"""In mean eigenvalues. On the shipped examples 0.01 to 1 tell held-out answers apart about equally well; more of it
lets directions answer to other contrasts, less of it makes them noisy (`tests/bench/bench_directions.py`)."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Answers:
    """Mean activations of the answers to one concept's examples."""

    positive: Floats
    """`(n_examples, d_model)`; a row without an answer is not read."""
    negative: Floats
    positive_start: Floats
    """Of the first half of each answer's tokens."""
    negative_start: Floats

    @classmethod
    def from_halves(cls, positive: Floats, negative: Floats) -> "Answers":
        """From what `pooled_activations` reads with `first_half`: `(n_examples, 2 d_model)` for each side."""
        d = positive.shape[1] // 2
        return cls(positive[:, :d], negative[:, :d], positive[:, d:], negative[:, d:])


def joint_vectors(
    concepts: Sequence[ConceptExamples], answers: Sequence[Answers], halves: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float32]:
    """Unit vectors of all concepts, `(d_model, n_concepts)`, from some of the examples of each.

    Args:
        concepts: their examples.
        answers: the activations of them.
        halves: `(n_examples,)` of each concept, which examples are fitted on.

    Raises:
        UndecidedError: examples of a concept that the model does not tell apart at all.
    """
    rows, targets = [], []
    for k, (concept, found, used) in enumerate(zip(concepts, answers, halves, strict=True)):
        x, start, shown, prompts = _answers(concept, found, used)
        groups = _groups(prompts)
        y = np.zeros((len(x), len(concepts)))
        y[shown, k] = 1
        rows += [_centred(x, groups), x - start]
        targets += [_centred(y, groups), np.zeros_like(y)]
    x, y = np.concatenate(rows), np.concatenate(targets)
    square, told = x.T @ x, x.T @ y
    for concept, column in zip(concepts, told.T, strict=True):
        if not column.any():
            raise UndecidedError(
                f"the positive and negative examples of direction '{concept.concept}' have the same mean activation"
            )
    square[np.diag_indices_from(square)] += RIDGE * np.trace(square) / len(square)
    w = np.linalg.solve(square, told)
    return np.asarray(w / np.linalg.norm(w, axis=0), dtype=np.float32)


def responses(contrasts: Sequence[tuple[Floats, Floats]]) -> NDArray[np.float64]:
    """How far each direction answers to each contrast, `(n_contrasts, n_directions)`.

    The estimand is Cohen's d of paired answers: the mean difference between the positive and the negative answer to a
    prompt along a direction, over the standard deviation of that difference. NaN where fewer than two prompts have
    both.

    Args:
        contrasts: of each the positive and the negative answers, `(n_examples, n_directions)` projections, NaN where
            there is no answer.
    """
    out = []
    for positive, negative in contrasts:
        difference = np.asarray(positive - negative, dtype=np.float64)
        difference = difference[np.isfinite(difference).all(axis=1)]
        if len(difference) < 2:
            out.append(np.full(positive.shape[1], np.nan))
            continue
        sd = difference.std(axis=0, ddof=1)
        out.append(np.divide(difference.mean(axis=0), sd, out=np.full(len(sd), np.nan), where=sd > 0))
    return np.stack(out)


def _answers(
    concept: ConceptExamples, found: Answers, used: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_], list[str]]:
    """Activations, those of the first halves, which of them show the concept, and to which prompts they are."""
    has_positive, has_negative = (side & used for side in concept.sides)
    x = np.concatenate([found.positive[has_positive], found.negative[has_negative]]).astype(np.float64)
    start = np.concatenate([found.positive_start[has_positive], found.negative_start[has_negative]])
    shown = np.repeat([True, False], [has_positive.sum(), has_negative.sum()])
    prompts = [concept.examples[i].prompt for side in (has_positive, has_negative) for i in np.flatnonzero(side)]
    return x, start, shown, prompts


def _groups(prompts: Sequence[str]) -> NDArray[np.intp]:
    """The number of each answer's prompt; answers that are alone at theirs are compared with one another."""
    _, group, count = np.unique(np.array(prompts), return_inverse=True, return_counts=True)
    alone = count[group] == 1
    return np.where(alone, len(count), group)


def _centred(x: Floats, groups: NDArray[np.intp]) -> Floats:
    """Rows less the mean of their group."""
    total = np.zeros((groups.max() + 1, x.shape[1]))
    np.add.at(total, groups, x)
    return np.asarray(x - (total / np.maximum(np.bincount(groups), 1)[:, None])[groups])
