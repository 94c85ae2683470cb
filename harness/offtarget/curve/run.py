"""From adapters to curves: every policy asked at every scale, on the same prompts, and matched at one effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from offtarget.curve.equal import DRAWS, At, Shifts, at_level, interval, usual_level
from offtarget.curve.records import Curve, Curves, Dose, EqualShift, Response
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.evals.adapters import scaled, start_of, top_of
from offtarget.evals.contrast import SEEDS_NEEDED, difference
from offtarget.evals.panel import Panel
from offtarget.evals.scores import BehaviourScore
from offtarget.models import ModelRef, resolve
from offtarget.report.html import fixed
from offtarget.store import Store

SCALES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
Ask = Callable[[ModelRef, int, str], Mapping[str, BehaviourScore]]
"""From a model, the seed of sampling and what to call it while it works, to its scores."""


@dataclass(frozen=True)
class Row:
    """The adapters of one curve."""

    label: str
    policies: Mapping[int, ModelRef]
    """Training seed -> its adapter."""


@dataclass(frozen=True)
class Matching:
    """What the curves are held equal on."""

    target: str | None = None
    """The behaviour; None: the only one whose role is target."""
    level: float | None = None
    """Its shift; None: `usual_level`."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Behaviour -> its role in this experiment, where its card says otherwise."""


def curves_of(
    rows: Sequence[Row],
    scales: Sequence[float],
    ask: Ask,
    store: Store,
    *,
    matching: Matching | None = None,
    evaluation: Mapping[str, Any] | None = None,
    draws: int = DRAWS,
) -> Curves:
    """Measure policies at some scales of their adapters, and compare them where the target has shifted as far.

    At scale 0 the start model itself is asked and at 1 the policy itself, so both are found where they were measured before.

    Args:
        rows: one for each protocol; the first is what the others are compared with.
        scales: of the adapters; 0 is added.
        ask: how a model is measured; with the training seed as seed of sampling, as in a run.
        store: where scaled adapters are kept.
        matching: on what, and where, the curves are held equal.
        evaluation: how the policies are asked, for the record.
        draws: of the bootstrap.

    Raises:
        ConfigError: a policy is no LoRA adapter, or of another start model; no such target.
        UndecidedError: the target does not move at any scale, so that nothing can be held equal.
    """
    matching = matching or Matching()
    steps = tuple(sorted({0.0, *scales}))
    if len(steps) < 2 or steps[0] < 0:
        raise ConfigError("scales are numbers above 0, such as 0.5,1")
    starts = {start_of(p, store).identity: start_of(p, store) for row in rows for p in row.policies.values()}
    if len(starts) != 1:
        named = ", ".join(s.name for s in starts.values())
        raise ConfigError(
            f"the policies began as different models ({named}): curves of one start model can be compared"
        )
    (start,) = starts.values()
    found = {row.label: _measured(row, steps, start, ask, store) for row in rows}
    cards = found[rows[0].label][0][0]
    target = _target(cards, matching)
    common = _common(found, list(cards))
    moves = {row.label: _shifts(row.label, steps, found[row.label], common) for row in rows}
    level, chosen = _level(moves, target, matching.level)
    places = {label: at_level(own, target, level, draws) for label, own in moves.items()}
    first = places[rows[0].label]
    return Curves(
        model=start.name,
        target=target,
        unit=cards[target].unit,
        level=level,
        chosen=chosen,
        scales=steps,
        draws=draws,
        evaluation=dict(evaluation or {}),
        curves=tuple(
            Curve(
                label=row.label,
                seeds=tuple(row.policies),
                seeds_told=len(row.policies) >= SEEDS_NEEDED,
                responses=tuple(_response(cards[b], matching, steps, found[row.label], row, common[b]) for b in common),
                **_matched(moves[row.label], target, level, places[row.label], first if row is not rows[0] else None),
            )
            for row in rows
        ),
    )


Scores = list[list[Mapping[str, BehaviourScore]]]
"""By scale, then by seed."""


def _measured(row: Row, scales: Sequence[float], start: ModelRef, ask: Ask, store: Store) -> Scores:
    out: Scores = []
    for scale in scales:
        line = []
        for seed, policy in row.policies.items():
            ref = start
            if scale == 1:
                ref = policy
            elif scale:
                ref = resolve(str(scaled(top_of(policy), scale, store)), store)
            line.append(ask(ref, seed, f"{row.label} × {scale:g}"))
        out.append(line)
    return out


