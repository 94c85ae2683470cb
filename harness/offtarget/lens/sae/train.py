"""Train an SAE for a model: what `offtarget lens train` runs, and how the shipped one was made.

BatchTopK (k latents per token on average over a batch) with sae-lens' trainer and its auxiliary loss for
dead latents, saved as JumpReLU. The activations come through the same hook as everywhere else. A training that was
interrupted goes on from its last checkpoint, and ends with the weights that it would have had.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, DataError
from offtarget.lens.activations import choose_layer, use_threads
from offtarget.lens.reader import MAX_LENGTH, Reader
from offtarget.lens.sae.collect import NORM_CAP, collect
from offtarget.lens.sae.encode import CONFIG, WEIGHTS, load_sae
from offtarget.lens.sae.evaluate import evaluate_sae
from offtarget.lens.sae.source import Held, Position, Source, Streamed, tokens_of
from offtarget.machine import precision
from offtarget.models import ModelRef, load_tokenizer
from offtarget.progress import Steps
from offtarget.records import Record
from offtarget.store import MANIFEST, output_dir, sync, write_atomic

VERSION = 1
TRAINING = "training.json"
CHECKPOINT_SECONDS = 120.0
"""Seconds after which a training is saved, to go on from there."""


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
    buffer_tokens: int = 2_000_000
    """Tokens whose activations are held at once. Sets with more are read in stretches of that many, again at each pass."""
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
    recipe = recipe.model_copy(update={"layer": layer})
    reader = replace(reader, model=ref, max_length=recipe.max_length, dtype=recipe.dtype)

    def build(folder: Path) -> None:
        source, told = _source_of(reader, data, layer, recipe, threads)
        kept = Checkpoints(folder, CHECKPOINT_SECONDS)
        with use_threads(threads) as used:
            sae, facts = fit_sae(source, recipe, progress=reader.step("training"), kept=kept)
        _save(sae, folder, ref, layer)
        facts["threads"] = used
        write_atomic(folder / TRAINING, json.dumps({"data": told, "training": facts}))
        kept.clear()

    inputs = {"data": [part.rows_sha256 for part in data], "recipe": recipe.model_dump(), **reader.inputs("sae-lens")}
    made = reader.store.get("sae", VERSION, inputs, build, resumable=True)
    with output_dir(out, TRAINING) as folder:
        shutil.copytree(made, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        report = {
            "model": ref.name,
            "model_identity": ref.identity,
            "layer": layer,
            "recipe": recipe.model_dump(),
            **json.loads((made / TRAINING).read_text()),
            "versions": {name: version(name) for name in ("sae-lens", "torch", "transformers", "offtarget")},
        }
        if held_out is not None:
            report["held_out"] = evaluate_sae(load_sae(folder), held_out, reader, threads=threads)
        write_atomic(folder / TRAINING, json.dumps(report, indent=1) + "\n")
    return report


def _source_of(
    reader: Reader, data: Sequence[PairSet], layer: int, recipe: SaeRecipe, threads: int | None
) -> tuple[Source, list[dict[str, Any]]]:
    """The activations, held if there are few, and what is said of each set."""
    tokenizer = load_tokenizer(reader.ref, reader.store, template=reader.template)
    if tokens_of(reader, tokenizer, data) <= recipe.buffer_tokens:
        parts = [collect(reader, part, layer, threads=threads) for part in data]
        return Held(parts, recipe.seed), [part.info for part in parts]
    told = [{"data": part.name, "rows_sha256": part.rows_sha256, "pairs": len(part)} for part in data]
    return Streamed(reader, data, layer, recipe.buffer_tokens, recipe.seed, threads), told


class Checkpoints:
    """The last state of a training, in a folder of its own.

    Args:
        folder: where.
        every: seconds between two.
    """

    def __init__(self, folder: Path, every: float) -> None:
        self._folder, self._every = folder / "checkpoints", every
        self._last = time.monotonic()

    def restore(self, trainer: Any) -> tuple[Position, float, float] | None:
        """Put a trainer where it was; the source's position, the scale and the seconds until then, None where nothing is kept."""
        from safetensors.torch import load_file

        mark = self._folder / "latest.json"
        if not mark.is_file():
            return None
        at = json.loads(mark.read_text())
        here = self._folder / at["name"]
        trainer.sae.load_state_dict(load_file(here / WEIGHTS))
        trainer.load_trainer_state(here)  # by torch's loader of weights alone: no code in a file is run
        return tuple(at["position"]), at["scale"], at["seconds"]

    def save(self, trainer: Any, position: Position, scale: float, seconds: float) -> None:
        """Keep the state, if the last one is old enough; the one before goes once this one is whole."""
        from safetensors.torch import save_file

        if time.monotonic() - self._last < self._every:
            return
        name = f"step-{trainer.n_training_steps}"
        here = self._folder / name
        here.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in trainer.sae.state_dict().items()}, here / WEIGHTS)
        trainer.save_trainer_state(here)
        for path in (*here.iterdir(), here):
            sync(path)
        at = {"name": name, "position": position, "scale": scale, "seconds": seconds}
        write_atomic(self._folder / "latest.json", json.dumps(at))
        for other in self._folder.glob("step-*"):
            if other.name != name:
                shutil.rmtree(other)
        self._last = time.monotonic()

    def clear(self) -> None:
        """Nothing is kept any more: the training is done."""
        shutil.rmtree(self._folder, ignore_errors=True)


def fit_sae(
    source: Source, recipe: SaeRecipe, *, progress: Steps | None = None, kept: Checkpoints | None = None
) -> tuple[Any, dict[str, Any]]:
    """Train on activations; returns sae-lens' SAE in the activations' own scale, and facts.

    Args:
        source: of batches.
        recipe: settings.
        progress: called with steps done and steps in all.
        kept: where the training is saved as it goes, and from where it goes on.

    Raises:
        DataError: there are fewer tokens than latents.
    """
    import torch
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    began = time.perf_counter()
    sample = source.sample()
    n, width = source.tokens, sample.shape[1]
    latents = recipe.expansion * width
    if n < latents:
        raise DataError(f"{n} tokens are too few to train {latents} latents: give more text, or a smaller expansion")
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
        data_provider=iter(()),  # batches are given step by step
    )
    position, scale, spent = (kept.restore(trainer) if kept else None) or ((), scale, 0.0)
    batches = source.batches(recipe.batch_tokens, position)
    step = None
    while trainer.n_training_steps < steps:
        trainer.maybe_reset_sparsity()
        batch, position = next(batches)
        step = trainer.step(batch * scale)
        trainer.n_training_steps += 1
        if kept and trainer.n_training_steps < steps:
            kept.save(trainer, position, scale, spent + time.perf_counter() - began)
        if progress:
            progress(trainer.n_training_steps, steps)
    dead = int(trainer.dead_neurons.sum())
    sae.fold_activation_norm_scaling_factor(scale)
    return sae, {
        **source.facts(),
        "norm_cap": NORM_CAP,
        "steps": steps,
        "final_mse": float(step.losses["mse_loss"].detach()) / scale**2 if step else None,
        "dead_at_end": dead,
        "training_seconds": round(spent + time.perf_counter() - began, 1),
    }


def _unseen(held_out: PairSet, data: Sequence[PairSet]) -> PairSet:
    """The held-out pairs whose prompt is in none of the training sets."""
    seen = {p.group for part in data for p in part.pairs}
    left = [p for p in held_out.pairs if p.group not in seen]
    if not left:
        raise ConfigError(f"every prompt of the held-out set '{held_out.name}' is trained on; choose another set")
    return replace(held_out, pairs=left)


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
