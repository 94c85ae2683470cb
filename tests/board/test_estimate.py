"""The draws from which shares of the front are counted: prompts drawn again, seeds by their variance."""

import math

import numpy as np

from offtarget.board.estimate import draw_means
from offtarget.evals.panel import Panel, common
from offtarget.evals.scoring import make_score


def _score(samples):
    return make_score(samples, behaviour="b", task_version="1-A", direction="lower", role="target")


def _panel(*seeds, trained=True):
    return Panel.of([_score(s) for s in seeds], trained=trained)


def test_draws_of_a_rate_have_the_variance_of_the_binomial():
    draws = draw_means({"row": _panel({f"s{i}": float(i < 120) for i in range(400)})})["row"]
    assert math.isclose(draws.std(), math.sqrt(0.3 * 0.7 / 400), rel_tol=0.05)
    assert math.isclose(draws.mean(), 0.3, abs_tol=0.003)


def test_repeats_of_a_prompt_are_no_new_evidence():
    repeated = _panel({f"s{i}#{k}": float(i < 30) for i in range(100) for k in range(4)})
    assert math.isclose(draw_means({"row": repeated})["row"].std(), math.sqrt(0.3 * 0.7 / 100), rel_tol=0.05)


def test_the_same_prompts_are_drawn_for_all_policies():
    a = {f"s{i}": float(i % 7) for i in range(60)}
    b = {k: v + 0.5 for k, v in a.items()}
    draws = draw_means(common({"a": _panel(a), "b": _panel(b)}))
    assert np.allclose(draws["b"] - draws["a"], 0.5)


def test_seeds_move_trained_policies_by_the_error_of_their_mean():
    flat = [{f"s{i}": rate for i in range(10)} for rate in (0.1, 0.4, 0.7)]
    draws = draw_means({"row": _panel(*flat)})["row"]
    # means of seeds 0.1, 0.4, 0.7: s² = 0.09, s²/3 = 0.03
    assert math.isclose(draws.std(), math.sqrt(0.03), rel_tol=0.05)
    assert np.ptp(draw_means({"row": _panel(*flat, trained=False)})["row"]) < 1e-12


def test_a_sample_missing_in_one_seed_is_left_out_of_all():
    panel = _panel({"a": 1.0, "b": 0.0, "c": None}, {"a": 1.0, "b": None, "c": 0.0})
    assert panel.ids == ("a",)
    assert panel.mean == 1.0
