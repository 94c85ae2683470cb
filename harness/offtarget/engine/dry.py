"""A plan without training: what `offtarget plan` shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.folder import AuditFolder, AuditWithRows
from offtarget.audit.run import audit as run_audit
from offtarget.data.pairs import PairSet
from offtarget.engine.as_audited import require_same_reading
from offtarget.engine.planning import make_shaping_plan, predicted_shift, readings_of, turned_round
from offtarget.engine.targets import columns_asked, inside_of, targets_of
from offtarget.errors import unknown_name
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import check_concept, earlier_readings, features_of
from offtarget.registry import default
from offtarget.shaping.context import Target
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import needs_concept
from offtarget.shaping.readings import StoredReadings
from offtarget.training.spec import TrainingSpec
from offtarget.verdicts import Verdict, Verdicts


@dataclass(frozen=True, eq=False)
class Ground:
    """What all plans of one set and one decision share."""

    readings: StoredReadings
    features: tuple[FeatureMatrix, ...]
    targets: tuple[Target, ...]
    forecast: tuple[ConceptSpec, ...]
    """Concepts whose shift is predicted."""
    traced: tuple[verdict_file.Traced, ...]
    """The rows that each verdict speaks of."""
    concept: str | None
    notes: tuple[str, ...]


def ground(
    pairs: PairSet,
    lenses: Sequence[str],
    reader: Reader,
    *,
    concept: str | None = None,
    verdicts: Path | Verdicts | None = None,
    like: Path | None = None,
) -> Ground:
    """Read a set and what was decided on it.

    Args:
        pairs: the whole set.
        lenses: what reads the set.
        reader: the start model, which is found only where a lens or a direction needs it, and how it reads.
        concept: what to shape where there are no verdicts; amplified with a positive strength.
        verdicts: a verdicts.yaml, or what one holds; needs an audit of this set with the same lenses, which is made here.
        like: the audit that the verdicts were made on, for its vocabulary; lenses must read as much as they did for it.

    Raises:
        ConfigError: an unknown concept, or lenses that read another length than for `like`.
        UndecidedError: too few rows, or verdicts of another vocabulary.
    """
    if concept is not None:
        check_concept(concept, lenses, "-P concept", "--lens")
    features = features_of(pairs, lenses, reader, earlier_readings(like, lenses))
    notes: list[str] = []
    if like is not None:
        earlier = AuditFolder(like).audit
        require_same_reading(earlier, features, str(like))
        if earlier.dataset.rows_sha256 != pairs.rows_sha256:
            notes.append(
                f"these are not the rows that {like} audited ({len(pairs):,} pairs here, {earlier.dataset.n_pairs:,} there)"
            )
    if verdicts is not None:
        written = verdict_file.read(verdicts) if isinstance(verdicts, Path) else verdicts
        by = columns_asked(None, written, like)
        made = run_audit(pairs, features, like=like, by=by)
        decided = verdict_file.read(verdicts, made.audit) if isinstance(verdicts, Path) else verdicts
        return decided_on(basis(pairs, features, made, lenses, reader), decided, notes)
    members: dict[str, tuple[str, ...]] = {c.id: (c.id,) for part in features for c in part.columns}
    forecast = [ConceptSpec(c.id, "feature", part.lens, (c.id,)) for part in features for c in part.columns]
    targets: tuple[Target, ...] = ()
    if concept is not None:
        if concept not in members:
            raise unknown_name("concept", concept, members)
        targets = (Target(concept, 1),)
    readings = readings_of(pairs, features, members, lenses, reader)
    return Ground(readings, tuple(features), targets, tuple(forecast), (), concept, tuple(notes))


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan, and what there is to say of it."""

    plan: ShapingPlan
    summary: dict[str, Any]
    """JSON values: rows touched, weights, targets, expected shifts, notes, hash."""
    on: Ground
    parameters: Mapping[str, Any]
    """Of the protocol, those that were given."""
    seed: int

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What it carries out; a concept without verdicts is amplified, by a negative strength suppressed."""
        if not needs_concept(self.plan.protocol):
            return ()
        if self.on.concept is not None:
            return (Verdict(concept=self.on.concept, decision="amplify"),)
        return tuple(t.verdict.acting() for t in self.on.traced)


@dataclass(frozen=True, eq=False)
class Basis:
    """What all decisions on one audited set share."""

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    audited: AuditWithRows
    readings: StoredReadings
    forecast: tuple[ConceptSpec, ...]


def basis(
    pairs: PairSet, features: Sequence[FeatureMatrix], audited: AuditWithRows, lenses: Sequence[str], reader: Reader
) -> Basis:
    """What decisions on an audited set are carried out on.

    Args:
        pairs: the whole set.
        features: of it, by every lens.
        audited: its audit.
        lenses: what read the set.
        reader: the start model, which is found only where a lens or a direction needs it, and how it reads.
    """
    audit = audited.audit
    members: dict[str, tuple[str, ...]] = {c.id: (c.id,) for part in features for c in part.columns}
    members |= {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
    labels = {c.id: c.title for c in audit.concepts}
    readings = readings_of(pairs, features, members, lenses, reader, labels)
    forecast = tuple(c for c in audited.vocabulary.concepts if not c.local)
    return Basis(pairs, tuple(features), audited, readings, forecast)


def decided_on(on: Basis, verdicts: Verdicts, notes: Sequence[str] = ()) -> Ground:
    """The ground of plans, once something is decided.

    Raises:
        ConfigError: a concept or context that the audit does not have.
        UndecidedError: verdicts of another vocabulary.
    """
    verdict_file.check(verdicts, on.audited.audit)
    left = verdict_file.undecided(verdicts)
    targets = targets_of(verdicts, on.audited, on.pairs.pairs)
    inside = inside_of(verdicts, on.audited, on.pairs.pairs)
    traced = tuple(t for t in verdict_file.trace(verdicts, on.audited, inside) if t.verdict.sign)
    said = (*notes, *((left,) if left else ()))
    return Ground(on.readings, on.features, targets, on.forecast, traced, None, said)


def dry_plan(on: Ground, protocol: str, params: Mapping[str, Any], *, seed: int) -> Planned:
    """The plan that a protocol would make, and what there is to say of it.

    Args:
        on: the set and the decision.
        protocol: its name.
        params: its parameters.
        seed: random seed of the control protocols.

    Raises:
        ConfigError: an unknown protocol, or a plan that does nothing.
        UndecidedError: it leaves too few rows.
    """
    plan = make_shaping_plan(protocol, params, on.readings, on.targets, seed)
    summary = plan.summary()
    summary["predicted_shift"] = predicted_shift(plan, on.features, on.forecast, on.targets)
    # a loss option that no training takes is said here; that needs no look at the machine, which would load torch
    TrainingSpec(bf16=False).under(plan)
    turned = turned_round(protocol, params, on.targets) if on.concept is None else []
    summary["notes"] = [*turned, *summary["notes"], *on.notes]
    if on.concept is not None and not needs_concept(protocol):
        summary["notes"].append(f"protocol '{protocol}' does the same whatever the concept: '{on.concept}' is not used")
    entry = default().get("protocol", protocol)
    strength = params.get("strength", entry.card["parameters"].get("strength"))
    summary["targets"] = [
        f"{'amplifies' if t.effective(strength) > 0 else 'suppresses'} {t.concept} (strength {t.effective(strength):+g})"
        for t in (on.targets if needs_concept(protocol) and entry.card["family"] != "control" else ())
        if isinstance(strength, int | float)
    ]
    summary["traced"] = [
        {
            "concept": t.verdict.name(),
            "decision": t.verdict.decision,
            "more_in_chosen": list(t.more_in_chosen),
            "more_in_rejected": list(t.more_in_rejected),
        }
        for t in on.traced
    ]
    return Planned(plan, summary, on, params, seed)
