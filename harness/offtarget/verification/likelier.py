"""From how much likelier answers become to what a policy shows more of: covariances of a concept and δ log p.

Under weights exp(t·δ) on answers the mean of a concept s moves, to first order in t, by Cov(s, δ) within a prompt.
"""

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import text_of
from offtarget.influence.weights import policy_gradient_weights
from offtarget.verification.predictor import PredictionInput
from offtarget.verification.sums import GroupSums


def likelier_answers(given: PredictionInput, delta: Floats) -> GroupSums:
    """The covariance over the start model's own answers to the held-out prompts.

    Args:
        given: the concepts.
        delta: of both answers of each row of `given.asked.own`, `(n_rows, 2)`.
    """
    own = given.asked.own
    values = np.concatenate(
        [given.concepts.of_responses(given.asked.own_side, span) for span in ("chosen", "rejected")]
    )
    answers = [p.chosen for p in own.pairs.pairs] + [p.rejected for p in own.pairs.pairs]
    length = np.log1p([len(text_of(a)) for a in answers])
    shifted, grown = (within_prompts(x, delta.T.ravel(), own.prompts) for x in (values, length[:, None]))
    return GroupSums.of(shifted, grown, own.prompts)  # at equal length: what length's own covariance leaves


def likelier_pairs(given: PredictionInput, delta: Floats) -> GroupSums:
    """The covariance over the two responses of each row.

    Args:
        given: the rows and the concepts.
        delta: of both responses of each row of `given.side`, `(n_rows, 2)`.
    """
    apart = (delta[:, :1] - delta[:, 1:]) / 2
    return GroupSums.of(
        given.concepts.differences(given.side) * apart, given.side.basis[:, :1] * apart, given.side.codes
    )


def within_prompts(values: NDArray[np.floating], delta: Floats, codes: Ints) -> Floats:
    """Row contributions whose mean over prompts with k answers is the unbiased covariance of values and delta.

    Args:
        values: `(n_rows, n_concepts)`.
        delta: `(n_rows,)`.
        codes: prompt of each row, from 0; one with a single answer contributes 0.
    """
    sizes = np.bincount(codes)
    centred = delta - (np.bincount(codes, delta) / sizes)[codes]
    return np.asarray(policy_gradient_weights(values, codes) * centred[:, None])
