"""Controls: what agrees with training though it knows nothing of the data's labels."""

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.evals import adapters
from offtarget.models import ModelRef, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.stepped import stepped
from offtarget.verification.sums import GroupSums


@predictor(
    name="null_adapter",
    cost="gradient",
    needs=("gradient", "answers"),
    source="a control",
    formula="as one_gradient, with a random adapter that changes each matrix by as much as the step does",
    control=True,
)
def null(given: PredictionInput) -> GroupSums:
    """What a change of that size does whatever it was made for."""

    def random() -> ModelRef:
        step = given.policy("one_gradient", lambda: stepped(given))
        return resolve(
            str(
                adapters.null_adapter(adapters.read_adapter(adapters.top_of(step)), given.run.model, 0, given.run.store)
            ),
            given.run.store,
        )

    return given.answered("null_adapter", random)


@predictor(
    name="shuffled_labels",
    cost="gradient",
    needs=("gradient", "answers"),
    source="a control",
    formula="as one_gradient, with chosen and rejected swapped in half of the pairs and a step as long as without",
    control=True,
)
def shuffled(given: PredictionInput) -> GroupSums:
    """What the gradient of the same pairs says without their labels."""

    def on_noise() -> ModelRef:
        plan = given.plan or ShapingPlan.identity("dpo", given.run.training_set.pairs)
        half = np.random.default_rng(given.asked.spare_seed()).permutation(len(plan.flip)) < len(plan.flip) // 2
        return stepped(given, plan.edit(flip=plan.flip ^ half, control=False))

    return given.answered("shuffled_labels", on_noise)


@predictor(
    name="other_draw",
    cost="forward",
    needs=("own",),
    source="a control",
    formula="mean over held-out prompts of s(answer of θ) − s(another answer of θ)",
    control=True,
)
def other_draw(given: PredictionInput) -> GroupSums:
    """What sampling alone changes: two answers of the start model."""
    side = given.asked.own_side
    return side.sums(given.concepts.differences(side))


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
    apart = given.once(lambda: fluency_gap(given), "fluency")[:, None]
    slopes = GroupSums.of(given.concepts.differences(side), apart, side.codes).slopes()
    return side.sums(apart @ slopes)


def fluency_gap(given: PredictionInput) -> Floats:
    """Mean log p of a token of chosen less that of rejected, `(n_rows,)`, nats."""
    pairs = given.side.pairs
    tokens = np.maximum([len(answer) for _, answer in given.asked.texts(pairs)], 1).reshape(-1, 2)
    both = given.asked.changes(pairs, None) / tokens
    return np.asarray(both[:, 0] - both[:, 1])
