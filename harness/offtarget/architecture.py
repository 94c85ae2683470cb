"""Where a causal language model of transformers has its parts: found by its own structure, not by one family's names."""

from dataclasses import dataclass
from typing import Any

from offtarget.errors import ConfigError

ATTENTION = ("self_attn", "attention", "attn", "self_attention")
MLP = ("mlp", "feed_forward")
"""What families call the two modules of a decoder layer."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts that training, reading and hooks work on."""

    body: Any
    """All but the head: from token ids to the last hidden states, after the last norm."""
    layers: Any
    """The list of decoder layers."""
    path: str
    """Where that list is in the model: model.layers, transformer.h, gpt_neox.layers."""
    head: Any
    """The matrix from hidden states to logits."""
    width: int
    """Numbers in a hidden state."""

    @property
    def list_name(self) -> str:
        """The last part of the path, by which peft knows the numbers of layers."""
        return self.path.rpartition(".")[2]


def parts_of(model: Any) -> Parts:
    """The parts of a causal language model, or of its skeleton.

    Raises:
        ConfigError: it has no list of as many modules as its configuration says layers, or no head over a body.
    """
    path, layers = _layers(model)
    body, head = getattr(model, "base_model", None), model.get_output_embeddings()
    if body is None or body is model or head is None:
        raise ConfigError(
            f"{type(model).__name__}: no head over a body found; it is no causal language model that is known here"
        )
    return Parts(body, layers, path, head, int(model.config.get_text_config().hidden_size))


def decoder_layers(model: Any) -> Any:
    """The module list of a model's decoder layers.

    Raises:
        ConfigError: the architecture has no list of as many modules as its configuration says layers.
    """
    return _layers(model)[1]


def _layers(model: Any) -> tuple[str, Any]:
    import torch

    n = model.config.get_text_config().num_hidden_layers
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == n:
            return name, module
    raise ConfigError(f"{type(model).__name__}: no list of its {n} decoder layers found; this architecture is not read")


def projections(layers: Any) -> list[str]:
    """Names of the matrices in decoder layers, each once, in the order in which the first layer that has them does.

    Raises:
        ConfigError: there is none.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    found = [
        name.rpartition(".")[2]
        for name, module in layers.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
    ]
    if not found:
        raise ConfigError(f"{type(layers[0]).__name__} has no linear maps, so LoRA has no place in it")
    return list(dict.fromkeys(found))


def stored_transposed(layers: Any) -> bool:
    """Whether the matrices in decoder layers are (in, out), as GPT-2's are, and not (out, in)."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in layers.modules())


def gives_tuples(model: Any) -> bool:
    """Whether its decoder layers hand on tuples, seen in a pass over one token."""
    import torch

    parts, seen = parts_of(model), []
    handle = parts.layers[0].register_forward_hook(
        lambda _module, _args, output: seen.append(isinstance(output, tuple))
    )
    try:
        with torch.no_grad():
            parts.body(torch.tensor([[1]], device=next(model.parameters()).device), use_cache=False)
    finally:
        handle.remove()
    return bool(seen[0])


def windows(model: Any) -> list[int] | None:
    """How many tokens back each layer sees, 0 where all; None where the model does not attend as it is told.

    That is: a layer keeps something else than keys and values, or the model has an attention of its own, or takes no positions.
    """
    import inspect

    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    takes_positions = "position_ids" in inspect.signature(model.base_model.forward).parameters
    if not takes_positions or not getattr(model, "_supports_attention_backend", False):
        return None
    config = model.config.get_text_config(decoder=True)
    layers = DynamicCache(config=config).layers
    if len(layers) != config.num_hidden_layers:
        return None
    if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return None
    return [int(getattr(layer, "sliding_window", 0) or 0) for layer in layers]
