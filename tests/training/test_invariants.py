"""Equivalences that training must keep, on a random model small enough to check to the last bit."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tests.families import LLAMA

from offtarget.errors import ConfigError, OfftargetError
from offtarget.models import load
from offtarget.shaping.hooks import Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store
from offtarget.training.admission import check_loss
from offtarget.training.head import require_plain
from offtarget.training.here import dpo_config, make_trainer
from offtarget.training.passes import length_batches as whole_batches
from offtarget.training.reference import reference
from offtarget.training.spec import TrainingSpec

pytestmark = pytest.mark.invariant


def plain_trl(bench: Any, out: Any, seed: int, modules: Sequence[str] = LLAMA, pattern: str = "layers") -> Any:
    """The same training by trl alone: its own tokenising, its own reference pass."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import DPOTrainer

    model, tokenizer = load(bench.ref)
    data = Dataset.from_list(
        [{"prompt": p.prompt, "chosen": p.chosen, "rejected": p.rejected} for p in bench.set.pairs]
    )
    config = LoraConfig(
        r=bench.spec.lora_rank, lora_alpha=bench.spec.lora_alpha, lora_dropout=0.0,
        target_modules=list(modules), layers_to_transform=[2, 3], layers_pattern=pattern, task_type="CAUSAL_LM",
        fan_in_fan_out=pattern == "h",
    )  # fmt: skip
    trainer = DPOTrainer(
        model=model,
        args=dpo_config(bench.spec, seed, out),
        train_dataset=data,
        processing_class=tokenizer,
        peft_config=config,
    )
    trainer.train()
    trainer.save_model(str(out / "policy"))
    return [h["loss"] for h in trainer.state.log_history if "loss" in h]


