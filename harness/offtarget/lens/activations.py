"""Activations of a model's residual stream, read by a hook that stops the forward pass there.

Three things make this faster than a loop over texts: each distinct prompt and response is encoded once,
responses to one prompt share a row with it (they see the prompt, not each other), and nothing above the
layer is computed.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offtarget.architecture import decoder_layers
from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError, DataError
from offtarget.lens.attention import Stretch, UnknownAttention, packed, plain_attention
from offtarget.lens.reader import MAX_LENGTH
from offtarget.lens.tokens import Conversation, TokenisedPairs, tokenise_pairs
from offtarget.machine import cores
from offtarget.models import ModelRef, configuration
from offtarget.progress import Steps

if TYPE_CHECKING:
    import torch

BATCH_TOKENS = {"cpu": 4096}
"""Tokens in a forward pass by kind of device: on a processor, enough to read the weights seldom."""
BATCH_TOKENS_ELSEWHERE = 16384


@dataclass(frozen=True, slots=True)
class Segment:
    """Where one text's tokens are in a batch of activations."""

    conversation: int
    response: int
    """Number of the response in its conversation; -1 for the prompt."""
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Row:
    conversation: int
    responses: tuple[int, ...]
    with_prompt: bool
    """Whether the prompt's activations are taken from this row."""
    length: int


Consume = Callable[["torch.Tensor", list[Segment]], None]


class _Stop(Exception):  # noqa: N818 - not an error: it ends a forward pass early
    """Raised by the hook when the layer's output is there."""


def encode_spans(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[Pair] | TokenisedPairs,
    layer: int | Sequence[int],
    consume: Consume,
    *,
    max_length: int = MAX_LENGTH,
    batch_tokens: int | None = None,
    dtype: str | None = None,
    threads: int | None = None,
    progress: Steps | None = None,
) -> TokenisedPairs:
    """Hand the residual stream after a decoder layer, or after several, to `consume`, batch by batch.

    Each distinct prompt and response of the pairs comes exactly once. Only tokens of the text itself come:
    special tokens and what else the chat template adds are left out.

    Args:
        model: a causal language model of transformers, in eval mode.
        tokenizer: its tokenizer.
        pairs: the pairs, or what `tokenise_pairs` made of them.
        layer: number of the decoder layer, from 0, whose output is read; several, in ascending order, are read in one pass.
        consume: called with activations of shape `(n_tokens, d_model)`, with several layers
            `(n_layers, n_tokens, d_model)`, in the model's dtype and only valid during the call, and the segments that
            say which text each stretch of tokens belongs to.
        max_length: most tokens of prompt and response together, where pairs are tokenised here.
        batch_tokens: tokens (padding included) in one forward pass; by default what suits the device.
        dtype: "bfloat16" or "float32"; the model is converted if it has another.
        threads: processor threads; by default those that this process may use.
        progress: called with tokens done and tokens in all.

    Returns:
        The tokenised pairs, whose `where` maps each pair to conversations and responses.

    Raises:
        ConfigError: the model has no such layer.
        DataError: an activation is not finite; names a pair.
    """
    import torch

    layers = decoder_layers(model)
    wanted = [layer] if isinstance(layer, int) else list(layer)
    assert wanted == sorted(set(wanted)), "layers come in ascending order"
    for n in wanted:
        if not 0 <= n < len(layers):
            raise ConfigError(
                f"layer {n} does not exist: the model has {len(layers)} decoder layers, 0 to {len(layers) - 1}"
            )
    read = [layers[n] for n in wanted]
    tokens = pairs if isinstance(pairs, TokenisedPairs) else tokenise_pairs(tokenizer, pairs, max_length=max_length)
    if dtype is not None:
        model = model.to(getattr(torch, dtype))
    budget = batch_tokens or BATCH_TOKENS.get(model.device.type, BATCH_TOKENS_ELSEWHERE)
    packs = can_pack(model, layers[wanted[-1]], tokens.max_length)
    rows = _plan_rows(tokens.conversations, budget if packs else 0)
    done, total = 0, sum(r.length for r in rows)
    with use_threads(threads), torch.inference_mode():
        for batch in _batches(rows, budget, packs):
            kept, segments = _read(model, read, tokens.conversations, batch, packs)
            if not bool(kept.isfinite().all()):
                raise _not_finite(model, layers, wanted, tokens, batch)
            if segments:
                consume(kept[0] if isinstance(layer, int) else kept, segments)
            done += sum(r.length for r in batch)
            if progress:
                progress(done, total)
    return tokens


def choose_layer(ref: ModelRef, layer: int | None = None) -> int:
    """The decoder layer to read, from 0: the one asked for, or two thirds up.

    Raises:
        ConfigError: the model has no such layer.
    """
    n = _layer_count(ref)
    layer = n * 2 // 3 if layer is None else layer
    if not 0 <= layer < n:
        raise ConfigError(f"layer {layer} does not exist: model '{ref.name}' has {n} decoder layers, 0 to {n - 1}")
    return layer


@lru_cache
def _layer_count(ref: ModelRef) -> int:
    return int(configuration(ref).get_text_config().num_hidden_layers)


def can_pack(model: Any, layer: Any, max_length: int) -> bool:
    """Whether several responses may share a row up to a layer.

    What the model's configuration does not tell (soft caps, sinks) is seen in a pass over two tokens.
    """
    import torch

    if not plain_attention(model, max_length):
        return False
    two = torch.tensor([[0, 1]])
    try:
        with torch.inference_mode(), packed(model, [Stretch(0, 2)]):
            _forward(model, [layer], two, {"position_ids": two})
    except UnknownAttention:
        return False
    return True


