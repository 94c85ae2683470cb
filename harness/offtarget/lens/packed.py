"""Several texts in one row without padding: each response sees its prompt and itself, not its neighbours.

Packed rows save what a padded batch of whole texts wastes: a prompt is computed once for all responses to it, and
no token is padding. The attention is plain matrix multiplication, one text at a time: on a processor
without a fused bfloat16 kernel it takes half the time of torch's scaled dot product attention, and it never
computes what a mask would throw away.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "offtarget_packed"
"""Under which transformers knows the attention below."""
QUERY_BLOCK = 128
"""Queries taken together: their scores stay in the cache, and keys that none of them sees are left out."""
UNKNOWN = ("attn_logit_softcapping", "attention_sinks", "use_alibi", "alibi")
"""Settings of a configuration that change what attention computes, and that are not computed here."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where one text stands in a packed row, and the tokens before it that it sees besides itself."""

    start: int
    stop: int
    seen: tuple[int, int] = (0, 0)


def can_pack(model: Any, max_length: int) -> bool:
    """Whether a model's attention may be replaced: full, causal, with positions as they are given."""
    import inspect

    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        bool(getattr(model, "_supports_attention_backend", False))
        and (not window or window >= max_length or kinds == {"full_attention"})
        and kinds <= {"full_attention", "sliding_attention"}
        and not any(getattr(config, name, None) for name in UNKNOWN)
        and "position_ids" in inspect.signature(model.base_model.forward).parameters
    )


@contextmanager
def packed(model: Any, stretches: Sequence[Stretch]) -> Iterator[None]:
    """Run a model's attention within the stretches of a row, for the time of one forward pass.

    The model is called with `input_ids` of shape `(1, n_tokens)`, and with `position_ids` that count each text's
    tokens on from those that it sees. Stretches follow one another and leave no token out.
    """
    from transformers import AttentionInterface

    def attention(
        module: Any, query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", mask: Any,
        scaling: float | None = None, **kwargs: Any,
    ) -> tuple["torch.Tensor", None]:  # fmt: skip
        return attend(query, key, value, stretches, scaling), None

    configs = {id(c): c for c in (model.config, model.config.get_text_config())}.values()
    before = [c._attn_implementation for c in configs]
    AttentionInterface.register(NAME, attention)
    for config in configs:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config, name in zip(configs, before, strict=True):
            config._attn_implementation = name


def attend(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    stretches: Sequence[Stretch],
    scaling: float | None = None,
) -> "torch.Tensor":
    """Causal attention inside each stretch and to what it sees.

    Args:
        query: `(1, heads, n_tokens, d)`.
        key: `(1, groups, n_tokens, d)`, where `groups` divides `heads` (grouped-query attention).
        value: as `key`.
        stretches: the texts.
        scaling: of the scores; by default one over the root of d.

    Returns:
        `(1, n_tokens, heads, d)`, in the inputs' type.
    """
    import torch

    one = _by_blocks if query.device.type == "cpu" else _fused
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    out = torch.empty_like(query[0].transpose(0, 1))
    for s in stretches:
        keys, values = key[0, :, s.start : s.stop], value[0, :, s.start : s.stop]
        if s.seen[1] > s.seen[0]:
            keys = torch.cat((key[0, :, slice(*s.seen)], keys), 1)
            values = torch.cat((value[0, :, slice(*s.seen)], values), 1)
        one(query[0, :, s.start : s.stop], keys, values, scale, out[s.start : s.stop])
    return out[None]


def _by_blocks(
    query: "torch.Tensor", keys: "torch.Tensor", values: "torch.Tensor", scale: float, out: "torch.Tensor"
) -> None:
    """The last of the keys belongs to the last query; `out` is `(n, heads, d)`."""
    import torch

    groups, total, d = keys.shape
    heads, n, _ = query.shape
    q = (query * scale).reshape(groups, heads // groups, n, d)
    size = min(QUERY_BLOCK, n)
    later = torch.full((size, size), -torch.inf, dtype=q.dtype, device=q.device).triu_(1)
    for a in range(0, n, QUERY_BLOCK):
        b = min(a + QUERY_BLOCK, n)
        reach = total - n + b
        scores = q[:, :, a:b].reshape(groups, -1, d) @ keys[:, :reach].transpose(1, 2)
        scores.view(heads, b - a, reach)[..., reach - b + a :].add_(later[: b - a, : b - a])
        # softmax sums in float32 whatever its input is; asked for float32 output it takes thrice as long
        mixed = torch.softmax(scores, -1) @ values[:, :reach]
        out[a:b] = mixed.view(heads, b - a, d).transpose(0, 1)


def _fused(
    query: "torch.Tensor", keys: "torch.Tensor", values: "torch.Tensor", scale: float, out: "torch.Tensor"
) -> None:
    """As `_by_blocks`, by torch's own kernel: fewer calls, which is what counts on other devices."""
    from torch.nn.attention.bias import causal_lower_right
    from torch.nn.functional import scaled_dot_product_attention

    mask = causal_lower_right(query.shape[1], keys.shape[1])
    mixed = scaled_dot_product_attention(
        query[None], keys[None], values[None], attn_mask=mask, scale=scale, enable_gqa=True
    )
    out.copy_(mixed[0].transpose(0, 1))
