"""Can this plan be trained? The one door before training, its checks in the order in which they cost.

A plan by itself is checked where it is made (`ShapingPlan.check`). Here it meets what trains it:

1. the loss: options alone;
2. the rows: whether the plan was made for them;
3. the model's layout, the layers trained and the places of hooks: its configuration alone;
4. masks, token weights and prompts: the tokens.

Whether hooks change any log-probability is known only once the model is loaded (`training.effect`).
"""

from collections.abc import Sequence

from offtarget.errors import ConfigError
from offtarget.models import ModelRef, load_tokenizer, skeleton
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.fit import require_fit
from offtarget.training.here import with_added
from offtarget.training.sides import sides_of
from offtarget.training.spec import EXACT_OFFSET_LOSSES, PER_TOKEN_LOSSES, TrainingSpec
from offtarget.training.tokens import TrainingSet


def admit(
    plans: Sequence[ShapingPlan], training_set: TrainingSet, ref: ModelRef, spec: TrainingSpec, template: str | None
) -> None:
    """Refuse plans that training could not carry out, before anything is trained; a cheap check comes first for all.

    Args:
        plans: checked by themselves.
        training_set: what they are trained on.
        ref: the start model.
        spec: training options.
        template: chat template file for models without one.

    Raises:
        ConfigError: names the plan and what it lacks.
    """
    for plan in plans:
        check_loss(plan, spec)
        check_made_for(plan, training_set)
    model = skeleton(ref)
    for plan in plans:
        require_fit(model, ref.name, plan, spec.under(plan))
    for plan in plans:
        check_rows(plan, training_set, ref, spec, template)


def check_loss(plan: ShapingPlan, spec: TrainingSpec) -> None:
    """Refuse what a loss cannot carry out.

    Offsets, where a shifted reference is another loss than an offset; weights, where a loss sorts the rows of
    a batch; options that the loss has already, if they are all that a plan asks for.

    Raises:
        ConfigError: names the losses that are allowed.
    """
    asked, spec = spec, spec.under(plan)
    if plan.loss and spec == asked and not plan.edit(loss={}).touched.any():
        raise ConfigError(
            f"plan of '{plan.protocol}' asks for {', '.join(f'{k}={v}' for k, v in sorted(plan.loss.items()))}, which the "
            "recipe's training has already: that is plain DPO there"
        )
    if "beta" not in plan.loss and (asked.loss in PER_TOKEN_LOSSES) != (spec.loss in PER_TOKEN_LOSSES):
        raise ConfigError(
            f"protocol '{plan.protocol}' takes the loss '{spec.loss}' instead of '{asked.loss}', but keeps beta {spec.beta:g}: "
            "one of them sums over an answer's tokens, the other takes their mean, so beta means another thing there; train "
            "with a loss of the protocol's kind (training.loss), or let the protocol set a beta too"
        )
    if spec.loss.startswith("aot") and (plan.relative_weight()[plan.keep] != 1).any():
        raise ConfigError(
            f"protocol '{plan.protocol}' weights pairs, but the loss '{spec.loss}' mixes the rows of a batch; "
            "use another loss"
        )
    if plan.offset.any() and spec.loss not in EXACT_OFFSET_LOSSES:
        raise ConfigError(
            f"protocol '{plan.protocol}' shifts rewards, which under the loss '{spec.loss}' is another loss than "
            f"its formula says; use one of {', '.join(sorted(EXACT_OFFSET_LOSSES))}"
        )


def check_made_for(plan: ShapingPlan, training_set: TrainingSet) -> None:
    """Refuse a plan for other rows; those that it adds come after the set's.

    Raises:
        ConfigError: its rows are other ones, or in another order.
    """
    if plan.pair_ids[: len(plan.pair_ids) - len(plan.added)] != tuple(p.id for p in training_set.pairs):
        raise ConfigError(f"plan of '{plan.protocol}' was made for other rows than the training set has")


def check_rows(
    plan: ShapingPlan, training_set: TrainingSet, ref: ModelRef, spec: TrainingSpec, template: str | None
) -> None:
    """Refuse a plan whose masks, token weights or prompts leave nothing of a row, in the tokens that the policy would read.

    Raises:
        ConfigError: names the row.
    """
    if not (plan.masked_rows | plan.token_weighted_rows | plan.prompted_rows).any():
        return
    tokenizer = load_tokenizer(ref, template=template)
    whole, plan = with_added(training_set, plan, tokenizer, spec)
    sides_of(whole.pairs, whole.ids, plan, tokenizer, spec.max_length)
