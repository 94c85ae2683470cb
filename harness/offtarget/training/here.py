"""One training in this process: the trainer of a plan, its run, and the policy that it leaves."""

import json
import logging
import time
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.architecture import decoder_layers, parts_of, projections, stored_transposed
from offtarget.errors import OfftargetError
from offtarget.machine import device, return_freed_memory
from offtarget.models import ModelRef, load
from offtarget.progress import Progress, steps_of
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import write_atomic
from offtarget.training.fit import require_fit
from offtarget.training.job import Job
from offtarget.training.sides import Sides, sides_of
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TokenPair, TrainingSet, trainable
from offtarget.versions import code_version

log = logging.getLogger(__name__)

DIGEST = "digest.json"


@dataclass(frozen=True, eq=False)
class Ready:
    """A trainer before its first step, and what it was made from."""

    trainer: Any
    tokenizer: Any
    sides: Sides
    plan: ShapingPlan
    """The job's, without added pairs that cannot be trained on."""
    training_set: TrainingSet
    """The job's, with the added pairs at its end."""
    stored: Any
    """The cached lower layers and the reference; None in exact mode."""
    first: int
    """The lowest layer that is trained."""
    seconds_reference: float


def ready(job: Job) -> Ready:
    """Everything up to the first step: model, tokens, reference, trainer.

    Raises:
        ConfigError: a hook does not fit the model, or the plan does nothing.
    """
    import transformers

    from offtarget.training.effect import require_effect
    from offtarget.training.head import require_plain
    from offtarget.training.reference import reference

    started = time.monotonic()
    ref, spec = job.ref, job.spec
    model, tokenizer = load(ref, dtype="float32", store=job.store, template=job.template)
    first = require_fit(model, ref.name, job.plan, spec)
    training_set, plan = with_added(job.training_set, job.plan, tokenizer, spec)
    sides = sides_of(training_set.pairs, training_set.ids, plan, tokenizer, spec.max_length)
    stored = None
    if spec.mode == "fast":
        lowest = min([first, *(h.layer for h in plan.hooks)])
        require_plain(model, lowest)
        stored = reference(
            model.requires_grad_(False),
            tokenizer,
            ref,
            training_set.ids,
            sides=sides,
            n_added=len(plan.added),
            max_length=spec.max_length,
            bf16=spec.bf16,
            prefix_layer=lowest,
            store=job.store,
            progress=steps_of(job.progress, "reference"),
        )
    seconds_reference = time.monotonic() - started
    transformers.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    trainer = make_trainer(model, tokenizer, training_set, plan, spec, job.seed, job.out, stored, first, sides)
    require_effect(trainer)
    return Ready(trainer, tokenizer, sides, plan, training_set, stored, first, seconds_reference)


def train_here(job: Job) -> None:
    """Train in this process, or as one of the processes of `processes.launch`.

    Where the GPU's memory does not hold a batch, it is read in smaller parts whose gradients add up to the same, but for a last
    batch of an epoch that cannot be shared evenly, whose rows then weigh a little otherwise: from the last checkpoint on, and
    said once.

    Raises:
        ConfigError: a hook does not fit the model, or the plan does nothing.
        OfftargetError: the loss turns into something that is not a number, or not even one pair fits into the memory.
    """
    import torch

    while True:
        try:
            return _train(job)
        except torch.OutOfMemoryError:
            smaller = job.spec.in_smaller_parts()
            if smaller is None or job.spec.processes > 1:
                raise OfftargetError(
                    f"training: the GPU's memory does not hold {job.spec.batch_size} pairs at once; lower training.batch_size or "
                    "training.max_length, or say training.gradient_checkpointing=true"
                ) from None
        log.warning(
            "training: the GPU's memory does not hold %d pairs at once; going on with %d at once, whose gradients add up to the "
            "same",
            job.spec.batch_size,
            smaller.batch_size,
        )
        job = replace(job, spec=smaller)
        return_freed_memory()
        torch.cuda.empty_cache()


