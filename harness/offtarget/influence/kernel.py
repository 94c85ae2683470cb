"""The readout kernel: how much learning from one answer changes the probability of another, from forward passes alone.

Write h_l for what enters layer l at a token and v for the gradient, with respect to the last residual stream, of the next
token's log-probability: both come out of a forward pass and the head. If every layer's write went straight to the last residual
stream, a step up Σ_i w_i log p(y_i) with learning rate 1 on the layers' weights would change log p(y) by

    δ(y) = Σ_l Σ_t v_tᵀ A_l h_{l,t},     A_l = Σ_i w_i Σ_u v_u h_{l,u}ᵀ,

with sums over the tokens t of y and u of y_i. That leaves out what layers in between and attention do to a write. After the
second channel of the token-to-token interaction of Ren, Deng, Hong, Lyle and Gal (2026), with h at unit length.

A_l is additive over answers: one matrix a layer stands for a whole set of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.architecture import decoder_layers
from offtarget.audit.statistics.means import Floats
from offtarget.influence.texts import Text
from offtarget.lens.activations import use_threads
from offtarget.progress import Steps

BATCH_TOKENS = 2048


@dataclass(frozen=True, eq=False)
class Kernel:
    """A_l of some weighted answers."""

    lowest: int
    """The lowest layer that is in it."""
    matrices: NDArray[np.float32]
    """`(n_layers, d_model, d_model)`"""


def kernel_of(
    model: Any, texts: Sequence[Text], weights: Floats, lowest: int, pad: int, progress: Steps | None = None
) -> Kernel:
    """The kernel of a weighted set of answers.

    Args:
        model: a causal language model of transformers.
        texts: prompts and answers.
        weights: w of each answer, `(n_texts,)`; one of weight 0 is not read.
        lowest: the lowest layer that would be trained.
        pad: id of the padding token.
        progress: called with (done, total).
    """
    import torch

    used = [i for i in range(len(texts)) if weights[i] != 0]
    d = int(model.config.get_text_config().hidden_size)
    total = torch.zeros((len(decoder_layers(model)) - lowest, d, d), device=model.device)
    for k, v, h in _read(model, [texts[i] for i in used], lowest, pad, progress):
        total += float(weights[used[k]]) * torch.einsum("td,lte->lde", v, h)
    return Kernel(lowest, total.cpu().numpy())


def along(model: Any, texts: Sequence[Text], kernel: Kernel, pad: int, progress: Steps | None = None) -> Floats:
    """δ of each answer, `(n_texts,)`: up to one factor, in nats.

    Args:
        model: as in `kernel_of`.
        texts: prompts and answers.
        kernel: of the answers that are learned from.
        pad: id of the padding token.
        progress: called with (done, total).
    """
    import torch

    matrices = torch.from_numpy(kernel.matrices).to(model.device)
    out = np.zeros(len(texts))
    for k, v, h in _read(model, texts, kernel.lowest, pad, progress):
        out[k] = float(torch.einsum("td,lde,lte->", v, matrices, h))
    return out


def _read(
    model: Any, texts: Sequence[Text], lowest: int, pad: int, progress: Steps | None
) -> Iterator[tuple[int, Any, Any]]:
    """Number of each text that has an answer, its v `(n_tokens, d_model)` and its h `(n_layers, n_tokens, d_model)`, float32."""
    import torch

    layers = decoder_layers(model)
    model.requires_grad_(False)
    spoken = [k for k in range(len(texts)) if texts[k][1]]
    order = sorted(spoken, key=lambda k: (len(texts[k][0]) + len(texts[k][1]), k))
    entering: list[Any] = []
    last: list[Any] = []

    def keep(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        entering.append(args[0] if args else kwargs["hidden_states"])

    def leaf(_module: Any, _args: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden.detach().requires_grad_(True)
        last.append(hidden)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    handles = [layer.register_forward_pre_hook(keep, with_kwargs=True) for layer in layers[lowest:]]
    handles.append(layers[-1].register_forward_hook(leaf))
    try:
        with use_threads(None), torch.enable_grad():
            done = 0
            for batch in _batches(order, texts):
                entering.clear()
                last.clear()
                width = max(len(texts[k][0]) + len(texts[k][1]) for k in batch)
                ids = torch.full((len(batch), width), pad)
                where, targets = [], []
                for i, k in enumerate(batch):
                    prompt, answer = texts[k]
                    ids[i, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
                    where += [(i, len(prompt) - 1 + t) for t in range(len(answer))]
                    targets += answer
                # padding on the right needs no mask under causal attention: no token looks ahead
                states = model.base_model(input_ids=ids.to(model.device), use_cache=False).last_hidden_state
                at = torch.tensor(where, device=model.device)
                logits = model.get_output_embeddings()(states[at[:, 0], at[:, 1]]).float()
                wanted = torch.tensor(targets, device=model.device)
                (-torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")).backward()
                v = last[0].grad[at[:, 0], at[:, 1]].float()
                h = torch.stack(
                    [torch.nn.functional.normalize(x[at[:, 0], at[:, 1]].float(), dim=-1) for x in entering]
                )
                start = 0
                for k in batch:
                    stop = start + len(texts[k][1])
                    yield k, v[start:stop], h[:, start:stop]
                    start = stop
                done += len(batch)
                if progress:
                    progress(done, len(order))
    finally:
        for handle in handles:
            handle.remove()


def _batches(order: Sequence[int], texts: Sequence[Text]) -> Iterator[list[int]]:
    """Texts of like length, packed to so many tokens with their padding."""
    batch: list[int] = []
    for k in order:
        size = len(texts[k][0]) + len(texts[k][1])
        if batch and (len(batch) + 1) * size > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(k)
    if batch:
        yield batch
