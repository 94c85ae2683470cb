"""How large a model is, from its config.json alone: what estimates of time and disk go by. No weight is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.documents import read_json
from offtarget.errors import ConfigError
from offtarget.model_folder import ADAPTER_CONFIG, CONFIG
from offtarget.models import EMBEDDED, base_of

DENSE = frozenset(
    {
        "gemma", "gemma2", "gemma3_text", "granite", "llama", "mistral", "olmo", "olmo2", "olmo3", "phi3", "qwen2", "qwen3",
        "smollm3",
    }
)  # fmt: skip
"""Kinds of model whose layers are attention and a gated MLP, every weight used for every token."""
_TIED = frozenset({"gemma", "gemma2", "gemma3_text"})
"""Kinds that share embedding and head where the configuration does not say it."""


@dataclass(frozen=True)
class ModelSize:
    """Counts of weights; biases, which some kinds have, are not counted (under 0.1 %)."""

    layers: int
    width: int
    """Numbers in a hidden state."""
    layer: int
    """Matrices of one layer."""
    head: int
    """Vocabulary times width."""
    total: int
    """All weights: layers, norms, embedding, and the head where it is not the embedding."""
    lora_a_rank: int
    """Weights of LoRA matrices of rank 1 on the seven projections of one layer."""

    @property
    def multiplied(self) -> int:
        """Weights that a token is multiplied with: those of the layers and of the head."""
        return self.layers * self.layer + self.head


def size_of(name: str) -> ModelSize | None:
    """The size of a model by alias, directory or hub id; None where its configuration is not here or is of another kind.

    Args:
        name: as `models.resolve` takes it. The hub is not asked: only what was fetched before is known.
    """
    if name == EMBEDDED:
        return EMBEDDED_SIZE
    try:
        file = _config_file(name)
        config = None if file is None else read_json(file)
    except ConfigError:  # a run says what is wrong with it
        return None
    return _size(config) if isinstance(config, Mapping) else None


def _config_file(name: str, above: tuple[Path, ...] = ()) -> Path | None:
    if name.startswith("hf:"):
        from huggingface_hub import try_to_load_from_cache

        hub, _, revision = name[3:].partition("@")
        cached = try_to_load_from_cache(hub, CONFIG, revision=revision or None)
        return Path(cached) if isinstance(cached, str) else None
    path = Path(name)
    if not (path / ADAPTER_CONFIG).is_file():
        return path / CONFIG if (path / CONFIG).is_file() else None
    if path.resolve() in above:
        return None
    return _config_file(base_of(path), (*above, path.resolve()))


def _size(config: Mapping[str, Any]) -> ModelSize | None:
    """The size that a configuration describes; None where it is not of a `DENSE` kind or lacks a number."""
    kind = config.get("model_type")
    wanted = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")
    numbers = [config.get(key) for key in wanted]
    if kind not in DENSE or not all(type(n) is int and n > 0 for n in numbers):
        return None
    layers, width, inner, heads, vocabulary = (int(n) for n in numbers if n is not None)
    a_head, groups = config.get("head_dim") or width // heads, config.get("num_key_value_heads") or heads
    if type(a_head) is not int or type(groups) is not int:
        return None
    queries, keys = heads * a_head, groups * a_head
    shapes = [(width, queries), (width, keys), (width, keys), (queries, width), *[(width, inner)] * 3]
    layer, head = sum(a * b for a, b in shapes), vocabulary * width
    tied = bool(config.get("tie_word_embeddings", kind in _TIED))
    return ModelSize(
        layers=layers,
        width=width,
        layer=layer,
        head=head,
        total=layers * (layer + 2 * width) + width + head * (1 if tied else 2),
        lora_a_rank=sum(a + b for a, b in shapes),
    )


def _embedded() -> ModelSize:
    found = _size(
        {
            "model_type": "llama", "num_hidden_layers": 30, "hidden_size": 576, "intermediate_size": 1536,
            "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True,
        }
    )  # fmt: skip
    assert found is not None
    return found


EMBEDDED_SIZE = _embedded()


def not_estimated(name: str) -> str:
    """What is said instead of a figure of a model of unknown size."""
    return f"not estimated for {name}: its size is not known here"


def scaled_words(size: ModelSize) -> str:
    """What an estimate of another model rests on."""
    millions, embedded = size.total / 1e6, EMBEDDED_SIZE.total / 1e6
    places = 0 if millions >= 10 else 1
    return (
        f"scaled by parameters ({millions:,.{places}f} million, embedded {embedded:.0f}) from the embedded model's measured "
        "speed"
    )
