"""One gradient: what the start model does differently after one step down the mean gradient of the training loss."""

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import PairSet
from offtarget.models import ModelRef, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.one_step import one_step
from offtarget.training.run import Trained
from offtarget.verification.likelier import likelier_answers, likelier_pairs
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


def stepped(given: PredictionInput) -> ModelRef:
    """The start model after the step; under a plan as far as plain DPO's goes, since its labels may cancel each other out."""
    run, seed, plan = given.run, given.asked.spare_seed(), given.plan()

    def step(of: ShapingPlan, factor: float | None = None) -> Trained:
        return one_step(
            run.training_set, of, run.model, run.recipe.training, seed=seed, store=run.store, factor=factor,
            progress=run.progress, template=run.recipe.chat_template,
        )  # fmt: skip

    plain = step(ShapingPlan.identity("dpo", run.training_set.pairs, control=True))
    made = plain if plan.control else step(plan, plain.digest["factor"])
    return resolve(str(made.path), run.store)


@predictor(
    name="one_gradient",
    cost="gradient",
    needs=("gradient", "answers"),
    source="first order of training in the step; the pulses of arXiv 2609.08618 in one step of a whole training's size",
    formula="mean over held-out prompts of s(answer of θ − t·ĝ) − s(answer of θ); ĝ the mean gradient at the start on Adam's "
    "scale, t such that the training pairs' reward margin is 0.5",
)
def one_gradient(given: PredictionInput) -> GroupSums:
    """What one step down the mean gradient changes in the answers to the held-out prompts."""
    model = given.policy("one_gradient", lambda: stepped(given))
    side = given.once(
        lambda: given.asked.beside_start(model, given.asked.spare_seed(), "one step")[0], "stepped answers"
    )
    return side.sums(given.concepts.differences(side))


@predictor(
    name="first_order",
    cost="gradient",
    needs=("gradient", "own", "own_read", "own_read"),
    source="importance weighting of stored answers, to first order (d/dt of E[s] under exp(t·δ))",
    formula="covariance, within a prompt, over answers of θ, of s and δ = log p(θ − t·ĝ) − log p(θ)",
)
def first_order(given: PredictionInput) -> GroupSums:
    """Which of the start model's own answers one step makes likelier."""
    delta = given.once(lambda: changes(given, given.asked.own.pairs), "own changes")
    return likelier_answers(given, delta)


@predictor(
    name="first_order_pairs",
    cost="gradient",
    needs=("gradient", "rows", "rows"),
    source="as first_order, on the set's own responses: no answer is sampled",
    formula="mean over pairs of [s(a) − s(b)]·[δ(a) − δ(b)]/2, a and b its two responses in any order",
    rows=("trained", "audited"),
)
def first_order_pairs(given: PredictionInput) -> GroupSums:
    """Which of the set's own responses one step makes likelier."""
    delta = given.once(lambda: changes(given, given.side.pairs), "pair changes", of_rows=True)
    return likelier_pairs(given, delta)


def changes(given: PredictionInput, pairs: PairSet) -> Floats:
    """δ of both responses of each row, `(n_rows, 2)`, in nats."""
    return given.asked.changes(pairs, given.policy("one_gradient", lambda: stepped(given)))
