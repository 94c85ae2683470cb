"""Positive raises a concept, negative lowers it: trained on a toy set and measured on prompts it never saw."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from offtarget.data.pairs import Pair, PairSet
from offtarget.models import load, resolve
from offtarget.shaping.context import ConceptScores, ShapingContext, Target
from offtarget.shaping.protocol import make_plan
from offtarget.store import Store
from offtarget.training.run import prepare, train
from offtarget.training.spec import TrainingSpec

pytestmark = pytest.mark.invariant
N = 32
WORDS = ["red", "blue", "green", "tall", "small", "quick", "slow", "warm", "cold", "round"]


def answer(i: int, side: int, shows: bool) -> list[Any]:
    """A few words; the concept is that it opens with "indeed indeed"."""
    rng = np.random.default_rng([i, side])
    text = " ".join(rng.choice(WORDS, 4))
    return [{"role": "assistant", "content": f"indeed indeed {text}" if shows else f"well then {text}"}]


def pairs() -> list[Pair]:
    """Chosen shows the concept in 20 of 32 pairs, rejected in the other 12: plain DPO learns to show it."""
    out = []
    for i in range(N):
        prompt: Any = [{"role": "user", "content": f"Describe thing number {i}."}]
        up = i % 8 < 5
        out.append(Pair(f"p{i}", f"g{i}", prompt, answer(i, 0, up), answer(i, 1, not up)))
    return out


class Known:
    """The concept's score is whether it is there."""

    def scores(self, concept: str, readout: str) -> ConceptScores:
        up = np.array([i % 8 < 5 for i in range(N)], float)
        return ConceptScores.standardise(up, 1 - up)


@pytest.fixture(scope="module")
def lean(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., float]:
    """Trains under a protocol; gives how much more probable the concept became on unseen prompts, in nats."""
    ref, store = resolve(str(tiny_model)), Store(tmp_path_factory.mktemp("signs"))
    spec = TrainingSpec(
        bf16=False, max_steps=16, batch_size=8, max_length=64, learning_rate=6e-3, lora_rank=4, lora_alpha=8,
        lowest_layer=2, beta=0.5, save_every=1000,
    )  # fmt: skip
    training_set = prepare(PairSet("signs", pairs()), ref, spec)
    done: dict[Any, float] = {}

    def preference(path: str) -> float:
        model, tokenizer = load(path)
        total = 0.0
        for i in range(100, 116):
            prompt = [{"role": "user", "content": f"Describe thing number {i}."}]
            ids = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=True, return_dict=True)
            for sign, opening in ((1, "indeed indeed"), (-1, "well then")):
                tail = tokenizer(opening, add_special_tokens=False)["input_ids"]
                whole = torch.tensor([ids["input_ids"] + tail])
                with torch.no_grad():
                    scores = torch.log_softmax(model(whole).logits[0].double(), -1)
                at = range(len(ids["input_ids"]) - 1, whole.shape[1] - 1)
                total += sign * sum(float(scores[t, y]) for t, y in zip(at, tail, strict=True))
        return total / 16

    before = preference(str(tiny_model))

    def measure(protocol: str, strength: float | None = None, sign: int = 0) -> float:
        key = (protocol, strength, sign)
        if key not in done:
            targets = (Target("c", sign),) if sign else ()
            ctx = ShapingContext(training_set.pairs, targets, readings=Known())  # type: ignore[arg-type]
            plan = make_plan(protocol, ctx, {} if strength is None else {"strength": strength})
            path = train(training_set, plan, ref, spec, seed=0, store=store).path
            done[key] = preference(str(path)) - before
        return done[key]

    return measure


def test_plain_dpo_learns_the_concept(lean: Callable[..., float]) -> None:
    assert lean("dpo") > 0.5


@pytest.mark.parametrize(
    ("protocol", "strength"), [("reward_shaping", 1.0), ("reweight", 1.0), ("filter", 0.3), ("label_flip", 0.3)]
)
def test_positive_amplifies_and_negative_suppresses(lean: Callable[..., float], protocol: str, strength: float) -> None:
    plain = lean("dpo")
    up, down = lean(protocol, strength, 1), lean(protocol, strength, -1)
    assert down < plain - 0.2 < plain + 0.2 < up, (down, plain, up)
    assert lean(protocol, -strength, 1) == pytest.approx(down, abs=1e-6), "suppressing is amplifying by less than 0"
