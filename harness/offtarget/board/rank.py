"""From cells to boards: recovery, drift and capability change of every protocol, with intervals.

All functions are pure: the same cells give the same boards in any order. Against start and plain DPO a
row is compared on the samples that all three have scored, prompts and (from three) seeds drawn again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from offtarget.board.cell import PLAIN, START, Cell, CellSpec, CellVerdict
from offtarget.board.estimate import (
    SEEDS_NEEDED,
    Estimate,
    Floats,
    interval,
    null_drift,
)
from offtarget.board.group import Group, evaluation_of, group_cells, row_key, training_of
from offtarget.board.measure import ALPHA, Kind, Measured, Reference
from offtarget.board.records import BehaviourRow, Board, Boards, Row
from offtarget.board.taught import what_is_taught
from offtarget.evals.compare import with_q
from offtarget.models import EMBEDDED, GGUF_SHA256
from offtarget.store import canonical_json, hash_of

MANY_CUT = 0.1
"""From this share of cut answers on, a board says so."""
EMBEDDED_LIMITS = (
    "Model: a finished instruct model of 135M parameters, dequantised from 4 bits, "
    "so `start` is not a fresh SFT."
)


def rank(cells: Iterable[Cell], problems: Sequence[str] = ()) -> Boards:
    """Boards from cells, each comparing what can be compared.

    Args:
        cells: in any order.
        problems: files that could not be read, carried through.
    """
    groups, apart = group_cells(cells)
    return Boards(boards=tuple(_board(g) for g in groups), apart=tuple(apart), problems=tuple(problems))


def pareto_front(points: Sequence[Sequence[float]], final: Sequence[bool] | None = None) -> list[bool]:
    """Which points no other beats: at least as large in every coordinate, and larger in one.

    Args:
        points: of equal length; larger is better.
        final: whether a point rests on enough seeds; one that does not cannot beat one that does.
    """
    sure = final or [True] * len(points)

    def beats(i: int, j: int) -> bool:
        p, q = points[i], points[j]
        return (sure[i] or not sure[j]) and p != q and all(a >= b for a, b in zip(p, q, strict=True))

    return [not any(beats(i, j) for i in range(len(points))) for j in range(len(points))]


def _board(group: Group) -> Board:
    reference = Reference(group)
    keys: dict[str, list[Cell]] = defaultdict(list)
    for c in [*group.start, *group.cells]:
        keys[row_key(c)].append(c)
    units = {reference.cards[b].unit for b in reference.of_role("capability")}
    unit = units.pop() if len(units) == 1 else "sd of start"
    labels = _labels(keys)
    rows = [
        _row(keys[k], labels[k], reference, unit, is_plain=k == reference.plain_key) for k in sorted(keys)
    ]
    rows = _mark_front(rows, capability=bool(reference.of_role("capability")))
    rows.sort(key=_place)
    first = group.first
    m = first.manifest
    return Board(
        dataset=first.spec.dataset,
        dataset_revision=m.dataset_revision,
        rows_sha256=m.rows_sha256,
        n_pairs=m.n_pairs,
        model=first.spec.model,
        model_identity=m.model_identity,
        budget=first.budget,
        training=training_of(first),
        task_versions={b: group.task_versions[b] for b in sorted(group.task_versions)},
        capability_unit=unit,
        signal=reference.signal,
        taught=what_is_taught([*group.start, *group.cells]),
        rows=tuple(rows),
        limits=tuple(_limits(first, reference, rows)),
    )


def _limits(first: Cell, reference: Reference, rows: Sequence[Row]) -> list[str]:
    out = []
    if first.manifest.model_identity == GGUF_SHA256 or first.spec.model == EMBEDDED:
        out.append(EMBEDDED_LIMITS)
    if not reference.plain:
        out.append(f"No plain DPO (protocol `{PLAIN}`) at these rows and budget: recovery cannot be given.")
    if not reference.start:
        out.append(f"No cell of the model before training (`{START}`): all comparisons need one.")
    silent = [b for b, s in reference.signal.items() if s is False]
    if silent:
        out.append(f"No signal on {', '.join(silent)}: plain DPO does not differ from start there.")
    if line := _cut(first, reference):
        out.append(line)
    if evaluation_of(first).get("part") == "test":
        out.append(
            "Measured on two thirds of the prompts: the others are kept for development, where strengths were chosen."
        )
    if any(r.provisional for r in rows):
        out.append(
            f"Provisional rows rest on under {SEEDS_NEEDED} seeds: their intervals leave out noise of seeds."
        )
    return out


def _cut(first: Cell, reference: Reference) -> str:
    """What is to be said of answers that were cut at the token limit, where those are many."""
    shares = {}
    for name, scores in ((START, reference.start), ("plain DPO", reference.plain)):
        found = [
            float(s.details["truncated"]) for one in scores.values() for s in one if "truncated" in s.details
        ]
        if found:
            shares[name] = sum(found) / len(found)
    if max(shares.values(), default=0.0) < MANY_CUT:
        return ""
    options = first.spec.data.get("evaluation")
    tokens = options.get("max_tokens") if isinstance(options, dict) else None
    at = f"{tokens} tokens" if tokens else "the token limit"
    said = ", ".join(f"{share:.0%} under {name}" for name, share in shares.items())
    return (
        f"Answers are cut at {at} ({said}): their lengths beyond are not seen, and fewer words are often fewer words in "
        "as many tokens."
    )


def _row(cells: Sequence[Cell], label: str, reference: Reference, unit: str, *, is_plain: bool) -> Row:
    first = cells[0]
    kind: Kind = "plain" if is_plain else "protocol"
    if first.spec.protocol == START:
        kind = "start"
    intent = _intent(first)
    work = {b: Measured(card, cells, reference, kind) for b, card in reference.cards.items()}
    behaviours = _with_q([work[b].record for b in work], [work[b] for b in work])
    targets = [work[b] for b in reference.of_role("target")]
    off = [work[b] for b in reference.of_role("off-target")]
    cap = [work[b] for b in reference.of_role("capability")]
    drift, noise = _drift(off, kind)
    q_off = [b.q_start for b in behaviours if b.role == "off-target"]
    tested = sum(q is not None for q in q_off)
    digests = [c.training for c in cells if c.training is not None]
    accuracy = [v for d in digests for k, v in d.accuracies.items() if k.startswith("training")]
    touched = [c.plan.touched / c.plan.pairs for c in cells if c.plan is not None and c.plan.pairs]
    return Row(
        label=label,
        protocol=first.spec.protocol,
        parameters=first.spec.parameters,
        verdicts=tuple(sorted(first.spec.verdicts, key=lambda v: canonical_json(v.model_dump(mode="json")))),
        kind=kind,
        intent=intent,
        cells=tuple(sorted(c.key for c in cells)),
        seeds=tuple(sorted(c.spec.seed for c in cells)),
        modes=tuple(sorted({c.mode for c in cells})),
        provisional=_provisional(len(cells), reference.plain_seeds, kind),
        recovery=_row_recovery(targets, reference, kind, intent),
        amplification=_mean_of([w.amplification for w in targets], [w.card.behaviour for w in targets]),
        drift=drift,
        drift_noise=noise,
        drift_significant=sum(q is not None and q < ALPHA for q in q_off) if tested else None,
        drift_tested=tested,
        capability_vs_start=_capability(cap, "start", unit),
        capability_vs_dpo=_capability(cap, "dpo", unit),
        front=False,
        rows_touched=sum(touched) / len(touched) if touched else None,
        train_accuracy=sum(accuracy) / len(accuracy) if accuracy else None,
        seconds=sum(c.cost.total_seconds for c in cells),
        behaviours=tuple(behaviours),
    )


def _with_q(records: Sequence[BehaviourRow], work: Sequence[Measured]) -> list[BehaviourRow]:
    """Fill in q-values: Benjamini-Hochberg over the row's behaviours of the same role."""
    q: dict[tuple[str, str], float | None] = {}
    for ref in ("start", "dpo"):
        for role in ("target", "off-target", "capability"):
            family = [w.tests[ref] for w in work if w.card.role == role and ref in w.tests]
            q.update({(ref, d.behaviour): d.q for d in with_q(family)})
    return [
        r.model_copy(update={"q_start": q.get(("start", r.behaviour)), "q_dpo": q.get(("dpo", r.behaviour))})
        for r in records
    ]


