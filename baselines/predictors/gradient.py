"""One gradient: what the start model does differently after one step down the mean gradient of the training loss."""

from offtarget.engine.grid import plan_of
from offtarget.models import resolve
from offtarget.training.one_step import one_step
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums


def after_one_step(given: PredictionInput) -> Side:
    """Answers of the stepped model beside the start model's, with a seed that no observed policy has."""
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
    side, _ = given.asked.beside_start(resolve(str(stepped.path), run.store), seed, "one step")
    return side


@predictor(
    name="one_gradient",
    cost="gradient",
    source="first order of training in the step; the pulses of arXiv 2609.08618 in one step of a whole training's size",
    formula="mean over held-out prompts of s(answer of θ − t·ĝ) − s(answer of θ); ĝ the mean gradient at the start on Adam's "
    "scale, t such that the training pairs' reward margin is 0.5",
)
def one_gradient(given: PredictionInput) -> GroupSums:
    """What one step down the mean gradient changes in the answers to the held-out prompts."""
    side = given.once(lambda: after_one_step(given), "one step")
    return side.sums(given.concepts.differences(side))
