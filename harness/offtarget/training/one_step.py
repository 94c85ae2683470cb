"""One step along the mean gradient of the loss at the start: where training begins to go, at the price of one pass.

The gradient is the trainer's own, of the trained parameters alone, with the plan's weights, masks and hooks in it. Of LoRA
matrices only B has one at the start, since B = 0 there. On Adam's scale every number is divided by the root of its mean
square over batches, as Adam would after a pass: without it a few large weights are all of the step.

The step's length is chosen so that the training pairs' mean reward margin becomes `MARGIN`: a whole training's step size, since
a schedule's first steps move answers by nothing that could be measured.

`towards` takes such a step up the gradient of any weighted sum of answers' log-probabilities: which way the parameters go where
these answers are to become likelier.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from offtarget.errors import UndecidedError
from offtarget.machine import device, return_freed_memory
from offtarget.models import ModelRef, template_key
from offtarget.progress import Progress, steps_of
from offtarget.shaping.plan import FloatRow, ShapingPlan
from offtarget.store import Store, hash_of, write_atomic
from offtarget.training.admission import check_loss, check_made_for
from offtarget.training.here import DIGEST, Ready, clean_adapter, ready
from offtarget.training.job import Job
from offtarget.training.run import Trained
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TrainingSet
from offtarget.versions import package_versions

VERSION = 2
MARGIN = 0.5
"""Mean reward margin of the training pairs after the step, in nats: half of what separates a sure choice from a toss."""
CLOSE = 0.05
"""Share of the margin by which the step may miss it."""
ENOUGH = 0.2
"""And by which it may after `TRIES`: what rounding makes of a step is not smooth."""
TRIES = 8
PAIRS = 32
"""Training pairs on which the margin is measured."""
NATS = 2.0
"""Mean change of log-probability, in the wanted direction, that `towards` goes to. Under bf16 autocast a smaller step is lost in
the rounding of the activations that it is added to: at a tenth of it, nine tenths of its effect were."""
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
    margin: float = MARGIN,
    factor: float | None = None,
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
        margin: mean reward margin of the training pairs that the step goes to, nats.
        factor: what the gradient is multiplied with instead, of the digest of another step: on Adam's scale what the same
            training does under another plan, whose labels may cancel each other out.
        progress: called with (what, done, total).
        template: chat template file for models without one.

    Returns:
        The policy, and a digest with the step, the margin that it `reached` and the passes that it took.

    Raises:
        ConfigError: the plan does not fit the set or the loss.
        UndecidedError: the gradient is zero, or no step along it reaches the margin.
    """
    check_loss(plan, spec)
    check_made_for(plan, training_set)
    inputs = {"plan": plan.hash, "margin": margin if factor is None else None, "factor": factor}

    def move(made: Ready) -> dict[str, Any]:
        batches = _measured(made.trainer, seed)
        # at the start σ(0) = 1/2, so the margin's slope is twice the loss's: a first guess, exact for plain DPO to first order
        return _step(
            made,
            made.trainer.compute_loss,
            lambda: float(np.mean([_margin(made.trainer, part) for part in batches])),
            goal=margin,
            slope=2.0,
            scale=scale,
            factor=factor,
            progress=progress,
        )

    return _moved(training_set, plan, ref, spec.under(plan), inputs, move, seed, store, scale, progress, template)


