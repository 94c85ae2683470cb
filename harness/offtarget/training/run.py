"""From pairs and a plan to a policy at a content-addressed path."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offtarget.data.pairs import PairSet
from offtarget.errors import UndecidedError
from offtarget.machine import device, return_freed_memory
from offtarget.models import ModelRef, load_tokenizer, template_key
from offtarget.progress import Progress
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store, hash_of
from offtarget.training.admission import check_loss, check_made_for
from offtarget.training.here import DIGEST, train_here
from offtarget.training.job import Job
from offtarget.training.model_card import CARD, Origin, write_card
from offtarget.training.processes import FOLDER, launch
from offtarget.training.spec import TrainingSpec
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
    origin: Origin | None = None,
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
        origin: what the policy's README.md says of its data and protocol; no part of its key.

    Raises:
        ConfigError: the plan does not fit the set or the loss; a hook's layer does not exist.
    """
    check_loss(plan, spec)
    check_made_for(plan, training_set)
    asked, spec = spec, spec.under(plan)
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
        (out / CARD).unlink(missing_ok=True)  # trl's, from its checkpoints
        digest = json.loads((out / DIGEST).read_text())
        write_card(out / "policy", ref, plan, spec, seed, training_set.rows_sha256, digest, origin)
        return_freed_memory()  # a trainer and its model hold each other; evaluation needs the memory

    folder = store.get("policy", VERSION, inputs, build, resumable=True)
    return Trained(folder / "policy", json.loads((folder / DIGEST).read_text()))
