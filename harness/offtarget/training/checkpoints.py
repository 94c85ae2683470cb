"""Checkpoints that a run may go on from: whole, finite, and its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from offtarget.errors import ConfigError, OfftargetError
from offtarget.store import write_atomic

KEY, STATE = "offtarget_job.json", "trainer_state.json"


def drop_broken(out: Path, key: str, last_step: int) -> None:
    """Delete the checkpoints in a folder that cannot be gone on from: whose saving was interrupted, or of the last step.

    Behind the last step nothing is left to train, but transformers (5.x) makes one step more of it; from the checkpoint
    before, or from the start, training ends where it should.

    Args:
        out: the folder.
        key: what a checkpoint must bear.
        last_step: optimiser steps of the whole training; -1 where whole epochs are trained, which end by themselves.

    Raises:
        ConfigError: one of them belongs to another training.
    """
    for folder in out.glob("checkpoint-*"):
        if (
            not _is_json(folder / STATE) or not _is_json(folder / KEY) or 0 < last_step <= step_of(folder)
        ):  # what is written last, twice
            shutil.rmtree(folder)
        elif json.loads((folder / KEY).read_text(encoding="utf-8")).get("job") != key:
            raise ConfigError(
                f"{folder}: this checkpoint is of another training (model, rows, plan, options or seed); take it away, "
                "or delete the folder it is in to train again"
            )


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def step_of(folder: Path) -> int:
    """The optimiser step of `checkpoint-N`."""
    return int(folder.name.rpartition("-")[2])


def not_a_number(trainer: Any, what: str, *, step: int, bad_from: int) -> OfftargetError:
    """The error of a training that went wrong, once the checkpoints that were wrong already are gone.

    Args:
        trainer: a `ShapedDPOTrainer`, at its last batch.
        what: is not a number.
        step: the optimiser step that was being made, from 1.
        bad_from: checkpoints from this step on hold weights that are no good.
    """
    folders = sorted(Path(trainer.args.output_dir).glob("checkpoint-*"), key=step_of)
    good = [f for f in folders if step_of(f) < bad_from]
    for f in folders:
        if f not in good:
            shutil.rmtree(f, ignore_errors=True)
    kept = f"the checkpoint of step {step_of(good[-1])} is kept" if good else "no checkpoint is kept"
    rows = trainer.row_ids()
    named = f" (rows {', '.join(rows[:4])}{' ...' if len(rows) > 4 else ''})" if rows else ""
    return OfftargetError(
        f"{what} is not a number at step {step}{named}: lower the learning rate or the strength; {kept}"
    )


class Guard(TrainerCallback):
    """Stops a training whose gradients or weights are no numbers, before they are kept; names its checkpoints.

    Args:
        trainer: whose.
        key: what a checkpoint must bear to be gone on from.
    """

    def __init__(self, trainer: Any, key: str) -> None:
        self.trainer, self.key = trainer, key

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kw: Any) -> None:
        """Before the weights change."""
        if not _finite(p.grad for p in self.trainer.model.parameters() if p.grad is not None):
            step = state.global_step + 1
            raise not_a_number(self.trainer, "a gradient", step=step, bad_from=step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kw: Any) -> None:
        """Before a checkpoint is saved."""
        if not _finite(p for p in self.trainer.model.parameters() if p.requires_grad):
            raise not_a_number(self.trainer, "a weight", step=state.global_step, bad_from=state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kw: Any) -> None:
        """After a checkpoint was saved."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self.trainer.is_world_process_zero() and folder.is_dir():
            write_atomic(folder / KEY, json.dumps({"job": self.key}))


@torch.no_grad()
def _finite(tensors: Any) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in tensors)