def _row_recovery(targets: Sequence[Measured], reference: Reference, kind: str, intent: str) -> Estimate:
    if intent == "amplify" and kind == "protocol":
        return Estimate(note="not asked")
    if not targets:
        return Estimate(note="no target behaviour")
    heard = [w for w in targets if reference.signal[w.card.behaviour]]
    if not heard:
        return Estimate(note=targets[0].recovery.note if None in reference.signal.values() else "no signal")
    draws = [w.recovery_draws() for w in heard] if all(w.recovery.ci for w in heard) else None
    return _mean_of([w.recovery for w in heard], [w.card.behaviour for w in heard], draws)


def _mean_of(
    parts: Sequence[Estimate], names: Sequence[str], draws: Sequence[Floats] | None = None
) -> Estimate:
    """The mean of several estimates; missing as soon as one is: a mean over fewer is another number."""
    if not parts:
        return Estimate(note="nothing measured")
    lacking = [f"{b}: {p.note}" for b, p in zip(names, parts, strict=True) if p.value is None]
    if lacking:
        return Estimate(note=parts[0].note if len(parts) == 1 else "; ".join(lacking))
    value = float(np.mean([p.value for p in parts if p.value is not None]))
    ci = parts[0].ci if len(parts) == 1 else None
    if draws is not None and len(parts) > 1:
        ci = interval(np.mean(draws, axis=0), 2)
    note = parts[0].note if len({p.note for p in parts}) == 1 else ""
    return Estimate(
        value=value, ci=ci, n=sum(p.n for p in parts), seeds=min(p.seeds for p in parts), note=note
    )


