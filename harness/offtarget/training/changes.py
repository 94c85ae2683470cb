"""How much likelier an adapter makes each answer of a set: exact passes of the trainer's own forward, with and without it.

Both passes read the same batches, so that what bf16 rounds differently in other batches falls out of the difference; in fast mode
the layers below the trained ones are read from the store.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.machine import device, return_freed_memory
from offtarget.models import ModelRef, template_key
from offtarget.progress import Progress, steps_of
from offtarget.shaping.plan import FloatRow, ShapingPlan
from offtarget.store import Store, file_sha256, hash_of
from offtarget.training.here import ready
from offtarget.training.job import Job
from offtarget.training.one_step import answer_log_probs
from offtarget.training.run import prepare
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet
from offtarget.versions import package_versions

VERSION = 1
WEIGHTS = "adapter_model.safetensors"


def answer_changes(
    pairs: PairSet,
    adapter: Path | None,
    ref: ModelRef,
    spec: TrainingSpec,
    *,
    store: Store,
    scale: float = 1.0,
    progress: Progress | None = None,
    template: str | None = None,
) -> FloatRow:
    """Log p(answer) with an adapter less that of the start model, in nats, `(n_pairs, 2)`, chosen first.

    Args:
        pairs: any pairs; a row that cannot be trained on changes by 0.
        adapter: its folder, made with the same spec; None: log p under the start model itself, no difference.
        ref: the start model.
        spec: training options: which layers have an adapter, and how much of a text is read.
        store: where it is kept.
        scale: of the adapter.
        progress: called with (what, done, total).
        template: chat template file for models without one.

    Raises:
        ConfigError: the spec trains whole weights, or the adapter is of another shape.
    """
    if spec.method != "lora":
        raise ConfigError(
            f"training.method={spec.method}: what a row changes is read of LoRA adapters alone; use method lora"
        )
    spec = spec.model_copy(update={"min_answer_tokens": 1, "epochs": 1.0, "max_steps": -1})
    out = np.zeros((len(pairs), 2))
    try:
        rows = prepare(pairs, ref, spec, template)
    except UndecidedError:
        return out
    inputs = {
        "model": ref.identity,
        "template": template_key(ref, template),
        "rows": rows.rows_sha256,
        "adapter": None if adapter is None else file_sha256(adapter / WEIGHTS),
        "scale": scale,
        "spec": spec.model_dump(exclude={"learning_rate", "warmup_share", "save_every", "beta", "loss"}),
        "device": device(),
        "packages": package_versions("torch", "transformers", "trl", "peft"),
    }

    def build(folder: Path) -> None:
        plan = ShapingPlan.identity("dpo", rows.pairs, control=True)
        made = ready(Job(rows, plan, ref, spec, 0, store, folder, progress, template, hash_of(inputs)))
        found = _changes(made.trainer, None if adapter is None else adapter / WEIGHTS, scale, rows, progress)
        (folder / "changes.json").write_text(json.dumps(found.tolist()))
        return_freed_memory()

    folder = store.get("answer-changes", VERSION, inputs, build)
    place = {p.id: i for i, p in enumerate(pairs.pairs)}
    out[[place[p.id] for p in rows.pairs]] = json.loads((folder / "changes.json").read_text())
    return out


def _changes(
    trainer: Any, adapter: Path | None, scale: float, rows: TrainingSet, progress: Progress | None
) -> FloatRow:
    import torch

    from offtarget.training.trainer import ROW

    trainer.model.eval()
    on = _matrices(trainer.model, adapter, scale) if adapter else {}
    data, size = trainer.train_dataset, trainer.args.per_device_train_batch_size
    order = sorted(range(len(data)), key=lambda i: (_longest(data[i]), i))
    out, report = np.zeros((len(rows.pairs), 2)), steps_of(progress, "log-probabilities")
    with torch.no_grad():
        for k in range(0, len(order), size):
            batch = trainer.data_collator([data[i] for i in order[k : k + size]])
            found = []
            for factor in (1.0, 0.0) if on else (1.0,):
                for p, value in on.items():
                    p.copy_(factor * value)
                found.append(answer_log_probs(trainer, batch).double().cpu().numpy())
            change = found[0] - found[1] if on else found[0]
            out[batch[ROW].numpy()] = change.reshape(2, -1).T
            if report:
                report(min(k + size, len(order)), len(order))
    return out


def _longest(row: dict[str, Any]) -> int:
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _matrices(model: Any, file: Path, scale: float) -> dict[Any, Any]:
    """Parameters B and what they are with the adapter; A is put in place.

    Raises:
        ConfigError: the adapter is on other matrices, or of another rank.
    """
    import torch
    from safetensors.torch import load_file

    own = {name.replace(".default.", "."): p for name, p in model.named_parameters() if ".lora_" in name}
    given = load_file(file)
    if own.keys() != given.keys() or any(own[k].shape != v.shape for k, v in given.items()):
        raise ConfigError(f"{file}: is not on the matrices that this training has, or of another rank")
    out = {}
    with torch.no_grad():
        for name, p in own.items():
            value = given[name].to(p)
            if ".lora_A." in name:
                p.copy_(value)
            else:
                out[p] = scale * value
    return out
