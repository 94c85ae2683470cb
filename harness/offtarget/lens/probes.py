"""Readouts of a concept that look at single tokens: per-token projections, and an attention probe over them.

The attention probe is that of arXiv 2606.12360 (appendix on style detectors): for each head a value ⟨W_v, h_j⟩ + b per
token, averaged with softmax weights over a query-independent score ⟨W_q, h_j⟩, plus a linear residual on the mean
activation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError
from offtarget.lens.activations import encode_spans
from offtarget.lens.reader import Reader

if TYPE_CHECKING:
    import torch

MAX_BYTES = 3 * 2**30
HEADS, EPOCHS, BATCH, RATE, DECAY = 4, 12, 32, 1e-3, 1e-3
LEAST_STEPS = 1000
"""Optimiser steps at least: twelve passes over a small set would leave the probe where it began."""
HELD_OUT = 0.2

Reduce = Callable[["torch.Tensor"], "torch.Tensor"]


@dataclass(frozen=True)
class TokenReadout:
    """One number for each content token of each distinct response, and where the token is in its text."""

    values: list[NDArray[np.float32]]
    places: list[NDArray[np.int64]]
    """For each response (n_tokens, 2) characters."""
    chosen: NDArray[np.int64]
    """(n_pairs,) number of each chosen response; −1 for one without turns."""
    rejected: NDArray[np.int64]


def read_tokens(reader: Reader, pairs: PairSet, layer: int, reduce: Reduce) -> TokenReadout:
    """What `reduce` makes of the residual stream at each token of each response.

    Args:
        reader: the model and how it reads.
        pairs: what to read.
        layer: decoder layer, from 0.
        reduce: (n_tokens, d_model) float32 to (n_tokens,) or (n_tokens, k).
    """
    model, tokenizer = reader.load()
    found: dict[tuple[int, int], NDArray[np.float32]] = {}

    def consume(hidden: "torch.Tensor", segments: Any) -> None:
        for s in segments:
            if s.response >= 0:
                found[s.conversation, s.response] = reduce(hidden[s.start : s.stop].float()).cpu().numpy()

    tokens = encode_spans(
        model, tokenizer, pairs.pairs, layer, consume, max_length=reader.max_length, progress=reader.step("tokens")
    )
    number: dict[tuple[int, int], int] = {}
    values: list[NDArray[np.float32]] = []
    places: list[NDArray[np.int64]] = []
    for key in sorted(found):
        piece = tokens.conversations[key[0]].responses[key[1]]
        kept = [p for p, content in zip(piece.places, piece.content, strict=True) if content]
        number[key] = len(values)
        values.append(found[key])
        places.append(np.array(kept, np.int64).reshape(-1, 2))
    sides = [np.array([number.get((w[0], w[k]), -1) if w[k] >= 0 else -1 for w in tokens.where]) for k in (1, 2)]
    return TokenReadout(values, places, sides[0], sides[1])


@dataclass(frozen=True)
class AttentionProbe:
    """A fitted probe's scores of the responses, and how well it orders those that it was not fitted on."""

    scores: NDArray[np.float64]
    """(n_responses,) log-odds that the concept is there."""
    auroc: float


def attention_probe(
    activations: Sequence[NDArray[np.floating[Any]]],
    present: NDArray[np.bool_],
    labelled: NDArray[np.bool_],
    held_out: NDArray[np.bool_],
    *,
    seed: int = 0,
) -> AttentionProbe:
    """Fit an attention probe on some responses and score all.

    Args:
        activations: (n_tokens, d) of each response.
        present: (n_responses,) which show the concept.
        labelled: (n_responses,) for which `present` says something.
        held_out: (n_responses,) not fitted on; they give the AUROC.
        seed: of the weights and the order.

    Raises:
        ConfigError: fewer than 8 responses with or without the concept to fit on or to hold out.
    """
    import torch
    from sklearn.metrics import roc_auc_score

    fit, test = np.flatnonzero(labelled & ~held_out), np.flatnonzero(labelled & held_out)
    for name, rows in (("fit", fit), ("test", test)):
        if min(present[rows].sum(), (~present[rows]).sum()) < 8:
            raise ConfigError(
                f"an attention probe has {int(present[rows].sum())} responses with the concept and "
                f"{int((~present[rows]).sum())} without it to {name} on; at least 8 of each are needed"
            )
    scale = float(np.sqrt(np.mean([np.square(activations[i].astype(np.float32)).mean() for i in fit[:256]])))
    generator = torch.Generator().manual_seed(seed)
    width = activations[0].shape[1]

    def initial(*shape: int) -> "torch.Tensor":
        return (torch.randn(*shape, generator=generator) / width**0.5).requires_grad_()

    query, value, residual = initial(width, HEADS), initial(width, HEADS), initial(width)
    bias = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.AdamW([query, value, residual, bias], lr=RATE, weight_decay=DECAY)

    def scores(rows: NDArray[np.int64]) -> "torch.Tensor":
        length = max(len(activations[i]) for i in rows)
        x = torch.zeros(len(rows), max(length, 1), width)
        mask = torch.zeros(len(rows), max(length, 1), dtype=torch.bool)
        for k, i in enumerate(rows):
            n = len(activations[i])
            x[k, :n] = torch.from_numpy(np.asarray(activations[i], np.float32)) / scale
            mask[k, :n] = True
        mask[:, 0] = True  # a response without tokens is read as one token of zeros
        weights = torch.softmax((x @ query).masked_fill(~mask[..., None], -torch.inf), dim=1)
        mean = x.sum(1) / mask.sum(1, keepdim=True)
        return (weights * (x @ value)).sum((1, 2)) + mean @ residual + bias

    y = torch.from_numpy(present.astype(np.float32))
    balance = torch.tensor(float((~present[fit]).sum()) / max(1.0, float(present[fit].sum())))
    for _ in range(max(EPOCHS, -(-LEAST_STEPS // max(1, len(fit) // BATCH)))):
        order = fit[torch.randperm(len(fit), generator=generator).numpy()]
        for rows in np.array_split(order, max(1, len(order) // BATCH)):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores(rows), y[rows], pos_weight=balance)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    out = np.zeros(len(activations))
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(activations)), max(1, len(activations) // BATCH)):
            out[rows] = scores(rows).numpy()
    return AttentionProbe(out, float(roc_auc_score(present[test], out[test])))
