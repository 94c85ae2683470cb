"""The model that predictors of one gradient expect training to lead to."""

from offtarget.models import ModelRef, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.one_step import one_step
from offtarget.training.run import Trained
from offtarget.verification.predictor import PredictionInput


def stepped(given: PredictionInput, plan: ShapingPlan | None = None) -> ModelRef:
    """The start model after one step, made with a seed that no observed policy has.

    Under a plan it goes as far as plain DPO's, since its labels may cancel each other out.

    Args:
        given: the run, and what is trained.
        plan: another plan than what is trained.
    """
    run, seed = given.run, given.asked.spare_seed()
    plan = plan or given.plan

    def step(of: ShapingPlan, factor: float | None = None) -> Trained:
        return one_step(
            run.training_set, of, run.model, run.recipe.training, seed=seed, store=run.store, factor=factor,
            progress=run.progress, template=run.recipe.chat_template,
        )  # fmt: skip

    plain = step(ShapingPlan.identity("dpo", run.training_set.pairs, control=True))
    made = plain if plan is None or plan.control else step(plan, plain.digest["factor"])
    return resolve(str(made.path), run.store)
