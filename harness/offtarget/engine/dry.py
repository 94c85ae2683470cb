"""A plan without training: what `offtarget plan` shows."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from offtarget import verdicts as verdict_file
from offtarget.audit.run import audit as run_audit
from offtarget.data.pairs import PairSet
from offtarget.engine.features import check_concept, earlier_readings, features_of, reads_model
from offtarget.engine.planning import make_shaping_plan, predicted_shift, readings_of
from offtarget.engine.targets import targets_of
from offtarget.errors import unknown_name
from offtarget.models import resolve
from offtarget.progress import Progress
from offtarget.registry import default
from offtarget.shaping.context import Target
from offtarget.shaping.protocol import needs_concept
from offtarget.store import Store
from offtarget.training.spec import TrainingSpec


def dry_plan(
    pairs: PairSet,
    protocol: str,
    params: Mapping[str, Any],
    *,
    concept: str | None,
    verdicts: Path | None,
    like: Path | None = None,
    lenses: Sequence[str],
    model: str,
    template: str | None = None,
    seed: int,
    store: Store,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Summary of the plan that a protocol would make for a set, and the rows that each verdict speaks of.

    Args:
        pairs: the whole set.
        protocol: its name.
        params: its parameters.
        concept: what to shape where there are no verdicts; amplified with a positive strength.
        verdicts: a verdicts.yaml; needs an audit of this set with the same lenses, which is made here.
        like: the audit that the verdicts were made on, for its vocabulary.
        lenses: what reads the set.
        model: the start model; only resolved where a lens or a direction needs it.
        template: chat template file for models without one.
        seed: of the controls.
        store: where features lie.
        progress: called with (what, done, total).

    Raises:
        ConfigError: unknown names, a plan that does nothing.
        UndecidedError: too few rows, or verdicts of another vocabulary.
    """
    if concept is not None:
        check_concept(concept, lenses, "-P concept", "--lens")
    found = cache(lambda: resolve(model, store))
    features = features_of(
        pairs,
        lenses,
        model=found() if reads_model(lenses) else None,
        store=store,
        template=template,
        fitted=earlier_readings(like, lenses),
        progress=progress,
    )
    members: dict[str, tuple[str, ...]] = {c.id: (c.id,) for part in features for c in part.columns}
    targets: tuple[Target, ...] = ()
    traced: list[verdict_file.Traced] = []
    labels: dict[str, str] = {}
    if verdicts is not None:
        audit = run_audit(pairs, features, like=like)
        members |= {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
        labels = {c.id: c.title for c in audit.concepts}
        decided = verdict_file.read(verdicts, audit)
        targets = targets_of(decided, audit, pairs.pairs)
        traced = [t for t in verdict_file.trace(decided, audit) if t.verdict.sign]
    elif concept is not None:
        if concept not in members:
            raise unknown_name("concept", concept, members)
        targets = (Target(concept, 1),)
    readings = readings_of(
        pairs,
        features,
        members,
        lenses,
        found,
        store=store,
        template=template,
        labels=labels,
        progress=progress,
    )
    plan = make_shaping_plan(protocol, params, readings, targets, seed)
    summary = plan.summary()
    summary["predicted_shift"] = predicted_shift(plan, readings, targets)
    # a loss option that no training takes is said here; that needs no look at the machine, which would load torch
    TrainingSpec(bf16=False).under(plan)
    if concept is not None and not needs_concept(protocol):
        summary["notes"].append(
            f"protocol '{protocol}' does the same whatever the concept: '{concept}' is not used"
        )
    entry = default().get("protocol", protocol)
    strength = params.get("strength", entry.card["parameters"].get("strength"))
    summary["targets"] = [
        f"{'amplifies' if t.effective(strength) > 0 else 'suppresses'} {t.concept} (strength {t.effective(strength):+g})"
        for t in (targets if needs_concept(protocol) and entry.card["family"] != "control" else ())
        if isinstance(strength, int | float)
    ]
    summary["traced"] = [
        {
            "concept": t.verdict.name(),
            "decision": t.verdict.decision,
            "more_in_chosen": list(t.more_in_chosen),
            "more_in_rejected": list(t.more_in_rejected),
        }
        for t in traced
    ]
    return summary
