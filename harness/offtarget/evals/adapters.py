"""LoRA adapters as changes of weights: how large they are, the same at another scale, and random ones of the same size.

An adapter changes each matrix W that it is on to W + s·B·A, with s = lora_alpha/r (or /√r). The size of that change is
‖s·B·A‖ in the Frobenius norm, matrix by matrix. A null adapter is on the same matrices with the same rank; entries of its A
and B are normal, and B is scaled so that each matrix changes by the same norm. So it says what a change of that size does
whatever it was trained for.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError
from offtarget.model_folder import ADAPTER_CONFIG, check_adapter
from offtarget.models import ModelRef, base_of, resolve
from offtarget.store import Store, file_sha256, hash_of, write_atomic

STAGE_VERSION = 1
WEIGHTS, TEMPLATE = "adapter_model.safetensors", "chat_template.jinja"
A, B = ".lora_A.weight", ".lora_B.weight"
_OTHER = {"use_dora": False, "bias": "none", "modules_to_save": None, "alpha_pattern": {}, "lora_bias": False}
"""Options under which a policy is not its start model plus s·B·A with one s; and their values without it."""
DIGITS = 4
"""Norms are known to this many significant digits in the keys of null adapters."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter that was read."""

    path: Path
    config: Mapping[str, Any]
    pairs: Mapping[str, tuple[Any, Any]]
    """Matrix -> A (rank, inputs) and B (outputs, rank)."""

    def scaling(self, rank: int) -> float:
        """What B·A is multiplied with."""
        alpha = float(self.config.get("lora_alpha", 8))
        return alpha / math.sqrt(rank) if self.config.get("use_rslora") else alpha / rank

    @property
    def norms(self) -> dict[str, float]:
        """Matrix -> ‖s·B·A‖, the Frobenius norm of its change."""
        return {name: abs(self.scaling(len(a))) * _norm(a, b) for name, (a, b) in self.pairs.items()}

    @property
    def shapes(self) -> dict[str, tuple[int, int, int]]:
        """Matrix -> outputs, rank, inputs."""
        return {name: (b.shape[0], *a.shape) for name, (a, b) in self.pairs.items()}


def top_of(ref: ModelRef) -> Path:
    """The folder of the adapter that is on top of a model.

    Raises:
        ConfigError: the model is no adapter.
    """
    if not ref.adapters:
        raise ConfigError(
            f"model '{ref.name}' is no LoRA adapter: only those are a start model plus a change of known size"
        )
    return Path(ref.adapters[-1])


def start_of(ref: ModelRef, store: Store) -> ModelRef:
    """The model that an adapter is on.

    Raises:
        ConfigError: the model is no adapter, or its base cannot be found.
    """
    return resolve(base_of(top_of(ref)), store)


def read_adapter(path: Path) -> Adapter:
    """An adapter whose policy is the start model plus s·B·A and no more.

    Raises:
        ConfigError: not a LoRA adapter, or one that also changes something else (names it).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_adapter(path)
    config = json.loads((path / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    for key, plain in _OTHER.items():
        if config.get(key) not in (plain, None):
            raise ConfigError(
                f"{path / ADAPTER_CONFIG}: {key} is set, so this adapter is not one change B·A that can be scaled"
            )
    try:
        tensors = load_file(path / WEIGHTS)
    except (OSError, SafetensorError) as e:
        raise ConfigError(f"{path / WEIGHTS}: cannot be read ({e}); fetch the adapter again") from None
    names = {k.removesuffix(A) for k in tensors if k.endswith(A)} | {
        k.removesuffix(B) for k in tensors if k.endswith(B)
    }
    for key, value in tensors.items():
        if not key.endswith((A, B)) or value.ndim != 2:
            raise ConfigError(f"{path / WEIGHTS}: {key} is no matrix A or B of LoRA, so this adapter cannot be scaled")
    for name in sorted(names):
        a, b = tensors.get(name + A), tensors.get(name + B)
        if a is None or b is None or a.shape[0] != b.shape[1]:
            raise ConfigError(f"{path / WEIGHTS}: {name} has no A and B that go together; fetch the adapter again")
    if not names:
        raise ConfigError(f"{path / WEIGHTS}: holds no matrices; fetch the adapter again")
    return Adapter(path, config, {n: (tensors[n + A].float(), tensors[n + B].float()) for n in sorted(names)})


def scaled(path: Path, scale: float, store: Store) -> Path:
    """The adapter with its change multiplied by a number, in the store: W + scale·s·B·A.

    Args:
        path: folder of the adapter.
        scale: any finite number; at 1 the folder itself is given back.
        store: where it is kept.

    Raises:
        ConfigError: as `read_adapter`.
    """
    if scale == 1:
        return path
    inputs = {"adapter": {f: file_sha256(path / f) for f in (ADAPTER_CONFIG, WEIGHTS)}, "scale": scale}

    def build(out: Path) -> None:
        from safetensors.torch import save_file

        found = read_adapter(path)
        config = {**found.config, "lora_alpha": float(found.config.get("lora_alpha", 8)) * scale}
        tensors = {n + part: m for n, both in found.pairs.items() for part, m in zip((A, B), both, strict=True)}
        save_file(tensors, _begun(out, path, config) / WEIGHTS)

    return store.get("adapter-scaled", STAGE_VERSION, inputs, build) / "adapter"


def null_adapter(found: Adapter, start: ModelRef, draw: int, store: Store) -> Path:
    """A random adapter that changes each matrix by the norm that a trained one does, in the store.

    It is found again for any policy of the same start model, shapes and norms.

    Args:
        found: the trained adapter.
        start: the model that it is on.
        draw: which of the null adapters, from 0.
        store: where it is kept.
    """
    norms = {name: _rounded(n) for name, n in found.norms.items()}
    inputs = {
        "start": start.identity,
        "norms": norms,
        "shapes": {name: list(shape) for name, shape in found.shapes.items()},
        "draw": draw,
    }

    def build(out: Path) -> None:
        import torch
        from safetensors.torch import save_file

        random = torch.Generator().manual_seed(int(hash_of(inputs)[:15], 16))
        tensors = {}
        for name, (outputs, rank, width) in found.shapes.items():
            a = torch.randn(rank, width, generator=random)
            b = torch.randn(outputs, rank, generator=random)
            tensors[name + A] = a
            tensors[name + B] = b * (norms[name] / abs(found.scaling(rank)) / _norm(a, b))
        save_file(tensors, _begun(out, found.path, found.config) / WEIGHTS)

    return store.get("adapter-null", STAGE_VERSION, inputs, build) / "adapter"


def _begun(out: Path, like: Path, config: Mapping[str, Any]) -> Path:
    """The folder of an adapter without its weights."""
    folder = out / "adapter"
    base = str(config["base_model_name_or_path"])
    where = str(Path(base).resolve()) if Path(base).is_dir() else base
    write_atomic(
        folder / ADAPTER_CONFIG, json.dumps({**config, "base_model_name_or_path": where}, indent=1, sort_keys=True)
    )
    if (like / TEMPLATE).is_file():
        write_atomic(folder / TEMPLATE, (like / TEMPLATE).read_bytes())
    return folder


def _norm(a: Any, b: Any) -> float:
    """‖B·A‖ by two small products: its square is Σ (BᵀB) ∘ (A·Aᵀ)."""
    a, b = a.double(), b.double()
    return math.sqrt(max(0.0, float(((b.T @ b) * (a @ a.T)).sum())))


def _rounded(norm: float) -> float:
    return float(f"{norm:.{DIGITS - 1}e}")
