"""Dose and response of adapters whose response is known, and of a run."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tests.adapters import random_adapter, write_adapter

import offtarget
from offtarget.cli.main import call
from offtarget.curve.run import Matching, Row, curves_of
from offtarget.errors import ConfigError, UndecidedError
from offtarget.evals.scores import BehaviourScore
from offtarget.evals.scoring import make_score
from offtarget.models import ModelRef, load, resolve
from offtarget.store import Store

SCALES = (0.25, 0.5, 0.75, 1.0, 1.25)


def scored(name: str, values: Mapping[str, float], role: str = "off-target") -> BehaviourScore:
    return make_score(values, behaviour=name, task_version="1-A", direction="lower", role=role, unit="nats")  # type: ignore[arg-type]


def scale_of(ref: ModelRef) -> float:
    """What an adapter of `random_adapter` is multiplied with."""
    if not ref.adapters:
        return 0.0
    return json.loads((Path(ref.adapters[-1]) / "adapter_config.json").read_text())["lora_alpha"] / 8


def row(label: str, folder: Path, base: Path, seeds: int = 1) -> Row:
    paths = [random_adapter(folder / f"{label}-{s}", base, seed=s) for s in range(seeds)]
    return Row(label, {s: resolve(str(p), Store()) for s, p in enumerate(paths)})


def test_protocols_are_compared_where_their_target_has_shifted_as_far(
    tiny_model: Path, tmp_path: Path, store_home: Path
) -> None:
    gain = {"dpo": 2.0, "filter": 1.0, "weak": 0.1}
    side = {"dpo": lambda x: x * x, "filter": lambda x: -x, "weak": lambda x: 0.0}

    def ask(model: ModelRef, seed: int, what: str) -> dict[str, BehaviourScore]:
        name, x = what.split(" × ")[0], scale_of(model)
        x *= (0.9, 1.0, 1.1)[seed] if name == "filter" else 1.0
        items = {f"p{i}": float(i) for i in range(6)}
        return {
            "style": scored("style", {k: 3.0 + v + gain[name] * x for k, v in items.items()}, "target"),
            "odds": scored("odds", {k: v + side[name](x) for k, v in items.items()}),
        }

    rows = [row(label, tmp_path, tiny_model, seeds=3 if label == "filter" else 1) for label in gain]
    found = curves_of(rows, SCALES, ask, Store(), matching=Matching(level=0.75))
    dpo, filtered, weak = found.curves
    assert [d.shift for d in dpo.responses[0].doses] == pytest.approx([0, 0.5, 1.0, 1.5, 2.0, 2.5])
    assert dpo.responses[0].start == pytest.approx(5.5)
    assert dpo.scale == pytest.approx(0.375)
    assert dpo.equal[0].shift == pytest.approx((0.0625 + 0.25) / 2) and dpo.equal[0].versus is None
    assert filtered.scale == pytest.approx(0.75)
    assert filtered.equal[0].shift == pytest.approx(-0.75)
    # seeds at 0.9, 1 and 1.1 of the effect, all of it the target's own: equal effect is equal side effect
    assert filtered.equal[0].ci == pytest.approx((-0.75, -0.75))
    assert filtered.seeds_told and not dpo.seeds_told
    whole = filtered.responses[0].doses[4]
    half = 4.302653 * 0.1 / 3**0.5
    assert whole.shift == pytest.approx(1.0) and whole.ci == pytest.approx((1 - half, 1 + half))
    assert filtered.equal[0].versus == pytest.approx(-0.75 - 0.15625)
    assert weak.scale is None and weak.equal == () and weak.reached == pytest.approx((0.0, 0.125))
    assert "outside its range: style shifts by 0.000 to +0.125" in weak.note
    usual = curves_of(rows, SCALES, ask, Store())
    assert usual.level == pytest.approx(0.0625) and all(c.scale is not None for c in usual.curves)


def test_an_adapter_on_the_head_moves_log_odds_in_proportion_to_its_scale(tmp_path: Path, store_home: Path) -> None:
    from tests.conftest import tiny_tokenizer
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=len(tokenizer),
        tie_word_embeddings=False, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    base = tmp_path / "base"
    LlamaForCausalLM(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    assert AutoTokenizer.from_pretrained(base).chat_template
    a, b = torch.randn(2, 16), torch.randn(len(tokenizer), 2)
    path = write_adapter(tmp_path / "policy", base, {"base_model.model.lm_head": (a, b)}, rank=2, alpha=4)
    prompts = {f"p{i}": torch.tensor([[5 + i, 17, 40 + 3 * i]]) for i in range(4)}

    def ask(model: ModelRef, seed: int, what: str) -> dict[str, BehaviourScore]:
        policy, _ = load(model)
        with torch.inference_mode():
            logits = {k: policy(ids).logits[0, -1] for k, ids in prompts.items()}
        return {"odds": scored("odds", {k: float(v[7] - v[9]) for k, v in logits.items()}, "target")}

    one = Row("policy", {0: resolve(str(path), Store())})
    found = curves_of([one], SCALES, ask, Store())
    start, _ = load(str(base))
    with torch.inference_mode():
        hidden = torch.stack([start.model(ids).last_hidden_state[0, -1] for ids in prompts.values()])
    whole = float((4 / 2 * hidden @ a.T @ (b[7] - b[9])).mean())
    doses = found.curves[0].responses[0].doses
    assert [d.scale for d in doses] == [0.0, *SCALES]
    assert [d.shift for d in doses] == pytest.approx([whole * x for x in (0.0, *SCALES)], rel=1e-4)
    assert found.curves[0].scale == pytest.approx(1.25 / 2, rel=1e-4)


def test_what_cannot_be_compared_is_said(tiny_model: Path, tmp_path: Path, store_home: Path) -> None:
    other = tmp_path / "other"
    load(str(tiny_model))[0].save_pretrained(other)
    load(str(tiny_model))[1].save_pretrained(other)
    (other / "generation_config.json").write_text("{}")
    still = {
        "style": scored("style", {"a": 1.0, "b": 2.0}, "target"),
        "more": scored("more", {"a": 1.0, "b": 2.0}, "target"),
    }
    one, two = row("one", tmp_path, tiny_model), row("two", tmp_path, other)
    with pytest.raises(ConfigError, match="began as different models"):
        curves_of([one, two], SCALES, lambda *_: still, Store())
    with pytest.raises(ConfigError, match=r"2 targets \(style, more\).*--on"):
        curves_of([one], SCALES, lambda *_: still, Store())
    with pytest.raises(ConfigError, match="did you mean style"):
        curves_of([one], SCALES, lambda *_: still, Store(), matching=Matching(target="styl"))
    with pytest.raises(UndecidedError, match="does not move"):
        curves_of([one], SCALES, lambda *_: still, Store(), matching=Matching(target="style"))


def test_the_doses_of_a_run_begin_at_start_and_hold_its_policies(
    tiny_model: Path,
    store_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "id": f"r{i}",
            "prompt": f"What about {i}?",
            "chosen": f"**Answer {i}.** Here.",
            "rejected": f"Answer {i}. No.",
        }
        for i in range(40)
    ]
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    recipe = {
        "title": "a test",
        "data": "pairs.jsonl",
        "model": str(tiny_model),
        "training": {"max_steps": 2, "batch_size": 4, "max_length": 128, "lora_rank": 4, "learning_rate": 0.01},
        "protocols": ["dpo"],
        "behaviours": ["choice", "arithmetic"],
        "roles": {"choice": "target"},
        "evaluation": {"limit": 4},
    }
    Path("recipe.yaml").write_text(json.dumps(recipe))
    assert call(["run", "recipe.yaml", "--out", "out", "--json"]) == 0
    cells = {(c["protocol"], c["seed"]): c["behaviours"] for c in json.loads(capsys.readouterr().out)}
    assert call(["curve", "out", "--scales", "0.5,1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (dpo,) = found["curves"]
    assert dpo["label"] == "dpo" and dpo["seeds"] == [0] and not dpo["seeds_told"]
    assert found["target"] == "choice" and found["evaluation"]["limit"] == 4
    for response in dpo["responses"]:
        b = response["behaviour"]
        assert response["doses"][2]["shift"] == pytest.approx(cells["dpo", 0][b] - cells["start", 0][b])
        assert response["doses"][1]["shift"] not in (0.0, response["doses"][2]["shift"])
    page = Path("out/curve/curve.html").read_text()
    assert "<svg" in page and "offtarget curve out" in page
    assert json.loads(Path("out/curve/curve.json").read_text()) == found
    assert offtarget.curve("out", scales=(0.5, 1)).model_dump(mode="json") == found, "a program gets what is printed"
    two = offtarget.curve(
        [["out/policies/dpo-s0", "out/policies/dpo-s0"]], scales=[1], behaviours="choice", on="choice", limit=4
    )
    assert two.curves[0].seeds == (0, 1), "a list in the list is the seeds of one curve"
    own = ["out/policies/dpo-s0", "--behaviours", "choice", "--on", "choice", "--scales", "1", "--limit", "4"]
    assert call(["curve", *own]) == 0
    assert "× 1" in capsys.readouterr().out
    for wrong, said in (
        (["out", "out"], "one run folder"),
        (["out/policies/dpo-s0"], "--behaviours"),
        ([str(tiny_model), "--behaviours", "choice"], "no LoRA adapter"),
        (["out", "--scales", "half"], "write numbers"),
        (["out", "--scales", "0"], "--scales 0: write numbers from 0 on, one of them above 0"),
    ):
        assert call(["curve", *wrong]) == 2
        assert said in capsys.readouterr().err
