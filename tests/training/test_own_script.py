"""ShapedDPOTrainer in one's own script: a dataset, a plan and a DPOConfig, beside trl's own trainer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError
from offtarget.models import load, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.trainer import ShapedDPOTrainer

WORDS = ["red", "blue", "green", "tall", "small", "quick", "slow", "warm", "cold", "round"]


def rows(n: int = 12) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": f"Describe thing {i} in a {WORDS[i % 10]} way."}],
                "chosen": [{"role": "assistant", "content": f"It is {WORDS[(i + 1) % 10]} indeed" + " yes" * (i % 4)}],
                "rejected": [{"role": "assistant", "content": f"No {WORDS[(i + 5) % 10]} thing" + " at all" * (i % 3)}],
            }
            for i in range(n)
        ]
    )


def config(out: Path, **changes: Any) -> Any:
    from trl import DPOConfig

    options = dict(
        output_dir=str(out), max_steps=3, per_device_train_batch_size=4, learning_rate=1e-3, max_length=96, bf16=False,
        logging_steps=1, save_strategy="no", report_to="none", use_cpu=True, disable_tqdm=True, seed=3, data_seed=3,
        precompute_ref_log_probs=True, activation_checkpointing=False,
    )  # fmt: skip
    truncation = changes.pop("truncation_mode", None)
    made = DPOConfig(**{**options, **changes})
    if truncation:  # trl warns of it when it is given at once
        made.truncation_mode = truncation
    return made


def lora() -> Any:
    from peft import LoraConfig

    return LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def losses(trainer: Any) -> list[float]:
    trainer.train()
    return [h["loss"] for h in trainer.state.log_history if "loss" in h]


def arguments(tiny_model: Path, out: Path, data: Any, **changes: Any) -> dict[str, Any]:
    model, tokenizer = load(resolve(str(tiny_model)))
    return {
        "model": model, "args": config(out, **changes), "train_dataset": data, "processing_class": tokenizer,
        "peft_config": lora(),
    }  # fmt: skip


@pytest.mark.invariant
def test_an_identity_plan_has_the_losses_of_trl(tiny_model: Path, tmp_path: Path) -> None:
    from trl import DPOTrainer

    data = rows()
    plain = losses(DPOTrainer(**arguments(tiny_model, tmp_path / "a", data)))
    identity = ShapingPlan.identity("dpo", load_pairs(data).pairs, control=True)
    ours = losses(ShapedDPOTrainer(identity, **arguments(tiny_model, tmp_path / "b", data)))
    assert ours == plain
    assert len(set(plain)) == 3, "nothing was learned"


@pytest.mark.invariant
def test_another_reference_model_is_the_reference_as_in_trl(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from trl import DPOTrainer

    def other() -> Any:
        model, _ = load(resolve(str(tiny_model)))
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
        return model

    data = rows()
    given = {name: arguments(tiny_model, tmp_path / name, data) for name in ("trl", "ours", "start")}
    identity = ShapingPlan.identity("dpo", load_pairs(data).pairs, control=True)
    theirs = losses(DPOTrainer(**given["trl"], ref_model=other()))
    ours = losses(ShapedDPOTrainer(identity, **given["ours"], ref_model=other()))
    assert ours == theirs
    assert losses(ShapedDPOTrainer(identity, **given["start"]))[0] == pytest.approx(np.log(2), abs=1e-4)
    assert abs(ours[0] - np.log(2)) > 1e-3, "the policy does not start at this reference"


def whole_text(data: Any, weight: float) -> ShapingPlan:
    """All text of chosen answers weighs this much; what the template puts behind it weighs 1."""
    pairs = load_pairs(data).pairs
    spans = tuple(((0, len(p.chosen[0]["content"]), weight),) for p in pairs)
    return ShapingPlan.identity("x", pairs).edit(token_weight_chosen=spans)


def test_the_reference_of_weighted_tokens_is_their_weighted_sum(tiny_model: Path, tmp_path: Path) -> None:
    """Of the start model, by plain transformers: for adapters, and where a reference model is given."""
    import torch

    data = rows(8)
    model, tokenizer = load(resolve(str(tiny_model)))
    expected = []
    for row in data:
        prompt = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)["input_ids"]
        whole = tokenizer.apply_chat_template([*row["prompt"], *row["chosen"]], return_dict=True)["input_ids"]
        with torch.no_grad():
            scores = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), -1)
        each = [float(scores[t - 1, whole[t]]) for t in range(len(prompt), len(whole))]
        left = row["chosen"][0]["content"]
        weights = []
        for token in whole[len(prompt) :]:
            shown = tokenizer.decode([token])
            of_text = bool(left) and left.startswith(shown)
            left = left[len(shown) :] if of_text else left
            weights.append(3.0 if of_text else 1.0)
        assert not left and {*weights} == {1.0, 3.0}
        expected.append(float(np.dot(each, weights)))
    plan = whole_text(data, 3.0)
    for name, extra in (("adapter", {}), ("model", {"ref_model": load(resolve(str(tiny_model)))[0]})):
        trainer = ShapedDPOTrainer(plan, **arguments(tiny_model, tmp_path / name, data), **extra)
        np.testing.assert_allclose(trainer.train_dataset["ref_chosen_logps"], expected, atol=1e-4)


def test_weights_of_tokens_are_not_those_of_an_eval_dataset(tiny_model: Path, tmp_path: Path) -> None:
    """Read after a step of training, whose batch had weights: the policy is still the reference."""
    data, held_out = rows(), rows(16).select(range(12, 16))
    given = arguments(tiny_model, tmp_path, data, max_steps=1, learning_rate=0.0)
    trainer = ShapedDPOTrainer(whole_text(data, 3.0), **given)
    trainer.train()
    assert trainer.evaluate(held_out)["eval_loss"] == pytest.approx(np.log(2), abs=1e-4)


def test_an_eval_dataset_is_read_as_by_trl_under_any_plan(tiny_model: Path, tmp_path: Path) -> None:
    from trl import DPOTrainer

    data, held_out = rows(), rows(16).select(range(12, 16))
    plan = ShapingPlan.identity("x", load_pairs(data).pairs).edit(offset_chosen=np.full(12, 2.0))
    found = []
    for make, extra in ((DPOTrainer, {}), (ShapedDPOTrainer, {"plan": plan})):
        given = arguments(tiny_model, tmp_path / make.__name__, data)
        found.append(make(**extra, **given, eval_dataset=held_out).evaluate()["eval_loss"])
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0] == pytest.approx(np.log(2), abs=1e-4), "before training the policy is the reference"


def test_an_offset_is_in_the_loss_and_a_dropped_row_is_not_trained_on(tiny_model: Path, tmp_path: Path) -> None:
    """At the start Δ = 0, so each row's loss is −log σ(o⁺ − o⁻)."""
    data = rows(8)
    offset = np.linspace(-1.0, 1.0, 8)
    keep = np.arange(8) != 7
    plan = ShapingPlan.identity("x", load_pairs(data).pairs).edit(offset_chosen=offset, keep=keep)
    given = arguments(tiny_model, tmp_path, data, max_steps=1, per_device_train_batch_size=7)
    (first,) = losses(ShapedDPOTrainer(plan, **given))
    assert first == pytest.approx(np.log1p(np.exp(-offset[keep])).mean(), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": 11}, "made for other rows than train_dataset has (12 pairs there, 11 here)"),
        ({"loss_type": "nca_pair"}, "shifts rewards, which under the loss 'nca_pair'"),
        ({"truncation_mode": "keep_end"}, "a plan needs 'keep_start'"),
        ({"loss": {"beta": 0.3}}, "needs DPOConfig(beta=0.3), not 0.1"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_in_one_line(
    tiny_model: Path, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    data = rows()
    plan = ShapingPlan.identity("x", load_pairs(data).pairs).edit(
        offset_chosen=np.ones(12), loss=change.pop("loss", {})
    )
    given = arguments(tiny_model, tmp_path, rows(change.pop("data", 12)), **change)
    with pytest.raises(ConfigError) as error:
        ShapedDPOTrainer(plan, **given)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_plain_texts_are_refused_since_trl_would_train_on_them_without_a_template(
    tiny_model: Path, tmp_path: Path
) -> None:
    texts = Dataset.from_list([{"prompt": f"Name {i}?", "chosen": f"It is {i}.", "rejected": "No."} for i in range(12)])
    pairs = load_pairs(texts)
    plan = ShapingPlan.identity("dpo", pairs.pairs, control=True)
    with pytest.raises(ConfigError, match="without a chat template"):
        ShapedDPOTrainer(plan, **arguments(tiny_model, tmp_path, texts))
    assert len(ShapedDPOTrainer(plan, **arguments(tiny_model, tmp_path, pairs)).train_dataset) == 12
