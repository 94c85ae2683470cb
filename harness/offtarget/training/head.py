"""Log-probabilities at the completion positions only, with a frozen LM head.

trl projects every position (prompt and padding too, off the GPU) and multiplies by the vocabulary matrix
again in the backward pass. With a frozen head neither is needed: the gradient of a token's log-probability
with respect to its hidden state is W[y] − E_p[W], and the expectation falls out of the forward pass.
"""

import sys
import types
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from offtarget.architecture import decoder_layers, gives_tuples, parts_of
from offtarget.errors import ConfigError

TOKENS = 1024
WORTH = 64
"""Padded tokens that another group of rows has to save."""


class _FrozenHeadLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, squares: Tensor | None) -> Tensor:
        """Log-probabilities (n_tokens,) of targets (n_tokens,) from hidden (n_tokens, d), weight (vocab, d).

        `squares` (n_tokens,), if given, is filled with log Σ p² over the vocabulary.
        """
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden.dtype
        if hidden.is_cuda:
            dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else hidden.dtype
        w = weight.to(dtype)
        need = ctx.needs_input_grad[0]
        out = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty(hidden.shape, dtype=torch.float32, device=hidden.device) if need else None
        for start in range(0, len(targets), TOKENS):
            part = slice(start, start + TOKENS)
            logits = (hidden[part].to(dtype) @ w.T).float()
            y = targets[part]
            log_z = torch.logsumexp(logits, dim=-1)
            out[part] = logits.gather(1, y[:, None]).squeeze(1) - log_z
            if squares is not None:
                squares[part] = torch.logsumexp(2 * logits, dim=-1) - 2 * log_z
            if gradient is not None:
                # e_y − p before rounding: W[y] − pW in bf16 would be noise where the model is sure
                residual = logits.sub_(log_z[:, None]).exp_().neg_()
                residual[torch.arange(len(y), device=y.device), y] += 1
                gradient[part] = (residual.to(dtype) @ w).float()
        if gradient is not None:
            ctx.save_for_backward(gradient)
        ctx.hidden_dtype = hidden.dtype
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (grad[:, None] * gradient).to(ctx.hidden_dtype), None, None, None


def completion_logprobs(hidden: Tensor, weight: Tensor, labels: Tensor, squares: Tensor | None = None) -> Tensor:
    """Per-token log-probabilities of the next token, zero where the label is −100.

    Args:
        hidden: (batch, seq, d) last hidden states.
        weight: (vocab, d) of the LM head; gets no gradient.
        labels: (batch, seq) ids, −100 outside the completion.
        squares: (batch, seq − 1) that is filled with log Σ p² over the vocabulary; None: not computed.

    Returns:
        (batch, seq − 1) float32: position t holds log p(labels[t + 1] | ...).
    """
    targets = labels[:, 1:]
    mask = targets != -100
    of_tokens = None if squares is None else squares.new_zeros(int(mask.sum()))
    scores = _FrozenHeadLogProbs.apply(hidden[:, :-1][mask], weight, targets[mask], of_tokens)
    if squares is not None:
        squares[mask] = of_tokens
    return torch.zeros(targets.shape, dtype=torch.float32, device=hidden.device).masked_scatter(mask, scores)


