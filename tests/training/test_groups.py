"""Rows of a batch in groups of like length: less padding, the same numbers."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from offtarget.training.head import WORTH, length_groups, use_frozen_head


def cost(lengths: list[int], groups: list[list[int]]) -> int:
    return sum(len(g) * max(lengths[i] for i in g) + WORTH for g in groups)


def test_groups_are_the_cheapest_cut_of_the_sorted_rows() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        lengths = [int(x) for x in rng.integers(5, 400, size=9)]
        order = sorted(range(9), key=lambda i: lengths[i])
        every = [
            [order[a:b] for a, b in zip((0, *cuts), (*cuts, 9), strict=True)]
            for k in (0, 1, 2)
            for cuts in combinations(range(1, 9), k)
        ]
        found = length_groups(lengths)
        assert sorted(i for g in found for i in g) == list(range(9))
        assert cost(lengths, found) == min(cost(lengths, g) for g in every)


def test_rows_of_like_length_stay_together_and_in_order() -> None:
    assert length_groups([50, 52, 49, 51]) == [[0, 1, 2, 3]]
    assert length_groups([10, 400, 12, 390]) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("weighting", [False, True])
def test_grouped_rows_give_the_same_log_probabilities_and_gradients(tiny_model: Any, weighting: bool) -> None:
    """Against one padded batch, in float32; the labels of a prompt and of padding count nothing."""
    from offtarget.models import load, resolve

    lengths = [12, 90, 14, 88, 11, 40]
    torch.manual_seed(0)
    ids = torch.randint(3, 400, (6, 90))
    mask = (torch.arange(90) < torch.tensor(lengths)[:, None]).long()
    labels = ids.masked_fill((mask == 0) | (torch.arange(90) < 5), -100)
    assert len(length_groups(lengths)) > 1
    found = []
    for grouped in (False, True):
        model, _ = load(resolve(str(tiny_model)))
        model.requires_grad_(False)
        model.model.layers[1].requires_grad_(True)
        use_frozen_head(model, weighting=weighting, grouped=grouped)
        out = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        (out.log_probs.sum(1) * torch.arange(1.0, 7.0)).sum().backward()
        gradient = model.model.layers[1].self_attn.q_proj.weight.grad
        found.append((out.log_probs.detach(), gradient, out.log_sum_sq_probs))
    (a, g, w), (b, h, v) = found
    torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(h, g, rtol=1e-3, atol=1e-5 * float(g.abs().max()))
    assert (w is None) == (not weighting)
    if w is not None:
        torch.testing.assert_close(v, w, rtol=1e-5, atol=1e-5)
