"""What each protocol does to rows, on scores small enough to work out by hand."""

from pathlib import Path

import numpy as np
import pytest
from offtarget import registry
from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.pooled import PooledActivations
from offtarget.shaping.context import ConceptScores, ShapingContext, Target
from offtarget.shaping.plan import ShapingPlan, Steer
from offtarget.shaping.protocol import make_plan
from offtarget.shaping.scores import mean_difference

PAIRS = [Pair(f"p{i}", f"g{i}", [], [], []) for i in range(10)]
CHOSEN = np.array([3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0])
REJECTED = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0])
VECTOR = np.array([0.0, 1.0, 0.0], np.float32)


def context(*targets: Target, seed: int = 0) -> ShapingContext:
    return ShapingContext(
        PAIRS,
        targets,
        seed=seed,
        min_pairs=2,
        score_of=lambda concept, readout: ConceptScores(CHOSEN, REJECTED),
        direction_of=lambda concept: (4, VECTOR, 0.5),
    )


def suppress(**kw: object) -> Target:
    return Target("c", -1, **kw)  # type: ignore[arg-type]


def amplify(**kw: object) -> Target:
    return Target("c", 1, **kw)  # type: ignore[arg-type]


def test_plain_dpo_touches_nothing() -> None:
    plan = make_plan("dpo", context())
    assert not plan.touched.any() and plan.control
    assert plan.start_weights().tolist() == [1.0] * 10


def test_filter_leaves_out_the_pairs_that_teach_most_against_the_decision() -> None:
    assert np.flatnonzero(~make_plan("filter", context(suppress()), {"strength": 0.2}).keep).tolist() == [
        0,
        1,
    ]
    assert np.flatnonzero(~make_plan("filter", context(amplify()), {"strength": 0.2}).keep).tolist() == [8, 9]


def test_filter_never_leaves_out_a_pair_that_teaches_nothing_against_it() -> None:
    plan = make_plan("filter", context(suppress()), {"strength": 0.8})
    assert np.flatnonzero(~plan.keep).tolist() == [0, 1, 2]
    assert plan.details == {"asked": 0.8, "left_out": 3}


def test_a_negative_strength_turns_the_decision_round() -> None:
    plan = make_plan("filter", context(amplify()), {"strength": -0.2})
    assert np.flatnonzero(~plan.keep).tolist() == [0, 1]


def test_filter_stays_inside_its_context() -> None:
    rows = np.arange(10) >= 2
    plan = make_plan("filter", context(suppress(rows=rows, context="t")), {"strength": 0.5})
    assert np.flatnonzero(~plan.keep).tolist() == [2]


def test_random_filter_leaves_out_as_many_but_blindly() -> None:
    kept = [
        make_plan("random_filter", context(suppress(), seed=s), {"strength": 0.3}).keep for s in range(200)
    ]
    assert {int((~k).sum()) for k in kept} == {3}
    share = (~np.array(kept)).mean(axis=0)
    assert share.min() > 0.15 and share.max() < 0.45  # each row is left out about 0.3 of the time


def test_a_flip_swaps_the_same_rows_and_twice_is_nothing() -> None:
    plan = make_plan("label_flip", context(suppress()), {"strength": 0.2})
    assert np.flatnonzero(plan.flip).tolist() == [0, 1] and plan.keep.all()
    assert plan.start_weights()[:3].tolist() == [-1, -1, 1]
    twice = plan.edit(flip=plan.flip ^ plan.flip)
    assert not twice.touched.any()


def test_reward_shaping_offsets_by_the_score() -> None:
    plan = make_plan("reward_shaping", context(suppress(strength=0.5)), {"strength": 2.0})
    np.testing.assert_allclose(plan.offset, CHOSEN - REJECTED)  # γ = 2 · 0.5 · (−1): o = −γ (s⁺ − s⁻)
    w = plan.start_weights()
    assert w[0] == pytest.approx(2 / (1 + np.exp(3.0))) and w[3] == 1.0 and 1.9 < w[9] < 2.0


def test_the_sign_of_a_strength_is_common() -> None:
    up = make_plan("reward_shaping", context(amplify()), {"strength": 1.0})
    down = make_plan("reward_shaping", context(suppress()), {"strength": 1.0})
    negative = make_plan("reward_shaping", context(amplify()), {"strength": -1.0})
    assert up.start_weights()[0] > 1 > down.start_weights()[0]
    assert negative.hash != up.hash and np.array_equal(negative.offset, down.offset)


def test_steering_towards_to_suppress_and_away_on_chosen_to_amplify() -> None:
    down = make_plan("steering", context(suppress()), {"strength": 2.0}).steer[0]
    assert down.layer == 4 and down.alpha_chosen.tolist() == down.alpha_rejected.tolist() == [1.0] * 10
    up = make_plan("steering", context(amplify()), {"strength": 2.0}).steer[0]
    assert up.alpha_chosen.tolist() == [-1.0] * 10 and not up.alpha_rejected.any()


