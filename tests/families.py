"""Tiny random models of eleven families, for what must hold of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import tiny_tokenizer

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SIZE = {
    "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 128,
    "max_position_embeddings": 512, "initializer_range": 0.2,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A kind of model, and what is known of its parts."""

    name: str
    """Of its classes in transformers."""
    options: dict[str, Any] = field(default_factory=dict)
    path: str = "model.layers"
    matrices: tuple[str, ...] = LLAMA
    refused: str = ""
    """What fast mode says of it; empty: it takes it."""
    config: str = ""

    def save(self, folder: Path) -> Path:
        import transformers

        tokenizer = tiny_tokenizer()
        config = getattr(transformers, self.config or f"{self.name}Config")(
            **{**SIZE, **self.options},
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = transformers.AutoModelForCausalLM.from_config(config)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder


GPT2 = {"n_embd": 64, "n_layer": 4, "n_head": 4, "n_inner": 128, "n_positions": 512}
FAMILIES = [
    Family("GPT2", GPT2, "transformer.h", ("c_attn", "c_proj", "c_fc")),
    Family("Gemma3", {"head_dim": 16, "sliding_window": 16}, config="Gemma3TextConfig"),
    Family("GPTNeoX", {}, "gpt_neox.layers", ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h")),
    Family("Phi3", {}, matrices=("o_proj", "qkv_proj", "gate_up_proj", "down_proj")),
    Family(
        "Gemma2", {"head_dim": 16, "query_pre_attn_scalar": 16}, refused="Gemma2ForCausalLM does more to its logits"
    ),
    Family("Granite", {"embedding_multiplier": 12.0, "residual_multiplier": 0.5}),
    Family("Llama"),
    Family("Mistral", {"sliding_window": 16}),
    Family("Olmo2"),
    Family("Qwen2"),
    Family("Qwen3", {"head_dim": 16}),
]


def families(quick: int) -> Callable[..., Any]:
    """A fixture of each family and its folder: the first ones, which differ most from Llama, in the fast suite.

    Args:
        quick: how many; the others are tried by `make test-all`.
    """

    @pytest.fixture(
        scope="module",
        params=[
            pytest.param(f, id=f.name, marks=[] if i < quick else [pytest.mark.slow]) for i, f in enumerate(FAMILIES)
        ],
    )
    def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Family, Path]:
        return request.param, request.param.save(tmp_path_factory.mktemp(request.param.name))

    return family
