"""`offtarget check`: protocols that break a promise are found out, those that ship keep them."""

from pathlib import Path

import pytest

from offtarget import registry
from offtarget.cli.main import call
from offtarget.engine import checking
from offtarget.engine.checking import check_protocol
from offtarget.store import Store

HEAD = """import numpy as np
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="{name}", family="data", source="an example", unit="nats")
def {name}(ctx: ShapingContext, *, strength: float = 1.0) -> ShapingPlan:
    plan = ShapingPlan.identity("{name}", ctx.pairs)
    margin = ctx.scores(ctx.targets[0].concept).margin
    gamma = ctx.targets[0].effective(strength)
"""
BODIES = {
    "wrong_way": "return plan.edit(weight=np.exp(-gamma * margin))",
    "by_place": "return plan.edit(weight=np.exp(gamma * margin) * (1 + np.arange(len(margin)) / 10))",
    "never_zero": "return plan.edit(weight=np.exp((gamma + 0.5) * margin))",
    "by_clock": "return plan.edit(weight=np.exp(gamma * margin) + np.random.default_rng().random(len(margin)))",
    "first_half": (
        "half = np.arange(len(margin)) < len(margin) / 2\n"
        "    words = tuple((*p.prompt[:-1], {**p.prompt[-1], 'content': 'Plainly. ' + p.prompt[-1]['content']}) if h else None\n"
        "        for p, h in zip(ctx.pairs, half))\n"
        "    return plan.edit(weight=np.exp(gamma * margin), prompt_chosen=words)"
    ),
    "one_sided": "return plan.edit(weight=np.exp(np.minimum(gamma, 0) * margin) if gamma < 0 else 1.0 + (margin == 0))",
    "no_floats": "return plan.edit(weight=np.exp(gamma * margin) if gamma < 0 else (margin > 0) + 1)",
    "hides_what_it_should_teach": (
        "words = ctx.readings.words(ctx.targets[0].concept)\n"
        "    mask = [tuple(tuple((int(a), int(b)) for a, b in w.spans[w.scores > 0]) for w in side) for side in words]\n"
        "    return plan.edit(mask_chosen=mask[0]) if gamma > 0 else plan.edit(mask_rejected=mask[1]) if gamma else plan"
    ),
    "words_wrong_way": (
        "chosen, _ = ctx.readings.words(ctx.targets[0].concept)\n"
        "    weights = [zip(w.spans, np.exp(-gamma * np.maximum(w.scores, 0)), strict=True) for w in chosen]\n"
        "    return plan.edit(token_weight_chosen=tuple(tuple((a, b, w) for (a, b), w in row) for row in weights))"
    ),
    "other_words": (
        "chosen, _ = ctx.readings.words(ctx.targets[0].concept)\n"
        "    weights = [zip(w.spans, np.exp(-gamma * (w.scores < 0)), strict=True) for w in chosen]\n"
        "    return plan.edit(token_weight_chosen=tuple(tuple((a, b, w) for (a, b), w in row) for row in weights))"
    ),
    "sound": "return plan.edit(weight=np.exp(gamma * margin))",
}


@pytest.fixture(params=BODIES)
def protocol(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    name = request.param
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / f"{name}.py").write_text(HEAD.replace("{name}", name) + f"    {BODIES[name]}\n")
    registry.use([tmp_path])
    yield name
    registry.use([])


def broken(name: str, tmp_path: Path) -> set[str]:
    return {c.name for c in check_protocol(name, {}, Store(tmp_path / "store")) if c.verdict == "broken"}


def test_what_a_protocol_gets_wrong_is_named(protocol: str, tmp_path: Path) -> None:
    sign, turned = "a positive strength amplifies, suppress takes back", "a negative strength turns the decision round"
    zero, seed = "strength 0 is plain DPO", "the same seed gives the same plan"
    order = "the plan of a pair does not depend on the order of the pairs"
    found = broken(protocol, tmp_path)
    wrong = {
        "wrong_way": {sign},
        "by_place": {zero, order},
        "never_zero": {zero},
        "by_clock": {turned, zero, seed, order},
        "first_half": {zero, order},
        "one_sided": {sign, zero},
        "no_floats": {sign, turned, zero},
        "hides_what_it_should_teach": {sign},
        "words_wrong_way": {sign},
        "other_words": set(),
        "sound": set(),
    }[protocol]
    assert found == wrong
    assert call(["check", protocol, "--registry", str(tmp_path)]) == (1 if wrong else 0)


@pytest.mark.parametrize(
    "name",
    [
        "filter",
        "label_flip",
        "reweight",
        "reward_shaping",
        "counterfactual",
        "length_balance",
        "token_filter",
        "token_reweight",
        "random_token_reweight",
        "random_filter",
        "wpo",
    ],
)
def test_protocols_that_ship_keep_their_promises(name: str, tmp_path: Path) -> None:
    assert broken(name, tmp_path) == set()


def test_a_strength_below_zero_is_read_the_other_way_round(tmp_path: Path) -> None:
    checks = check_protocol("reward_shaping", {"strength": -1.0}, Store(tmp_path / "store"))
    assert {c.verdict for c in checks} == {"kept"}


@pytest.mark.parametrize("model", ["tiny", pytest.param("embedded", marks=pytest.mark.slow)])
def test_readouts_of_the_model_do_not_depend_on_the_order_of_the_pairs(
    model: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds of a probe were cut by place, so that it gave every pair another weight in another order."""
    if model == "tiny":
        monkeypatch.setattr(checking, "EMBEDDED", str(tiny_model))
    store = Store(tmp_path / "store")  # one, since the model is converted once a store
    for readout in ("probe", "direction"):
        checks = check_protocol("reward_shaping", {"readout": readout}, store)
        assert {c.verdict for c in checks} == {"kept"}, readout
