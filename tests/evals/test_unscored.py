"""What `eval` says of answers without a score."""

from offtarget.cli.evaluate import says_unscored
from offtarget.evals.scoring import make_score


def test_unscored_answers_are_said_with_what_they_could_change() -> None:
    shares = make_score(
        {f"p{i}": None if i < 6 else float(i < 8) for i in range(10)},
        behaviour="style", task_version="1-A", direction="lower", role="target", unit="share of answers",
    )  # fmt: skip
    assert shares.unscored == 0.6 and shares.value == 0.5
    assert says_unscored(shares) == (
        "60% of the answers have no score (empty or failed), so the value is that of the others; "
        "if all of them were 0 or all 1, the value would be 0.200 or 0.800"
    )
    words = make_score(
        {"a": 12.0, "b": 15.0, "c": None}, behaviour="v", task_version="1-A", direction="lower", role="off-target",
        unit="words",
    )  # fmt: skip
    assert says_unscored(words).endswith("so the value is that of the others")