def _drift(off: Sequence[Measured], kind: str) -> tuple[Estimate, float | None]:
    """Mean |standardised shift|, and the 95th percentile of it under chance.

    The interval is that of Σ sign(shift_b)·shift_b, first order in the shifts, cut at 0: resampling |shift|
    itself would lie above the estimate wherever nothing moved.
    """
    if not off:
        return Estimate(note="no off-target behaviour"), None
    shifts = [w.shift() for w in off]
    lacking = [w.card.behaviour for w, s in zip(off, shifts, strict=True) if s.value is None]
    if lacking:
        return Estimate(note=shifts[0].note if len(off) == 1 else f"not scored: {', '.join(lacking)}"), None
    values = np.array([s.value for s in shifts], dtype=np.float64)
    n = sum(s.n for s in shifts)
    if kind == "start":
        return Estimate(value=0.0, n=n, seeds=1, note="by definition"), None
    signed = np.mean([np.sign(v) * w.shift_draws() for v, w in zip(values, off, strict=True)], axis=0)
    ci = interval(signed, min(w.prompts for w in off))
    if ci is not None:
        ci = (max(0.0, ci[0]), max(0.0, ci[1]))
    differences = []
    for w in off:
        a, b = w.panels["row"], w.panels["start"]
        differences.append((a.ids, (a.by_sample - b.by_sample) / (w.sd[0] or 1.0)))
    noise = null_drift(differences) if min(w.prompts for w in off) > 1 else None
    return Estimate(value=float(np.abs(values).mean()), ci=ci, n=n, seeds=min(w.seeds for w in off)), noise


def _capability(cap: Sequence[Measured], ref: str, unit: str) -> Estimate:
    """Mean change over the capability behaviours, positive is better; in their unit, or in sd of start."""
    if not cap:
        return Estimate(note="no capability behaviour")
    parts, draws = [], []
    for w in cap:
        part = w.against(ref)
        if part.value is None or (unit == "sd of start" and "start" not in w.has):
            parts.append(Estimate(note=part.note or w.missing("start")))
            continue
        scale = (w.sd[0] or 1.0) if unit == "sd of start" else 1.0
        scale *= 1 if w.card.direction == "higher" else -1
        low_high = sorted(x / scale for x in part.ci) if part.ci else None
        ci = (low_high[0], low_high[1]) if low_high else None
        parts.append(part.model_copy(update={"value": part.value / scale + 0.0, "ci": ci}))
        draws.append((w.draws["row"] - w.draws[ref]) / scale)
    return _mean_of(parts, [w.card.behaviour for w in cap], draws if all(p.ci for p in parts) else None)


def _intent(cell: Cell) -> Literal["suppress", "amplify", "both", "none"]:
    """What a cell was asked for: its verdicts, turned round where the protocol's strength is negative."""
    asked: set[str] = {str(v.decision) for v in cell.spec.verdicts} - {"allow"}
    strength = cell.spec.parameters.get("strength")
    if isinstance(strength, int | float) and strength < 0:
        asked = {{"suppress": "amplify", "amplify": "suppress"}[d] for d in asked}
    if asked == {"suppress"}:
        return "suppress"
    if asked == {"amplify"}:
        return "amplify"
    return "both" if asked else "none"


