"""Side effects at equal effect: lines whose crossings are known, and intervals in closed form."""

import numpy as np
import pytest

from offtarget.curve.equal import Shifts, along, at_level, crossing, interval, usual_level

X = np.array([0.0, 0.5, 1.0])
IDS = tuple(f"p{i}" for i in range(400))


def straight(slopes: dict[str, np.ndarray], label: str = "dpo") -> Shifts:
    """Behaviours that shift by slope × scale: slopes are (n_seeds, n_samples)."""
    values = {b: X[:, None, None] * s[None] for b, s in slopes.items()}
    return Shifts(label, tuple(X), values, {b: IDS[: s.shape[1]] for b, s in slopes.items()})


def test_a_line_is_crossed_where_it_first_takes_the_value() -> None:
    lines = np.array([[0.0, 1.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.2, 0.4], [0.0, -1.0, -2.0]])
    assert crossing(X, lines, 2.0)[:2] == pytest.approx([0.75, 0.5])
    assert crossing(X, lines, 1.0)[1] == pytest.approx(0.25)
    assert np.isnan(crossing(X, lines, 2.0)[2:]).all()
    assert crossing(X, lines, -1.5)[3] == pytest.approx(0.75)


def test_the_value_along_a_line_lies_between_its_points() -> None:
    lines = np.array([[0.0, 1.0, 3.0], [0.0, 2.0, 0.0]])
    assert along(X, lines, np.array([0.75, 1.0])) == pytest.approx([2.0, 0.0])
    assert np.isnan(along(X, lines, np.array([np.nan, 0.1]))[0])


def test_the_interval_is_that_of_a_mean_where_the_target_is_sure() -> None:
    side = np.random.default_rng(0).normal(0.5, 1.0, size=(1, 400))
    at = at_level(straight({"target": np.full((1, 400), 2.0), "side": side}), "target", 1.0)
    assert at is not None and at.scale == pytest.approx(0.5)
    assert at.shifts["side"] == pytest.approx(0.5 * side.mean())
    found = interval(at.drawn["side"])
    half = 1.96 * 0.5 * side.std() / 20
    assert found == pytest.approx((0.5 * side.mean() - half, 0.5 * side.mean() + half), abs=0.1 * half)


def test_three_seeds_widen_the_interval_as_t_of_two_degrees_of_freedom_does() -> None:
    by_seed = np.array([0.8, 1.0, 1.2])[:, None] * np.ones((3, 400))
    at = at_level(straight({"target": np.full((3, 400), 1.0), "side": by_seed}), "target", 0.5)
    assert at is not None
    variance = 0.5**2 * np.var([0.8, 1.0, 1.2], ddof=1) / 3 * (4.302653 / 1.959964) ** 2
    assert at.drawn["side"].var() == pytest.approx(variance, rel=0.1)


def test_a_level_that_many_draws_miss_has_no_interval() -> None:
    rng = np.random.default_rng(1)
    wild = rng.normal(0.1, 2.0, size=(1, 400))
    at = at_level(straight({"target": wild, "side": wild}), "target", float(wild.mean()) * 0.999)
    assert at is not None and at.outside == pytest.approx(0.5, abs=0.1)
    assert interval(at.drawn["side"]) is None
    assert at_level(straight({"target": wild, "side": wild}), "target", 3.0) is None


def test_the_usual_level_is_half_of_what_the_weakest_reaches_the_way_of_the_first() -> None:
    lines = {
        "dpo": np.array([0.0, -0.4, -0.8]),
        "filter": np.array([0.0, -0.3, -0.2]),
        "other": np.array([0.0, 0.1, 0.2]),
    }
    assert usual_level(lines) == pytest.approx(-0.15)
    assert usual_level({"dpo": np.zeros(3)}) == 0