def gradient(
    bench: Any, plan: ShapingPlan, tmp: Any, mode: str = "exact", rows: int = 8
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradient of the first `rows` kept pairs as one batch, at the start."""
    model, tokenizer = load(bench.ref)
    spec = bench.spec.model_copy(update={"mode": mode})
    stored = None
    if mode == "fast":
        stored = reference(
            model.requires_grad_(False), tokenizer, bench.ref, bench.set.ids, max_length=spec.max_length, bf16=False,
            prefix_layer=2, store=bench.store,
        )  # fmt: skip
    trainer = make_trainer(model, tokenizer, bench.set, plan, spec, 3, tmp, stored, 2)
    torch.manual_seed(0)
    for name, p in trainer.model.named_parameters():  # LoRA starts at B = 0, where half of the gradients vanish
        if "lora_B" in name:
            p.data.normal_(0, 0.02)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(rows)])
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}


def assert_proportional(
    a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], factor: float, rtol: float = 1e-4
) -> None:
    assert a.keys() == b.keys() and a
    for name in a:
        torch.testing.assert_close(a[name], b[name] * factor, rtol=rtol, atol=1e-7)


def test_identity_is_plain_trl_to_the_last_bit(bench: Any, tmp_path: Any) -> None:
    ours = bench.train(bench.identity())
    losses = plain_trl(bench, tmp_path / "plain", seed=3)
    assert ours.digest["losses"] == [round(x, 6) for x in losses]
    a, b = bench.weights(ours.path), bench.weights(tmp_path / "plain" / "policy")
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[k], b[k]) for k in a)
    assert any(np.abs(a[k]).max() > 0 for k in a if "lora_B" in k), "nothing was trained"


def test_fast_mode_keeps_the_trajectory(bench: Any) -> None:
    exact, fast = bench.train(bench.identity()), bench.train(bench.identity(), mode="fast")
    assert fast.digest["prefix_layer"] == 2
    np.testing.assert_allclose(fast.digest["losses"], exact.digest["losses"], atol=1e-4)
    a, b = bench.weights(exact.path), bench.weights(fast.path)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-4)


def test_fast_and_exact_gradients_agree_under_every_kind_of_edit(bench: Any, tmp_path: Any) -> None:
    n = len(bench.set.pairs)
    rng = np.random.default_rng(0)
    v = rng.normal(size=64).astype(np.float32)
    steer = Steer(layer=2, directions=v / np.linalg.norm(v), chosen=rng.normal(size=n), rejected=rng.normal(size=n))
    plan = bench.identity().edit(
        flip=np.arange(n) % 3 == 0, weight=rng.uniform(0.2, 2, n), offset_chosen=rng.normal(size=n),
        offset_rejected=rng.normal(size=n), hooks=(steer,),
    )  # fmt: skip
    loss_a, a = gradient(bench, plan, tmp_path / "a")
    loss_b, b = gradient(bench, plan, tmp_path / "b", mode="fast")
    assert loss_a == pytest.approx(loss_b, abs=1e-5)
    assert_proportional(a, b, 1.0, rtol=2e-3)


def test_zero_offsets_and_unit_weights_are_the_identity(bench: Any, tmp_path: Any) -> None:
    n = len(bench.set.pairs)
    plan = bench.identity().edit(offset_chosen=np.zeros(n), weight=np.full(n, 3.0))  # equal weights have mean 1
    loss_a, a = gradient(bench, bench.identity(), tmp_path / "a")
    loss_b, b = gradient(bench, plan, tmp_path / "b")
    assert loss_a == loss_b
    assert_proportional(a, b, 1.0, rtol=0)


def at_start(bench: Any, plan: ShapingPlan, out: Any) -> dict[str, torch.Tensor]:
    """The gradient of the first eight rows, before any step."""
    model, tokenizer = load(bench.ref)
    trainer = make_trainer(model, tokenizer, bench.set, plan, bench.spec, 3, out, None, 2)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(8)])
    trainer.compute_loss(trainer.model, batch).backward()
    return {k: p.grad.clone() for k, p in trainer.model.named_parameters() if p.grad is not None and "lora_B" in k}


def test_a_flip_reverses_the_gradient_at_the_start(bench: Any, tmp_path: Any) -> None:
    n = len(bench.set.pairs)

    plain = at_start(bench, bench.identity(), tmp_path / "a")
    flipped = at_start(bench, bench.identity().edit(flip=np.ones(n, bool)), tmp_path / "b")
    assert_proportional(flipped, plain, -1.0)


def test_an_offset_gives_the_loss_of_its_formula(bench: Any, tmp_path: Any) -> None:
    """At the start Δ = 0, so the loss is the mean of −log σ(o⁺ − o⁻), and the gradient 2σ(−o) of plain DPO's."""
    n = len(bench.set.pairs)
    o = 1.7
    plan = bench.identity().edit(offset_chosen=np.full(n, o))
    model, tokenizer = load(bench.ref)
    trainer = make_trainer(model, tokenizer, bench.set, plan, bench.spec, 3, tmp_path, None, 2)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(8)])
    loss = trainer.compute_loss(trainer.model, batch)
    assert float(loss.detach()) == pytest.approx(math.log1p(math.exp(-o)), abs=1e-5)
    loss.backward()
    shaped = {k: p.grad.clone() for k, p in trainer.model.named_parameters() if p.grad is not None and "lora_B" in k}
    model, tokenizer = load(bench.ref)
    trainer = make_trainer(model, tokenizer, bench.set, bench.identity(), bench.spec, 3, tmp_path, None, 2)
    trainer.compute_loss(trainer.model, trainer.data_collator([trainer.train_dataset[i] for i in range(8)])).backward()
    plain = {k: p.grad.clone() for k, p in trainer.model.named_parameters() if p.grad is not None and "lora_B" in k}
    assert_proportional(shaped, plain, 2 / (1 + math.exp(o)), rtol=1e-3)


def test_an_offset_can_silence_or_double_a_pair_but_not_reverse_it(bench: Any, tmp_path: Any) -> None:
    """What the plan says of the start (0, 2, 1), and the trainer's gradients at o → +∞ and −∞."""
    from offtarget.data.pairs import Pair

    p = Pair("a", "g", [], [], [])
    plan = ShapingPlan.identity("x", [p, p, p]).edit(offset_chosen=np.array([40.0, -40.0, 0.0]))
    np.testing.assert_allclose(plan.start_weights(), [0, 2, 1], atol=1e-12)
    n = len(bench.set.pairs)
    plain, silent, double = (
        at_start(bench, bench.identity().edit(offset_chosen=np.full(n, o)), tmp_path / str(o))
        for o in (0.0, 40.0, -40.0)
    )
    assert_proportional(double, plain, 2.0, rtol=1e-3)
    assert max(float(g.abs().max()) for g in silent.values()) < 1e-6 * max(float(g.abs().max()) for g in plain.values())


