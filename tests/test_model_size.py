"""A model's size from its configuration is what the model has."""

import json
from pathlib import Path

import pytest

from offtarget.model_size import EMBEDDED_SIZE, size_of

SIZES = {"num_hidden_layers": 3, "hidden_size": 96, "intermediate_size": 200, "num_attention_heads": 6,
         "num_key_value_heads": 2, "vocab_size": 500, "pad_token_id": 0}  # fmt: skip


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ["llama", "mistral", "olmo2", "olmo3", "qwen2", "qwen3", "gemma2", "phi3", "smollm3"])
def test_it_counts_the_weights_that_transformers_builds(kind: str, tied: bool, tmp_path: Path) -> None:
    """Biases and norms of queries and keys are not counted: some hundred weights here."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(kind, **SIZES, head_dim=16, tie_word_embeddings=tied)
    config.save_pretrained(tmp_path)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    size = size_of(str(tmp_path))
    assert size is not None
    assert size.total == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.01)
    layer = sum(p.numel() for p in model.model.layers[0].parameters() if p.ndim == 2)
    assert (size.layers, size.width, size.layer, size.head) == (3, 96, layer, 500 * 96)


def test_the_adapter_of_a_rank_is_what_peft_makes(tiny_model: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), LoraConfig(r=3, target_modules=names))
    size = size_of(str(tiny_model))
    assert size is not None
    assert size.lora_a_rank * 3 * size.layers == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_the_embedded_model_is_known_without_its_files() -> None:
    assert EMBEDDED_SIZE.total == 134_515_008 == getattr(size_of("smollm2-135m"), "total", None)


def test_an_adapter_has_the_size_of_its_base_and_what_is_not_here_has_none(tmp_path: Path, tiny_model: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tiny_model)}))
    assert size_of(str(adapter)) == size_of(str(tiny_model)) is not None
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(adapter)}))
    assert size_of(str(adapter)) is None
    assert size_of("hf:org/nothing-here@0123abc") is None
    for config in ("[]", "no", json.dumps({"model_type": "mixtral", **SIZES}), json.dumps({"model_type": "llama"})):
        (tmp_path / "config.json").write_text(config)
        assert size_of(str(tmp_path)) is None
