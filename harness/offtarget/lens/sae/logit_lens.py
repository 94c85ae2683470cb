"""What the latents of an autoencoder promote: their decoder directions read straight through the model's head."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

VERSION = 2
TOKENS = 8


def promoted_tokens(decoder: NDArray[np.float32], model: Any, tokenizer: Any, n: int = TOKENS) -> list[tuple[str, ...]]:
    """The tokens that each latent's decoder direction makes likelier, beyond what it does to all latents' tokens.

    The logit lens: ⟨w_token, γ ⊙ d⟩ with the gain γ of the final norm. Each token's logits are standardised over
    latents, else tokens with a long unembedding, which are mostly rare ones, lead everywhere. Tokens that differ in
    case or spaces only are named once; line ends are shown as ⏎; what is no text by itself is left out.

    Args:
        decoder: the direction that each latent writes, `(width, latents)`.
        model: a causal language model of transformers.
        tokenizer: its tokenizer.
        n: most tokens of a latent.

    Returns:
        For each latent up to `n` tokens, the likeliest first; nothing for a model without a plain head.
    """
    import torch

    head = model.get_output_embeddings()
    norm = getattr(getattr(model, "model", None), "norm", None)
    if head is None or norm is None:
        return [() for _ in range(decoder.shape[1])]
    with torch.inference_mode():
        weight = head.weight.float()
        direction = torch.from_numpy(np.ascontiguousarray(decoder.T)).to(weight.device)
        direction = direction * gain(norm, head.weight[0])
        # moments over latents from the directions' own: mean w·d̄, second moment wᵀ(DᵀD/n)w
        mean = weight @ direction.mean(0)
        second = ((weight @ (direction.T @ direction / len(direction))) * weight).sum(1)
        spread = (second - mean**2).clamp(min=1e-12).sqrt()
        names = tokenizer.batch_decode([[i] for i in range(weight.shape[0])])
        out: list[tuple[str, ...]] = []
        for start in range(0, len(direction), 256):
            z = (direction[start : start + 256] @ weight.T - mean) / spread
            for row in z.topk(min(4 * n, z.shape[1]), dim=1).indices.tolist():
                seen: dict[str, str] = {}
                for i in row:
                    text = names[i].replace("\n", "⏎").strip()
                    if text and text.isprintable() and "\ufffd" not in text:
                        seen.setdefault(text.lower(), text)
                out.append(tuple(seen.values())[:n])
    return out


def gain(norm: Any, like: "torch.Tensor") -> "torch.Tensor":
    """By what a norm multiplies each coordinate of an input of unit mean square and mean zero.

    Measured, not read off a parameter: some norms multiply by one more than their weight (Gemma's), some have none.

    Args:
        norm: the module.
        like: any tensor of the norm's width, type and device, `(width,)`.

    Returns:
        `(width,)`, float32.
    """
    import torch

    x = torch.ones_like(like)
    x[1::2] = -1
    return ((norm(x[None]) - norm(-x[None]))[0] * x / 2).float()
