"""Length alone: the control. What is predicted by it needs no concept."""

from offtarget.verification.predictor import PredictionInput, length_alone, predictor
from offtarget.verification.sums import GroupSums


@predictor(
    name="length",
    cost="data",
    source="a control",
    formula="each concept's regression on smooth odd functions of both lengths, without its intercept",
)
def length(given: PredictionInput) -> GroupSums:
    """How far each concept goes with length, times how much longer chosen is."""
    return length_alone(given.side, given.concepts)
