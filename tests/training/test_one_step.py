"""One step along the gradient at the start: the direction by autograd alone, and a step of a known margin."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from tests.training.conftest import Bench
from transformers import AutoModelForCausalLM

from offtarget.errors import UndecidedError
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.one_step import CLOSE, MARGIN, find_length, one_step
from offtarget.training.run import Trained


def step(bench: Bench, plan: ShapingPlan | None = None, scale: str = "raw", **changes: object) -> Trained:
    spec = bench.spec.model_copy(update=changes)
    return one_step(bench.set, plan or bench.identity(), bench.ref, spec, seed=3, store=bench.store, scale=scale)  # type: ignore[arg-type]


def answer_log_prob(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> torch.Tensor:
    ids = torch.tensor([[*prompt, *answer]])
    logits = model(ids, use_cache=False).logits[0].float().log_softmax(-1)
    places = range(len(prompt) - 1, ids.shape[1] - 1)
    return torch.stack([logits[k, ids[0, k + 1]] for k in places]).sum()


def margins(model: torch.nn.Module, bench: Bench) -> list[torch.Tensor]:
    """log p(chosen) − log p(rejected) of each pair."""
    return [
        answer_log_prob(model, t.prompt, t.chosen) - answer_log_prob(model, t.prompt, t.rejected) for t in bench.set.ids
    ]


def policy(bench: Bench, folder: Path, trainable: bool = False) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(bench.ref.path, dtype=torch.float32)
    return PeftModel.from_pretrained(base, folder, is_trainable=trainable)


def test_the_step_is_down_the_gradient_of_the_loss_and_ends_at_its_margin(bench: Bench, tmp_path: Path) -> None:
    """At the start σ(0) = 1/2, so the gradient of the loss is −β/2 times that of the mean margin."""
    made = step(bench)
    moved = Bench.weights(made.path)
    stepped = policy(bench, made.path)
    base = AutoModelForCausalLM.from_pretrained(bench.ref.path, dtype=torch.float32)
    with torch.no_grad():
        gained = [float(a - b) for a, b in zip(margins(stepped, bench), margins(base, bench), strict=True)]
    assert bench.spec.beta * np.mean(gained) == pytest.approx(MARGIN, rel=CLOSE + 0.01)
    assert made.digest["reached"] == pytest.approx(bench.spec.beta * np.mean(gained), rel=1e-3)
    assert made.digest["tries"] <= 2, "the first guess is right to first order"

    at_start = policy(bench, made.path, trainable=True)
    named = {n: p for n, p in at_start.named_parameters() if "lora_B" in n}
    with torch.no_grad():
        for p in named.values():
            p.zero_()
    torch.stack(margins(at_start, bench)).mean().backward()
    want = torch.cat([p.grad.flatten() for _, p in sorted(named.items())])
    have = torch.cat([torch.from_numpy(moved[k]).flatten() for k in sorted(moved) if "lora_B" in k])
    assert torch.nn.functional.cosine_similarity(want, have, dim=0) > 0.9999
    assert float(have.norm()) == pytest.approx(made.digest["length"], rel=1e-4)


def test_on_adams_scale_every_number_is_divided_by_the_root_of_its_mean_square_over_batches(bench: Bench) -> None:
    one_batch = step(bench, scale="adam", batch_size=24)
    matrices = [v for k, v in Bench.weights(one_batch.path).items() if "lora_B" in k]
    sizes = np.abs(np.concatenate([m.ravel() for m in matrices]))
    sizes = sizes[sizes > 0]
    assert sizes.std() < 1e-3 * sizes.mean(), "of one batch nothing is left but signs"
    several = np.abs(
        np.concatenate([v.ravel() for k, v in Bench.weights(step(bench, scale="adam").path).items() if "lora_B" in k])
    )
    assert several[several > 0].std() > 0.1 * several.mean()


def test_fast_mode_takes_the_same_step(bench: Bench) -> None:
    exact, fast = (Bench.weights(step(bench, mode=mode).path) for mode in ("exact", "fast"))
    assert exact.keys() == fast.keys()
    for name, value in exact.items():
        assert fast[name] == pytest.approx(value, abs=2e-3 * float(np.abs(value).max())), name


def test_a_plan_shapes_the_step(bench: Bench) -> None:
    """Flipped labels turn the direction round; the margin is that of the flipped pairs."""
    n = len(bench.set.pairs)
    turned = ShapingPlan.identity("label_flip", bench.set.pairs).edit(flip=np.ones(n, dtype=bool))
    plain, flipped = (Bench.weights(step(bench, plan).path) for plan in (None, turned))
    a, b = (np.concatenate([w[k].ravel() for k in sorted(w) if "lora_B" in k]) for w in (plain, flipped))
    assert float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) < -0.999


def test_a_plan_can_go_as_far_as_plain_dpo_did_whatever_its_labels_add_up_to(bench: Bench) -> None:
    """Half of the labels flipped: the mean gradient is small, and a step of the same factor with it."""
    plain = step(bench)
    half = np.arange(len(bench.set.pairs)) % 2 == 0
    mixed = ShapingPlan.identity("label_flip", bench.set.pairs).edit(flip=half)
    made = one_step(
        bench.set, mixed, bench.ref, bench.spec, seed=3, store=bench.store, scale="raw", factor=plain.digest["factor"]
    )
    assert made.digest["factor"] == pytest.approx(plain.digest["factor"])
    assert made.digest["length"] / plain.digest["length"] == pytest.approx(made.digest["norm"] / plain.digest["norm"])
    assert made.digest["length"] < 0.9 * plain.digest["length"]


def test_it_is_made_once_whatever_the_schedule(bench: Bench) -> None:
    made = step(bench)
    again = step(bench, learning_rate=5e-3, max_steps=9, warmup_share=0.0)
    assert again.path == made.path and step(bench, beta=0.2).path != made.path


@pytest.mark.parametrize("margin", [lambda x: 0.0, lambda x: -2 * x, lambda x: 0.1 * np.tanh(x)])
def test_a_margin_that_is_not_reached_is_no_prediction(margin: Callable[[float], float]) -> None:
    with pytest.raises(UndecidedError, match="no step along the gradient"):
        find_length(margin, first=0.01)


@pytest.mark.parametrize(
    ("margin", "length"), [(lambda x: x / 40, 20.0), (lambda x: 300 * x, 1 / 600), (lambda x: x + x**2, 0.366)]
)
def test_the_step_is_as_long_as_its_margin_asks(margin: Callable[[float], float], length: float) -> None:
    found, reached, _ = find_length(margin, first=0.01)
    assert found == pytest.approx(length, rel=0.06) and reached == pytest.approx(MARGIN, rel=CLOSE)
