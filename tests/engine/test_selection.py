"""Which strength is chosen from a sweep, worked out by hand; and the page that shows it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.training.conftest import small_pairs

from offtarget.board.estimate import Estimate
from offtarget.engine.recipe import SelectionOptions
from offtarget.engine.selection import Selection, SweptPoint, _Forecast, _goal, _nearest
from offtarget.errors import ConfigError, UndecidedError
from offtarget.report.selection_html import render_selection
from offtarget.shaping.context import Target
from offtarget.shaping.plan import ShapingPlan

FILTER = {0.1: 0.2, 0.3: 0.5, 0.5: 0.6}
SHAPING = {1.0: 0.4, 2.0: 0.7, 4.0: 1.1}


def point(protocol: str, strength: float, reached: float | None, weight: float = 1.0) -> SweptPoint:
    found = Estimate(value=reached) if reached is not None else Estimate(note="no signal")
    half = Estimate(value=abs(strength) / 10)
    return SweptPoint(
        protocol=protocol, parameters={"strength": strength}, strength=strength, weight=weight, reached=found,
        drift=half, capability=Estimate(value=0.0),
    )  # fmt: skip


def sweep() -> list[tuple[int, SweptPoint]]:
    return [(0, point("filter", s, r)) for s, r in FILTER.items()] + [
        (1, point("reward_shaping", s, r)) for s, r in SHAPING.items()
    ]


def options(**kw: object) -> SelectionOptions:
    return SelectionOptions.model_validate({"strengths": {"filter": [0.1]}, **kw})


def test_protocols_are_matched_at_what_all_of_them_reach() -> None:
    """Filter reaches 0.6 at most, shaping 1.1: both are run where they come nearest to 0.6."""
    goal, why = _goal(sweep(), options())
    assert goal == 0.6 and why == "the most that filter reaches"
    chosen = [_nearest([p for p in sweep() if p[0] == k], goal, "recovery").strength for k in (0, 1)]
    assert chosen == [0.5, 2.0]


def test_a_goal_of_the_recipe_is_kept_and_of_two_equally_near_the_weaker_is_taken() -> None:
    assert _goal(sweep(), options(goal=0.45)) == (0.45, "the recipe")
    equal = [(0, point("filter", 0.5, 0.5)), (0, point("filter", -0.3, 0.4))]
    assert _nearest(equal, 0.45, "recovery").strength == -0.3


def test_by_weight_the_goal_is_what_the_mildest_protocol_can_do() -> None:
    points = [
        (0, point("filter", 0.1, None, 0.0)),
        (1, point("reward_shaping", 1.0, None, 0.8)),
        (1, point("reward_shaping", 4.0, None, 0.3)),
    ]
    goal, why = _goal(points, options(by="weight"))
    assert goal == 0.3 and why == "the most that reward_shaping reaches"
    assert _nearest([p for p in points if p[0] == 1], goal, "weight").strength == 4.0


def test_strengths_are_chosen_with_a_training_seed_that_is_not_reported() -> None:
    """F15: on the policy that is then reported, the luck of its seed is reported too."""
    assert options().sweep_seed((0, 1, 2)) == 3 and options().sweep_seed((1, 2)) == 0
    assert options(seed=0).sweep_seed((0, 1)) == 0, "a recipe that asks for one of them gets it"


def test_the_page_says_where_a_reported_seed_was_selected_with(tmp_path: Path) -> None:
    points = tuple(p for _, p in sweep())
    for reported, said in (((0, 1), True), ((1, 2), False)):
        record = Selection(by="recovery", goal=0.6, goal_from="x", seed=0, reported=reported, points=points)
        page = render_selection(record, False, tmp_path / "selection.html").read_text()
        assert ("policies of that seed are reported" in page) == said
        assert ("which is not reported" in page) != said


def test_where_plain_dpo_has_no_signal_nothing_is_chosen() -> None:
    with pytest.raises(UndecidedError, match=r"filter at strength 0\.1 has no recovery \(no signal\)"):
        _goal([(0, point("filter", 0.1, None))], options())


def test_the_page_names_every_strength_and_marks_the_chosen(tmp_path: Path) -> None:
    points = tuple(p.model_copy(update={"chosen": p.strength in (0.5, 2.0)}) for _, p in sweep())
    odd = point("<script>alert(1)</script>", 9.0, 0.1)
    record = Selection(by="recovery", goal=0.6, goal_from="the recipe", seed=0, points=(*points, odd))
    page = render_selection(record, False, tmp_path / "selection.html").read_text()
    assert "<script>alert" not in page and page.count("<svg") == 1
    assert "reward_shaping (form" not in page, "what all share is not said"
    assert page.count("<td>yes</td>") == 2 and all(f">{s:g}</td>" in page for s in (*FILTER, *SHAPING))


def test_a_strength_that_is_nearest_and_yet_far_is_said_not_to_match(tmp_path: Path) -> None:
    far = Estimate(value=1.0, ci=(0.86, 1.17), n=30, seeds=1)
    near = Estimate(value=0.7, ci=(0.5, 0.9), n=30, seeds=1)
    points = tuple(
        point(name, 1.0, 0.0).model_copy(update={"chosen": True, "reached": reached})
        for name, reached in (("reward_shaping", far), ("filter", near))
    )
    record = Selection(by="recovery", goal=0.75, goal_from="the recipe", seed=0, points=points)
    page = render_selection(record, False, tmp_path / "selection.html").read_text()
    assert page.count("<td>nearest, not matched</td>") == 1 == page.count("<td>yes</td>")


def test_by_weight_a_protocol_that_weights_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot choose a strength of steering"):
        _goal([(0, point("steering", s, None, 1.0)) for s in (1.0, 2.0)], options(by="weight"))


def run_with(margins: dict[str, list[float]], *targets: Target) -> SimpleNamespace:
    """What a forecast looks at: targets, and how far each row moves each concept."""

    def read(concept: str) -> tuple[np.ndarray, np.ndarray]:
        return np.array(margins[concept]), np.zeros(len(margins[concept]))

    return SimpleNamespace(targets=targets, readings=SimpleNamespace(influence=read))


def weighed(weights: list[float]) -> ShapingPlan:
    pairs = small_pairs(len(weights))
    return ShapingPlan.identity("reweight", pairs).edit(weight=np.array(weights))


def test_a_forecast_is_the_share_of_the_influence_that_weights_leave() -> None:
    """Rows move the concept by 4, 2, 2, 0: weights of 0, 1, 1, 2 leave half of the 8."""
    rows = {"a": [4.0, 2.0, 2.0, 0.0], "b": [1.0, 1.0, 1.0, 1.0]}
    half = weighed([0.0, 1.0, 1.0, 2.0])
    assert _Forecast(run_with(rows, Target("a", -1))).reached(half) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert _Forecast(run_with(rows, Target("a", 1))).reached(half) == pytest.approx(-0.5)  # type: ignore[arg-type]
    assert _Forecast(run_with(rows, Target("a", -1), Target("b", -1))).reached(half) == pytest.approx(0.25)  # type: ignore[arg-type]
    against = {"a": [-4.0, -2.0, -2.0, -1.0]}
    less = _Forecast(run_with(against, Target("a", 1))).reached(weighed([0.0, 1.0, 1.0, 2.0]))  # type: ignore[arg-type]
    assert less == pytest.approx((-6 + 9) / 9), "a set that teaches less of it: what is taken from that is gained"


def test_what_no_weight_says_and_what_does_not_move_has_no_forecast() -> None:
    rows = {"a": [4.0, 2.0, 2.0, 0.0], "noise": [3.0, -3.0, 2.0, -2.0]}
    masked = weighed([1.0] * 4).edit(mask_chosen=(((0, 2),), (), (), ()))
    with pytest.raises(ConfigError, match="it has masked or weighted words, which is no weight on rows"):
        _Forecast(run_with(rows, Target("a", -1))).reached(masked)  # type: ignore[arg-type]
    for target in (Target("noise", -1), Target("noise", 1)):
        with pytest.raises(UndecidedError, match=r"plain DPO is not expected to (raise|move) noise"):
            _Forecast(run_with(rows, target))  # type: ignore[arg-type]
