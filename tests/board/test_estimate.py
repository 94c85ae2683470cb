import math

import numpy as np
from offtarget.board.estimate import Panel, common, draw_means, interval, null_drift
from offtarget.evals.scores import make_score


def _score(samples):
    return make_score(samples, behaviour="b", task_version="1-A", direction="lower", role="target")


def _panel(*seeds):
    return Panel.of([_score(s) for s in seeds])


def test_interval_of_a_rate_is_that_of_the_binomial():
    panel = _panel({f"s{i}": float(i < 120) for i in range(400)})
    low, high = interval(draw_means({"row": panel})["row"], 400)
    assert math.isclose(high - low, 2 * 1.96 * math.sqrt(0.3 * 0.7 / 400), rel_tol=0.08)
    assert math.isclose((low + high) / 2, 0.3, abs_tol=0.005)


def test_repeats_of_a_prompt_are_no_new_evidence():
    repeated = _panel({f"s{i}#{k}": float(i < 30) for i in range(100) for k in range(4)})
    low, high = interval(draw_means({"row": repeated})["row"], 100)
    assert math.isclose(high - low, 2 * 1.96 * math.sqrt(0.3 * 0.7 / 100), rel_tol=0.1)


def test_the_same_prompts_are_drawn_for_all_policies():
    a = {f"s{i}": float(i % 7) for i in range(60)}
    b = {k: v + 0.5 for k, v in a.items()}
    draws = draw_means(common({"a": _panel(a), "b": _panel(b)}))
    assert np.allclose(draws["b"] - draws["a"], 0.5)


def test_from_three_seeds_on_seeds_are_drawn_too():
    flat = [{f"s{i}": rate for i in range(10)} for rate in (0.1, 0.4, 0.7)]
    assert np.ptp(draw_means({"row": _panel(*flat[:2])})["row"]) < 1e-12
    draws = draw_means({"row": _panel(*flat)})["row"]
    # the mean of three draws out of (0.1, 0.4, 0.7) has variance 0.06/3
    assert math.isclose(draws.std(), math.sqrt(0.02), rel_tol=0.05)


def test_a_sample_missing_in_one_seed_is_left_out_of_all():
    panel = _panel({"a": 1.0, "b": 0.0, "c": None}, {"a": 1.0, "b": None, "c": 0.0})
    assert panel.ids == ("a",)
    assert panel.mean == 1.0


def test_drift_by_chance_is_that_of_a_random_sign():
    ids = [f"s{i}" for i in range(400)]
    noise = null_drift([(ids, np.ones(400))])
    # the mean of 400 random signs has sd 1/20; 95 % of its absolute value lie below 1.96 sd
    assert math.isclose(noise, 1.96 / 20, rel_tol=0.12)
    in_pairs = [f"s{i // 4}#{i % 4}" for i in range(400)]
    assert math.isclose(null_drift([(in_pairs, np.ones(400))]), 1.96 / 10, rel_tol=0.12)
