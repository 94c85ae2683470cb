"""Controls: what agrees with training though it knows nothing of the data's labels."""

import numpy as np

from offtarget.data.pairs import PairSet
from offtarget.evals.adapters import null_adapter, read_adapter, top_of
from offtarget.models import ModelRef, resolve
from offtarget.training.one_step import one_step
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


@predictor(
    name="null_adapter",
    cost="gradient",
    needs=("answers",),
    source="a control",
    formula="as one_gradient, with a random adapter that changes each matrix by as much as the step does",
    control=True,
)
def null(given: PredictionInput) -> GroupSums:
    """What a change of that size does whatever it was made for."""
    run, step = given.run, given.policy("one_gradient", lambda: step_of(given, shuffled=False))
    path = null_adapter(read_adapter(top_of(step)), run.model, 0, run.store)
    return answered(given, given.policy("null_adapter", lambda: resolve(str(path), run.store)), "null adapter")


@predictor(
    name="shuffled_labels",
    cost="gradient",
    needs=("gradient", "answers"),
    source="a control",
    formula="as one_gradient, with chosen and rejected swapped in half of the pairs",
    control=True,
)
def shuffled(given: PredictionInput) -> GroupSums:
    """What the gradient of the same pairs says without their labels."""
    return answered(given, given.policy("shuffled_labels", lambda: step_of(given, shuffled=True)), "shuffled labels")


@predictor(
    name="other_draw",
    cost="forward",
    needs=("answers",),
    source="a control",
    formula="mean over held-out prompts of s(answer of θ) − s(another answer of θ)",
    control=True,
)
def other_draw(given: PredictionInput) -> GroupSums:
    """What sampling alone changes: two answers of the start model."""
    own = given.asked.own
    side = given.asked.own_side
    return GroupSums.of(given.concepts.differences(side), side.basis, own.prompts[: len(own.pairs)])


@predictor(
    name="fluency",
    cost="forward",
    needs=("rows",),
    source="a control (mean log-probability of a response under the start model)",
    formula="each concept's regression on the difference of mean log p(token), without its intercept",
    control=True,
)
def fluency(given: PredictionInput) -> GroupSums:
    """How far each concept goes with fluency, times how much more fluent chosen is."""
    side = given.side
    apart = given.once(lambda: fluency_gap(given, side.pairs), "fluency")[:, None]
    slopes = GroupSums.of(given.concepts.differences(side), apart, side.codes).slopes()
    return side.sums(apart @ slopes)


def fluency_gap(given: PredictionInput, pairs: PairSet) -> np.ndarray:
    """Mean log p of a token of chosen less that of rejected, `(n_rows,)`, nats."""
    tokens = np.maximum([len(answer) for _, answer in given.asked.texts(pairs)], 1).reshape(-1, 2)
    both = given.asked.changes(pairs, None) / tokens
    return np.asarray(both[:, 0] - both[:, 1])


def step_of(given: PredictionInput, *, shuffled: bool) -> ModelRef:
    """The start model after one step, with the labels as they are or half of them swapped."""
    run, seed = given.run, given.asked.spare_seed()
    plan = given.plan()
    if shuffled:
        half = np.random.default_rng(seed).permutation(len(plan.flip)) < len(plan.flip) // 2
        plan = plan.edit(flip=plan.flip ^ half, control=False)
    made = one_step(
        run.training_set, plan, run.model, run.recipe.training, seed=seed, store=run.store, progress=run.progress,
        template=run.recipe.chat_template,
    )  # fmt: skip
    return resolve(str(made.path), run.store)


def answered(given: PredictionInput, model: ModelRef, what: str) -> GroupSums:
    """What a model changes in the answers to the held-out prompts."""
    side = given.once(lambda: given.asked.beside_start(model, given.asked.spare_seed(), what)[0], f"{what} answers")
    return side.sums(given.concepts.differences(side))
