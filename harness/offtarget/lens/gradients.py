"""How much adding a vector to the residual stream would raise the log-probability of a response, to first order.

For a response y to a prompt x and a layer ℓ, the gradient g = Σ_t ∂ log π(y|x) / ∂h_t over the positions
from the last of the prompt on. Steering along a unit vector v by m changes log π(y|x) by about m·⟨g, v⟩:
the score A_u^m of arXiv 2606.12360 (appendix A) in its local regime, for every direction at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.architecture import decoder_layers
from offtarget.data.pairs import PairSet
from offtarget.lens.activations import use_threads
from offtarget.lens.reader import Reader
from offtarget.lens.tokens import Conversation, tokenise_pairs
from offtarget.progress import Steps

VERSION = 1
BATCH_TOKENS = 2048


@dataclass(frozen=True)
class Gradients:
    """g of both responses of every pair."""

    layer: int
    chosen: NDArray[np.float32]
    """(n_pairs, d_model), nats per unit of the residual stream."""
    rejected: NDArray[np.float32]
    chosen_tokens: NDArray[np.int64]
    """(n_pairs,) tokens of the response."""
    rejected_tokens: NDArray[np.int64]


def response_gradients(reader: Reader, pairs: PairSet, layer: int) -> Gradients:
    """The gradients of a set of pairs under a frozen model, from the store or computed now.

    Args:
        reader: the model and how it reads.
        pairs: the pairs; a response without turns has a gradient of zero.
        layer: decoder layer after whose output a vector would be added, from 0.
    """
    inputs = {"rows": pairs.rows_sha256, "layer": layer, **reader.inputs()}

    def build(out: Path) -> None:
        model, tokenizer = reader.load()
        tokens = tokenise_pairs(tokenizer, pairs.pairs, max_length=reader.max_length)
        found = _gradients(model, tokens.conversations, layer, tokenizer.pad_token_id, reader.step("gradients"))
        arrays: dict[str, Any] = {}
        for k, side in enumerate(("chosen", "rejected"), start=1):
            keys = [(w[0], w[k]) for w in tokens.where]
            nothing = np.zeros(int(model.config.get_text_config().hidden_size), np.float32)
            arrays[side] = np.stack([found.get(key, nothing) for key in keys])
            arrays[f"{side}_tokens"] = np.array(
                [len(tokens.conversations[c].responses[r].ids) if r >= 0 else 0 for c, r in keys]
            )
        np.savez(out / "gradients.npz", **arrays)

    folder = reader.store.get("gradients", VERSION, inputs, build)
    with np.load(folder / "gradients.npz", allow_pickle=False) as a:
        return Gradients(layer, a["chosen"], a["rejected"], a["chosen_tokens"], a["rejected_tokens"])


def _gradients(
    model: Any, conversations: Sequence[Conversation], layer: int, pad: int, progress: Steps | None
) -> dict[tuple[int, int], NDArray[np.float32]]:
    """G of every distinct response, by (conversation, response)."""
    import torch

    model.requires_grad_(False)
    texts = [
        (c, r, conversation.prompt.ids, response.ids)
        for c, conversation in enumerate(conversations)
        for r, response in enumerate(conversation.responses)
    ]
    texts.sort(key=lambda t: (len(t[2]) + len(t[3]), t[0], t[1]))
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    with use_threads(None), torch.enable_grad():
        start = 0
        while start < len(texts):
            stop = start + 1
            while stop < len(texts) and (stop + 1 - start) * sum(map(len, texts[stop][2:])) <= BATCH_TOKENS:
                stop += 1
            batch = texts[start:stop]
            values = _batch(model, decoder_layers(model)[layer], [(p, y) for _, _, p, y in batch], pad)
            for (c, r, _, _), g in zip(batch, values, strict=True):
                found[c, r] = g
            start = stop
            if progress:
                progress(stop, len(texts))
    return found


def _batch(model: Any, layer: Any, rows: Sequence[tuple[list[int], list[int]]], pad: int) -> NDArray[np.float32]:
    """G of some (prompt ids, response ids), `(len(rows), d_model)`: the gradient of a vector added at the layer."""
    import torch

    width = max(len(p) + len(y) for p, y in rows)
    ids = torch.full((len(rows), width), pad)
    steered = torch.zeros((len(rows), width, 1))
    where, targets = [], []
    for i, (prompt, answer) in enumerate(rows):
        ids[i, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        steered[i, len(prompt) - 1 : len(prompt) + len(answer) - 1] = 1.0
        where += [i * width + len(prompt) - 1 + t for t in range(len(answer))]
        targets += answer
    there = model.device
    added = torch.zeros((len(rows), 1, model.config.get_text_config().hidden_size), device=there)
    added.requires_grad_(True)
    mask = steered.to(there)

    def add(_module: Any, _inputs: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        moved = hidden + (mask * added).to(hidden.dtype)
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    handle = layer.register_forward_hook(add)
    try:
        # padding on the right needs no mask under causal attention: no token looks ahead
        hidden = model.base_model(input_ids=ids.to(there), use_cache=False).last_hidden_state
        kept = hidden.reshape(-1, hidden.shape[-1])[torch.tensor(where, device=there)]
        logits = model.get_output_embeddings()(kept).float()
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(targets, device=there), reduction="sum")
        loss.backward()
    finally:
        handle.remove()
    assert added.grad is not None
    return np.asarray(-added.grad[:, 0].float().cpu().numpy(), dtype=np.float32)
