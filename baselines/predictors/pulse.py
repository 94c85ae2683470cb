"""Pulses: the first steps of training, and their change of weights stretched to the size of a whole training's."""

from functools import partial

from offtarget.data.pairs import PairSet
from offtarget.evals.adapters import scaled, top_of
from offtarget.models import ModelRef, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.one_step import PAIRS, find_length
from offtarget.training.run import train
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


@predictor(
    name="pulse_4",
    cost="pulse",
    needs=("steps:4", "answers"),
    source="pulses of arXiv 2609.08618, here from the start of the training itself",
    formula="as one_gradient, with the change of weights of a training of 4 steps in place of the gradient",
)
def pulse_4(given: PredictionInput) -> GroupSums | None:
    """What the first four steps, stretched, change in the answers to the held-out prompts."""
    return pulse(given, 4)


@predictor(
    name="pulse_8",
    cost="pulse",
    needs=("steps:8", "answers"),
    source="pulses of arXiv 2609.08618, here from the start of the training itself",
    formula="as one_gradient, with the change of weights of a training of 8 steps in place of the gradient",
)
def pulse_8(given: PredictionInput) -> GroupSums | None:
    """What the first eight steps, stretched, change in the answers to the held-out prompts."""
    return pulse(given, 8)


@predictor(
    name="pulse_16",
    cost="pulse",
    needs=("steps:16", "answers"),
    source="pulses of arXiv 2609.08618, here from the start of the training itself",
    formula="as one_gradient, with the change of weights of a training of 16 steps in place of the gradient",
)
def pulse_16(given: PredictionInput) -> GroupSums | None:
    """What the first sixteen steps, stretched, change in the answers to the held-out prompts."""
    return pulse(given, 16)


def pulse(given: PredictionInput, steps: int) -> GroupSums | None:
    """None where the whole training has no more steps than that, or trains whole weights."""
    run = given.run
    spec, batch = run.recipe.training, run.recipe.training.batch_size * run.recipe.training.gradient_accumulation
    whole = spec.max_steps if spec.max_steps > 0 else spec.epochs * len(run.training_set.ids) / batch
    if steps >= whole or spec.method != "lora":
        return None
    name = f"pulse_{steps}"
    return given.answered(name, partial(stretched, given, steps))


def stretched(given: PredictionInput, steps: int) -> ModelRef:
    """The policy after a training of so many steps without warm-up, its adapter scaled to the margin that `one_step` goes to."""
    run, seed = given.run, given.asked.spare_seed()
    made = train(
        run.training_set,
        given.plan or ShapingPlan.identity("dpo", run.training_set.pairs, control=True),
        run.model,
        run.recipe.training.model_copy(update={"max_steps": steps, "warmup_share": 0.0}),
        seed=seed,
        store=run.store,
        progress=run.progress,
        template=run.recipe.chat_template,
    )
    begun = resolve(str(made.path), run.store)
    measured = PairSet("measured", run.training_set.pairs[:PAIRS])

    def margin_at(scale: float) -> float:
        changes = given.asked.changes(measured, begun, scale)
        return float(run.recipe.training.beta * (changes[:, 0] - changes[:, 1]).mean())

    scale, _, _ = find_length(margin_at, first=1.0)
    return resolve(str(scaled(top_of(begun), scale, run.store)), run.store)
