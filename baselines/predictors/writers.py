"""Writers: where rows name who wrote each response, a concept grows by what tells the writers apart."""

from offtarget.verification.predictor import PredictionInput, predictor
from offtarget.verification.sums import GroupSums
from offtarget.verification.writers import from_writers


@predictor(
    name="writers",
    cost="data",
    source="after arXiv 2507.14805: what passes from writers, whatever the row shows",
    formula="mean over pairs of m(writer of chosen) − m(writer of rejected), m a writer's mean of s over its responses to other "
    "prompts; each row with its weight in the plan",
    rows=("trained", "audited"),
)
def writers(given: PredictionInput) -> GroupSums | None:
    """Difference of the two writers' habits; nothing where rows do not name them."""
    found = from_writers(given.concepts, given.side)
    return None if found is None else given.side.sums(found.values * given.weights()[:, None])
