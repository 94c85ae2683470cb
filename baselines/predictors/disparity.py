"""Disparity: a concept grows by as much as chosen has more of it than rejected. The paper's prediction."""

from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums


@predictor(
    name="disparity",
    cost="data",
    source="arXiv 2606.12360, section 2.1",
    formula="mean over pairs of s(chosen) − s(rejected), each row with its weight in the plan",
    rows=("trained", "audited"),
)
def disparity(given: PredictionInput) -> GroupSums:
    """Mean of chosen minus rejected."""
    return given.side.sums(given.concepts.differences(given.side) * given.weights()[:, None])