@contextmanager
def use_threads(threads: int | None = None) -> Iterator[int]:
    """Run torch on this many threads; by default on those that OMP_NUM_THREADS or the affinity mask allow."""
    import torch

    before = torch.get_num_threads()
    wanted = threads or int(os.environ.get("OMP_NUM_THREADS") or cores())
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)


def _plan_rows(conversations: list[Conversation], row_tokens: int) -> list[_Row]:
    """Distribute each conversation's responses over rows, longest rows first; one response always fits."""
    rows = []
    for c, conversation in enumerate(conversations):
        base = len(conversation.prompt.ids)
        lengths = [len(r.ids) for r in conversation.responses]
        open_row: list[int] = []
        length, first = base, True
        for r in sorted(range(len(lengths)), key=lambda r: -lengths[r]):
            if open_row and length + lengths[r] > row_tokens:
                rows.append(_Row(c, tuple(open_row), first, length))
                open_row, length, first = [], base, False
            open_row.append(r)
            length += lengths[r]
        rows.append(_Row(c, tuple(open_row), first, length))
    return sorted(rows, key=lambda row: -row.length)


def _batches(rows: list[_Row], batch_tokens: int, packs: bool) -> Iterator[list[_Row]]:
    """Rows of like length, as many as stay within the budget; padding counts where there is any."""
    batch: list[_Row] = []
    for row in rows:
        filled = sum(r.length for r in batch) if packs else batch[0].length * len(batch) if batch else 0
        if batch and filled + (row.length if packs else batch[0].length) > batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _read(
    model: Any, layers: Sequence[Any], conversations: list[Conversation], batch: list[_Row], packs: bool
) -> tuple["torch.Tensor", list[Segment]]:
    """Outputs of layers on the content tokens of a batch, `(n_layers, n_tokens, d_model)`, and what they belong to."""
    import torch

    ids, keep = array("q"), array("q")
    positions, stretches, segments = array("q"), [], []
    for i, row in enumerate(batch):
        if not packs:  # padding on the right needs no mask under causal attention: no token looks ahead
            ids.extend([0] * (i * batch[0].length - len(ids)))
        conversation = conversations[row.conversation]
        begin, base = len(ids), len(conversation.prompt.ids)
        parts = [(-1, conversation.prompt), *((r, conversation.responses[r]) for r in row.responses)]
        for r, piece in parts:
            at, first = len(ids), len(keep)
            ids.extend(piece.ids)
            positions.extend(range(base if r >= 0 else 0, len(piece.ids) + (base if r >= 0 else 0)))
            stretches.append(Stretch(at, len(ids), (begin, begin + base) if r >= 0 else (0, 0)))
            if r >= 0 or row.with_prompt:
                keep.extend(at + t for t, content in enumerate(piece.content) if content)
                if len(keep) > first:
                    segments.append(Segment(row.conversation, r, first, len(keep)))
    if packs:
        arguments = {"position_ids": torch.tensor([positions])}
        with packed(model, [s for s in stretches if s.stop > s.start]):
            hidden = _forward(model, layers, torch.tensor([ids]), arguments)
    else:
        ids.extend([0] * (len(batch) * batch[0].length - len(ids)))
        hidden = _forward(model, layers, torch.tensor(ids).view(len(batch), -1), {})
    at = torch.tensor(keep, dtype=torch.long, device=hidden[0].device)
    return torch.stack([h.reshape(-1, h.shape[-1])[at] for h in hidden]), segments


def _forward(
    model: Any, layers: Sequence[Any], ids: "torch.Tensor", arguments: dict[str, "torch.Tensor"]
) -> list["torch.Tensor"]:
    """Output of each of these layers, `(rows, n, d_model)`, lowest first; no layer above the last is run."""
    caught: list[torch.Tensor] = []

    def catch(module: Any, args: Any, output: Any) -> None:
        caught.append(output[0] if isinstance(output, tuple) else output)
        if len(caught) == len(layers):
            raise _Stop

    there = {name: tensor.to(model.device) for name, tensor in arguments.items()}
    handles = [layer.register_forward_hook(catch) for layer in layers]
    try:
        model.base_model(input_ids=ids.to(model.device), use_cache=False, **there)
    except _Stop:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return caught


def _not_finite(model: Any, layers: Any, wanted: Sequence[int], tokens: TokenisedPairs, batch: list[_Row]) -> DataError:
    """The error that names the pair: each text again by itself."""
    pair, layer = "?", wanted[0]
    for row in batch:
        for responses in ((), *((r,) for r in row.responses)):
            alone = _Row(row.conversation, responses, True, row.length)
            kept, _ = _read(model, [layers[n] for n in wanted], tokens.conversations, [alone], False)
            if not bool(kept.isfinite().all()):
                layer = wanted[[bool(part.isfinite().all()) for part in kept].index(False)]
                pair = next(
                    name
                    for name, (c, *both) in zip(tokens.pair_ids, tokens.where, strict=True)
                    if c == row.conversation and (not responses or responses[0] in both)
                )
                break
        if pair != "?":
            break
    return DataError(
        f"pair '{pair}': activations after layer {layer} are not finite; "
        "check the model's weights, and whether they fit bfloat16; or leave that pair out"
    )
