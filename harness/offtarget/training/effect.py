"""A plan that touches rows must change what is learned from them; one that does not is an error, not a result."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from offtarget.errors import ConfigError

if TYPE_CHECKING:
    from offtarget.training.trainer import ShapedDPOTrainer


def require_effect(trainer: "ShapedDPOTrainer") -> None:
    """Refuse a plan under which the gradients are those of plain DPO.

    Rows that are left out, flipped, weighted, offset or added change the gradient by their formula, other options of the
    loss too (`admission.check_loss` looks whether they are other ones). A mask or a weighted word may lie
    behind what is cut off, a prompt may come out of the template as it was, a hook may reach nothing: these are looked
    at in the tokens, and for hooks in the log-probabilities of the first rows they touch.

    Raises:
        ConfigError: nothing changes.
    """
    plan = trainer.plan
    if plan.control or _by_formula(trainer) or _in_tokens(trainer):
        return
    if plan.hooks and _in_log_probs(trainer):
        return
    rows = {"mask": plan.masked_rows, "weight of tokens": plan.token_weighted_rows, "prompt": plan.prompted_rows}
    asked = [name for name, on in rows.items() if on.any()] + (["hook"] if plan.hooks else [])
    raise ConfigError(
        f"plan of '{plan.protocol}' touches {int(plan.touched.sum())} rows, but training on them would be plain DPO: "
        f"{' and '.join(asked) or 'it'} changes nothing of what the policy reads within "
        f"max_length {trainer.args.max_length}"
    )


def _by_formula(trainer: "ShapedDPOTrainer") -> bool:
    plan = trainer.plan
    weights = plan.relative_weight()[plan.keep]
    own = len(plan.keep) - len(plan.added)  # an added pair that cannot be trained on is not kept
    return bool(
        (~plan.keep[:own]).any()
        or (plan.flip & plan.keep).any()
        or (weights != 1).any()
        or plan.offset[plan.keep].any()
        or plan.keep[own:].any()
        or plan.loss
    )


def _in_tokens(trainer: "ShapedDPOTrainer") -> bool:
    kept = [both for both, keep in zip(trainer.sides, trainer.plan.keep, strict=True) if keep]
    return any(s.policy_prompt != s.prompt or (s.weights != 1).any() for both in kept for s in both)


@torch.no_grad()
def _in_log_probs(trainer: "ShapedDPOTrainer") -> bool:
    """Whether the hooks change the log-probabilities of the first rows that they touch."""
    plan, dataset = trainer.plan, trainer.train_dataset
    touched = plan.hooked_rows
    rows = [k for k, i in enumerate(dataset["row"]) if touched[i]][: trainer.args.per_device_train_batch_size]
    if not rows:
        return False
    batch = trainer.data_collator([dataset[k] for k in rows])
    was_training = trainer.model.training
    trainer.model.eval()
    with_hooks, without = (trainer.policy_log_probs(batch, hooks=on) for on in (True, False))
    trainer.model.train(was_training)
    return not np.array_equal(with_hooks.float().cpu().numpy(), without.float().cpu().numpy())
