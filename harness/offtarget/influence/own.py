"""The start model's own answers, several to a prompt: what a policy can grow is what its start model sometimes says.

The gradient of E[s] under a policy is that of Σ c · log p(y) over its answers, with c = (s(y) − mean of s over the answers to
the same prompt) · k/(k − 1) for k answers: REINFORCE with the mean of the others as baseline (arXiv 2402.14740, equation 4). So
one set of answers serves every concept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, group_codes
from offtarget.data.pairs import Message, Pair, PairSet
from offtarget.errors import UndecidedError
from offtarget.evals.policy import Sampling
from offtarget.evals.pool import rollouts
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of

MIN_EFFECTIVE = 10.0
"""Answers that must carry a direction: below, it is the direction of these few answers."""


@dataclass(frozen=True, eq=False)
class OwnAnswers:
    """Answers of the start model, read by lenses."""

    pairs: PairSet
    """Rows of two answers to one prompt; neither of them is better."""
    features: tuple[FeatureMatrix, ...]
    """Of these rows."""

    @property
    def prompts(self) -> Ints:
        """(2 n_rows,) prompt of each answer, from 0: those in the place of chosen, then the others."""
        return np.tile(group_codes([p.group for p in self.pairs.pairs]), 2)


def own_answers(
    reader: Reader,
    prompts: Sequence[Pair],
    lenses: Sequence[str],
    sampling: Sampling,
    samples: int,
    known: Sequence[FeatureMatrix] = (),
) -> OwnAnswers:
    """Sample and read them; two answers of which one is empty are left out.

    Args:
        reader: the start model.
        prompts: pairs, of which only the prompts are used; of several with one prompt the first.
        lenses: that can read new answers.
        sampling: of the first answer; each further one has the next seed.
        samples: answers to each prompt, an even number.
        known: earlier readings, for lenses that are fitted to rows.

    Raises:
        UndecidedError: no answer is left.
    """
    assert samples > 0 and samples % 2 == 0, "answers are read two by two"
    first = {p.group: p for p in reversed(prompts)}
    asked = [p for p in prompts if first[p.group] is p]
    told = []
    for k in range(samples):
        drawn = Sampling(sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed + k)
        found = rollouts(reader.doing("own answers"), [p.prompt for p in asked], drawn)
        told.append([found.find(p.prompt, drawn) for p in asked])
    rows = []
    for i, p in enumerate(asked):
        for k in range(0, samples, 2):
            both = [told[k][i], told[k + 1][i]]
            texts = [a.text for a in both if a is not None and a.text.strip()]
            if len(texts) == 2:
                sides: list[list[Message]] = [[{"role": "assistant", "content": t}] for t in texts]
                rows.append(Pair(f"{p.id}#own{k}", p.group, p.prompt, sides[0], sides[1]))
    if not rows:
        raise UndecidedError(
            f"all {samples * len(asked)} answers of the start model are empty: nothing can be read of them"
        )
    pairs = PairSet("answers of the start model", rows)
    return OwnAnswers(pairs, tuple(features_of(pairs, lenses, reader.during("own answers"), known)))


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
