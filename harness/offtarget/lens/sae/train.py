"""Train an SAE for a model: what `offtarget lens train` runs, and how the shipped one was made.

BatchTopK (k latents per token on average over a batch) with sae-lens' trainer and its auxiliary loss for
dead latents, saved as JumpReLU. The activations come through the same hook as everywhere else.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, DataError
from offtarget.lens.activations import choose_layer, use_threads
from offtarget.lens.reader import MAX_LENGTH, Reader
from offtarget.lens.sae.collect import NORM_CAP, Activations, collect
from offtarget.lens.sae.encode import CONFIG, WEIGHTS, load_sae
from offtarget.lens.sae.evaluate import evaluate_sae
from offtarget.machine import precision
from offtarget.models import ModelRef
from offtarget.progress import Steps
from offtarget.records import Record
from offtarget.store import output_dir, write_atomic

if TYPE_CHECKING:
    import torch

TRAINING = "training.json"


class SaeRecipe(Record):
    """How an SAE is trained."""

    layer: int | None = None
    """Decoder layer after which it reads; None: two thirds up."""
    expansion: int = 8
    """Latents for each dimension of the activations."""
    k: int = 32
    """Latents that fire per token, on average."""
    epochs: float = 3.0
    """Passes over the collected tokens."""
    batch_tokens: int = 1024
    """Tokens per step."""
    lr: float = 1e-3
    """Adam's learning rate; warmed up over the first 5 % of steps, down to nothing over the last third."""
    dead_after: int = 100
    """Steps without firing after which the auxiliary loss takes a latent up."""
    max_length: int = MAX_LENGTH
    """Most tokens of a prompt and a response together."""
    dtype: str | None = None
    """Precision in which the model is read; None: what suits the machine (`machine.precision`)."""
    autocast: bool = False
    """Multiply in bfloat16 while training (the SAE's weights stay float32): faster, a little coarser."""
    seed: int = 0