def test_a_weight_of_zero_is_the_filter(bench: Any, tmp_path: Any) -> None:
    """The full-batch gradient with dropped rows is that with weight 0, rescaled by N over the kept."""
    n = len(bench.set.pairs)
    keep = np.arange(n) % 4 != 1
    filtered = bench.identity().edit(keep=keep)
    weighted = bench.identity().edit(weight=keep.astype(float))
    _, a = gradient(bench, filtered, tmp_path / "a", rows=int(keep.sum()))
    _, b = gradient(bench, weighted, tmp_path / "b", rows=n)
    assert_proportional(a, b, 1.0, rtol=2e-3)  # weights were rescaled to mean 1, which is the factor N / n_kept


def test_accumulated_batches_are_the_large_batch(bench: Any) -> None:
    one = bench.train(bench.identity(), batch_size=8, gradient_accumulation=1)
    eight = bench.train(bench.identity(), batch_size=1, gradient_accumulation=8)
    a, b = bench.weights(one.path), bench.weights(eight.path)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=5e-5)


def test_a_batch_that_memory_does_not_hold_is_read_in_parts_to_the_same_weights(
    bench: Any, monkeypatch: Any, caplog: Any
) -> None:
    from offtarget.training.trainer import ShapedDPOTrainer

    whole = bench.train(bench.identity(), batch_size=4, mode="fast")
    loss, steps = ShapedDPOTrainer.compute_loss, []

    def small(self: Any, model: Any, inputs: Any, *args: Any, **kw: Any) -> Any:
        if len(inputs["input_ids"]) > 4 and self.state.global_step > 1:  # a checkpoint of the second step is there
            raise torch.OutOfMemoryError("CUDA out of memory")
        steps.append(self.state.global_step)
        return loss(self, model, inputs, *args, **kw)

    monkeypatch.setattr(ShapedDPOTrainer, "compute_loss", small)
    bench.store = Store(bench.store.root.parent / "small")
    parts = bench.train(bench.identity(), batch_size=4, mode="fast")
    assert steps == [0, 1, 2, 2, 3, 3] and "does not hold 4 pairs at once; going on with 2" in caplog.text
    a, b = bench.weights(whole.path), bench.weights(parts.path)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-6)
    monkeypatch.setattr(
        ShapedDPOTrainer, "compute_loss", lambda *a, **k: (_ for _ in ()).throw(torch.OutOfMemoryError())
    )
    with pytest.raises(OfftargetError, match=r"does not hold 1 pairs at once; lower training\.batch_size"):
        bench.train(bench.identity(), seed=4)


def test_steering_is_felt_in_training_and_gone_afterwards(bench: Any, tmp_path: Any) -> None:
    n = len(bench.set.pairs)
    v = np.zeros(64, np.float32)
    v[5] = 1
    steer = Steer(layer=3, directions=v, chosen=np.full(n, 6.0), rejected=np.zeros(n))
    plain, _ = gradient(bench, bench.identity(), tmp_path / "a")
    steered, _ = gradient(bench, bench.identity().edit(hooks=(steer,)), tmp_path / "b")
    silent, _ = gradient(
        bench,
        bench.identity().edit(hooks=(Steer(layer=3, directions=v, chosen=np.zeros(n), rejected=np.zeros(n)),)),
        tmp_path / "c",
    )
    assert abs(plain - steered) > 1e-3
    assert plain == silent
    policy = bench.train(bench.identity().edit(hooks=(steer,), control=False))
    model, _ = load(str(policy.path))
    assert not any(layer._forward_hooks for layer in model.model.layers)


