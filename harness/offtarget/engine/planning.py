"""From targets to a checked plan: readings of the training rows, what to say of them, what training would then teach."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from offtarget.asking import ask_all
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.prediction import weighted_shift
from offtarget.data.pairs import PairSet
from offtarget.engine.influencing import Influencer
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.names import which_of
from offtarget.lens.reader import Reader
from offtarget.lens.table import direction_examples, sae_lens
from offtarget.registry import default
from offtarget.shaping.context import ShapingContext, Target
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import make_plan, needs_concept
from offtarget.shaping.readings import StoredReadings
from offtarget.shaping.rewriting import Ask
from offtarget.training.spec import TrainingSpec

CORRELATED = 0.5
"""From this correlation on, a concept's score is said not to be independent of another's."""
KEPT = 200
"""Correlations that a plan keeps of one target, the largest first; of the others it says how many and how large."""
LISTED = 10
"""Predicted shifts of concepts that are no target that a plan lists."""
GOOD_AUROC = 0.7


def readings_of(
    pairs: PairSet,
    features: Sequence[FeatureMatrix],
    members: Mapping[str, tuple[str, ...]],
    lenses: Sequence[str],
    reader: Reader,
    labels: Mapping[str, str] | None = None,
    training: TrainingSpec | None = None,
) -> StoredReadings:
    """What protocols read of a training set.

    Args:
        pairs: the training pairs.
        features: of them, by every lens.
        members: concept id -> feature ids.
        lenses: names of the lenses, to find the SAE by.
        reader: the start model, which is found only when it is needed, and how it reads.
        labels: concept id -> label.
        training: how rows would be trained on, for their influence; None: as by default.
    """
    which = which_of(lenses, "sae")
    return StoredReadings(
        pairs,
        tuple(features),
        dict(members),
        reader,
        sae=None if which is None else lambda ref: sae_lens(which, ref),
        examples=direction_examples(lenses),
        labels=dict(labels or {}),
        ask=asker(reader),
        influence=Influencer(reader, pairs, features, members, training),
    )


def make_shaping_plan(
    protocol: str, parameters: Mapping[str, Any], readings: StoredReadings, targets: Sequence[Target], seed: int
) -> ShapingPlan:
    """The checked plan of a protocol, with notes on what its targets correlate with.

    Raises:
        ConfigError: an unknown protocol, parameter or concept; a plan that cannot be trained or does nothing.
        UndecidedError: too few rows are left.
    """
    targets, silent = _acting(targets, readings)
    context = ShapingContext(readings.pairs.pairs, tuple(targets), seed=seed, readings=readings)
    readings.asked.clear()
    plan = make_plan(protocol, context, parameters)
    asked = set(readings.asked)
    notes, details = [*silent, *plan.notes, *_cancelling(targets)], dict(plan.details)
    presets = default().get("protocol", protocol).card["parameters"]
    free_of = str(parameters.get("free_of", presets.get("free_of", "")))
    for target in dict.fromkeys(t.concept for t in targets if needs_concept(protocol)):
        steered = "direction" if f"{target} direction" in asked else "feature"
        readout = str(parameters.get("readout", presets.get("readout", steered)))
        try:
            margin = context.scores(target, readout, free_of).margin
            found = readings.matrix.correlated(target, margin)
        except ConfigError as e:
            notes.append(f"concept '{target}': {e}")
            continue
        details.setdefault("correlations", {})[target] = [[c, round(r, 4)] for c, r in found[:KEPT]]
        if rest := found[KEPT:]:
            left_out = {"concepts": len(rest), "at_most": round(abs(rest[0][1]), 4)}
            details.setdefault("correlations_left_out", {})[target] = left_out
        notes += _along(target, found)
    for what, facts in readings.facts.items():
        if what not in asked:
            continue
        details.setdefault("readouts", {})[what] = facts
        auroc = facts.get("held_out_auroc")
        if auroc is not None and auroc < GOOD_AUROC:
            notes.append(f"{what} orders responses to held-out prompts with AUROC {auroc:.2f}, under {GOOD_AUROC}")
    return plan.edit(notes=tuple(dict.fromkeys(notes)), details=details)


def turned_round(protocol: str, parameters: Mapping[str, Any], targets: Sequence[Target]) -> list[str]:
    """What is said where a negative strength makes a protocol do the opposite of what was decided.

    Args:
        protocol: its name.
        parameters: those that were given.
        targets: what verdicts ask for.
    """
    strength = parameters.get("strength", default().get("protocol", protocol).card["parameters"].get("strength"))
    if not (needs_concept(protocol) and isinstance(strength, int | float) and strength < 0) or not targets:
        return []
    sides = [(t.concept, "suppress" if t.sign < 0 else "amplify") for t in targets]
    said = " and ".join(
        f"{'amplifies' if way == 'suppress' else 'suppresses'} what was decided to {way} ({', '.join(named)})"
        for way in ("suppress", "amplify")
        if (named := list(dict.fromkeys(c for c, w in sides if w == way)))
    )
    return [f"strength {strength:g} turns the verdicts round: {protocol} {said}; a positive strength carries them out"]


def _acting(targets: Sequence[Target], readings: StoredReadings) -> tuple[tuple[Target, ...], list[str]]:
    """The targets that these rows can carry out, and what is said of the others: all answers are alike in them.

    Verdicts hold for every drop of a vocabulary, and a drop may lack a concept. Where it lacks all, they stay, and it is
    said why nothing can be done.
    """
    alike = {
        t.concept
        for t in targets
        if t.concept in readings.members and np.ptp(np.concatenate(readings.raw(t.concept))) == 0
    }
    left = tuple(t for t in targets if t.concept not in alike)
    if not left:
        return tuple(targets), []
    return left, [
        f"{concept}: all answers are alike in it, so its verdict has nothing to act on" for concept in sorted(alike)
    ]


def _along(target: str, found: Sequence[tuple[str, float]]) -> list[str]:
    """What is said of a target's correlations: the strong ones, or that there is none."""
    strong = [(c, r) for c, r in found if abs(r) >= CORRELATED]
    if strong:
        more = f", and {len(strong) - 5} more" if len(strong) > 5 else ""
        listed = ", ".join(f"{c} {r:+.2f}" for c, r in strong[:5])
        return [f"{target} is not independent of {listed}{more} (r over pairs)"]
    if not found:
        return []
    concept, r = found[0]
    return [
        f"{target} correlates with none of {len(found)} other concepts by |r| of {CORRELATED} or more (most with "
        f"{concept}, r {r:+.2f})"
    ]