def _target(cards: Mapping[str, BehaviourScore], matching: Matching) -> str:
    if matching.target is not None:
        if matching.target not in cards:
            raise unknown_name("behaviour", matching.target, cards, hint="(of those that are measured here)")
        return matching.target
    targets = [b for b, s in cards.items() if matching.roles.get(b, s.role) == "target"]
    if len(targets) != 1:
        there = f"{len(targets)} targets ({', '.join(targets)})" if targets else "no target"
        raise ConfigError(f"{there} among the behaviours: say with --on which one is held equal")
    return targets[0]


def _common(found: Mapping[str, Scores], behaviours: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Behaviour -> the samples that are scored everywhere; those without any are left out."""
    out = {}
    for b in behaviours:
        scored = [
            {k for k, v in one[b].samples.items() if v is not None} if b in one else set()
            for scores in found.values()
            for line in scores
            for one in line
        ]
        if ids := reduce(set.intersection, scored):
            out[b] = tuple(sorted(ids))
    return out


def _shifts(label: str, scales: tuple[float, ...], scores: Scores, common: Mapping[str, tuple[str, ...]]) -> Shifts:
    values = {}
    for b, ids in common.items():
        table = np.array([[[one[b].samples[i] for i in ids] for one in line] for line in scores], dtype=np.float64)
        values[b] = table - table[:1]
    return Shifts(label, scales, values, common)


def _level(moves: Mapping[str, Shifts], target: str, asked: float | None) -> tuple[float, str]:
    if any(target not in own.values for own in moves.values()):
        raise UndecidedError(f"'{target}' has no sample that all policies have scored at every scale")
    if asked is not None:
        if asked == 0:
            raise ConfigError("--at 0 is the start model itself; say how far the target should have shifted")
        return asked, "as asked"
    level = usual_level({label: own.mean(target) for label, own in moves.items()})
    if level == 0:
        raise UndecidedError(
            f"'{target}' does not move at any scale, so nothing can be held equal on it: ask more prompts, or name another "
            "behaviour with --on"
        )
    return level, "half of the largest shift that every curve reaches"


def _response(
    card: BehaviourScore, matching: Matching, scales: Sequence[float], scores: Scores, row: Row, ids: tuple[str, ...]
) -> Response:
    name, seeds = card.behaviour, tuple(row.policies)
    panels = [Panel.of([one[name] for one in line], seeds, trained=bool(k)).at(ids) for k, line in enumerate(scores)]
    before, *after = panels
    changes = [difference(p, before, of=row.label, to="start") for p in after]
    doses = [Dose(scale=0.0, shift=0.0, ci=None)]
    doses += [Dose(scale=s, shift=c.value, ci=c.interval()) for s, c in zip(scales[1:], changes, strict=True)]
    return Response(
        behaviour=name,
        task_version=card.task_version,
        direction=card.direction,
        role=matching.roles.get(name, card.role),  # type: ignore[arg-type]
        unit=card.unit,
        n=len(ids),
        start=before.mean,
        doses=tuple(doses),
    )


def _matched(own: Shifts, target: str, level: float, at: At | None, first: At | None) -> dict[str, Any]:
    """What a curve says at the level, beside the first one."""
    y = own.mean(target)
    reached = (float(y.min()), float(y.max()))
    if at is None:
        low, high = (fixed(v, 3, sign=True) for v in reached)
        note = f"{fixed(level, 3, sign=True)} is outside its range: {target} shifts by {low} to {high}"
        return {"reached": reached, "scale": None, "outside": 1.0, "note": note}
    equal = []
    for b, shift in at.shifts.items():
        versus = None if first is None else shift - first.shifts[b]
        apart = None if first is None else interval(at.drawn[b] - first.drawn[b])
        equal.append(EqualShift(behaviour=b, shift=shift, ci=interval(at.drawn[b]), versus=versus, versus_ci=apart))
    ci = interval(at.scales)
    note = "" if ci else f"no intervals: {at.outside:.0%} of the draws do not reach the level"
    return {
        "reached": reached, "scale": at.scale, "scale_ci": ci, "outside": at.outside, "equal": tuple(equal), "note": note,
    }  # fmt: skip