def test_an_interrupted_run_goes_on_to_the_same_weights(bench: Any) -> None:
    whole = bench.train(bench.identity(), seed=5, max_steps=6)
    from offtarget.training import run as module

    bench.store.root = bench.store.root.with_name("other")

    def stop(what: str, done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    spec = bench.spec.model_copy(update={"max_steps": 6})
    with pytest.raises(KeyboardInterrupt):
        module.train(bench.set, bench.identity(), bench.ref, spec, seed=5, store=bench.store, progress=stop)
    steps = []
    resumed = module.train(
        bench.set,
        bench.identity(),
        bench.ref,
        spec,
        seed=5,
        store=bench.store,
        progress=lambda w, d, t: steps.append(d),
    )
    assert steps == [5, 6], "it should go on from the checkpoint at step 4"
    a, b = bench.weights(whole.path), bench.weights(resumed.path)
    assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("length", [{"max_steps": 6}, {"max_steps": 3}, {"max_steps": -1, "epochs": 2}])
def test_a_run_killed_behind_its_last_step_makes_no_step_more(
    bench: Any, monkeypatch: pytest.MonkeyPatch, length: dict[str, int]
) -> None:
    from offtarget.training.trainer import ShapedDPOTrainer

    whole = bench.train(bench.identity(), seed=5, **length)
    bench.store.root = bench.store.root.with_name("killed")

    def killed(self: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ShapedDPOTrainer, "require_usable", killed)
        bench.train(bench.identity(), seed=5, **length)
    assert list(bench.store.root.rglob("checkpoint-*"))
    again = bench.train(bench.identity(), seed=5, **length)
    assert again.digest["steps"] == whole.digest["steps"]
    assert again.digest["losses"] == whole.digest["losses"]
    a, b = bench.weights(whole.path), bench.weights(again.path)
    assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("loss", ["nca_pair", "sppo_hard", "apo_zero"])
def test_offsets_are_refused_where_they_would_be_another_loss(bench: Any, loss: str) -> None:
    plan = bench.identity().edit(offset_chosen=np.ones(len(bench.set.pairs)))
    with pytest.raises(ConfigError, match="another loss"):
        bench.train(plan, loss=loss)


def test_a_hook_on_a_layer_that_does_not_exist_is_named(bench: Any) -> None:
    n = len(bench.set.pairs)
    plan = bench.identity().edit(
        hooks=(Steer(layer=9, directions=np.ones(64, np.float32), chosen=np.ones(n), rejected=np.ones(n)),)
    )
    with pytest.raises(ConfigError, match="layer 9; the model has layers 0 to 3"):
        bench.train(plan)


def test_last_layers_train_in_both_modes(bench: Any) -> None:
    exact = bench.train(bench.identity(), method="last_layers")
    fast = bench.train(bench.identity(), method="last_layers", mode="fast")
    a, b = bench.weights(exact.path), bench.weights(fast.path)
    start, _ = load(bench.ref)
    changed = {k for k in a if not np.array_equal(a[k], start.state_dict()[k].numpy())}
    assert changed and all(".layers.2." in k or ".layers.3." in k for k in changed)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=3e-4)


def test_rewards_in_the_digest_leave_the_offset_out(bench: Any) -> None:
    """At the first step Δ = 0, so no pair has a margin yet, whatever its offset."""
    n = len(bench.set.pairs)
    plan = bench.identity().edit(offset_chosen=np.full(n, 1.5), control=False)
    for mode in ("exact", "fast"):
        for more in ({}, {"ld_alpha": 0.3}):
            digest = bench.train(plan, mode=mode, max_steps=1, **more).digest
            assert digest["loss_first"] == pytest.approx(-math.log(1 / (1 + math.exp(-1.5))), abs=1e-4)
            assert digest["margin_last"] == pytest.approx(0.0, abs=1e-4)


def test_a_plan_that_changes_the_loss_but_not_its_scale_is_refused(bench: Any) -> None:
    """β of a mean over tokens is no β of a sum: the two differ by an answer's length."""
    robust = bench.identity().edit(loss={"loss": "robust", "label_smoothing": 0.1})
    with pytest.raises(ConfigError, match="takes the loss 'robust' instead of 'sigmoid_norm', but keeps beta 5"):
        check_loss(robust, TrainingSpec(loss="sigmoid_norm", beta=5))
    check_loss(robust, TrainingSpec(loss="sigmoid"))
    check_loss(robust.edit(loss={"loss": "sigmoid_norm", "beta": 2.0}), TrainingSpec(loss="sigmoid"))


