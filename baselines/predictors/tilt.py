"""Tilt: what a policy that follows the data's reward moves to first order, concepts that go along with it included."""

from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.tilt import Tilt


@predictor(
    name="tilt",
    cost="data",
    source="first order of π* ∝ π₀ exp(r/β) (arXiv 2606.12360, section 2); `offtarget.verification.tilt`",
    formula="Σ w: w the ridge regression of which answer won on the latents' differences, Σ their covariance over responses",
    rows=("trained", "audited"),
)
def tilt(given: PredictionInput) -> Tilt:
    """Covariance of the latents with a linear reward that is fitted to the pairs."""
    of = given.concepts
    fit = given.once(lambda: given.side.tilt(*of.values(given.side)), "tilt", of.lens, of.statistic, of_rows=True)
    return fit if of.member is None else fit.of(of.member)
