"""What each of several answers to a prompt weighs in the direction that leads to more of a concept.

The gradient of E[s] under a policy is that of Σ c · log p(y) over its answers, with c = (s(y) − mean of s over the answers to
the same prompt) · k/(k − 1) for k answers: REINFORCE with the mean of the others as baseline (arXiv 2402.14740, equation 4).
Over responses that the policy would seldom give, it is the direction that raises the odds of those with more of the concept
against those with less to the same prompt: a trait that the start model never shows has no other.
"""

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, group_codes
from offtarget.data.pairs import PairSet

MIN_EFFECTIVE = 10.0
"""Answers that must carry a direction: below, it is the direction of these few answers."""


def prompts_of(pairs: PairSet) -> Ints:
    """(2 n_pairs,) prompt of each answer, from 0: the chosen ones first."""
    return np.tile(group_codes([p.group for p in pairs.pairs]), 2)


def policy_gradient_weights(values: NDArray[np.floating], prompts: Ints) -> Floats:
    """C of every answer: its value less the mean of the other answers to the same prompt; 0 where there is no other.

    Args:
        values: `(n_answers,)` or `(n_answers, n_concepts)`.
        prompts: of each answer, from 0, `(n_answers,)`.
    """
    values = np.asarray(values, dtype=np.float64)
    flat = values.reshape(len(values), -1)
    sizes = np.bincount(prompts).astype(np.float64)
    sums = np.zeros((len(sizes), flat.shape[1]))
    np.add.at(sums, prompts, flat)
    correction = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 0.0)[prompts]
    return np.asarray((flat - (sums / sizes[:, None])[prompts]) * correction[:, None]).reshape(values.shape)


def effective(weights: Floats) -> float:
    """Kish's effective number of answers, (Σ|c|)²/Σc²."""
    total = float((weights**2).sum())
    return float(np.abs(weights).sum() ** 2 / total) if total > 0 else 0.0
