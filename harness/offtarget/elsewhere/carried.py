"""What of a plan a dataset carries into another trainer, and what trl's own DPOTrainer would ignore of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.errors import ConfigError
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.sides import Sides
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TokenPair

HOOKS = "hooks in the forward pass (steering, ablation) are a part of the model, and no dataset holds them"
WEIGHTS = "weights of pairs: it trains on all pairs alike"
WORDS = "masks and weights of words: it counts every token of an answer alike"
PROMPTS = "another prompt before the chosen answer than before the rejected one: it reads one for both"
CUT = "an answer's cut: behind the policy's own prompt it would read more of it than the reference did"


@dataclass(frozen=True)
class Carried:
    """What a dataset of a plan is to trl's DPOTrainer."""

    options: dict[str, Any]
    """Arguments of trl's DPOConfig that the columns are made for."""
    ignored: tuple[str, ...]
    """What of the plan it would ignore; empty: it carries out all of it."""
    prompted: bool
    """Whether the policy reads prompts of its own while it trains."""
    one_prompt: bool
    """Whether every pair has one prompt for both sides."""
    weighted_words: bool
    """Whether some tokens do not count as 1."""


def require_held(plan: ShapingPlan) -> None:
    """Refuse a plan that no dataset can hold.

    Raises:
        ConfigError: says why, and what trains such a plan.
    """
    if plan.hooks:
        raise ConfigError(
            f"plan of '{plan.protocol}' cannot be exported: {HOOKS}; train it with ShapedDPOTrainer or `offtarget run`"
        )


def carried(
    plan: ShapingPlan, sides: Sides, ids: Sequence[TokenPair], spec: TrainingSpec, *, reference: bool
) -> Carried:
    """What trl's DPOTrainer makes of a dataset of the plan.

    Args:
        plan: without hooks.
        sides: every row's answers in tokens.
        ids: every row's tokens, uncut.
        spec: with the options of the loss that the plan sets.
        reference: whether the dataset has columns of reference log-probabilities.
    """
    kept = [(both, tokens) for both, tokens, keep in zip(sides, ids, plan.keep, strict=True) if keep]
    prompted = any(s.policy_prompt != s.prompt for both, _ in kept for s in both)
    one_prompt = all(up.policy_prompt == down.policy_prompt for (up, down), _ in kept)
    words = any((s.weights != 1).any() for both, _ in kept for s in both)
    whole = [(s, (tokens.chosen, tokens.rejected)[s.source]) for both, tokens in kept for s in both]
    cut = any(s.answer != answer[: spec.max_length - len(s.policy_prompt)] for s, answer in whole)
    found = {
        WEIGHTS: bool((plan.relative_weight()[plan.keep] != 1).any()),
        WORDS: words,
        PROMPTS: prompted and not one_prompt,
        CUT: prompted and one_prompt and cut,
    }
    return Carried(
        options=_options(spec, reference),
        ignored=tuple(reason for reason, holds in found.items() if holds),
        prompted=prompted,
        one_prompt=one_prompt,
        weighted_words=words,
    )


def _options(spec: TrainingSpec, reference: bool) -> dict[str, Any]:
    """Those of trl's DPOConfig that decide what the columns mean; all others are the trainer's own."""
    options: dict[str, Any] = {"loss_type": spec.loss, "beta": spec.beta, "max_length": spec.max_length}
    if spec.label_smoothing:
        options["label_smoothing"] = spec.label_smoothing
    if spec.ld_alpha is not None:
        options["ld_alpha"] = spec.ld_alpha
    if spec.wpo:
        options["use_weighting"] = True
    # with columns of the reference trl would compute it once more, and refuse two columns of one name
    return {**options, "precompute_ref_log_probs": False} if reference else options
