"""What each protocol does to rows, on scores small enough to work out by hand."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget import registry
from offtarget.audit.statistics.length import Lengths
from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, UndecidedError
from offtarget.shaping.context import ConceptScores, Direction, ShapingContext, Target, WordScores
from offtarget.shaping.hooks import Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.presence import shown
from offtarget.shaping.protocol import make_plan

PAIRS = [
    Pair(
        f"p{i}", f"g{i}", [{"role": "user", "content": f"ask {i}"}],
        [{"role": "assistant", "content": "one two six ten"}], [{"role": "assistant", "content": "ace bat cat dog"}],
    )
    for i in range(10)
]  # fmt: skip
CHOSEN = np.array([3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0])
REJECTED = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0])
VECTORS = np.array([[0.0, 1.0, 0.0], [0.0, 0.6, 0.8]], np.float32)


class Fixed:
    """Readings that are written down: concept `a` or any other has `CHOSEN` and `REJECTED`, `b` only in rejected."""

    def scores(self, concept: str, readout: str) -> ConceptScores:
        return ConceptScores(np.zeros(10), CHOSEN) if concept == "b" else ConceptScores(CHOSEN, REJECTED)

    def length(self) -> Lengths:
        return Lengths(np.expm1(5 + CHOSEN), np.expm1(np.full(10, 5.0)))

    def direction(self, concept: str, layer: int | None = None) -> Direction:
        """At layer 3 the pairs lie the other way round than at any other; concept `deep` has its own layer."""
        margin = (CHOSEN - REJECTED) * (-1 if layer == 3 else 1)
        own = 9 if concept == "deep" else 4
        return Direction(own if layer is None else layer, VECTORS[int(concept == "b")], 0.5, margin)

    def directions(self, concept: str, layers: Sequence[int]) -> list[Direction]:
        return [self.direction(concept, layer) for layer in layers]

    def layer(self, concept: str) -> int:
        return self.direction(concept).layer

    def presence(self, concept: str) -> tuple[Any, Any]:
        return CHOSEN > 0, REJECTED > 0

    def words(self, concept: str, readout: str) -> tuple[list[WordScores], list[WordScores]]:
        """Four words a response; in the first three chosen ones the second word shows the concept."""
        spans = np.array([[0, 3], [4, 7], [8, 11], [12, 15]])

        def side(scores: Any) -> list[WordScores]:
            return [WordScores(spans, np.array([0.0, s, 0.0, 0.0])) for s in scores]

        return side(CHOSEN), side(REJECTED)

    def rewrite(self, concept: str, sign: int, responses: Any, role: str | None) -> list[str | None]:
        return [None if i == 1 else f"{text} without" for i, (_, text) in enumerate(responses)]


def context(*targets: Target, seed: int = 0) -> ShapingContext:
    return ShapingContext(PAIRS, targets, seed=seed, min_pairs=2, readings=Fixed())


def suppress(**kw: object) -> Target:
    return Target("c", -1, **kw)  # type: ignore[arg-type]


def amplify(**kw: object) -> Target:
    return Target("c", 1, **kw)  # type: ignore[arg-type]


def test_plain_dpo_touches_nothing() -> None:
    plan = make_plan("dpo", context())
    assert not plan.touched.any() and plan.control
    assert plan.start_weights().tolist() == [1.0] * 10


def test_filter_leaves_out_the_pairs_that_teach_most_against_the_decision() -> None:
    assert np.flatnonzero(~make_plan("filter", context(suppress()), {"strength": 0.2}).keep).tolist() == [0, 1]
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
    kept = [make_plan("random_filter", context(suppress(), seed=s), {"strength": 0.3}).keep for s in range(200)]
    assert {int((~k).sum()) for k in kept} == {3}
    share = (~np.array(kept)).mean(axis=0)
    assert share.min() > 0.15 and share.max() < 0.45  # each row is left out about 0.3 of the time


@pytest.mark.parametrize("name", ["filter", "label_flip"])
def test_which_of_equal_pairs_are_cut_does_not_depend_on_the_order_of_the_rows(name: str) -> None:
    class Equal(Fixed):
        def scores(self, concept: str, readout: str) -> ConceptScores:
            return ConceptScores(np.ones(10), np.zeros(10))

    def cut(pairs: list[Pair]) -> set[str]:
        ctx = ShapingContext(pairs, (suppress(),), min_pairs=2, readings=Equal())
        plan = make_plan(name, ctx, {"strength": 0.3})
        return {pid for pid, keep, flip in zip(plan.pair_ids, plan.keep, plan.flip, strict=True) if flip or not keep}

    assert len(cut(PAIRS)) == 3 and cut(PAIRS) == cut(PAIRS[::-1]) == cut([*PAIRS[4:], *PAIRS[:4]])
    assert cut(PAIRS) != {"p0", "p1", "p2"}, "the first rows of a file are no better reason"


def test_a_flip_turns_the_same_rows() -> None:
    plan = make_plan("label_flip", context(suppress()), {"strength": 0.2})
    assert np.flatnonzero(plan.flip).tolist() == [0, 1] and plan.keep.all()
    assert plan.start_weights()[:3].tolist() == [-1, -1, 1]


@pytest.mark.parametrize(
    ("name", "rows"), [("filter", lambda p: ~p.keep), ("label_flip", lambda p: p.flip), ("random_filter", lambda p: ~p.keep)]
)  # fmt: skip
def test_the_strength_of_a_verdict_counts_in_shares_too(name: str, rows: Any) -> None:
    """Effective strength = protocol × verdict: 0.4 × 0.5 of ten pairs are two."""
    asked = {"strength": 0.4}
    assert rows(make_plan(name, context(suppress(strength=0.5)), asked)).sum() == 2
    with pytest.raises(ConfigError, match=r"strength 1\.2 "):
        make_plan(name, context(suppress(strength=3.0)), asked)


def test_the_control_of_a_filter_leaves_out_as_many_by_the_same_rule() -> None:
    options = {"by": "rule", "pattern": "two", "where": "chosen", "strength": 0.5}
    assert (~make_plan("random_filter", context(suppress()), options).keep).sum() == 5
    gated = context(suppress(context="t", rows=np.arange(10) >= 6))
    for name in ("filter", "random_filter"):
        plan = make_plan(name, gated, {"by": "cluster", "strength": 1.0})
        assert (~plan.keep).sum() == 4


@pytest.mark.parametrize("options", [{"by": "cluster"}, {"by": "rule", "pattern": "ask", "where": "prompt"}])
def test_what_leaves_out_whatever_is_there_cannot_amplify(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="can only suppress"):
        make_plan("filter", context(amplify(context="t", rows=np.arange(10) >= 6)), options)


def test_a_pair_without_weight_counts_as_left_out() -> None:
    """A shaping so strong that it silences the pairs is a filter, and one may not leave too little."""
    ctx = context(Target("b", -1))  # s⁺ − s⁻ = −CHOSEN: three pairs teach against it, one for it
    ctx.min_pairs = 10
    with pytest.raises(UndecidedError, match="leaves 9 of 10 pairs any weight"):
        make_plan("reward_shaping", ctx, {"strength": 50.0})


@pytest.mark.parametrize("name", ["reward_shaping", "reweight", "random_reweight", "steering", "preventative_steering"])
def test_a_strength_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"protocol '{name}': strength 1e\+09 .*out of range"):
        make_plan(name, context(amplify()), {"strength": 1e9})


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
    down = make_plan("steering", context(suppress()), {"strength": 2.0}).hooks[0]
    assert down.layer == 4 and down.chosen.tolist() == down.rejected.tolist() == [1.0] * 10
    up = make_plan("steering", context(amplify()), {"strength": 2.0}).hooks[0]
    assert up.chosen.tolist() == [-1.0] * 10 and not up.rejected.any()


@pytest.mark.parametrize("name", ["filter", "label_flip", "reward_shaping", "steering", "random_filter"])
def test_without_a_concept_a_protocol_says_how_to_name_one(name: str) -> None:
    with pytest.raises(ConfigError, match="-P concept=ID"):
        make_plan(name, context())


def shaping_protocols() -> list[str]:
    """Every protocol that ships and has a strength."""
    entries = registry.Registry().entries("protocol")
    return sorted(e.name for e in entries if "strength" in e.card["parameters"])


@pytest.mark.parametrize("name", shaping_protocols())
def test_strength_zero_changes_nothing_and_is_refused(name: str) -> None:
    more = {"instruction": "Do it."} if name == "inoculation" else {}
    with pytest.raises(ConfigError, match="changes nothing"):
        make_plan(name, context(suppress()), {"strength": 0.0, **more})


def test_a_filter_that_leaves_too_little_is_undecided() -> None:
    ctx = context(suppress())
    ctx.min_pairs = 9
    with pytest.raises(UndecidedError, match="leaves 7 of 10 pairs any weight; at least 9"):
        make_plan("filter", ctx, {"strength": 0.5})


def test_two_targets_add_up() -> None:
    plan = make_plan("reward_shaping", context(Target("a", -1), Target("b", -1)), {"strength": 1.0})
    np.testing.assert_allclose(plan.offset, (CHOSEN - REJECTED) + (0 - CHOSEN))


def test_scores_are_standardised_over_both_sides_and_clipped() -> None:
    raw_c, raw_r = np.array([10.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 2.0, 0.0])
    s = ConceptScores.standardise(raw_c, raw_r)
    both = np.concatenate([raw_c, raw_r])
    np.testing.assert_allclose(s.rejected, ((both - 1.5) / both.std())[4:])
    assert ConceptScores.standardise(np.r_[100.0, np.zeros(49)], np.zeros(50)).chosen[0] == 3.0
    with pytest.raises(ConfigError, match="never varies"):
        ConceptScores.standardise(np.ones(4), np.ones(4))


def steer(**changes: Any) -> Steer:
    usual = {"layer": 1, "directions": VECTORS[0], "chosen": np.ones(10), "rejected": np.ones(10)}
    return Steer(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weight": np.r_[np.nan, np.ones(9)]}, "weight of row p0 is not a number"),
        ({"weight": -np.ones(10)}, "flip it"),
        ({"weight": np.zeros(10)}, "every weight is 0"),
        ({"weight": np.full(10, 0.5)}, "changes nothing"),
        ({"keep": np.ones(9, bool)}, "keep has 9 rows"),
        ({"pair_ids": ("p",) * 10, "flip": np.ones(10, bool)}, "occurs twice"),
        ({"weight": 0.5}, "weight is float; it should be an array of floats"),
        ({"keep": np.ones(10, int)}, "keep is an array of int64 with 1 axes; it should be an array of booleans"),
        ({"flip": np.ones(10)}, "flip is an array of float64"),
        ({"offset_chosen": np.ones((10, 2))}, "with 2 axes"),
        ({"hooks": ("x",)}, "is str, not a Steer or an Ablate"),
        ({"hooks": (steer(module="foo"),)}, "module 'foo' should be one of layer, attention, mlp"),
        ({"hooks": (steer(span="foo"),)}, "span 'foo' should be one of"),
        ({"hooks": (steer(directions=np.ones((2, 3), np.float32)),)}, "directions should be an array of 1 axes"),
    ],
)
def test_a_plan_that_cannot_be_trained_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ShapingPlan.identity("x", PAIRS).edit(**changes).check()


def test_a_plan_over_other_rows_is_refused(tmp_path: Path) -> None:
    """Some of the rows, or the rows in another order, by an author's own file."""
    (tmp_path / "baselines").mkdir()
    for name, take in (("some_rows", "[:6]"), ("turned", "[::-1]")):
        (tmp_path / "baselines" / f"{name}.py").write_text(
            "from offtarget.shaping.plan import ShapingPlan\nfrom offtarget.shaping.protocol import protocol\n\n"
            f"@protocol(name='{name}', family='data', source='here', unit='none')\n"
            f"def {name}(ctx, *, strength: float = 1.0):\n"
            f"    plan = ShapingPlan.identity('{name}', ctx.pairs{take})\n"
            "    return plan.edit(flip=~plan.flip)\n"
        )
    registry.use([tmp_path])
    try:
        for name in ("some_rows", "turned"):
            with pytest.raises(ConfigError, match="not over the pairs that it was given"):
                make_plan(name, context(suppress()))
    finally:
        registry.use([])


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("steering", {"layer": "x"}, r"layer='x' should be a whole number or none"),
        ("steering", {"layer": 1.5}, r"layer=1.5 should be a whole number or none"),
        ("steering", {"layer": True}, r"layer=True should be a whole number or none"),
        ("steering", {"strength": None}, r"strength=None should be a number"),
        ("steering", {"strength": "1e9"}, "should be a number, such as 2.0"),
        ("length_balance", {"bins": 2.5}, r"bins=2.5 should be a whole number"),
    ],
)
def test_a_parameter_of_another_kind_is_said_to_be_so(name: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_plan(name, context(suppress()), params)


def test_every_protocol_has_a_card() -> None:
    for entry in registry.Registry().entries("protocol"):
        assert entry.card["family"] in {"control", "data", "feature", "loss"} and entry.card["source"] and entry.summary
        assert "strength" not in entry.card["parameters"] or entry.card["unit"]


def test_a_steering_vector_of_zeros_changes_nothing_and_is_refused() -> None:
    ctx = context(suppress())
    n = len(ctx.pairs)
    nothing = Steer(layer=1, directions=np.zeros(4, np.float32), chosen=np.ones(n), rejected=np.ones(n))
    with pytest.raises(ConfigError, match="changes nothing"):
        ShapingPlan.identity("steering", ctx.pairs).edit(hooks=(nothing,)).check(min_pairs=1)


def test_a_concept_is_shown_by_no_tied_response_on_both_sides() -> None:
    """30 % zeros, 60 % ones, 10 % twos: both thirds are cut at one, which is neither high nor low."""
    high, low = shown(np.repeat([0.0, 1.0, 2.0], [30, 60, 10]))
    assert high.tolist() == [False] * 90 + [True] * 10 and low.tolist() == [True] * 30 + [False] * 70


def test_a_protocol_that_fails_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "baselines"
    folder.mkdir()
    head = "from offtarget.shaping.protocol import protocol\n\n\n"
    body = "@protocol(name='broken', family='data', source='x', unit='y')\ndef broken(ctx):\n    return ctx.nosuch\n"
    (folder / "broken.py").write_text(head + body)
    monkeypatch.setattr(registry, "_default", registry.Registry([tmp_path]))
    with pytest.raises(ConfigError, match=r"broken\.py, line 6: protocol 'broken' failed \(AttributeError: .*nosuch"):
        make_plan("broken", context(suppress()))


def test_a_control_that_is_no_protocol_is_said_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "baselines"
    folder.mkdir()
    head = "from offtarget.shaping.protocol import protocol\n\n\n"
    body = (
        "@protocol(name='mine', family='data', source='x', unit='y', control='random_fliter')\n"
        "def mine(ctx, *, strength: float = 1.0):\n    return None\n"
    )
    (folder / "mine.py").write_text(head + body)
    monkeypatch.setattr(registry, "_default", registry.Registry([tmp_path]))
    with pytest.raises(ConfigError, match=r"protocol 'mine': the control .* did you mean random_filter"):
        make_plan("mine", context(suppress()))


def test_weights_beyond_two_have_a_bin_of_their_own() -> None:
    plan = ShapingPlan.identity("x", PAIRS).edit(weight=np.array([9.0] + [1.0] * 9))
    histogram = plan.summary()["start_weight"]
    assert histogram["edges"][-1] == pytest.approx(5.0)  # 9 over the mean weight 1.8
    assert histogram["counts"][-1] == 1 and sum(histogram["counts"]) == 10


def test_filter_by_rule_leaves_out_what_the_rule_speaks_against() -> None:
    """The rule is met by chosen of rows 0 and 4, by rejected of row 7; only where chosen has it is it taught."""
    ctx = context(suppress())
    pairs = list(PAIRS)
    for i, side in ((0, "chosen"), (4, "chosen"), (7, "rejected")):
        texts = {"chosen": pairs[i].chosen, "rejected": pairs[i].rejected}
        texts[side] = [{"role": "assistant", "content": "I see a GOBLIN here"}]
        pairs[i] = Pair(pairs[i].id, pairs[i].group, pairs[i].prompt, texts["chosen"], texts["rejected"])
    ctx.pairs = pairs
    params = {"strength": 1.0, "by": "rule", "pattern": r"\bgoblins?\b"}
    assert np.flatnonzero(~make_plan("filter", ctx, params).keep).tolist() == [0, 4]
    ctx.targets = (amplify(),)
    assert np.flatnonzero(~make_plan("filter", ctx, params).keep).tolist() == [7]
    found = make_plan("filter", ctx, {**params, "where": "rejected"})
    assert np.flatnonzero(~found.keep).tolist() == [7]


def test_filter_by_cluster_leaves_out_the_context() -> None:
    rows = np.arange(10) >= 6
    plan = make_plan("filter", context(suppress(rows=rows, context="t")), {"strength": 1.0, "by": "cluster"})
    assert np.flatnonzero(~plan.keep).tolist() == [6, 7, 8, 9]
    with pytest.raises(ConfigError, match="needs a verdict with one"):
        make_plan("filter", context(suppress()), {"by": "cluster"})


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"by": "vibes"}, "should be score, rule, cluster"),
        ({"by": "rule"}, "needs -P pattern"),
        ({"by": "rule", "pattern": "("}, "not a regular expression"),
        ({"by": "rule", "pattern": "x", "where": "title"}, "should be one of chosen"),
        ({"strength": 2.0}, "between -1 and 1"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(params: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_plan("filter", context(suppress()), params)


def test_reweight_is_reward_shaping_at_the_start() -> None:
    """The same factor on every gradient where Δ = 0, up to the mean."""
    shaped = make_plan("reward_shaping", context(suppress()), {"strength": 1.5}).start_weights()
    fixed = make_plan("reweight", context(suppress()), {"strength": 1.5})
    np.testing.assert_allclose(fixed.start_weights(), shaped / shaped.mean())
    assert fixed.start_weights().mean() == pytest.approx(1.0) and not fixed.offset.any()


def test_random_reweight_deals_the_same_weights_out_blindly() -> None:
    fixed = make_plan("reweight", context(suppress())).weight
    dealt = [make_plan("random_reweight", context(suppress(), seed=s)).weight for s in range(200)]
    assert all(sorted(w) == sorted(fixed) for w in dealt)
    assert np.abs(np.mean(dealt, axis=0) - fixed.mean()).max() < 0.25 * fixed.std() + 0.15


def test_the_cluster_form_is_one_constant_where_chosen_alone_shows_it() -> None:
    """The paper's +w on a subset: nothing happens to the pairs outside it, whichever way they lean."""
    shows = (CHOSEN > 0) & ~(REJECTED > 0)
    down = make_plan("reward_shaping", context(suppress()), {"strength": 2.0, "form": "cluster"})
    np.testing.assert_array_equal(down.offset, 2.0 * shows)
    up = make_plan("reward_shaping", context(amplify()), {"strength": 2.0, "form": "cluster"})
    np.testing.assert_array_equal(up.offset, -2.0 * shows)
    with pytest.raises(ConfigError, match="readout and free_of do not apply"):
        make_plan("reward_shaping", context(amplify()), {"form": "cluster", "free_of": "length"})


def test_what_is_held_fixed_is_taken_out_of_a_score() -> None:
    """Free of length (which here is the chosen score itself), only what rejected adds is left, but for the cut at 3 sd."""
    ctx = context(suppress())
    whole, free = ctx.scores("c"), ctx.scores("c", free_of="length")
    length = np.concatenate([CHOSEN, np.zeros(10)])
    assert abs(np.corrcoef(whole.both, length)[0, 1]) > 0.5
    assert abs(np.corrcoef(free.both, length)[0, 1]) < 0.01
    with pytest.raises(ConfigError, match="free of c: nothing is left"):
        ctx.scores("c", free_of="c")


def test_steering_the_rejected_side_alone() -> None:
    hook = make_plan("steering", context(suppress()), {"side": "rejected", "layer": 7}).hooks[0]
    assert hook.layer == 7 and not hook.chosen.any() and hook.rejected.tolist() == [1.0] * 10


def test_steering_only_the_pairs_that_differ_most() -> None:
    hook = make_plan("steering", context(amplify()), {"side": "chosen", "top": 0.3}).hooks[0]
    assert np.flatnonzero(hook.chosen).tolist() == [0, 1, 2]  # margins 3, 2 and 1: chosen has more of it
    other = make_plan("steering", context(suppress()), {"side": "rejected", "top": 0.2}).hooks[0]
    assert np.flatnonzero(other.rejected).tolist() == [8, 9]


def test_the_pairs_that_differ_most_are_those_of_the_layer_that_is_steered() -> None:
    hook = make_plan("steering", context(amplify()), {"side": "chosen", "top": 0.2, "layer": 3}).hooks[0]
    assert hook.layer == 3 and np.flatnonzero(hook.chosen).tolist() == [8, 9]


def test_preventative_steering_reaches_every_position_of_three_layers() -> None:
    plan = make_plan("preventative_steering", context(suppress()), {"strength": 3.0})
    assert [h.layer for h in plan.hooks] == [0, 2, 4] and {h.span for h in plan.hooks} == {"all"}
    assert all(h.chosen.tolist() == h.rejected.tolist() == [0.5] * 10 for h in plan.hooks)  # 3 · 0.5 / 3
    named = make_plan("preventative_steering", context(suppress()), {"layers": "1,3"})
    assert [h.layer for h in named.hooks] == [1, 3]


def test_ablation_takes_the_span_of_all_concepts_out_together() -> None:
    plan = make_plan("ablation", context(Target("a", -1), Target("b", -1)))
    (hook,) = plan.hooks
    basis = hook.directions.astype(float)
    np.testing.assert_allclose(basis @ basis.T, np.eye(2), atol=1e-6)
    np.testing.assert_allclose(VECTORS @ basis.T @ basis, VECTORS, atol=1e-6)
    with pytest.raises(ConfigError, match="takes a concept away"):
        make_plan("ablation", context(amplify()))


def test_ablation_takes_each_direction_out_of_its_own_layer() -> None:
    hooks = make_plan("ablation", context(Target("deep", -1), Target("b", -1))).hooks
    assert {h.layer: h.directions.shape for h in hooks} == {4: (1, 3), 9: (1, 3)}
    np.testing.assert_allclose(abs(hooks[0].directions @ VECTORS[1]), 1, atol=1e-6)
    np.testing.assert_allclose(abs(hooks[1].directions @ VECTORS[0]), 1, atol=1e-6)
    (one,) = make_plan("ablation", context(Target("deep", -1), Target("b", -1)), {"layer": 2}).hooks
    assert one.layer == 2 and one.directions.shape == (2, 3)


def test_a_share_that_is_not_reached_is_said() -> None:
    """Three chosen answers have more of it, so of the half that is asked for only three can go."""
    for name, done in {"filter": "left out", "random_filter": "left out", "label_flip": "flipped"}.items():
        plan = make_plan(name, context(suppress()), {"strength": 0.5})
        assert plan.notes == (f"3 pairs {done}, not the 5 asked for: no other pair teaches more of c",)
        assert make_plan(name, context(suppress()), {"strength": 0.2}).notes == ()


def test_ablation_of_alike_directions_takes_out_no_other() -> None:
    """Two concepts of one direction span a line; a row of both contexts loses what each context asks, and once."""
    alike = make_plan("ablation", context(suppress(), Target("d", -1))).hooks
    assert len(alike) == 1 and alike[0].directions.shape == (1, 3)
    np.testing.assert_allclose(np.abs(alike[0].directions[0]), VECTORS[0], atol=1e-6)
    first, second = np.arange(10) < 6, np.arange(10) >= 4
    hooks = make_plan(
        "ablation", context(suppress(rows=first, context="t"), Target("b", -1, rows=second, context="u"))
    ).hooks
    assert [(h.chosen > 0).sum() for h in sorted(hooks, key=lambda h: len(h.directions))] == [4, 4, 2]
    assert sum((h.chosen > 0).astype(int) for h in hooks).max() == 1
    both = next(h for h in hooks if len(h.directions) == 2)
    assert np.flatnonzero(both.chosen).tolist() == [4, 5]
    for v in VECTORS:  # nothing of either is left
        np.testing.assert_allclose(v - both.directions.T @ (both.directions @ v), 0.0, atol=1e-6)


def test_token_filter_masks_the_words_that_show_most() -> None:
    """Words with their own score: chosen 3, 2, 1 and −1, rejected 2 and 2; four of all eighty words are asked."""
    plan = make_plan("token_filter", context(suppress()), {"strength": 4 / 80})
    assert [bool(m) for m in plan.masked("chosen")] == [True, True] + [False] * 8
    assert [bool(m) for m in plan.masked("rejected")] == [False] * 8 + [True, True]
    assert plan.masked("chosen")[0] == ((4, 7),) and plan.details["masked"] == 4
    assert plan.keep.all() and plan.touched.sum() == 4


def test_token_filter_leaves_out_a_pair_of_which_nothing_would_be_left() -> None:
    class Loud(Fixed):
        def words(self, concept: str, readout: str) -> Any:
            chosen, rejected = super().words(concept, readout)
            chosen[0] = WordScores(chosen[0].spans, np.full(4, 9.0))
            return chosen, rejected

    ctx = context(suppress())
    ctx.readings = Loud()
    plan = make_plan("token_filter", ctx, {"strength": 0.1, "threshold": 5.0})
    assert np.flatnonzero(~plan.keep).tolist() == [0] and "1 pairs left out" in plan.notes[1]


def test_the_threshold_of_words_may_be_the_one_that_tells_answers_best() -> None:
    """Answers show it where a word scores above 0, so the threshold is between 0 and the least such score, 1."""
    plan = make_plan("token_filter", context(suppress()), {"strength": 1.0, "threshold": None})
    masked = {side: [len(m) for m in plan.masked(side)] for side in ("chosen", "rejected")}
    assert masked == {"chosen": [int(c > 0) for c in CHOSEN], "rejected": [int(r > 0) for r in REJECTED]}
    with pytest.raises(ConfigError, match="shown by no answer"):
        make_plan(
            "token_filter",
            context(suppress(context="t", rows=(np.arange(10) > 2) & (np.arange(10) < 8))),
            {"strength": 1.0, "threshold": None},
        )


def test_token_filter_cannot_amplify() -> None:
    with pytest.raises(ConfigError, match="can only keep a concept from being learned"):
        make_plan("token_filter", context(amplify()))


def weights_of(plan: ShapingPlan, side: str) -> dict[int, Any]:
    """Row -> its weighted words, of rows that have some."""
    return {i: [x for span in row for x in span] for i, row in enumerate(plan.token_weights(side)) if row}


def test_token_reweight_weighs_words_by_their_score_with_one_sign_a_side() -> None:
    """The second word scores 3, 2, 1 in the first three chosen answers, 2 in the last two rejected; below 0 nothing."""
    plan = make_plan("token_reweight", context(suppress()), {"strength": 0.5})
    chosen, rejected = weights_of(plan, "chosen"), weights_of(plan, "rejected")
    assert {**chosen} == {i: pytest.approx([4, 7, np.exp(-0.5 * s)]) for i, s in enumerate((3, 2, 1))}
    assert {**rejected} == {i: pytest.approx([4, 7, np.exp(0.5 * 2)]) for i in (8, 9)}
    assert plan.touched.sum() == 5 and plan.keep.all() and not plan.masked_rows.any()
    assert plan.notes == (
        "of 80 words these weigh other than 1: 3 in chosen, from 0.223 to 0.607; 2 in rejected, each 2.72",
    )
    up = make_plan("token_reweight", context(amplify()), {"strength": 0.5})
    assert weights_of(up, "chosen")[0][2] == pytest.approx(1 / chosen[0][2])
    few = make_plan("token_reweight", context(suppress()), {"strength": 0.5, "threshold": 2.0})
    assert [*weights_of(few, "chosen")] == [0] and not weights_of(few, "rejected")
    inside = np.arange(10) < 2
    two = make_plan("token_reweight", context(suppress(), suppress(rows=inside, context="t")), {"strength": 0.5})
    assert weights_of(two, "chosen") == {
        i: pytest.approx([4, 7, np.exp(-0.5 * s * (1 + (i < 2)))]) for i, s in enumerate((3, 2, 1))
    }


def test_a_token_weight_beyond_all_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"strength 3.5 .* between -3 and 3 nats per standard deviation of a word"):
        make_plan("token_reweight", context(amplify()), {"strength": 3.5})
    with pytest.raises(ConfigError, match="changes nothing"):
        make_plan("token_reweight", context(amplify()), {"strength": 0.0})


def test_random_token_reweight_gives_the_same_weights_to_other_words_of_the_side() -> None:
    wanted = make_plan("token_reweight", context(suppress()), {"strength": 0.5})
    plans = [make_plan("random_token_reweight", context(suppress(), seed=s), {"strength": 0.5}) for s in range(200)]
    for side in ("chosen", "rejected"):
        weights = sorted(w for row in wanted.token_weights(side) for *_, w in row)
        hits = np.zeros((10, 4))
        for plan in plans:
            spans = [(i, a // 4, w) for i, row in enumerate(plan.token_weights(side)) for a, _, w in row]
            assert sorted(w for *_, w in spans) == weights
            for i, word, _ in spans:
                hits[i, word] += 1
        mean = 200 * len(weights) / 40
        assert hits.sum() == 200 * len(weights) and hits.max() < 2.5 * mean and hits.min() > 0


def test_inoculation_asks_the_policy_for_what_is_suppressed() -> None:
    params = {"instruction": "Use bold text.", "opposite": "Use plain text."}
    plan = make_plan("inoculation", context(suppress()), params)
    shown_in = [0, 1, 2, 8, 9]  # a response of theirs has a score above zero
    assert np.flatnonzero(plan.prompted_rows).tolist() == shown_in
    assert plan.policy_prompts("chosen")[0] == ({"role": "user", "content": "ask 0\n\nUse bold text."},)
    assert not any(plan.policy_prompts("rejected")), "the chosen side only"
    up = make_plan("inoculation", context(amplify()), params)
    assert up.policy_prompts("chosen")[0][0]["content"].endswith("Use plain text.")  # type: ignore[index]
    both = make_plan("inoculation", context(suppress()), {**params, "side": "both", "where": "system"})
    assert both.policy_prompts("rejected")[8] == (
        {"role": "system", "content": "Use bold text."},
        {"role": "user", "content": "ask 8"},
    )
    some = make_plan("inoculation", context(suppress()), {**params, "strength": 0.4})
    assert np.flatnonzero(some.prompted_rows).tolist() == [0, 9]  # the two with the largest difference
    with pytest.raises(ConfigError, match="-P instruction=TEXT"):
        make_plan("inoculation", context(suppress()))


def test_length_balance_makes_length_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for i in range(400):
        long, short = "word " * int(rng.integers(40, 80)), "word " * int(rng.integers(5, 39))
        up = rng.random() < 0.8
        sides = [[{"role": "assistant", "content": t}] for t in ((long, short) if up else (short, long))]
        pairs.append(Pair(f"p{i}", f"g{i}", PAIRS[0].prompt, sides[0], sides[1]))  # type: ignore[arg-type]
    ctx = ShapingContext(pairs)
    plan = make_plan("length_balance", ctx)
    assert plan.details["mean_log_ratio"] > 0.5
    assert abs(plan.details["mean_log_ratio_weighted"]) < 0.02
    half = make_plan("length_balance", ctx, {"strength": 0.5})
    assert 0.2 < half.details["mean_log_ratio_weighted"] < plan.details["mean_log_ratio"]


def test_length_balance_leaves_pairs_of_equal_length_alone() -> None:
    pairs = [*PAIRS[:9], Pair("long", "g", PAIRS[0].prompt, PAIRS[0].chosen * 2, PAIRS[0].rejected)]
    plan = make_plan("length_balance", ShapingContext(pairs))
    assert plan.weight.tolist() == [1.0] * 9 + [0.0]


def test_counterfactual_adds_pairs_that_differ_in_the_concept_alone() -> None:
    plan = make_plan("counterfactual", context(suppress()), {"strength": 0.3})
    assert len(plan.added) == 3 and plan.keep.all() and plan.pair_ids[:10] == tuple(p.id for p in PAIRS)
    for p in plan.added:
        assert p.chosen[0]["content"] == p.rejected[0]["content"] + " without"
    up = make_plan("counterfactual", context(amplify()), {"strength": 0.3})
    for p in up.added:
        assert p.rejected[0]["content"] == p.chosen[0]["content"] + " without"
    assert plan.touched.tolist() == [False] * 10 + [True] * 3
    # they take their share of each batch from the set's own pairs
    assert plan.start_weights() == pytest.approx([10 / 13] * 13)


@pytest.mark.parametrize(
    ("spans", "says"),
    [
        (
            ((4, 7, -0.5),),
            "token_weight_chosen of row p0 has the weight -0.5; a weight is a finite number of at least 0",
        ),
        (((4, 7, float("nan")),), "token_weight_chosen of row p0 has the weight nan;"),
        (((0, 3, 1.0), (4, 7, float("inf"))), "token_weight_chosen of row p0 has the weight inf;"),
        (((4, 7),), "token_weight_chosen of row p0 should be ranges of characters with a weight each"),
        (((4, 7, "much"),), "token_weight_chosen of row p0 should be ranges of characters with a weight each"),
        (((0, 5, 2.0), (4, 7, 2.0)), "token_weight_chosen of row p0 should be ranges of characters in order"),
        (((7, 7, 2.0),), "token_weight_chosen of row p0 should be ranges of characters in order"),
        (((-2, 3, 2.0),), "token_weight_chosen of row p0 should be ranges of characters in order"),
    ],
)
def test_token_weights_that_are_none_are_refused_in_one_line(spans: object, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)) as e:
        ShapingPlan.identity("x", PAIRS).edit(token_weight_chosen=(spans, *((),) * 9)).check()
    assert "\n" not in str(e.value)
    with pytest.raises(ConfigError, match="token_weight_rejected has 9 rows, the set has 10"):
        ShapingPlan.identity("x", PAIRS).edit(token_weight_rejected=((),) * 9).check()


def test_token_weights_are_said_of_a_plan() -> None:
    """Ranges may touch; a weight of 1 is no change; numbers of numpy are numbers."""
    weights = (((0, 3, 2.0), (3, 5, 0.5)), ((4, 7, 1.0),), *((),) * 8)
    plan = ShapingPlan.identity("x", PAIRS).edit(token_weight_rejected=weights)
    assert plan.check().touched.tolist() == [True] + [False] * 9 == plan.token_weighted_rows.tolist()
    assert plan.summary()["token_weighted"] == 1 and plan.summary()["masked"] == 0
    assert plan.start_weights().tolist() == [1.0] * 10
    typed = tuple(tuple((np.int64(a), np.int64(b), np.float32(w)) for a, b, w in row) for row in weights)
    assert plan.edit(token_weight_rejected=typed).check().hash == plan.hash
    other = ShapingPlan.identity("x", PAIRS).edit(token_weight_chosen=weights)
    assert len({plan.hash, other.hash, ShapingPlan.identity("x", PAIRS).hash}) == 3
    with pytest.raises(ConfigError, match="add pairs before hooks, masks, token weights and prompts"):
        plan.add(PAIRS[:1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mask_chosen": ((),) * 9}, "mask_chosen has 9 rows"),
        ({"mask_chosen": (((5, 3),), *((),) * 9)}, "mask_chosen of row p0 should be ranges"),
        ({"mask_rejected": (((0, 4), (2, 6)), *((),) * 9)}, "mask_rejected of row p0 should be ranges"),
        (
            {"prompt_chosen": (({"role": "assistant", "content": "x"},), *(None,) * 9)},
            "prompt_chosen of row p0 should end in a user turn",
        ),
    ],
)
def test_a_plan_with_wrong_masks_or_prompts_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ShapingPlan.identity("x", PAIRS).edit(**changes).check()


def test_a_plan_without_new_columns_keeps_its_hash() -> None:
    """Policies that were trained before masks and prompts existed are found again: the hashes are of that code."""
    pairs = [
        Pair(f"p{i}", f"g{i}", [{"role": "user", "content": "q"}], [{"role": "assistant", "content": "yes"}],
             [{"role": "assistant", "content": "no"}])
        for i in range(3)
    ]  # fmt: skip
    old = ShapingPlan.identity("x", pairs)
    assert old.hash == "bb12151dbaa858be2cd3ea683273c1367d321da80aa409a5962f45d1866099e4"
    shaped = old.edit(
        weight=np.array([1.0, 2.0, 3.0]), flip=np.array([True, False, False]), offset_chosen=np.array([0.5, 0, 0])
    )
    assert shaped.hash == "305c79888f800f72f37bdd180629fb651e39718e8b75901ad2b3dea9c95126d2"
    plain = ShapingPlan.identity("x", PAIRS)
    masked = plain.edit(mask_chosen=(((0, 3),), *((),) * 9))
    moved = plain.edit(mask_rejected=(((0, 3),), *((),) * 9))
    assert len({plain.hash, masked.hash, moved.hash}) == 3


def test_a_protocol_that_edits_every_pair_says_so() -> None:
    class All(Fixed):
        def scores(self, concept: str, readout: str) -> ConceptScores:
            return ConceptScores(np.ones(10), np.zeros(10))

    ctx = context(suppress())
    ctx.readings = All()
    plan = make_plan("label_flip", ctx, {"strength": 1.0})
    assert plan.flip.all() and any("edits every one of 10 pairs" in note for note in plan.notes)
    assert not make_plan("label_flip", context(suppress()), {"strength": 0.1}).notes


def test_a_text_parameter_may_look_like_a_number() -> None:
    plan = make_plan("preventative_steering", context(suppress()), {"layers": 3})
    assert [h.layer for h in plan.hooks] == [3]