def _provisional(seeds: int, plain_seeds: int, kind: str) -> str:
    if kind == "start":
        return ""
    if seeds < SEEDS_NEEDED:
        return f"provisional: {seeds} seed{'s' if seeds > 1 else ''}"
    if 0 < plain_seeds < SEEDS_NEEDED:
        return f"provisional: plain DPO has {plain_seeds} seed{'s' if plain_seeds > 1 else ''}"
    return ""


def _mark_front(rows: Sequence[Row], *, capability: bool) -> list[Row]:
    """Mark the rows that no other of the same intent beats: in recovery, or in amplification where that is asked for.

    Start is no candidate: it learned nothing, so it recovers all.
    """

    def point(r: Row, gain: str) -> list[float] | None:
        values = [getattr(r, gain).value, None if r.drift.value is None else -r.drift.value]
        if capability:
            values.append(r.capability_vs_start.value)
        return None if r.kind == "start" or None in values else [float(v) for v in values if v is not None]

    front: set[tuple[str, ...]] = set()
    for amplify, gain in ((False, "recovery"), (True, "amplification")):
        asked = [r for r in rows if r.kind == "protocol" and (r.intent == "amplify") == amplify]
        plain = [r for r in rows if r.kind == "plain" and asked]
        points = [(r, p) for r in [*plain, *asked] if (p := point(r, gain)) is not None]
        on = pareto_front([p for _, p in points], [not r.provisional for r, _ in points])
        front |= {r.cells for (r, _), f in zip(points, on, strict=True) if f}
    return [r.model_copy(update={"front": r.cells in front}) for r in rows]


def _place(r: Row) -> tuple[Any, ...]:
    """Start, plain DPO, the front by recovery or amplification, the rest likewise; rows without either last."""
    kind = {"start": 0, "plain": 1, "protocol": 2}[r.kind]
    value = r.amplification.value if r.intent == "amplify" else r.recovery.value
    return (kind, not r.front, value is None, -(value or 0.0), r.label, r.cells)


def _labels(keys: Mapping[str, Sequence[Cell]]) -> dict[str, str]:
    """A short name for each row: the protocol, its strength, and whatever tells it from its siblings."""
    siblings: dict[str, list[Cell]] = defaultdict(list)
    for cells in keys.values():
        siblings[cells[0].spec.protocol].append(cells[0])
    labels = {}
    for key, cells in keys.items():
        spec = cells[0].spec
        family = [c.spec for c in siblings[spec.protocol]]
        names = sorted({k for s in family for k in s.parameters})
        varied = [k for k in names if len({canonical_json(s.parameters.get(k)) for s in family}) > 1]
        shown = [k for k in names if k in varied or (k == "strength" and "strength" in spec.parameters)]
        words = [f"{k} {_plain_value(spec.parameters.get(k))}" for k in shown]
        verdicts = [sorted(canonical_json(v.model_dump(mode="json")) for v in s.verdicts) for s in family]
        if len({canonical_json(v) for v in verdicts}) > 1:
            words.append(_decided(spec.verdicts, family))
        labels[key] = f"{spec.protocol} ({', '.join(words)})" if words else spec.protocol
    return labels


def _decided(verdicts: Sequence[CellVerdict], family: Sequence[CellSpec]) -> str:
    """What was decided, in words; a hash where that is long or does not tell the row from its siblings."""
    own, others = in_words(verdicts), [s.verdicts for s in family if s.verdicts != verdicts]
    if not verdicts:
        return "no verdicts"
    if len(own) <= 60 and all(in_words(o) != own for o in others):
        return own
    return short_name(verdicts)


def in_words(verdicts: Sequence[CellVerdict], *, strength: bool = False) -> str:
    """What was decided, in words; with `strength`, also those that are not 1."""
    said = [
        f"{v.decision} {v.concept}"
        + (f" in {v.context}" if v.context else "")
        + (f" at {v.strength:g}" if strength and v.strength != 1 else "")
        for v in verdicts
    ]
    return " and ".join(sorted(said))


def short_name(verdicts: Sequence[CellVerdict]) -> str:
    """What a row's label calls its verdicts where saying them would be long."""
    return f"verdicts {hash_of(sorted(canonical_json(v.model_dump(mode='json')) for v in verdicts))[:6]}"


def _plain_value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}".replace("-", "−")
    return value if isinstance(value, str) else canonical_json(value)
