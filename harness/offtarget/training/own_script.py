"""What `ShapedDPOTrainer` needs beside trl's arguments, made from a dataset: tokens, the plan's rows, trl's options."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.sides import LONG, Sides, sides_of
from offtarget.training.spec import EXACT_OFFSET_LOSSES
from offtarget.training.tokens import tokenise

OPTIONS = {"loss": "loss_type", "wpo": "use_weighting"}
"""Options of a plan's loss whose names are others in trl's DPOConfig."""


@dataclass(frozen=True, eq=False)
class OwnData:
    """A dataset as the trainer reads it under a plan."""

    plan: ShapingPlan
    """Without the rows whose prompt leaves no room for an answer; trl leaves them out too."""
    sides: Sides
    args: Any
    """trl's options, with the reference computed before training."""


def own_data(plan: ShapingPlan, dataset: Any, tokenizer: Any, args: Any) -> OwnData:
    """Make a plan and a dataset fit for trl.

    Args:
        plan: over the pairs of `dataset`.
        dataset: the `datasets.Dataset` that was planned on, or the pairs that were loaded of it.
        tokenizer: with a chat template.
        args: trl's DPOConfig.

    Raises:
        ConfigError: another dataset, one of plain texts, or options that cannot carry out the plan.
    """
    check_options(plan, args)
    pairs = [*_pairs(plan, dataset), *plan.added]
    room = args.max_length or LONG
    ids = [tokenise(tokenizer, pair) for pair in pairs]
    kept = plan.keep & np.array([len(t.prompt) < room for t in ids], bool)
    plan = plan.edit(keep=kept)
    args = copy.copy(args)
    args.precompute_ref_log_probs = True  # an offset is a shift of what the reference says
    return OwnData(plan, sides_of(pairs, ids, plan, tokenizer, room), args)


def _pairs(plan: ShapingPlan, dataset: Any) -> list[Any]:
    if isinstance(dataset, PairSet):
        found = dataset
    else:
        first = dataset[0]
        if any(isinstance(first.get(name), str) for name in ("prompt", "chosen", "rejected")):
            raise ConfigError(
                "train_dataset holds plain texts, which trl trains on without a chat template; to train on them as turns "
                "give train_dataset=offtarget.load_pairs(dataset)"
            )
        found = load_pairs(dataset)
    own = plan.pair_ids[: len(plan.pair_ids) - len(plan.added)]
    if tuple(p.id for p in found.pairs) != own:
        raise ConfigError(
            f"plan of '{plan.protocol}' was made for other rows than train_dataset has ({len(own):,} pairs there, "
            f"{len(found):,} here): give the dataset that was planned on, or the pairs loaded of it"
        )
    return found.pairs


def check_options(plan: ShapingPlan, args: Any) -> None:
    """Refuse trl's options where they cannot carry out a plan.

    Raises:
        ConfigError: names the option to change.
    """
    losses = [args.loss_type] if isinstance(args.loss_type, str) else list(args.loss_type)
    if args.truncation_mode != "keep_start":
        raise ConfigError(f"truncation_mode='{args.truncation_mode}': a plan needs 'keep_start'")
    for name, value in plan.loss.items():
        option = OPTIONS.get(name, name)
        has = losses[0] if option == "loss_type" and len(losses) == 1 else getattr(args, option)
        if has != value:
            raise ConfigError(f"plan of '{plan.protocol}' needs DPOConfig({option}={value!r}), not {has!r}")
    if plan.offset.any() and (wrong := set(losses) - EXACT_OFFSET_LOSSES):
        raise ConfigError(
            f"plan of '{plan.protocol}' shifts rewards, which under the loss '{sorted(wrong)[0]}' is another loss than its "
            f"formula says; use one of {', '.join(sorted(EXACT_OFFSET_LOSSES))}"
        )
    if (plan.relative_weight()[plan.keep] != 1).any() and any(loss.startswith("aot") for loss in losses):
        raise ConfigError(f"plan of '{plan.protocol}' weights pairs, but the loss aot mixes the rows of a batch")
