"""LoRA adapters written by hand, for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Q = "base_model.model.model.layers.1.self_attn.q_proj"
"""A matrix of the tiny model: 64 × 64."""


def write_adapter(
    folder: Path, base: Path, matrices: Mapping[str, tuple[Any, Any]], *, rank: int, alpha: float, **config: Any
) -> Path:
    """An adapter of (A, B) by matrix, as peft writes one."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    tensors = {
        f"{n}.lora_{p}.weight": m.contiguous() for n, both in matrices.items() for p, m in zip("AB", both, strict=True)
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    targets = [name.removeprefix("base_model.model.") for name in matrices]
    (folder / "adapter_config.json").write_text(
        json.dumps(
            {
                "peft_type": "LORA",
                "task_type": "CAUSAL_LM",
                "base_model_name_or_path": str(base),
                "r": rank,
                "lora_alpha": alpha,
                "target_modules": targets,
                **config,
            }
        )
    )
    return folder


def random_adapter(folder: Path, base: Path, *, size: float = 0.3, seed: int = 0, **config: Any) -> Path:
    """An adapter on two matrices of the tiny model."""
    import torch

    random = torch.Generator().manual_seed(seed)
    down = "base_model.model.model.layers.3.mlp.down_proj"
    matrices = {
        Q: (torch.randn(4, 64, generator=random), size * torch.randn(64, 4, generator=random)),
        down: (torch.randn(4, 128, generator=random), size * torch.randn(64, 4, generator=random)),
    }
    return write_adapter(folder, base, matrices, rank=4, alpha=8, **config)
