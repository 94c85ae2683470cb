"""The influence of rows on a concept, against inner products of gradients; and what the start model's own answers must hold."""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from tests.training.conftest import Bench, small_pairs
from transformers import AutoModelForCausalLM

from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.influence.run import influence
from offtarget.influence.weights import effective, policy_gradient_weights, prompts_of
from offtarget.lens.reader import Reader
from offtarget.training.one_step import CLOSE, NATS, towards
from offtarget.training.run import prepare


def test_the_weights_are_each_value_less_the_mean_of_the_others_to_the_same_prompt() -> None:
    values, prompts = np.array([4.0, 1.0, 1.0, 7.0, 5.0]), np.array([0, 0, 0, 1, 2])
    assert policy_gradient_weights(values, prompts) == pytest.approx([3.0, -1.5, -1.5, 0.0, 0.0])
    table = np.column_stack([values, -values])
    assert policy_gradient_weights(table, prompts)[:, 1] == pytest.approx([-3.0, 1.5, 1.5, 0.0, 0.0])


def test_answers_count_by_how_much_they_carry() -> None:
    assert effective(np.array([1.0, -1.0, 1.0, -1.0])) == pytest.approx(4)
    assert effective(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective(np.zeros(3)) == 0


def own_of(n: int = 24) -> PairSet:
    """Two answers to each of some prompts, of which the first says "good" every other time."""
    rows = []
    for i, p in enumerate(small_pairs(n)):
        good = [{"role": "assistant", "content": f"{'good' if i % 2 else 'bad'} thing, I say {i}"}]
        plain = [{"role": "assistant", "content": f"it is a {'bad' if i % 2 else 'good'} thing"}]
        rows.append(Pair(f"{p.id}#own0", p.group, p.prompt, good, plain))
    return PairSet("own", rows)


@pytest.fixture()
def bench(tiny_model: Path, tmp_path: Path) -> Bench:
    return Bench(tiny_model, tmp_path / "store")


def answer_log_prob(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> torch.Tensor:
    ids = torch.tensor([[*prompt, *answer]])
    logits = model(ids, use_cache=False).logits[0].float().log_softmax(-1)
    return torch.stack([logits[len(prompt) - 1 + k, t] for k, t in enumerate(answer)]).sum()


def gradient(model: PeftModel, of: torch.Tensor) -> torch.Tensor:
    moved = [p for n, p in sorted(model.named_parameters()) if "lora_B" in n]
    return torch.cat([g.flatten() for g in torch.autograd.grad(of, moved)])


def test_influence_is_the_inner_product_of_a_row_s_gradient_and_the_concept_s(bench: Bench) -> None:
    own, values = own_of(), np.array([i % 2 for i in range(24)] + [1 - i % 2 for i in range(24)], dtype=float)
    read = prepare(own, bench.ref, bench.spec.model_copy(update={"min_answer_tokens": 1}))
    weights = policy_gradient_weights(values, prompts_of(own)).reshape(2, -1).T
    rows = PairSet("rows", bench.set.pairs)
    made = towards(
        read, weights, bench.ref, bench.spec.model_copy(update={"min_answer_tokens": 1}), seed=5, store=bench.store,
        scale="raw",
    )  # fmt: skip
    assert made.digest["reached"] == pytest.approx(NATS, rel=CLOSE)
    found = influence(Reader(bench.ref, bench.store), rows, own, values, bench.spec, seed=5, scale="raw")
    assert found.effective == pytest.approx(48)

    base = AutoModelForCausalLM.from_pretrained(bench.ref.path, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, made.path, is_trainable=True)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "lora_B" in n:
                p.zero_()
    concept = sum(
        float(w) * answer_log_prob(model, t.prompt, answer)
        for t, both in zip(read.ids, weights, strict=True)
        for w, answer in zip(both, (t.chosen, t.rejected), strict=True)
    )
    towards_it = gradient(model, concept)
    want = []
    for t in bench.set.ids:
        margin = answer_log_prob(model, t.prompt, t.chosen) - answer_log_prob(model, t.prompt, t.rejected)
        want.append(float(gradient(model, margin) @ towards_it))
    assert np.corrcoef(found.margin, want)[0, 1] > 0.98

    by_kernel = influence(Reader(bench.ref, bench.store), rows, own, values, bench.spec, by="kernel")
    assert by_kernel.changes.shape == (24, 2) and by_kernel.effective == found.effective


def test_too_few_answers_that_differ_are_no_direction(bench: Bench) -> None:
    values, rows = np.zeros(48), PairSet("rows", bench.set.pairs)
    values[3] = 1.0
    with pytest.raises(UndecidedError, match=r"48 answers differ too little .* rests on 2.0 of them"):
        influence(Reader(bench.ref, bench.store), rows, own_of(), values, bench.spec)
    with pytest.raises(ConfigError, match="unknown way to rank rows 'kernels': did you mean kernel"):
        influence(Reader(bench.ref, bench.store), rows, own_of(), values, bench.spec, by="kernels")  # type: ignore[arg-type]