@torch.no_grad()
def require_plain(model: Any, prefix_layer: int | None) -> None:
    """Check on three tokens that fast mode computes what the model computes.

    Fast mode multiplies the last hidden state by the head's matrix, and feeds cached states to the layers
    above `prefix_layer`. Models that scale or cap logits, add a bias in the head, or hand more to their upper layers
    than states do more than that.

    Raises:
        ConfigError: the model is one of those.
    """
    ids = torch.tensor([[1, 2, 3]], device=next(model.parameters()).device)
    states: list[Tensor] = []

    def keep(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states.append(args[0] if args else kwargs["hidden_states"])

    parts = parts_of(model)
    layers = parts.layers
    handle = layers[prefix_layer or 0].register_forward_pre_hook(keep, with_kwargs=True)
    try:
        own = model(ids, use_cache=False).logits.float()
        hidden = parts.body(ids, use_cache=False).last_hidden_state
    finally:
        handle.remove()
    plain = (hidden @ parts.head.weight.T).float()
    if not torch.allclose(own, plain, rtol=1e-3, atol=1e-3 * float(own.abs().max())):
        raise ConfigError(
            f"{type(model).__name__} does more to its logits than one matrix: fast training would be wrong; "
            "say training.mode=exact"
        )
    if prefix_layer:
        lower, cached = list(layers[:prefix_layer]), CachedInput()
        cached.states = states[0]
        handle = start_from(model, prefix_layer, cached)
        try:
            again = parts.body(ids, use_cache=False).last_hidden_state
        finally:
            handle.remove()
            for i, layer in enumerate(lower):
                layers[i] = layer
        if again.shape != hidden.shape or not torch.allclose(
            again, hidden, rtol=1e-3, atol=1e-3 * float(hidden.abs().max())
        ):
            raise ConfigError(
                f"{type(model).__name__} hands more to its upper layers than the states below them, so its lower layers "
                "cannot be cached; say training.mode=exact"
            )


def start_from(model: Any, layer: int, cached: "CachedInput") -> Any:
    """Let a model start from stored states at a layer: those below hand on what they get. Returns the handle of the hook.

    The embedding still runs, since positions and masks are made from what it gives; what it says is not read.
    """
    tuples, layers = gives_tuples(model), decoder_layers(model)
    for i in range(layer):
        layers[i] = PassThrough(tuples, getattr(layers[i], "attention_type", None))
    return layers[layer].register_forward_pre_hook(cached, with_kwargs=True)


class PassThrough(torch.nn.Module):
    """Is where a frozen, cached layer was: hands on what it gets, as a tuple where the model's layers do."""

    def __init__(self, tuples: bool, attention_type: str | None = None) -> None:
        super().__init__()
        self.tuples, self.attention_type = tuples, attention_type

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """The input, unchanged."""
        return (hidden_states,) if self.tuples else hidden_states


class CachedInput:
    """A pre-hook of the first layer that runs: gives it the stored states of the current batch for its input."""

    def __init__(self) -> None:
        self.states: Tensor | None = None

    def __call__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The arguments of the layer, with (batch, seq, d_model) states in place of what comes from below."""
        assert self.states is not None, "a forward pass outside the trainer's loss"
        given = args[0] if args else kwargs["hidden_states"]
        assert self.states.shape[:2] == given.shape[:2]
        return ((self.states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": self.states})


def length_groups(lengths: Sequence[int], most: int = 3) -> list[list[int]]:
    """Rows of a batch in at most `most` groups of like length, so that little is padded.

    Of all ways to cut the rows, sorted by length, the one with the fewest padded tokens; another group has to save
    `WORTH` tokens. With one group the rows keep their order.
    """
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    sizes = [lengths[i] for i in order]
    n = len(order)
    # best[j]: the cheapest way to cut the first j rows into as many groups as the loop has come to
    best: list[tuple[int, tuple[int, ...]]] = [(j * sizes[j - 1] if j else 0, (j,)) for j in range(n + 1)]
    cheapest = best[n]
    for k in range(1, most):
        best = [
            min(
                ((best[i][0] + (j - i) * sizes[j - 1] + WORTH, (*best[i][1], j)) for i in range(k, j)),
                default=(sys.maxsize, ()),
            )
            for j in range(n + 1)
        ]
        cheapest = min(cheapest, best[n])
    if len(cheapest[1]) < 2:
        return [list(range(n))]
    return [sorted(order[a:b]) for a, b in pairwise((0, *cheapest[1]))]


def use_frozen_head(
    model: Any, *, weighting: bool = False, cached: CachedInput | None = None, grouped: bool = False
) -> None:
    """Replace the fused head that trl put on a model by `completion_logprobs`; with what WPO's weights need if asked.

    Entropy, mean logits and top-1 accuracy, which trl only logs, are not computed: they come back as NaN
    (accuracy as False) and the trainer leaves them out of its log.

    Args:
        model: a causal LM.
        weighting: give log Σ p² too.
        cached: what its first layer that runs reads.
        grouped: read the rows of a batch in groups of like length. Not where a hook knows rows by their place.
    """
    from trl.trainer.utils import FusedCausalLMOutput

    plain = type(model).forward

    def read(self: Any, labels: Tensor, **kw: Any) -> tuple[Tensor, Tensor | None]:
        hidden = self.base_model(use_cache=False, **kw).last_hidden_state
        squares = hidden.new_zeros(labels[:, 1:].shape, dtype=torch.float32) if weighting else None
        return completion_logprobs(hidden, self.get_output_embeddings().weight, labels, squares), squares

    def read_groups(self: Any, labels: Tensor, **kw: Any) -> tuple[Tensor, Tensor | None]:
        ids, mask = kw["input_ids"], kw["attention_mask"]
        groups = length_groups(mask.sum(1).tolist())
        if len(groups) == 1:
            return read(self, labels, **kw)
        states = cached.states if cached is not None else None
        parts = []
        for rows in groups:
            n = int(mask[rows].sum(1).max())
            if cached is not None and states is not None:
                cached.states = states[rows, :n]
            found = read(self, labels[rows, :n], input_ids=ids[rows, :n], attention_mask=mask[rows, :n])
            parts.append([None if x is None else torch.nn.functional.pad(x, (0, ids.shape[1] - n)) for x in found])
        if cached is not None:
            cached.states = states
        back = torch.tensor([i for rows in groups for i in rows]).argsort()
        whole = [torch.cat([p[k] for p in parts])[back] if parts[0][k] is not None else None for k in (0, 1)]
        assert whole[0] is not None
        return whole[0], whole[1]

    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **kw: Any) -> Any:
        if not fused_lm_head:
            return plain(self, *args, labels=labels, **kw)
        assert labels is not None and not args
        kw.pop("use_cache", None)
        kw = {k: v for k, v in kw.items() if v is not None}  # peft hands on every option that it knows
        alone = kw.keys() <= {"input_ids", "attention_mask"} and labels.device.type == "cpu"
        log_probs, squares = (read_groups if grouped and alone else read)(self, labels, **kw)
        nothing = torch.full_like(log_probs, float("nan"), requires_grad=False)
        return FusedCausalLMOutput(
            log_probs=log_probs,
            log_sum_sq_probs=squares,
            entropy=nothing,
            mean_logits=nothing,
            is_top1=torch.zeros_like(log_probs, dtype=torch.bool),
            label_mask=labels[:, 1:] != -100,
        )

    model.forward = types.MethodType(forward, model)
