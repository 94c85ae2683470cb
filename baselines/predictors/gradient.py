"""One gradient: what the start model does differently after one step down the mean gradient of the training loss."""

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import PairSet
from offtarget.verification.likelier import likelier_answers, likelier_pairs
from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.stepped import stepped
from offtarget.verification.sums import GroupSums


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
    return given.answered("one_gradient", lambda: stepped(given))


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
