"""Log-probabilities at the completion positions only, with a frozen LM head.

trl projects every position (prompt and padding too, off the GPU) and multiplies by the vocabulary matrix
again in the backward pass. With a frozen head neither is needed: the gradient of a token's log-probability
with respect to its hidden state is W[y] − E_p[W], and the expectation falls out of the forward pass.
"""

import types
from typing import Any

import torch
from torch import Tensor

TOKENS = 1024


class _FrozenHeadLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """Log-probabilities (n_tokens,) of targets (n_tokens,) from hidden (n_tokens, d), weight (vocab, d)."""
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
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return (grad[:, None] * gradient).to(ctx.hidden_dtype), None, None


def completion_logprobs(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Per-token log-probabilities of the next token, zero where the label is −100.

    Args:
        hidden: (batch, seq, d) last hidden states.
        weight: (vocab, d) of the LM head; gets no gradient.
        labels: (batch, seq) ids, −100 outside the completion.

    Returns:
        (batch, seq − 1) float32: position t holds log p(labels[t + 1] | ...).
    """
    targets = labels[:, 1:]
    mask = targets != -100
    scores = _FrozenHeadLogProbs.apply(hidden[:, :-1][mask], weight, targets[mask])
    return torch.zeros(targets.shape, dtype=torch.float32, device=hidden.device).masked_scatter(mask, scores)


def use_frozen_head(model: Any) -> None:
    """Replace the fused head that trl put on a model by `completion_logprobs`.

    Entropy, mean logits and top-1 accuracy, which trl only logs, are not computed: they come back as NaN
    (accuracy as False) and the trainer leaves them out of its log.
    """
    from trl.trainer.utils import FusedCausalLMOutput

    plain = type(model).forward

    def forward(
        self: Any, *args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **kw: Any
    ) -> Any:
        if not fused_lm_head:
            return plain(self, *args, labels=labels, **kw)
        assert labels is not None
        kw["use_cache"] = False
        hidden = self.base_model(*args, **kw).last_hidden_state
        log_probs = completion_logprobs(hidden, self.get_output_embeddings().weight, labels)
        nothing = torch.full_like(log_probs, float("nan"), requires_grad=False)
        return FusedCausalLMOutput(
            log_probs=log_probs,
            entropy=nothing,
            mean_logits=nothing,
            is_top1=torch.zeros_like(log_probs, dtype=torch.bool),
            label_mask=labels[:, 1:] != -100,
        )

    model.forward = types.MethodType(forward, model)
