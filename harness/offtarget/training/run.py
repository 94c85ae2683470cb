"""From pairs and a plan to a policy at a content-addressed path."""

import gc
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.machine import device
from offtarget.models import ModelRef, load_tokenizer, template_key
from offtarget.progress import Progress
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store, hash_of
from offtarget.training.here import DIGEST, train_here, with_added
from offtarget.training.job import Job
from offtarget.training.processes import FOLDER, launch
from offtarget.training.sides import sides_of
from offtarget.training.spec import EXACT_OFFSET_LOSSES, PER_TOKEN_LOSSES, TrainingSpec
from offtarget.training.tokens import TrainingSet, trainable
from offtarget.versions import package_versions

VERSION = 3


@dataclass(frozen=True)
class Trained:
    """A policy, and how its training went."""

    path: Path
    """Folder of the adapter or model."""
    digest: dict[str, Any]


def prepare(pairs: PairSet, ref: ModelRef, spec: TrainingSpec, template: str | None = None) -> TrainingSet:
    """Tokenise once; name what cannot be trained on.

    Raises:
        UndecidedError: no row is left.
    """
    tokenizer = load_tokenizer(ref, template=template)
    kept, ids, lost = trainable(
        pairs.pairs, tokenizer, max_length=spec.max_length, min_answer_tokens=spec.min_answer_tokens
    )
    if not kept:
        why = ", ".join(f"{n} {reason}" for reason, n in lost.items())
        raise UndecidedError(f"no pair can be trained on at max_length {spec.max_length} ({why}): raise max_length")
    return TrainingSet(kept, ids, lost, replace(pairs, pairs=kept).rows_sha256)


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


def check_rows(
    plan: ShapingPlan, training_set: TrainingSet, ref: ModelRef, spec: TrainingSpec, template: str | None
) -> None:
    """Refuse a plan whose masks or prompts leave nothing of a row, as training would.

    Raises:
        ConfigError: names the row.
    """
    if not (plan.masked_rows | plan.prompted_rows).any():
        return
    tokenizer = load_tokenizer(ref, template=template)
    whole, plan = with_added(training_set, plan, tokenizer, spec)
    sides_of(whole.pairs, whole.ids, plan, tokenizer, spec.max_length)


def train(
    training_set: TrainingSet,
    plan: ShapingPlan,
    ref: ModelRef,
    spec: TrainingSpec,
    *,
    seed: int,
    store: Store,
    progress: Progress | None = None,
    template: str | None = None,
) -> Trained:
    """Train a policy under a plan, or find it finished in the store.

    Args:
        training_set: from `prepare`; the plan's rows are its pairs, in order.
        plan: a checked plan.
        ref: the start model.
        spec: training options.
        seed: of data order and of the LoRA weights.
        store: where the policy goes; an interrupted run goes on from its last checkpoint.
        progress: called with (what, done, total).
        template: chat template file for models without one.

    Raises:
        ConfigError: the plan does not fit the set or the loss; a hook's layer does not exist.
    """
    check_loss(plan, spec)
    asked, spec = spec, spec.under(plan)
    if plan.pair_ids[: len(plan.pair_ids) - len(plan.added)] != tuple(p.id for p in training_set.pairs):
        raise ConfigError(f"plan of '{plan.protocol}' was made for other rows than the training set has")
    inputs = {
        "model": ref.identity,
        "template": template_key(ref, template),
        "rows": training_set.rows_sha256,
        "plan": plan.hash,
        "spec": asked.model_dump(),
        "seed": seed,
        "device": device(),
        "packages": package_versions("torch", "transformers", "trl", "peft"),
    }

    def build(out: Path) -> None:
        if not (out / DIGEST).is_file():  # else the run was interrupted while it tidied up
            job = Job(training_set, plan, ref, spec, seed, store, out, progress, template, hash_of(inputs))
            (launch if spec.processes > 1 else train_here)(job)
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        for folder in out.glob("checkpoint-*"):
            shutil.rmtree(folder)
        (out / "policy" / "training_args.bin").unlink(missing_ok=True)
        gc.collect()  # a trainer and its model hold each other; evaluation needs the memory

    folder = store.get("policy", VERSION, inputs, build, resumable=True)
    return Trained(folder / "policy", json.loads((folder / DIGEST).read_text()))