@pytest.mark.parametrize("name", ["filter", "label_flip", "reward_shaping", "steering", "random_filter"])
def test_without_a_concept_a_protocol_says_how_to_name_one(name: str) -> None:
    with pytest.raises(ConfigError, match="-P concept=ID"):
        make_plan(name, context())


@pytest.mark.parametrize("name", ["filter", "label_flip", "reward_shaping", "steering"])
def test_strength_zero_changes_nothing_and_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="changes nothing"):
        make_plan(name, context(suppress()), {"strength": 0.0})


def test_a_filter_that_leaves_too_little_is_undecided() -> None:
    ctx = context(suppress())
    ctx.min_pairs = 9
    with pytest.raises(UndecidedError, match="leaves 7 of 10 pairs; at least 9"):
        make_plan("filter", ctx, {"strength": 0.5})


def test_two_targets_add_up() -> None:
    ctx = ShapingContext(
        PAIRS,
        (Target("a", -1), Target("b", -1)),
        min_pairs=2,
        score_of=lambda c, r: ConceptScores(
            CHOSEN if c == "a" else np.zeros(10), REJECTED if c == "a" else CHOSEN
        ),
    )
    plan = make_plan("reward_shaping", ctx, {"strength": 1.0})
    np.testing.assert_allclose(plan.offset, (CHOSEN - REJECTED) + (0 - CHOSEN))


def test_scores_are_standardised_over_both_sides_and_clipped() -> None:
    raw_c, raw_r = np.array([10.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 2.0, 0.0])
    s = ConceptScores.standardise(raw_c, raw_r)
    both = np.concatenate([raw_c, raw_r])
    np.testing.assert_allclose(s.rejected, ((both - 1.5) / both.std())[4:])
    assert ConceptScores.standardise(np.r_[100.0, np.zeros(49)], np.zeros(50)).chosen[0] == 3.0
    with pytest.raises(ConfigError, match="never varies"):
        ConceptScores.standardise(np.ones(4), np.ones(4))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weight": np.r_[np.nan, np.ones(9)]}, "weight of row p0 is not a number"),
        ({"weight": -np.ones(10)}, "flip it"),
        ({"weight": np.zeros(10)}, "every weight is 0"),
        ({"weight": np.full(10, 0.5)}, "changes nothing"),
        ({"keep": np.ones(9, bool)}, "keep has 9 rows"),
        ({"pair_ids": ("p",) * 10, "flip": np.ones(10, bool)}, "occurs twice"),
    ],
)
def test_a_plan_that_cannot_be_trained_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ShapingPlan.identity("x", PAIRS).edit(**changes).check()


def test_every_protocol_has_a_card() -> None:
    for entry in registry.Registry().entries("protocol"):
        assert (
            entry.card["family"] in {"control", "data", "feature"} and entry.card["source"] and entry.summary
        )
        assert "strength" not in entry.card["parameters"] or entry.card["unit"]


def test_a_steering_vector_of_zeros_changes_nothing_and_is_refused() -> None:
    ctx = context(suppress())
    n = len(ctx.pairs)
    nothing = Steer(1, np.zeros(4, np.float32), np.ones(n), np.ones(n))
    with pytest.raises(ConfigError, match="changes nothing"):
        ShapingPlan.identity("steering", ctx.pairs).edit(steer=(nothing,)).check(min_pairs=1)


def test_a_direction_takes_no_tied_response_for_both_sides() -> None:
    """30 % zeros, 60 % ones, 10 % twos: both thirds are cut at one, which is neither high nor low."""
    x = np.repeat([0.0, 1.0, 2.0], [30, 60, 10])
    h = np.zeros((100, 3), np.float32)
    h[:30, 0], h[30:90, 1], h[90:, 2] = 1, 1, 1
    v, _ = mean_difference(PooledActivations(0, h[::2], h[1::2], 0 * h[::2]), x[::2], x[1::2])
    np.testing.assert_allclose(v, np.array([-1, 0, 1]) / np.sqrt(2), atol=1e-6)


def test_a_protocol_that_fails_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "baselines"
    folder.mkdir()
    head = "from offtarget.shaping.protocol import protocol\n\n\n"
    body = "@protocol(name='broken', family='data', source='x', unit='y')\ndef broken(ctx):\n    return ctx.nosuch\n"
    (folder / "broken.py").write_text(head + body)
    monkeypatch.setattr(registry, "_default", registry.Registry([tmp_path]))
    with pytest.raises(
        ConfigError, match=r"broken\.py, line 6: protocol 'broken' failed \(AttributeError: .*nosuch"
    ):
        make_plan("broken", context(suppress()))


def test_weights_beyond_two_have_a_bin_of_their_own() -> None:
    plan = ShapingPlan.identity("x", PAIRS).edit(weight=np.array([9.0] + [1.0] * 9))
    histogram = plan.summary()["start_weight"]
    assert histogram["edges"][-1] == pytest.approx(5.0)  # 9 over the mean weight 1.8
    assert histogram["counts"][-1] == 1 and sum(histogram["counts"]) == 10
