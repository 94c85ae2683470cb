"""How good an SAE is on text that it was not trained on."""

from collections.abc import Callable
from typing import Any

from offtarget.architecture import decoder_layers
from offtarget.data.pairs import PairSet
from offtarget.lens.activations import use_threads
from offtarget.lens.reader import Reader
from offtarget.lens.sae.encode import SaeLens, read_features
from offtarget.lens.tokens import tokenise_pairs


def evaluate_sae(
    lens: SaeLens, held_out: PairSet, reader: Reader, *, threads: int | None = None, n_loss: int = 24
) -> dict[str, Any]:
    """Variance explained, L0, live latents and loss recovered on responses that were not trained on.

    Args:
        lens: the SAE.
        held_out: the pairs.
        reader: its model and how it reads.
        threads: processor threads.
        n_loss: responses on which the loss is measured (chosen and rejected in turn).
    """
    model, tokenizer = reader.load()
    info = read_features(lens, model, tokenizer, held_out, max_length=reader.max_length, threads=threads).info
    figures = {k: info[k] for k in ("variance_explained", "l0", "share_alive", "n_response_tokens")}
    with use_threads(threads):
        figures |= loss_recovered(lens, model, tokenizer, held_out, n_loss)
    return {"data": held_out.name, "rows_sha256": held_out.rows_sha256, "pairs": len(held_out), **figures}


def loss_recovered(lens: SaeLens, model: Any, tokenizer: Any, data: PairSet, n: int) -> dict[str, float]:
    """Cross-entropy on response tokens with their activations reconstructed, or ablated.

    The activations of the response's own tokens are replaced after the lens's layer, all others stay. Loss
    recovered is `(ablated - reconstructed) / (ablated - plain)`, ablation to zero or to the mean
    activation of the same tokens.

    Returns:
        Losses in nats per token, and both shares recovered.
    """
    import torch

    tokens = tokenise_pairs(tokenizer, data.pairs)
    chosen = [(c, w) for k, (c, *ws) in enumerate(tokens.where) for w in [ws[k % 2]] if w >= 0][:n]
    layer = decoder_layers(model)[lens.layer]
    replace: Callable[[torch.Tensor], torch.Tensor] | None = None
    mask = torch.zeros(0, dtype=torch.bool)
    seen: list[torch.Tensor] = []

    def hook(module: Any, args: Any, output: Any) -> Any:
        hidden = (output[0] if isinstance(output, tuple) else output).clone()
        inside = hidden[0, mask].float()
        if replace is None:
            seen.append(inside)
            return output
        hidden[0, mask] = replace(inside).to(hidden.dtype)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    def mean_loss() -> float:
        nonlocal mask
        total, count = 0.0, 0
        for c, r in chosen:
            prompt, response = tokens.conversations[c].prompt, tokens.conversations[c].responses[r]
            ids = torch.tensor([prompt.ids + response.ids], device=model.device)
            mask = torch.tensor([False] * len(prompt.ids) + response.content, device=model.device)
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")[mask[1:]]
            total, count = total + float(loss.sum()), count + len(loss)
        return total / count

    handle = layer.register_forward_hook(hook)
    try:
        with torch.inference_mode():
            plain = mean_loss()
            mean = torch.cat(seen).mean(0)
            losses = {"loss": plain}
            for name, how in {
                "loss_reconstructed": lambda x: lens.sae.decode(lens.sae.encode(x)),
                "loss_zero_ablated": torch.zeros_like,
                "loss_mean_ablated": lambda x: mean.expand_as(x),
            }.items():
                replace = how
                losses[name] = mean_loss()
    finally:
        handle.remove()
    for kind in ("zero", "mean"):
        ablated = losses[f"loss_{kind}_ablated"]
        losses[f"loss_recovered_{kind}"] = (ablated - losses["loss_reconstructed"]) / (ablated - plain)
    return losses
