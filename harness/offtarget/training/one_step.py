"""One step along the mean gradient of the loss at the start: where training begins to go, at the price of one pass.

The gradient is the trainer's own, of the trained parameters alone, with the plan's weights, masks and hooks in it. Of LoRA
matrices only B has one at the start, since B = 0 there. On Adam's scale every number is divided by the root of its mean
square over batches, as Adam would after a pass: without it a few large weights are all of the step.

The step's length is chosen so that the training pairs' mean reward margin becomes `MARGIN`: a whole training's step size, since
a schedule's first steps move answers by nothing that could be measured.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from offtarget.errors import UndecidedError
from offtarget.machine import device, return_freed_memory
from offtarget.models import ModelRef, template_key
from offtarget.progress import Progress, steps_of
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store, hash_of, write_atomic
from offtarget.training.admission import check_loss, check_made_for
from offtarget.training.here import DIGEST, Ready, clean_adapter, ready
from offtarget.training.job import Job
from offtarget.training.run import Trained
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet
from offtarget.versions import package_versions

VERSION = 1
MARGIN = 0.5
"""Mean reward margin of the training pairs after the step, in nats: half of what separates a sure choice from a toss."""
CLOSE = 0.05
"""Share of the margin by which the step may miss it."""
TRIES = 8
PAIRS = 32
"""Training pairs on which the margin is measured."""
Scale = Literal["adam", "raw"]


def one_step(
    training_set: TrainingSet,
    plan: ShapingPlan,
    ref: ModelRef,
    spec: TrainingSpec,
    *,
    seed: int,
    store: Store,
    scale: Scale = "adam",
    progress: Progress | None = None,
    template: str | None = None,
) -> Trained:
    """The start model after one step down the mean gradient of the training loss, or find it in the store.

    Args:
        training_set: from `prepare`; the plan's rows are its pairs, in order.
        plan: a checked plan.
        ref: the start model.
        spec: training options; those of the optimiser's schedule do not matter.
        seed: of the LoRA weights and of which pairs the margin is measured on.
        store: where the policy goes.
        scale: "adam" divides each number of the gradient by the root of its mean square over batches.
        progress: called with (what, done, total).
        template: chat template file for models without one.

    Returns:
        The policy, and a digest with the step, the margin that it reached and the passes that it took.

    Raises:
        ConfigError: the plan does not fit the set or the loss.
        UndecidedError: the gradient is zero, or no step along it reaches the margin.
    """
    check_loss(plan, spec)
    check_made_for(plan, training_set)
    spec = spec.under(plan)
    inputs = {
        "model": ref.identity,
        "template": template_key(ref, template),
        "rows": training_set.rows_sha256,
        "plan": plan.hash,
        "spec": spec.model_dump(exclude={"epochs", "max_steps", "learning_rate", "warmup_share", "save_every"}),
        "seed": seed,
        "scale": scale,
        "margin": MARGIN,
        "device": device(),
        "packages": package_versions("torch", "transformers", "trl", "peft"),
    }

    def build(out: Any) -> None:
        started = time.monotonic()
        whole = spec.model_copy(update={"epochs": 1.0, "max_steps": -1})
        made = ready(Job(training_set, plan, ref, whole, seed, store, out, progress, template, hash_of(inputs)))
        told = _step(made, scale, seed, progress)
        made.trainer.save_model(str(out / "policy"))
        made.tokenizer.save_pretrained(out / "policy")
        clean_adapter(out / "policy", ref)
        (out / "policy" / "training_args.bin").unlink(missing_ok=True)
        told |= {"pairs": int(made.plan.keep.sum()), "seconds": round(time.monotonic() - started, 1)}
        write_atomic(out / DIGEST, json.dumps(told, indent=1))
        for folder in out.glob("checkpoint-*"):
            shutil.rmtree(folder)
        return_freed_memory()

    folder = store.get("one-step", VERSION, inputs, build)
    return Trained(folder / "policy", json.loads((folder / DIGEST).read_text()))


def _step(made: Ready, scale: Scale, seed: int, progress: Progress | None) -> dict[str, Any]:
    """Move the trained parameters; says how."""
    import torch

    trainer = made.trainer
    moved = [p for p in trainer.model.parameters() if p.requires_grad]
    sums, squares, batches = _gradients(trainer, moved, progress)
    means = [total / batches for total in sums]
    roots = [(square / batches).sqrt() for square in squares]
    direction = [torch.where(r > 0, m / r, 0.0) if scale == "adam" else m for m, r in zip(means, roots, strict=True)]
    norm = float(torch.sqrt(sum((d**2).sum() for d in direction)))
    if not norm > 0:
        raise UndecidedError("the gradient at the start is zero, so it says nothing of what training would change")
    start = [p.detach().clone() for p in moved]
    batch = _measured(trainer, seed)

    def margin_at(length: float) -> float:
        with torch.no_grad():
            for p, origin, d in zip(moved, start, direction, strict=True):
                p.copy_(origin - length / norm * d)
        return float(np.mean([_margin(trainer, part) for part in batch]))

    # at the start σ(0) = 1/2, so the margin's slope is twice the loss's: a first guess, exact for plain DPO to first order
    slope = 2 * float(sum((m * d).sum() for m, d in zip(means, direction, strict=True))) / norm
    length, reached, tries = find_length(margin_at, first=MARGIN / slope)
    return {
        "scale": scale,
        "length": length,
        "norm": norm,
        "margin": reached,
        "batches": batches,
        "tries": tries,
        "passes": 3.0 + tries * min(PAIRS, len(trainer.train_dataset)) / len(trainer.train_dataset),
    }


def _gradients(trainer: Any, moved: Sequence[Any], progress: Progress | None) -> tuple[list[Any], list[Any], int]:
    """Sums over batches of each parameter's gradient and of its square."""
    import torch

    sums, squares = ([torch.zeros_like(p) for p in moved] for _ in range(2))
    loader = trainer.get_train_dataloader()
    report = steps_of(progress, "gradient")
    trainer.model.train()
    for n, inputs in enumerate(loader, 1):
        with trainer.compute_loss_context_manager():
            loss = trainer.compute_loss(trainer.model, trainer._prepare_inputs(inputs))
        trainer.accelerator.backward(loss)
        for p, total, square in zip(moved, sums, squares, strict=True):
            if p.grad is not None:
                total += p.grad
                square += p.grad**2
                p.grad = None
        if not all(torch.isfinite(t).all() for t in sums):
            rows = ", ".join(trainer.row_ids()[:3])
            raise UndecidedError(f"the gradient is not a number on a batch with row {rows}: leave these rows out")
        if report:
            report(n, len(loader))
    return sums, squares, len(loader)


