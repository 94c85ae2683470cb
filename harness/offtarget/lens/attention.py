"""Attention in packed rows: several texts without padding, each of which sees its prompt and itself.

Packed rows save what a padded batch of whole texts wastes: a prompt is computed once for all responses to it, and
no token is padding. On a processor the attention is plain matrix multiplication, one text at a time: that takes
half the time of torch's scaled dot product attention in bfloat16, and never computes what a mask would throw away.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offtarget.architecture import windows

if TYPE_CHECKING:
    import torch

NAME = "offtarget_packed"
"""Under which transformers knows the attention below."""
QUERY_BLOCK = 128
"""Queries taken together: their scores stay in the cache, and keys that none of them sees are left out."""
UNDERSTOOD = {"dropout", "is_causal", "sliding_window", "position_ids", "use_cache", "cache_position"}
"""What a model may hand to its attention besides queries, keys, values, mask and scaling. Anything else (soft caps,
sinks, sparse indices) would change what attention computes."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where one text is in a packed row, and the tokens before it that it sees besides itself."""

    start: int
    stop: int
    seen: tuple[int, int] = (0, 0)


class UnknownAttention(Exception):  # noqa: N818 - not an error: it says that a model keeps its own attention
    """Raised where a model asks its attention for more than is computed here."""


def plain_attention(model: Any, max_length: int) -> bool:
    """Whether in texts of this length each token sees all before it, with positions as they are given."""
    seen = windows(model)
    return seen is not None and all(not window or window >= max_length for window in seen)


@contextmanager
def packed(model: Any, stretches: Sequence[Stretch]) -> Iterator[None]:
    """Run a model's attention within the stretches of a row, for the time of one forward pass.

    The model is called with `input_ids` of shape `(1, n_tokens)`, and with `position_ids` that count each text's
    tokens on from those that it sees. Stretches follow one another and leave no token out.

    Raises:
        UnknownAttention: in the pass, where the model asks its attention for more than is computed here.
    """
    from transformers import AttentionInterface

    def attention(
        module: Any, query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", mask: Any,
        scaling: float | None = None, **more: Any,
    ) -> tuple["torch.Tensor", None]:  # fmt: skip
        asked = {k for k, v in more.items() if v is not None and v is not False}
        if asked - UNDERSTOOD or not getattr(module, "is_causal", True):
            raise UnknownAttention
        return attend(query, key, value, stretches, scaling), None

    config = model.config.get_text_config()
    before = config._attn_implementation
    AttentionInterface.register(NAME, attention)
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


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


@contextmanager
def _bfloat16_products(dtype: "torch.dtype") -> Iterator[None]:
    """Products of float32 copies of bfloat16 values at bfloat16's speed, with sums and results in float32.

    Queries and keys lose nothing by it; the weights of the softmax are rounded as any bfloat16 attention rounds them.
    """
    import torch

    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    if dtype == torch.bfloat16:
        matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


def _by_blocks(
    query: "torch.Tensor", keys: "torch.Tensor", values: "torch.Tensor", scale: float, out: "torch.Tensor"
) -> None:
    """The last of the keys belongs to the last query; `out` is `(n, heads, d)`. Scores and softmax are in float32."""
    import torch

    groups, total, d = keys.shape
    heads, n, _ = query.shape
    q = query.reshape(groups, heads // groups, n, d).float()
    k, v = keys.transpose(1, 2).float(), values.float()
    size = min(QUERY_BLOCK, n)
    later = torch.full((size, size), -torch.inf).triu_(1)
    with _bfloat16_products(query.dtype):
        for a in range(0, n, QUERY_BLOCK):
            b = min(a + QUERY_BLOCK, n)
            reach = total - n + b
            scores = (q[:, :, a:b].reshape(groups, -1, d) @ k[:, :, :reach]).mul_(scale)
            scores.view(heads, b - a, reach)[..., reach - b + a :].add_(later[: b - a, : b - a])
            mixed = torch.softmax(scores, -1, out=scores) @ v[:, :reach]
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
