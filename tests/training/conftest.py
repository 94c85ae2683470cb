"""A small training set and ways to train the tiny model on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.models import ModelRef, resolve
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store
from offtarget.training.run import Trained, prepare, train
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet


def small_pairs(n: int = 24) -> list[Pair]:
    words = ["red", "blue", "green", "tall", "small", "quick", "slow", "warm", "cold", "round"]
    out = []
    for i in range(n):
        prompt = [{"role": "user", "content": f"Describe thing number {i} in a {words[i % 10]} way."}]
        chosen = [
            {
                "role": "assistant",
                "content": f"It is {words[(i + 1) % 10]} and {words[(i + 3) % 10]}" + " indeed" * (i % 4),
            }
        ]
        rejected = [{"role": "assistant", "content": f"No {words[(i + 5) % 10]} thing" + " at all" * (i % 3)}]
        out.append(Pair(f"p{i}", prompt_group(prompt), prompt, chosen, rejected))
    return out


class Bench:
    """Trains the tiny model with everything else fixed."""

    def __init__(self, model: Path, home: Path) -> None:
        self.ref: ModelRef = resolve(str(model))
        self.store = Store(home)
        self.spec = TrainingSpec(
            mode="exact", bf16=False, max_steps=4, batch_size=4, max_length=96, learning_rate=1e-3, lora_rank=4,
            lora_alpha=8, lowest_layer=2, save_every=2,
        )  # fmt: skip
        self.set: TrainingSet = prepare(PairSet("small", small_pairs()), self.ref, self.spec)

    def identity(self) -> ShapingPlan:
        return ShapingPlan.identity("dpo", self.set.pairs, control=True)

    def train(self, plan: ShapingPlan, seed: int = 3, progress: Any = None, **changes: Any) -> Trained:
        spec = self.spec.model_copy(update=changes)
        return train(self.set, plan, self.ref, spec, seed=seed, store=self.store, progress=progress)

    @staticmethod
    def weights(folder: Path) -> dict[str, np.ndarray]:
        """The tensors that a training left in ``folder``: an adapter's, or a whole model's."""
        from safetensors.numpy import load_file

        adapter = folder / "adapter_model.safetensors"
        return load_file(adapter if adapter.exists() else folder / "model.safetensors")


@pytest.fixture()
def bench(tiny_model: Path, tmp_path: Path) -> Bench:
    return Bench(tiny_model, tmp_path / "store")