def towards(
    training_set: TrainingSet,
    weights: FloatRow,
    ref: ModelRef,
    spec: TrainingSpec,
    *,
    seed: int,
    store: Store,
    scale: Scale = "adam",
    progress: Progress | None = None,
    template: str | None = None,
) -> Trained:
    """The start model after one step up the gradient of Σ w · log p(answer), or find it in the store.

    With the weights of a policy gradient (each answer's value less the mean of its prompt's answers) it is the step that makes
    the valued answers likelier.

    Args:
        training_set: from `prepare`; both answers of a row are to one prompt.
        weights: of the chosen and the rejected answer of each row, `(n_rows, 2)`.
        ref: the start model.
        spec: training options; those of loss and schedule do not matter.
        seed: of the LoRA weights and of which rows the change is measured on.
        store: where the policy goes.
        scale: as in `one_step`.
        progress: called with (what, done, total).
        template: chat template file for models without one.

    Returns:
        The policy, and a digest with the step, how far it went (`reached`, nats) and the passes that it took.

    Raises:
        UndecidedError: all weights are zero, or no step goes as far as `NATS`.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not weights.any():
        raise UndecidedError("no answer has more of it than another to the same prompt, so no direction leads to it")
    weights = weights / np.abs(weights).mean()
    plan = ShapingPlan.identity("dpo", training_set.pairs, control=True)
    inputs = {"weights": hash_of(np.round(weights, 6).tolist()), "nats": NATS}

    def move(made: Ready) -> dict[str, Any]:
        import torch

        from offtarget.training.trainer import ROW

        trainer = made.trainer
        batches = _measured(trainer, seed, np.flatnonzero(np.abs(weights).sum(axis=1) > 0))

        def wanted(batch: Mapping[str, Any], change: bool) -> Any:
            """Mean over answers of w · log p, or of its change from the start model's."""
            counted = answer_log_probs(trainer, batch)
            if change:
                counted = counted - torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]]).to(counted)
            return (torch.from_numpy(weights[batch[ROW].numpy()].T.ravel()).to(counted) * counted).mean()

        def reached() -> float:
            size = np.abs(np.concatenate([weights[b[ROW].numpy()].ravel() for b in batches])).mean()
            with torch.no_grad():
                return float(np.mean([float(wanted(b, change=True)) for b in batches]) / size)

        def loss(_model: Any, inputs: Mapping[str, Any]) -> Any:
            return -wanted(inputs, change=False)

        return _step(made, loss, reached, goal=NATS, slope=1.0, scale=scale, progress=progress)

    whole = spec.model_copy(update={"loss": "sigmoid", "label_smoothing": 0.0, "ld_alpha": None, "wpo": False})
    return _moved(training_set, plan, ref, whole, inputs, move, seed, store, scale, progress, template)


def _moved(
    training_set: TrainingSet,
    plan: ShapingPlan,
    ref: ModelRef,
    spec: TrainingSpec,
    inputs: Mapping[str, Any],
    move: Callable[[Ready], dict[str, Any]],
    seed: int,
    store: Store,
    scale: Scale,
    progress: Progress | None,
    template: str | None,
) -> Trained:
    """The policy that a step leaves, from the store or made now."""
    inputs = {
        **inputs,
        "model": ref.identity,
        "template": template_key(ref, template),
        "rows": training_set.rows_sha256,
        "spec": spec.model_dump(exclude={"epochs", "max_steps", "learning_rate", "warmup_share", "save_every"}),
        "seed": seed,
        "scale": scale,
        "device": device(),
        "packages": package_versions("torch", "transformers", "trl", "peft"),
    }

    def build(out: Any) -> None:
        started = time.monotonic()
        whole = spec.model_copy(update={"epochs": 1.0, "max_steps": -1})
        made = ready(Job(training_set, plan, ref, whole, seed, store, out, progress, template, hash_of(inputs)))
        told = move(made)
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


