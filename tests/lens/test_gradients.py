"""Gradients of a response's log-probability with respect to a steered layer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from offtarget import models
from offtarget.architecture import decoder_layers
from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.gradients import _gradients, response_gradients
from offtarget.lens.reader import Reader
from offtarget.lens.tokens import tokenise_pairs
from offtarget.store import Store

LAYER = 2
STEP = 1e-2  # the norms run in float32, so a smaller one drowns in rounding


def pair(name: str, prompt: str, chosen: str, rejected: str) -> Pair:
    texts = ("user", prompt), ("assistant", chosen), ("assistant", rejected)
    a, b, c = ([{"role": role, "content": text}] for role, text in texts)
    return Pair(name, prompt, a, b, c)  # type: ignore[arg-type]


PAIRS = PairSet(
    "two",
    [
        pair("a", "What is a fish?", "A fish lives in water.", "No."),
        pair("b", "Tell me of rain and all that comes with it", "Rain falls from clouds and it is wet.", "Wet."),
    ],
)


def log_probability(model, prompt: list[int], answer: list[int], vector: torch.Tensor) -> float:
    """log π(answer | prompt) with a vector added from the last position of the prompt on, in float64."""

    def add(_module, _inputs, output):
        hidden = output[0] if isinstance(output, tuple) else output
        moved = hidden.clone()
        moved[:, len(prompt) - 1 : len(prompt) + len(answer) - 1] += vector
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    handle = decoder_layers(model)[LAYER].register_forward_hook(add)
    with torch.no_grad():
        logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
    handle.remove()
    return float(torch.log_softmax(logits, -1)[torch.arange(len(answer)), answer].sum())


def test_the_gradient_is_the_slope_of_the_log_probability(tiny_model: Path) -> None:
    model, tokenizer = models.load(str(tiny_model))
    model = model.double()
    tokens = tokenise_pairs(tokenizer, PAIRS.pairs)
    found = _gradients(model, tokens.conversations, LAYER, tokenizer.pad_token_id, None)
    assert len(found) == 4
    v = torch.from_numpy(np.random.default_rng(0).normal(size=64))
    v = v / v.norm()
    for (c, r), g in found.items():
        prompt, answer = tokens.conversations[c].prompt.ids, tokens.conversations[c].responses[r].ids
        up, down = (log_probability(model, prompt, answer, s * STEP * v) for s in (1, -1))
        assert float(g @ v.numpy()) == pytest.approx((up - down) / (2 * STEP), rel=5e-3, abs=1e-4)


def test_rows_keep_their_sides_and_are_kept_in_the_store(tiny_model: Path, store_home: Path) -> None:
    calls: list[Any] = []
    reader = Reader(str(tiny_model), Store(), 256, progress=lambda *a: calls.append(a))

    def ask(pairs: PairSet):
        return response_gradients(reader, pairs, LAYER)

    first = ask(PAIRS)
    turned = [Pair(p.id, p.group, p.prompt, p.rejected, p.chosen) for p in PAIRS.pairs]
    other = ask(PairSet("turned", turned))
    np.testing.assert_allclose(first.chosen, other.rejected, rtol=0.05, atol=0.02)
    assert first.chosen_tokens.tolist() == other.rejected_tokens.tolist()
    assert not np.allclose(first.chosen, first.rejected, rtol=0.2)
    n = len(calls)
    ask(PAIRS)
    assert len(calls) == n