def _cancelling(targets: Sequence[Target]) -> list[str]:
    """What is to be said of contexts that overlap, where one suppresses and the other amplifies.

    Raises:
        ConfigError: two that hold the same rows.
    """
    said = []
    for a, b in combinations(targets, 2):
        if a.concept != b.concept or a.sign == b.sign or a.rows is None or b.rows is None:
            continue
        both = int((a.rows & b.rows).sum())
        if both and both == a.rows.sum() == b.rows.sum():
            raise ConfigError(
                f"verdicts on {a.concept} contradict: {a.context} and {b.context} hold the same {both} training pairs, and "
                "one is to be suppressed, the other amplified; keep one"
            )
        if both:
            said.append(f"{a.concept}: {a.context} and {b.context} share {both} pairs, whose verdicts cancel")
    return said


def predicted_shift(
    plan: ShapingPlan, features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec], targets: Sequence[Target]
) -> list[dict[str, Any]]:
    """The expected shift of concepts under plain DPO and under the plan, as the audit measures it.

    Plain is the audit's expected shift, the mean of u in the concept's own unit, and its d. In the plan a row counts as
    much as its gradient does at the start relative to plain DPO (`ShapingPlan.start_weights`); the d of the plan divides
    by the same standard deviation. What masks, token weights, prompts, hooks and added pairs do is not in
    it.

    Args:
        plan: whose weights.
        features: of the plan's own pairs, by every lens.
        concepts: to forecast; those without any difference are left out.
        targets: what is shaped.

    Returns:
        The targets first, then the concepts that plain DPO moves most by d: `concept`, `target`, `unit`, `plain`,
        `planned`, `plain_d`, `planned_d`.
    """
    shift = weighted_shift(features, concepts, plan.start_weights()[: len(features[0])])
    plain_d, planned_d = shift.d(shift.plain), shift.d(shift.planned)
    wanted = {t.concept for t in targets}
    moved = (shift.sd > 0) | (shift.plain != 0)
    rows: list[dict[str, Any]] = [
        {
            "concept": c.id,
            "target": c.id in wanted,
            "unit": shift.units[j],
            "plain": float(shift.plain[j]),
            "planned": float(shift.planned[j]),
            "plain_d": float(plain_d[j]),
            "planned_d": float(planned_d[j]),
        }
        for j, c in enumerate(concepts)
        if moved[j]
    ]
    rows.sort(key=lambda r: (not r["target"], -abs(r["plain_d"])))
    return rows[: len(wanted) + LISTED]


def asker(reader: Reader) -> Ask:
    """What asks a model service for rewritten answers; the reader's store keeps each of them (`offtarget.asking`)."""

    def ask(name: str, prompts: Sequence[str]) -> list[str | None]:
        step = reader.step(f"asking {name}")
        return [*ask_all(name, prompts, max_tokens=2048, store=reader.store, what="rewriting model", progress=step)]

    return ask