def _step(
    made: Ready,
    loss: Callable[[Any, Any], Any],
    reached: Callable[[], float],
    *,
    goal: float,
    slope: float,
    scale: Scale,
    factor: float | None = None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Move the trained parameters down the gradient of a loss; says how.

    Args:
        made: the trainer.
        loss: of the model and a batch.
        reached: what is measured of the step, from the parameters as they are.
        goal: what it should be.
        slope: its derivative where the loss falls by 1: the first guess at the length.
        scale: of the gradient.
        factor: how far to go, where that is known.
        progress: called with (what, done, total).
    """
    import torch

    trainer = made.trainer
    moved = [p for p in trainer.model.parameters() if p.requires_grad]
    sums, squares, batches = _gradients(trainer, moved, loss, progress)
    means = [total / batches for total in sums]
    roots = [(square / batches).sqrt() for square in squares]
    direction = [torch.where(r > 0, m / r, 0.0) if scale == "adam" else m for m, r in zip(means, roots, strict=True)]
    norm = float(torch.sqrt(sum((d**2).sum() for d in direction)))
    if not norm > 0:
        raise UndecidedError("the gradient at the start is zero, so it says nothing of what training would change")
    start = [p.detach().clone() for p in moved]

    def value_at(length: float) -> float:
        with torch.no_grad():
            for p, origin, d in zip(moved, start, direction, strict=True):
                p.copy_(origin - length / norm * d)
        return reached()

    if factor is None:
        fall = float(sum((m * d).sum() for m, d in zip(means, direction, strict=True))) / norm
        length, value, tries = find_length(value_at, first=goal / (slope * fall), goal=goal)
    else:
        length, tries = factor * norm, 1
        value = value_at(length)
    return {
        "scale": scale,
        "length": length,
        "factor": length / norm,
        "norm": norm,
        "reached": value,
        "batches": batches,
        "tries": tries,
        "passes": 3.0 + tries * min(PAIRS, len(trainer.train_dataset)) / len(trainer.train_dataset),
    }


def _gradients(
    trainer: Any, moved: Sequence[Any], loss_of: Callable[[Any, Any], Any], progress: Progress | None
) -> tuple[list[Any], list[Any], int]:
    """Sums over batches of each parameter's gradient and of its square."""
    import torch

    sums, squares = ([torch.zeros_like(p) for p in moved] for _ in range(2))
    loader = trainer.get_train_dataloader()
    report = steps_of(progress, "gradient")
    trainer.model.train()
    for n, inputs in enumerate(loader, 1):
        with trainer.compute_loss_context_manager():
            loss = loss_of(trainer.model, trainer._prepare_inputs(inputs))
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


def _measured(trainer: Any, seed: int, rows: Any = None) -> list[dict[str, Any]]:
    """Collated batches of the rows of the dataset on which the step is measured: some of these, or of all."""
    data, size = trainer.train_dataset, trainer.args.per_device_train_batch_size
    rows = np.arange(len(data)) if rows is None else rows
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:PAIRS])
    return [trainer.data_collator([data[int(i)] for i in part]) for part in _parts(drawn.tolist(), size)]


def _parts(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for k in range(0, len(rows), size):
        yield rows[k : k + size]


def answer_log_probs(trainer: Any, batch: Mapping[str, Any]) -> Any:
    """(2 batch,) the policy's log-probability of each answer, chosen first, without hooks."""
    found = trainer.policy_log_probs(dict(batch), hooks=False)
    return (found * batch["completion_mask"][:, 1:].to(found)).sum(1)


def _margin(trainer: Any, batch: dict[str, Any]) -> float:
    """β times how much further chosen is above the start model than rejected, mean over the pairs, without hooks."""
    import torch

    from offtarget.training.trainer import ROW

    with torch.no_grad():
        chosen, rejected = answer_log_probs(trainer, batch).chunk(2)
    reference = batch["ref_chosen_logps"] - batch["ref_rejected_logps"]  # with the plan's offsets in it
    up, down = (torch.from_numpy(side[batch[ROW].numpy()]) for side in trainer._offsets)
    return float((trainer.beta * (chosen - rejected - reference.to(chosen)) - (up - down).to(chosen)).mean())


def find_length(value_at: Callable[[float], float], first: float, goal: float = MARGIN) -> tuple[float, float, int]:
    """The length of the step at which a value reaches a goal, the value, and in how many tries: secants, then regula falsi.

    Args:
        value_at: from a length to the value; 0 at 0.
        first: the length that is tried first.
        goal: what it should be.

    Raises:
        UndecidedError: no length is found that reaches it.
    """
    below, above, length = (0.0, 0.0), None, first
    seen: list[tuple[float, float]] = []
    for tries in range(1, TRIES + 1):
        reached = value_at(length)
        seen.append((length, reached))
        if abs(reached - goal) <= CLOSE * goal:
            return length, reached, tries
        if reached > goal:
            above = (length, reached)
        else:
            below = (length, reached)
        if above is None:  # the secant through the last two, until the goal lies between two lengths
            before = seen[-2] if len(seen) > 1 else (0.0, 0.0)
            slope = (reached - before[1]) / (length - before[0])
            wanted = length + (goal - reached) / slope if slope > 0 else 4 * length
            length = float(np.clip(wanted, 1.2 * length, 8 * length))
        else:
            share = (goal - below[1]) / (above[1] - below[1])
            length = below[0] + float(np.clip(share, 0.1, 0.9)) * (above[0] - below[0])
    length, reached = min(seen, key=lambda found: abs(found[1] - goal))
    if abs(reached - goal) <= ENOUGH * goal:
        value_at(length)
        return length, reached, TRIES
    raise UndecidedError(
        f"no step along the gradient goes as far as {goal:g} (the nearest one {reached:.2f}): it does not point where the labels do"
    )