@pytest.mark.parametrize("method", ["lora", "last_layers"])
def test_a_fast_run_that_was_interrupted_goes_on_to_the_same_weights(bench: Any, method: str) -> None:
    n = len(bench.set.pairs)
    plan = bench.identity().edit(weight=np.linspace(0.5, 2, n), offset_chosen=np.linspace(-1, 1, n))
    spec = {"mode": "fast", "method": method, "max_steps": 6}
    whole = bench.train(plan, seed=5, **spec)
    bench.store = Store(bench.store.root.with_name("other"))

    def stop(what: str, done: int, total: int) -> None:
        if what.startswith("train") and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.train(plan, seed=5, progress=stop, **spec)
    resumed = bench.train(plan, seed=5, **spec)
    assert resumed.digest["steps"] == 6
    a, b = bench.weights(whole.path), bench.weights(resumed.path)
    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_an_interrupted_reference_pass_goes_on_where_it_was(bench: Any, monkeypatch: Any) -> None:
    from offtarget.training import passes as module

    monkeypatch.setattr(module, "BATCH_TOKENS", 200)
    monkeypatch.setattr(module, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "length_batches", lambda lengths: whole_batches(lengths, 200))
    model, tokenizer = load(bench.ref)
    total = 2 * len(bench.set.ids)

    def run(store: Any, progress: Any = None) -> Any:
        return reference(
            model.requires_grad_(False), tokenizer, bench.ref, bench.set.ids, max_length=96, bf16=False,
            prefix_layer=2, store=store, progress=progress,
        )  # fmt: skip

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    whole = run(Store(bench.store.root / "a"))
    with pytest.raises(KeyboardInterrupt):
        run(Store(bench.store.root / "b"), stop)
    seen: list[int] = []
    resumed = run(Store(bench.store.root / "b"), lambda done, _: seen.append(done))
    assert seen[0] > total / 2 and seen[-1] == total
    for row in range(len(bench.set.ids)):
        for side in (0, 1):
            assert np.array_equal(whole.answer(row, side), resumed.answer(row, side))
            assert torch.equal(whole.inputs(row, side), resumed.inputs(row, side))


@pytest.mark.parametrize(
    ("family", "options", "says"),
    [
        ("Gemma2", {"final_logit_softcapping": 5.0, "head_dim": 16}, "more to its logits"),
        ("Granite", {"logits_scaling": 8.0}, "more to its logits"),
    ],
)
def test_fast_mode_refuses_a_model_that_it_would_train_on_another_loss(
    family: str, options: dict[str, Any], says: str
) -> None:
    import transformers

    config = getattr(transformers, f"{family}Config")(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, intermediate_size=128,
        vocab_size=300, initializer_range=0.2, **options,
    )  # fmt: skip
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    before = [id(layer) for layer in model.model.layers]
    with pytest.raises(ConfigError, match=says):
        require_plain(model, 2)
    assert [id(layer) for layer in model.model.layers] == before
    assert not any(layer._forward_pre_hooks for layer in model.model.layers)


def test_fast_mode_refuses_layers_that_get_more_than_the_states_below(bench: Any) -> None:
    """The upper layers of this one are given the embedding besides."""
    model, _ = load(bench.ref)
    upper, embed = model.model.layers[3].forward, model.model.embed_tokens
    given: dict[str, torch.Tensor] = {}
    model.model.layers[1].register_forward_hook(lambda _m, args, _o: given.update(low=args[0]))
    model.model.layers[3].forward = lambda hidden_states, **kw: upper(hidden_states + given["low"], **kw)
    with pytest.raises(ConfigError, match="hands more to its upper layers"):
        require_plain(model, 2)
    assert model.model.embed_tokens is embed


def test_fast_mode_takes_a_plain_llama(bench: Any) -> None:
    model, _ = load(bench.ref)
    ids = torch.tensor([[5, 6, 7, 8]])
    before = model(ids).logits
    for prefix in (2, 0):
        require_plain(model, prefix)  # raises for a model that fast mode would train wrongly
        assert torch.equal(model(ids).logits, before), "the probe put the model back as it was"


def test_weights_are_refused_where_a_loss_mixes_rows(bench: Any) -> None:
    plan = bench.identity().edit(weight=np.linspace(0.5, 2, len(bench.set.pairs)))
    with pytest.raises(ConfigError, match="mixes the rows of a batch"):
        bench.train(plan, loss="aot")
