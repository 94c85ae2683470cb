"""A plan without training: what `offtarget plan` shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import check_concept, earlier_readings, features_of
from offtarget.registry import default
from offtarget.shaping.context import Target
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import needs_concept
from offtarget.training.spec import TrainingSpec


@dataclass(frozen=True)
class PlanOptions:
    """Which plan is asked for."""

    protocol: str
    """Its name."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Those of its parameters that are not as preset."""
    concept: str | None = None
    """What to shape where there are no verdicts; amplified with a positive strength."""
    verdicts: Path | None = None
    """A verdicts.yaml; needs an audit of this set with the same lenses, which is made for the plan."""
    seed: int = 0
    """Of the control protocols."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A checked plan, and what it was made from."""

    plan: ShapingPlan
    features: tuple[FeatureMatrix, ...]
    targets: tuple[Target, ...]
    concepts: tuple[ConceptSpec, ...]
    """Those whose shift is forecast."""
    traced: tuple[verdict_file.Traced, ...]
    """The rows that each verdict speaks of."""
    notes: tuple[str, ...]
    """How these rows differ from those of the earlier audit."""


def plan_for(
    pairs: PairSet, options: PlanOptions, lenses: Sequence[str], reader: Reader, like: Path | None = None
) -> Planned:
    """The plan that a protocol makes for a set, checked; nothing is trained.

    Args:
        pairs: the whole set.
        options: which protocol, and what it shapes.
        lenses: what reads the set.
        reader: the start model, which is found only where a lens or a direction needs it, and how it reads.
        like: the audit that the verdicts were made on, for its vocabulary; lenses must read as much as they did for it.

    Raises:
        ConfigError: unknown names, a plan that does nothing, or lenses that read another length than for `like`.
        UndecidedError: too few rows, or verdicts of another vocabulary.
    """
    concept = options.concept
    if concept is not None:
        check_concept(concept, lenses, "-P concept", "--lens")
    features = features_of(pairs, lenses, reader, earlier_readings(like, lenses))
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
    if options.verdicts is not None:
        by = columns_asked(None, verdict_file.read(options.verdicts), like)
        audit = run_audit(pairs, features, like=like, by=by)
        forecast = [c for c in audit.vocabulary_record.concepts if not c.local]
        members |= {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
        labels = {c.id: c.title for c in audit.concepts}
        decided = verdict_file.read(options.verdicts, audit)
        targets = targets_of(decided, audit, pairs.pairs)
        traced = [
            t for t in verdict_file.trace(decided, audit, inside_of(decided, audit, pairs.pairs)) if t.verdict.sign
        ]
    elif concept is not None:
        if concept not in members:
            raise unknown_name("concept", concept, members)
        targets = (Target(concept, 1),)
    readings = readings_of(pairs, features, members, lenses, reader, labels)
    plan = make_shaping_plan(options.protocol, options.parameters, readings, targets, options.seed)
    # a loss option that no training takes is said here; that needs no look at the machine, which would load torch
    TrainingSpec(bf16=False).under(plan)
    return Planned(plan, tuple(features), targets, tuple(forecast), tuple(traced), tuple(unlike))


def dry_plan(
    pairs: PairSet, options: PlanOptions, lenses: Sequence[str], reader: Reader, like: Path | None = None
) -> dict[str, Any]:
    """What `offtarget plan` shows of `plan_for`: counts, expected shifts, notes, and the rows that each verdict speaks of."""
    made = plan_for(pairs, options, lenses, reader, like)
    summary = made.plan.summary()
    summary["predicted_shift"] = predicted_shift(made.plan, made.features, made.concepts, made.targets)
    summary["notes"] += made.notes
    shapes = needs_concept(options.protocol)
    if options.concept is not None and not shapes:
        summary["notes"].append(
            f"protocol '{options.protocol}' does the same whatever the concept: '{options.concept}' is not used"
        )
    entry = default().get("protocol", options.protocol)
    strength = options.parameters.get("strength", entry.card["parameters"].get("strength"))
    summary["targets"] = [
        f"{'amplifies' if t.effective(strength) > 0 else 'suppresses'} {t.concept} (strength {t.effective(strength):+g})"
        for t in (made.targets if shapes and entry.card["family"] != "control" else ())
        if isinstance(strength, int | float)
    ]
    summary["traced"] = [
        {
            "concept": t.verdict.name(),
            "decision": t.verdict.decision,
            "more_in_chosen": list(t.more_in_chosen),
            "more_in_rejected": list(t.more_in_rejected),
        }
        for t in made.traced
    ]
    return summary