def _measured(trainer: Any, seed: int) -> list[dict[str, Any]]:
    """Collated batches of the pairs on which the margin is measured."""
    data, size = trainer.train_dataset, trainer.args.per_device_train_batch_size
    rows = np.sort(np.random.default_rng(seed).permutation(len(data))[:PAIRS])
    return [trainer.data_collator([data[int(i)] for i in part]) for part in _parts(rows.tolist(), size)]


def _parts(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for k in range(0, len(rows), size):
        yield rows[k : k + size]


def _margin(trainer: Any, batch: dict[str, Any]) -> float:
    """β times how much further chosen is above the start model than rejected, mean over the pairs, without hooks."""
    import torch

    from offtarget.training.trainer import ROW

    with torch.no_grad():
        found = trainer.policy_log_probs(dict(batch), hooks=False)
    counted = (found * batch["completion_mask"][:, 1:].to(found)).sum(1)
    chosen, rejected = counted.chunk(2)
    reference = batch["ref_chosen_logps"] - batch["ref_rejected_logps"]  # with the plan's offsets in it
    up, down = (torch.from_numpy(side[batch[ROW].numpy()]) for side in trainer._offsets)
    return float((trainer.beta * (chosen - rejected - reference.to(chosen)) - (up - down).to(chosen)).mean())


def find_length(margin_at: Callable[[float], float], first: float) -> tuple[float, float, int]:
    """The length of the step whose margin is `MARGIN`, its margin, and in how many tries: the secant through the last two.

    Args:
        margin_at: from a length to its margin; 0 at 0.
        first: the length that is tried first.

    Raises:
        UndecidedError: no length is found that reaches it.
    """
    low, at_low, length = 0.0, 0.0, first
    for tries in range(1, TRIES + 1):
        reached = margin_at(length)
        if abs(reached - MARGIN) <= CLOSE * MARGIN:
            return length, reached, tries
        slope = (reached - at_low) / (length - low)
        low, at_low = length, reached
        wanted = length + (MARGIN - reached) / slope if slope > 0 else 4 * length
        length = float(np.clip(wanted, length / 8, length * 8))
    raise UndecidedError(
        f"no step along the gradient gives the training pairs a reward margin of {MARGIN} (the last one {reached:.2f}): the "
        "loss at the start does not point towards the labels"
    )
