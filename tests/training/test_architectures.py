"""Training on models of ten families, each by its own structure: exact mode as plain trl, fast mode as exact mode."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import tiny_tokenizer
from tests.training.conftest import Bench
from tests.training.test_invariants import LLAMA, gradient, plain_trl

from offtarget.architecture import parts_of, projections
from offtarget.errors import ConfigError
from offtarget.models import load
from offtarget.shaping.hooks import Steer

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
QUICK = 2
"""Families that differ most from Llama; the others are tried by `make test-all`."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(f, id=f.name, marks=[] if i < QUICK else [pytest.mark.slow]) for i, f in enumerate(FAMILIES)],
)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Family, Path]:
    return request.param, request.param.save(tmp_path_factory.mktemp(request.param.name))


def bench_of(model: Path, home: Path) -> Bench:
    made = Bench(model, home)
    made.spec = made.spec.model_copy(update={"max_steps": 2})
    return made


def test_exact_mode_is_plain_trl_to_the_last_bit(family: tuple[Family, Path], tmp_path: Path) -> None:
    of, folder = family
    bench = bench_of(folder, tmp_path / "store")
    ours = bench.train(bench.identity())
    losses = plain_trl(bench, tmp_path / "plain", seed=3, modules=of.matrices, pattern=of.path.rpartition(".")[2])
    assert ours.digest["losses"] == [round(x, 6) for x in losses] and len(losses) == 2
    a, b = bench.weights(ours.path), bench.weights(tmp_path / "plain" / "policy")
    assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
    assert any(np.abs(a[k]).max() > 0 for k in a if "lora_B" in k), "nothing was trained"


def test_fast_mode_has_its_losses_or_refuses_the_model_by_name(family: tuple[Family, Path], tmp_path: Path) -> None:
    of, folder = family
    bench = bench_of(folder, tmp_path / "store")
    n = len(bench.set.pairs)
    v = np.zeros(64, np.float32)
    v[5] = 1
    plan = bench.identity().edit(
        hooks=(Steer(layer=3, directions=v, chosen=np.full(n, 6.0), rejected=np.zeros(n), module="attention"),)
    )
    if of.refused:
        with pytest.raises(ConfigError, match=f"{of.refused}.*training.mode=exact"):
            bench.train(bench.identity(), mode="fast")
        return
    model, _ = load(bench.ref)
    parts = parts_of(model)
    assert (parts.path, parts.width, len(parts.layers)) == (of.path, 64, 4)
    assert set(projections(parts.layers)) == set(of.matrices)
    fast, exact = bench.train(bench.identity(), mode="fast"), bench.train(bench.identity())
    assert fast.digest["prefix_layer"] == 2
    np.testing.assert_allclose(fast.digest["losses"], exact.digest["losses"], atol=1e-4)
    plain, _ = gradient(bench, bench.identity(), tmp_path / "a", mode="fast")
    steered, a = gradient(bench, plan, tmp_path / "b", mode="fast")
    steered_exactly, b = gradient(bench, plan, tmp_path / "c")
    assert abs(plain - steered) > 1e-4 and steered == pytest.approx(steered_exactly, abs=1e-5)
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=5e-3, atol=1e-6)
