"""What an adapter changes of each answer's log-probability, against two plain models."""

import numpy as np
import pytest
import torch
from peft import PeftModel
from tests.training.conftest import Bench, small_pairs
from transformers import AutoModelForCausalLM

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError
from offtarget.training.changes import answer_changes


def log_prob(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> float:
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0].double().log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + k, t]) for k, t in enumerate(answer))


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_the_change_is_that_of_the_two_models(bench: Bench, mode: str) -> None:
    made = bench.train(bench.identity(), max_steps=6, learning_rate=5e-3)
    start = AutoModelForCausalLM.from_pretrained(bench.ref.path, dtype=torch.float32)
    rows = [(t.prompt, answer) for t in bench.set.ids for answer in (t.chosen, t.rejected)]
    before = [log_prob(start, *r) for r in rows]
    policy = PeftModel.from_pretrained(start, made.path).eval()
    want = np.subtract([log_prob(policy, *r) for r in rows], before).reshape(-1, 2)
    assert np.abs(want).mean() > 0.05

    pairs = PairSet("small", small_pairs())
    spec = bench.spec.model_copy(update={"mode": mode})
    found = answer_changes(pairs, made.path, bench.ref, spec, store=bench.store)
    assert found == pytest.approx(want, abs=2e-3)
    half = answer_changes(pairs, made.path, bench.ref, spec, store=bench.store, scale=0.01)
    assert np.corrcoef(half.ravel(), want.ravel())[0, 1] > 0.9 and np.abs(half).mean() < 0.05 * np.abs(want).mean()
    plain = answer_changes(pairs, None, bench.ref, spec, store=bench.store)
    assert plain == pytest.approx(np.array(before).reshape(-1, 2), abs=2e-3)


def test_rows_that_cannot_be_trained_on_change_nothing_and_other_shapes_are_refused(bench: Bench) -> None:
    made = bench.train(bench.identity())
    long = small_pairs(3)
    long[1].prompt[0]["content"] = "many words " * 200
    found = answer_changes(PairSet("long", long), made.path, bench.ref, bench.spec, store=bench.store)
    assert not found[1].any() and found[0].any()
    other = bench.spec.model_copy(update={"lora_rank": 2})
    with pytest.raises(ConfigError, match="not on the matrices that this training has, or of another rank"):
        answer_changes(PairSet("small", small_pairs()), made.path, bench.ref, other, store=bench.store)
    with pytest.raises(ConfigError, match="use method lora"):
        answer_changes(
            PairSet("small", small_pairs()), made.path, bench.ref, bench.spec.model_copy(update={"method": "full"}),
            store=bench.store,
        )  # fmt: skip
