"""One gradient: what the start model does differently after one step down the mean gradient of the training loss."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import text_of
from offtarget.engine.grid import plan_of
from offtarget.models import ModelRef, resolve
from offtarget.training.one_step import one_step
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums


@dataclass(frozen=True, eq=False)
class Stepped:
    """The stepped model, and its answers beside the start model's."""

    model: ModelRef
    side: Side
    """Its answers as chosen, the start model's as rejected."""


def after_one_step(given: PredictionInput) -> Stepped:
    """Take the step and have both models answer, with a seed that no observed policy has."""
    run, seed = given.run, given.asked.spare_seed()
    stepped = one_step(
        run.training_set,
        plan_of(run, given.item, seed),
        run.model,
        run.recipe.training,
        seed=seed,
        store=run.store,
        progress=run.progress,
        template=run.recipe.chat_template,
    )
    model = resolve(str(stepped.path), run.store)
    return Stepped(model, given.asked.beside_start(model, seed, "one step")[0])


@predictor(
    name="one_gradient",
    cost="gradient",
    source="first order of training in the step; the pulses of arXiv 2609.08618 in one step of a whole training's size",
    formula="mean over held-out prompts of s(answer of θ − t·ĝ) − s(answer of θ); ĝ the mean gradient at the start on Adam's "
    "scale, t such that the training pairs' reward margin is 0.5",
)
def one_gradient(given: PredictionInput) -> GroupSums:
    """What one step down the mean gradient changes in the answers to the held-out prompts."""
    side = given.once(lambda: after_one_step(given), "one step").side
    return side.sums(given.concepts.differences(side))


@predictor(
    name="first_order",
    cost="gradient",
    source="importance weighting of stored answers, to first order (d/dt of E[s] under exp(t·δ))",
    formula="covariance, within a prompt, over answers of θ, of s and δ = log p(θ − t·ĝ) − log p(θ); needs two answers a prompt",
)
def first_order(given: PredictionInput) -> GroupSums | None:
    """Which of the start model's own answers one step makes likelier."""
    if given.run.recipe.verification.samples < 2:
        return None
    stepped = given.once(lambda: after_one_step(given), "one step")
    delta = given.once(lambda: log_ratio(given, stepped), "log ratio")
    side = stepped.side
    length = np.log1p([[len(text_of(p.rejected))] for p in side.pairs.pairs])
    values, grown = (
        within_prompts(x, delta, side.codes) for x in (given.concepts.of_responses(side, "rejected"), length)
    )
    return GroupSums.of(values, grown, side.codes)  # at equal length: what length's own covariance leaves


def log_ratio(given: PredictionInput, stepped: Stepped) -> Floats:
    """δ of each of the start model's answers, `(n_rows,)`, in nats; both models in float32."""
    from offtarget.evals.policy import Policy

    run = given.run
    rows = [(p.prompt, text_of(p.rejected)) for p in stepped.side.pairs.pairs]
    both = []
    for model in (stepped.model, run.model):
        policy = Policy.load(model, dtype="float32", store=run.store, template=run.recipe.chat_template)
        both.append([sum(v) for v in policy.logprobs(rows)])
    return np.array(both[0]) - np.array(both[1])


def within_prompts(values: NDArray[np.floating], delta: Floats, codes: Ints) -> Floats:
    """Row contributions whose mean over prompts with k answers is the unbiased covariance of values and delta.

    Args:
        values: `(n_rows, n_concepts)`.
        delta: `(n_rows,)`.
        codes: prompt of each row, from 0; one with a single answer contributes 0.
    """
    sizes = np.bincount(codes).astype(np.float64)
    centred = []
    for x in (np.asarray(values, dtype=np.float64), np.asarray(delta, dtype=np.float64)[:, None]):
        sums = np.zeros((len(sizes), x.shape[1]))
        np.add.at(sums, codes, x)
        centred.append(x - (sums / sizes[:, None])[codes])
    correction = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 0.0)[codes]
    return np.asarray(centred[0] * centred[1] * correction[:, None])
