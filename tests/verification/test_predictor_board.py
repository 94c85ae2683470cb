"""The predictor board: shares of the ceiling, costs and medians from records whose figures are known."""

import json
from typing import Any

import pytest
from tests.verification.test_prediction_lead import verification

from offtarget.errors import UndecidedError
from offtarget.verification.board import render_predictions
from offtarget.verification.cost import Work
from offtarget.verification.predictor_board import measured, reached
from offtarget.verification.records import BehaviourShift, Price, Verification


def priced(dataset: str, *found: tuple[str, float], costs: dict[str, float], **more: Any) -> Verification:
    v = verification(dataset, *((name, r, 0.1, 0.002) for name, r in found))
    prices = {name: Price(tokens=1000 * share, of_training=share) for name, share in costs.items()}
    return v.model_copy(update={"costs": prices, "model": "small", **more})


COSTS = {"one_gradient": 0.2, "tilt": 0.0, "pulse_8": 0.5}
SETS = [
    priced("a", ("one_gradient", 0.9), ("tilt", 0.6), ("pulse_8", 0.95), costs=COSTS),
    priced("b", ("one_gradient", 0.93), ("tilt", -0.6), ("pulse_8", 0.95), costs=COSTS),
    priced("c", ("one_gradient", 0.5), ("tilt", 0.3), ("pulse_8", 0.95), costs=COSTS),
]


def test_a_share_of_the_ceiling_is_r2_over_the_correlation_of_two_seeds() -> None:
    """The records' ceilings are 0.9 raw and 0.8 at equal length."""
    (one,) = [m for m in measured(SETS) if (m.dataset, m.predictor, m.family) == ("a", "one_gradient", "latents")]
    assert (one.share, one.share_equal) == (pytest.approx(0.81 / 0.9), pytest.approx(0.81 / 0.8))
    (against,) = [m for m in measured(SETS) if (m.dataset, m.predictor, m.family) == ("b", "tilt", "latents")]
    assert against.r2 == 0, "moved against the prediction"


def test_the_board_lists_predictors_by_cost_with_medians_and_ranges() -> None:
    board = render_predictions(SETS, "md", "offtarget board x")
    part = board[board.index("## Accuracy against cost") : board.index("## Set by set")]
    rows = [line for line in part.splitlines() if line.startswith(("| tilt", "| one_gradient", "| pulse_8"))][:3]
    assert [r.split("|")[1].strip() for r in rows] == ["tilt", "one_gradient", "pulse_8"]
    assert "| 20 % | 3 | 0.81 (0.25 to 0.86) | 0.90 (0.28 to 0.96) |" in rows[1]
    assert "reaches it on 2 of 3 sets" in part and "`one_gradient`" in part
    assert "pulse_8" not in reached(SETS, "latents"), "it costs more than a quarter of the training"


def test_the_picture_is_a_file_of_its_own_and_there_is_none_without_points() -> None:
    picture = render_predictions(SETS, "svg", "")
    assert picture.startswith("<svg ") and "var(--" not in picture and "one_gradient" in picture
    with pytest.raises(UndecidedError, match="two training seeds"):
        render_predictions([verification("a", ("tilt", 0.5, 0.1, 0.002))], "svg", "")


def test_what_a_forecast_says_of_its_predictor_is_written_for_it() -> None:
    rows = json.loads(render_predictions(SETS, "validity", ""))["rows"]
    (row,) = [r for r in rows if (r["set"], r["predictor"], r["family"]) == ("c", "one_gradient", "latents")]
    assert row == {
        "set": "c", "model": "small", "predictor": "one_gradient", "family": "latents", "r2": 0.25, "r2_equal": 0.25, "surest": 1.0,
    }  # fmt: skip


def test_behaviours_stand_beside_what_training_did() -> None:
    shift = BehaviourShift(
        behaviour="praise", predictor="one_gradient", predicted=0.2, predicted_ci=(0.1, 0.3), observed=0.5,
        observed_ci=(0.3, 0.7), by_seed=(0.4, 0.6),
    )  # fmt: skip
    other = shift.model_copy(update={"behaviour": "refusal", "observed": 0.01, "observed_ci": (-0.1, 0.12)})
    board = render_predictions([priced("a", ("tilt", 0.5), costs=COSTS, behaviours=(shift, other))], "md", "x")
    assert (
        "| a | praise | one_gradient | +0.200 [+0.100, +0.300] | +0.500 [+0.300, +0.700] | +0.400, +0.600 | yes |"
        in board
    )
    assert board.count("| – |") and "| refusal |" in board


def test_prices_are_tokens_that_pass_through_the_model() -> None:
    """1,000 tokens of 10 rows, 20 steps of 2 pairs: a reference pass, and 4 passes forward and backward with LoRA."""
    work = Work(
        rows=1000, n_rows=10, held=300, n_held=5, answer=20, samples=1, own_samples=4, steps=20, batch=2, backward=1.0
    )
    assert work.training == 1000 * (1 + 4 * 2)
    assert work.price(("gradient", "answers")).tokens == 3 * 1000 + 2 * (300 + 100)
    assert work.price(("own", "own_read")).tokens == 2 * 4 * 400
    assert work.price(("steps:4",)).of_training == pytest.approx(1000 * 0.8 * 3 / 9000, abs=1e-4)
    assert work.price(()).of_training == 0