def train_sae(
    reader: Reader,
    data: Sequence[PairSet],
    out: Path,
    recipe: SaeRecipe | None = None,
    *,
    held_out: PairSet | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Train an SAE on the prompts and responses of some sets, and measure it.

    Args:
        reader: whose activations, and where they are kept between runs; length and precision are those of the recipe.
        data: what to read; `text_pairs` makes pairs of plain texts.
        out: the folder that is made: `cfg.json`, `sae_weights.safetensors` (bfloat16), `training.json`.
        recipe: settings.
        held_out: pairs for the figures in `training.json`; those whose prompt is trained on are left out.
        threads: processor threads; by default those that this process may use.

    Returns:
        What is written to `training.json`.

    Raises:
        ConfigError: the model has no such layer, or every prompt of `held_out` is trained on.
        DataError: there are fewer tokens than latents.
    """
    if held_out is not None:
        held_out = _unseen(held_out, data)
    recipe = recipe or SaeRecipe()
    recipe = recipe.model_copy(update={"dtype": precision(recipe.dtype)})
    ref = reader.ref
    layer = choose_layer(ref, recipe.layer)
    reader = replace(reader, model=ref, max_length=recipe.max_length, dtype=recipe.dtype)
    parts = [collect(reader, part, layer, threads=threads) for part in data]
    began = time.perf_counter()
    with use_threads(threads) as used:
        sae, facts = fit_sae(parts, recipe, progress=reader.step("training"))
    facts.update(training_seconds=round(time.perf_counter() - began, 1), threads=used)
    with output_dir(out, TRAINING) as folder:
        _save(sae, folder, ref, layer)
        report = {
            "model": ref.name,
            "model_identity": ref.identity,
            "layer": layer,
            "recipe": recipe.model_dump() | {"layer": layer},
            "data": [part.info for part in parts],
            "training": facts,
            "versions": {name: version(name) for name in ("sae-lens", "torch", "transformers", "offtarget")},
        }
        if held_out is not None:
            report["held_out"] = evaluate_sae(load_sae(folder), held_out, reader, threads=threads)
        write_atomic(folder / TRAINING, json.dumps(report, indent=1) + "\n")
    return report


def fit_sae(
    parts: Sequence[Activations], recipe: SaeRecipe, *, progress: Steps | None = None
) -> tuple[Any, dict[str, Any]]:
    """Train on collected activations; returns sae-lens' SAE in the activations' own scale, and facts.

    Raises:
        DataError: there are fewer tokens than latents.
    """
    import torch
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    rows, dropped = _gather(parts)
    n, width = rows.shape
    latents = recipe.expansion * width
    if n < latents:
        raise DataError(f"{n} tokens are too few to train {latents} latents: give more text, or a smaller expansion")
    sample = rows[torch.from_numpy(np.random.default_rng(recipe.seed).permutation(n)[:20000])].float()
    scale = width**0.5 / float(sample.norm(dim=1).mean())
    total = max(int(recipe.epochs * n), recipe.batch_tokens) // recipe.batch_tokens * recipe.batch_tokens
    steps = total // recipe.batch_tokens
    torch.manual_seed(recipe.seed)
    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=width, d_sae=latents, k=recipe.k))
    sae.b_dec.data.copy_(sample.mean(0) * scale)
    trainer = SAETrainer(
        SAETrainerConfig(
            total_training_samples=total,
            train_batch_size_samples=recipe.batch_tokens,
            lr=recipe.lr,
            lr_end=recipe.lr / 10,
            lr_warm_up_steps=steps // 20,
            lr_decay_steps=steps // 3,
            dead_feature_window=recipe.dead_after,
            autocast=recipe.autocast,
        ),
        sae,
        data_provider=_batches(rows, scale, recipe),
    )
    step = None
    for i in range(steps):
        trainer.maybe_reset_sparsity()
        step = trainer.step(next(trainer.data_provider))
        trainer.n_training_steps += 1
        if progress:
            progress(i + 1, steps)
    assert step is not None
    dead = int(trainer.dead_neurons.sum())
    sae.fold_activation_norm_scaling_factor(scale)
    return sae, {
        "tokens": n,
        "dropped_over_norm_cap": dropped,
        "norm_cap": NORM_CAP,
        "steps": steps,
        "final_mse": float(step.losses["mse_loss"].detach()) / scale**2,
        "dead_at_end": dead,
    }


def _unseen(held_out: PairSet, data: Sequence[PairSet]) -> PairSet:
    """The held-out pairs whose prompt is in none of the training sets."""
    seen = {p.group for part in data for p in part.pairs}
    left = [p for p in held_out.pairs if p.group not in seen]
    if not left:
        raise ConfigError(f"every prompt of the held-out set '{held_out.name}' is trained on; choose another set")
    return replace(held_out, pairs=left)


def _gather(parts: Sequence[Activations]) -> tuple["torch.Tensor", int]:
    """All rows within the norm cap as one bfloat16 tensor, and how many were over it."""
    import torch

    typical = [part.typical() for part in parts]
    rows = torch.cat([part.rows(index).bfloat16() for part, index in zip(parts, typical, strict=True)])
    return rows, sum(len(part.bits) for part in parts) - len(rows)


def _batches(rows: "torch.Tensor", scale: float, recipe: SaeRecipe) -> Iterator["torch.Tensor"]:
    """Endless batches `(batch_tokens, d_model)`, every row once per pass, in an order drawn again."""
    import torch

    generator = torch.Generator().manual_seed(recipe.seed)
    left = torch.zeros(0, dtype=torch.long)
    while True:
        while len(left) < recipe.batch_tokens:
            left = torch.cat([left, torch.randperm(len(rows), generator=generator)])
        index, left = left[: recipe.batch_tokens], left[recipe.batch_tokens :]
        yield rows[index].float() * scale


def _save(sae: Any, folder: Path, ref: ModelRef, layer: int) -> None:
    """Save in inference form (JumpReLU), weights in bfloat16; sae-lens loads them as float32."""
    import torch
    from safetensors.torch import load_file, save_file

    sae.cfg.metadata.model_name = ref.name
    sae.cfg.metadata.hook_name = f"blocks.{layer}.hook_resid_post"
    sae.save_inference_model(folder)
    weights = {k: v.to(torch.bfloat16).contiguous() for k, v in load_file(folder / WEIGHTS).items()}
    save_file(weights, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    config = json.loads((folder / CONFIG).read_text())
    write_atomic(folder / CONFIG, json.dumps(config, indent=1, sort_keys=True) + "\n")