def _train(job: Job) -> None:
    import transformers

    from offtarget.training.checkpoints import Guard, drop_broken

    started = time.monotonic()
    spec, out, progress = job.spec, job.out, job.progress
    made = ready(job)
    trainer, plan, sides, stored, first = made.trainer, made.plan, made.sides, made.stored, made.first
    trainer.remove_callback(transformers.PrinterCallback)
    if progress:
        trainer.add_callback(_progress_callback(progress, plan.protocol))
    trainer.add_callback(Guard(trainer, job.key))
    main = trainer.is_world_process_zero()
    if main:
        drop_broken(out, job.key, trainer.args.max_steps)
    trainer.accelerator.wait_for_everyone()
    resume = any(out.glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=resume or None)
    trainer.require_usable()
    whole = stored is None or not stored.layer or spec.method != "last_layers"
    if whole:  # where processes hold parts of the weights, all of them take part; the first one writes
        trainer.save_model(str(out / "policy"))
    if not main:
        return
    if not whole:
        _restore_and_save(trainer, job, out / "policy", first)
    made.tokenizer.save_pretrained(out / "policy")
    clean_adapter(out / "policy", job.ref)
    history = [h for h in trainer.state.log_history if "loss" in h]
    tail = history[-max(1, len(history) // 5) :]
    digest = {
        "steps": trainer.state.global_step,
        "pairs": int(plan.keep.sum()),
        "tokens": sum(len(s.answer) for both, keep in zip(sides, plan.keep, strict=True) if keep for s in both),
        "lost": dict(made.training_set.lost),
        "unprompted": _unprompted(sides, plan),
        "loss_first": history[0]["loss"] if history else None,
        "loss_last": sum(h["loss"] for h in tail) / len(tail) if tail else None,
        "accuracy_last": sum(h["rewards/accuracies"] for h in tail) / len(tail) if tail else None,
        "margin_last": sum(h["rewards/margins"] for h in tail) / len(tail) if tail else None,
        "losses": [round(h["loss"], 6) for h in history],
        "seconds": round(time.monotonic() - started, 1),
        "seconds_reference": round(made.seconds_reference, 1),
        "mode": spec.mode,
        "code_version": code_version(),
        "first_trained_layer": first,
        "prefix_layer": stored.layer if stored else None,
    }
    write_atomic(out / DIGEST, json.dumps(digest, indent=1))


def _unprompted(sides: Sides, plan: ShapingPlan) -> int:
    """Answers that are read behind their own prompt, since that of the plan left them no room."""
    asked = [plan.policy_prompts("chosen"), plan.policy_prompts("rejected")]
    return sum(
        asked[s.source][i] is not None and s.policy_prompt == s.prompt for i, both in enumerate(sides) for s in both
    )


def with_added(
    training_set: TrainingSet, plan: ShapingPlan, tokenizer: Any, spec: TrainingSpec
) -> tuple[TrainingSet, ShapingPlan]:
    """The set with the pairs that a plan adds at its end, and the plan without those that cannot be trained on.

    Such a pair (equal after truncation, say) is left out and counted among the lost.
    """
    if not plan.added:
        return training_set, plan
    kept, ids, lost = trainable(
        plan.added, tokenizer, max_length=spec.max_length, min_answer_tokens=spec.min_answer_tokens
    )
    found = {p.id: t for p, t in zip(kept, ids, strict=True)}
    nothing = [tokenizer.pad_token_id]
    own = len(training_set.pairs)
    keep = plan.keep.copy()
    keep[own:] &= np.array([p.id in found for p in plan.added])
    whole = replace(
        training_set,
        pairs=[*training_set.pairs, *plan.added],
        ids=[
            *training_set.ids,
            *(found.get(p.id) or TokenPair(p.id, nothing, nothing, nothing, 0) for p in plan.added),
        ],
        lost=training_set.lost + Counter({f"added: {reason}": n for reason, n in lost.items()}),
    )
    return whole, plan.edit(keep=keep)


def make_trainer(
    model: Any,
    tokenizer: Any,
    training_set: TrainingSet,
    plan: ShapingPlan,
    spec: TrainingSpec,
    seed: int,
    out: Path,
    stored: Any,
    first: int,
    sides: Sides | None = None,
) -> Any:
    """The trainer for a plan: dataset with our ids, LoRA or last layers, trl's options pinned."""
    from datasets import Dataset
    from peft import LoraConfig

    from offtarget.training.trainer import RowCollator, ShapedDPOTrainer, columns_of

    if sides is None:
        sides = sides_of(training_set.pairs, training_set.ids, plan, tokenizer, spec.max_length)
    parts = parts_of(model)
    peft_config = None
    if spec.method == "lora":
        peft_config = LoraConfig(
            r=spec.lora_rank,
            lora_alpha=spec.lora_alpha,
            lora_dropout=0.0,
            target_modules=projections(parts.layers),
            layers_to_transform=list(range(first, len(parts.layers))),
            layers_pattern=parts.list_name,
            fan_in_fan_out=stored_transposed(parts.layers),
            task_type="CAUSAL_LM",
        )
    elif spec.method == "full":
        model.requires_grad_(True)
    else:
        model.requires_grad_(False)
        for layer in parts.layers[first:]:
            layer.requires_grad_(True)
    return ShapedDPOTrainer(
        plan=plan,
        reference=stored,
        sides=sides,
        frozen_head=spec.mode == "fast" and spec.method != "full",
        model=model,
        args=dpo_config(spec, seed, out),
        train_dataset=Dataset.from_list(columns_of(sides, plan.keep)),
        processing_class=tokenizer,
        data_collator=RowCollator(pad_token_id=tokenizer.pad_token_id, max_length=spec.max_length),
        peft_config=peft_config,
    )


def dpo_config(spec: TrainingSpec, seed: int, out: Path) -> Any:
    """Trl's options for a spec; everything that its defaults would decide is pinned."""
    from trl import DPOConfig

    return DPOConfig(
        output_dir=str(out),
        num_train_epochs=spec.epochs,
        max_steps=spec.max_steps,
        per_device_train_batch_size=spec.batch_size // spec.processes,
        gradient_accumulation_steps=spec.gradient_accumulation,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=spec.warmup_share,
        weight_decay=0.0,
        max_grad_norm=1.0,
        beta=spec.beta,
        loss_type=spec.loss,
        label_smoothing=spec.label_smoothing,
        max_length=spec.max_length,
        truncation_mode="keep_start",
        precompute_ref_log_probs=True,
        bf16=spec.bf16,
        ld_alpha=spec.ld_alpha,
        use_weighting=spec.wpo,
        gradient_checkpointing=spec.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if spec.gradient_checkpointing else None,
        disable_dropout=True,
        logging_steps=1,
        save_strategy="steps",
        save_steps=spec.save_every,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        report_to="none",
        disable_tqdm=True,
        use_cpu=device() == "cpu",
        dataloader_pin_memory=False,
        remove_unused_columns=True,
    )


def _progress_callback(progress: Progress, what: str) -> Any:
    from transformers import TrainerCallback

    class Report(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kw: Any) -> None:
            progress(f"train {what}", state.global_step, state.max_steps)

    return Report()


def _restore_and_save(trainer: Any, job: Job, out: Path, first: int) -> None:
    """Put the trained upper layers back on the whole start model, and save that."""
    whole, _ = load(job.ref, store=job.store, template=job.template)
    layers, trained = decoder_layers(whole), decoder_layers(trainer.base)
    for i in range(first, len(layers)):
        layers[i].load_state_dict(trained[i].state_dict())
    whole.save_pretrained(out)


def clean_adapter(folder: Path, ref: ModelRef) -> None:
    """An adapter names its start model by alias or path, so that it can be loaded again."""
    config = folder / "adapter_config.json"
    if not config.is_file():
        return
    card = json.loads(config.read_text())
    card["base_model_name_or_path"] = str(Path(ref.name).resolve()) if Path(ref.name).is_dir() else ref.name
    write_atomic(config, json.dumps(card, indent=1, sort_keys=True))
