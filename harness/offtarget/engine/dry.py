"""A plan without training: what `offtarget plan` shows."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.records import Audit
from offtarget.audit.run import audit as run_audit
from offtarget.data.pairs import PairSet
from offtarget.engine.as_audited import require_same_reading
from offtarget.engine.planning import make_shaping_plan, predicted_shift, readings_of
from offtarget.engine.targets import columns_asked, inside_of, targets_of
from offtarget.errors import unknown_name
from offtarget.lens.table import check_concept, earlier_readings, features_of, reads_model
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
    max_length: int = 512,
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
        like: the audit that the verdicts were made on, for its vocabulary; lenses must read as much as they did for it.
        lenses: what reads the set.
        model: the start model; only resolved where a lens or a direction needs it.
        max_length: tokens of prompt and answer that lenses on activations read.
        template: chat template file for models without one.
        seed: of the controls.
        store: where features lie.
        progress: called with (what, done, total).

    Raises:
        ConfigError: unknown names, a plan that does nothing, or lenses that read another length than for `like`.
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
        max_length=max_length,
        template=template,
        fitted=earlier_readings(like, lenses),
        progress=progress,
    )
    unlike: list[str] = []
    if like is not None:
        earlier = Audit.read(like)
        require_same_reading(earlier, features, str(like))
        if earlier.dataset.rows_sha256 != pairs.rows_sha256:
            unlike.append(
                f"these are not the rows that {like} audited ({len(pairs):,} pairs here, {earlier.dataset.n_pairs:,} there)"
            )
    members: dict[str, tuple[str, ...]] = {c.id: (c.id,) for part in features for c in part.columns}
    forecast = [ConceptSpec(c.id, "feature", part.lens, (c.id,)) for part in features for c in part.columns]
    targets: tuple[Target, ...] = ()
    traced: list[verdict_file.Traced] = []
    labels: dict[str, str] = {}
    if verdicts is not None:
        by = columns_asked(None, verdict_file.read(verdicts), like)
        audit = run_audit(pairs, features, like=like, by=by)
        forecast = [c for c in audit.vocabulary_record.concepts if not c.local]
        members |= {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
        labels = {c.id: c.title for c in audit.concepts}
        decided = verdict_file.read(verdicts, audit)
        targets = targets_of(decided, audit, pairs.pairs)
        traced = [
            t for t in verdict_file.trace(decided, audit, inside_of(decided, audit, pairs.pairs)) if t.verdict.sign
        ]
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
        max_length=max_length,
        template=template,
        labels=labels,
        progress=progress,
    )
    plan = make_shaping_plan(protocol, params, readings, targets, seed)
    summary = plan.summary()
    summary["predicted_shift"] = predicted_shift(plan, features, forecast, targets)
    # a loss option that no training takes is said here; that needs no look at the machine, which would load torch
    TrainingSpec(bf16=False).under(plan)
    summary["notes"] += unlike
    if concept is not None and not needs_concept(protocol):
        summary["notes"].append(f"protocol '{protocol}' does the same whatever the concept: '{concept}' is not used")
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
