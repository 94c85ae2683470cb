"""One row of a board: a protocol over its seeds, from what was measured of each behaviour."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from offtarget.board.again import ORDER
from offtarget.board.cell import START, Cell
from offtarget.board.cost import forward_equivalents
from offtarget.board.estimate import Estimate, estimated
from offtarget.board.measure import ALPHA, Kind, Measured, Reference
from offtarget.board.nulls import null_of
from offtarget.board.records import BehaviourRow, Row
from offtarget.evals.compare import false_discovery
from offtarget.evals.contrast import LEVEL, SEEDS_NEEDED, total
from offtarget.evals.scores import MANY_UNSCORED
from offtarget.store import canonical_json

TOO_FEW = "too few seeds"


def measured(cells: Sequence[Cell], reference: Reference) -> dict[str, Measured]:
    """What the cells of one row say of every behaviour of the board."""
    kind = kind_of(cells[0], reference)
    return {b: Measured(card, cells, reference, kind) for b, card in reference.cards.items()}


def kind_of(cell: Cell, reference: Reference) -> Kind:
    """Whether a row is the model before training, the plain DPO that is the measure, or a protocol."""
    from offtarget.board.group import row_key

    if cell.spec.protocol == START:
        return "start"
    return "plain" if row_key(cell) == reference.plain_key else "protocol"


def row_of(cells: Sequence[Cell], label: str, work: Mapping[str, Measured], reference: Reference, unit: str) -> Row:
    """A row, still without its control and its place on the front.

    Args:
        cells: of the row, one for each seed.
        label: what it is called.
        work: what was measured, by behaviour.
        reference: start and plain DPO.
        unit: of the capability change.
    """
    first = cells[0]
    kind = kind_of(first, reference)
    intent = intent_of(first)
    targets = [work[b] for b in reference.of_role("target")]
    off = [work[b] for b in reference.of_role("off-target")]
    cap = [work[b] for b in reference.of_role("capability")]
    behaviours = [b.model_copy(update={"null": null_of(cells, b.behaviour)}) for b in _with_q(work)]
    tested = [b for b in behaviours if b.role == "off-target" and b.q_start is not None]
    worst = max(behaviours, key=lambda b: b.score.unscored, default=None)
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
        made_again=max((r.conclusion for c in cells for r in c.reproduced), key=ORDER.index, default=""),
        provisional=_provisional(len(cells), reference.plain_seeds, kind),
        recovery=_row_recovery(targets, reference, kind, intent),
        amplification=_row_amplification(targets, kind),
        drift=_drift(off, kind),
        drifted=tuple(b.behaviour for b in tested if b.q_start is not None and b.q_start < ALPHA) if tested else None,
        drift_tested=len(tested),
        capability_vs_start=_capability(cap, "start", unit),
        capability_vs_dpo=_capability(cap, "dpo", unit),
        front=False,
        front_share=None,
        unscored=worst.score.unscored if worst else 0.0,
        unscored_on=worst.behaviour if worst and worst.score.unscored else "",
        rows_touched=sum(touched) / len(touched) if touched else None,
        train_accuracy=sum(accuracy) / len(accuracy) if accuracy else None,
        seconds=sum(c.cost.total_seconds for c in cells),
        forward_equivalents=_mean_or_none([forward_equivalents(c) for c in cells]),
        behaviours=tuple(behaviours),
    )


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def many_unscored(r: Row) -> bool:
    """Whether a row's figures rest on too few of its answers to be compared."""
    return r.unscored > MANY_UNSCORED


def _with_q(work: Mapping[str, Measured]) -> list[BehaviourRow]:
    """The behaviours with q-values: Benjamini-Hochberg over the row's behaviours of the same role."""
    q: dict[tuple[str, str], float | None] = {}
    for ref in ("start", "dpo"):
        for role in ("target", "off-target", "capability"):
            family = [b for b, w in work.items() if w.card.role == role]
            found = false_discovery([work[b].p(ref) for b in family])
            q.update({(ref, b): v for b, v in zip(family, found, strict=True)})
    return [w.record.model_copy(update={"q_start": q["start", b], "q_dpo": q["dpo", b]}) for b, w in work.items()]


def _row_recovery(targets: Sequence[Measured], reference: Reference, kind: str, intent: str) -> Estimate:
    """The mean over the targets with signal.

    Of several, the interval is that of their means: each at the level 1 − 0.05/k, which holds whatever they share.
    """
    if kind != "protocol":
        return Estimate(note="reference")
    if intent == "amplify":
        return Estimate(note="not asked")
    if not targets:
        return Estimate(note="no target behaviour")
    heard = [w for w in targets if reference.signal[w.card.behaviour]]
    if not heard:
        unknown = [w for w in targets if reference.signal[w.card.behaviour] is None]
        if not unknown:
            return Estimate(note="no signal")
        return Estimate(note=unknown[0].missing("start", "dpo") or TOO_FEW)
    return mean_of([w.recovered(1 - (1 - LEVEL) / len(heard)) for w in heard], [w.card.behaviour for w in heard])


def mean_of(parts: Sequence[Estimate], names: Sequence[str]) -> Estimate:
    """The mean of several estimates; missing as soon as one is: a mean over fewer is another number."""
    if not parts:
        return Estimate(note="nothing measured")
    lacking = [f"{b}: {p.note}" for b, p in zip(names, parts, strict=True) if p.value is None]
    if lacking:
        return Estimate(note=parts[0].note if len(parts) == 1 else "; ".join(lacking))
    values = [p.value for p in parts if p.value is not None]
    bounds = [p.ci for p in parts if p.ci is not None]
    whole = len(bounds) == len(parts)
    ci = (float(np.mean([b[0] for b in bounds])), float(np.mean([b[1] for b in bounds]))) if whole else None
    return Estimate(
        value=float(np.mean(values)),
        ci=ci,
        n=sum(p.n for p in parts),
        seeds=min(p.seeds for p in parts),
        note=parts[0].note if len({p.note for p in parts}) == 1 else "",
    )


def _row_amplification(targets: Sequence[Measured], kind: str) -> Estimate:
    """Mean over the targets of row − plain DPO, each in its own standard deviation of plain DPO."""
    if kind != "protocol":
        return Estimate(note="reference")
    parts = [w.amplification() for w in targets]
    found = [w.amplified() for w in targets]
    whole = mean_of(parts, [w.card.behaviour for w in targets])
    if whole.value is None or any(c is None for c in found):
        return whole
    mean = total([c for c in found if c is not None]).scaled(1 / len(found))
    if not mean.told and not targets[0].sketch:
        return Estimate(note=TOO_FEW)
    return estimated(mean, n=whole.n, seeds=whole.seeds, sketch=targets[0].sketch)


def _drift(off: Sequence[Measured], kind: str) -> Estimate:
    """Mean over the off-target behaviours of |shift| from start, in sd of start, noise taken off.

    Estimand: mean_b |δ_b|, δ_b the expected shift over prompts and training seeds. |x| of an estimate x of variance V
    is too large where δ is small, so each behaviour gives √max(0, x² − V): x² − V is unbiased for δ². The interval is
    the mean of those of the |δ_b|, max(0, |x| − h) to |x| + h with h at the level 1 − 0.05/B: it holds whatever the
    behaviours share, and leaves out 0 only where some behaviour differs from start.
    """
    if not off:
        return Estimate(note="no off-target behaviour")
    if kind == "start":
        return Estimate(note="reference")
    shifts = [w.shift() for w in off]
    lacking = [w.card.behaviour for w, s in zip(off, shifts, strict=True) if s.value is None]
    if lacking:
        return Estimate(note=shifts[0].note if len(off) == 1 else f"not scored: {', '.join(lacking)}")
    found = [w.shifted() for w in off]
    sketch = off[0].sketch
    if not sketch and not all(c.told for c in found):
        return Estimate(note=TOO_FEW)
    sizes = [math.sqrt(max(0.0, c.value**2 - c.variance)) for c in found]
    low, high = [], []
    for c in found:
        ci = c.interval(1 - (1 - LEVEL) / len(found)) or (c.value, c.value)
        half = (ci[1] - ci[0]) / 2
        low.append(max(0.0, abs(c.value) - half))
        high.append(abs(c.value) + half)
    known = any(c.variance > 0 for c in found)
    return Estimate(
        value=float(np.mean(sizes)),
        ci=(float(np.mean(low)), float(np.mean(high))) if known else None,
        n=sum(s.n for s in shifts),
        seeds=min(w.seeds for w in off),
        note="" if known else "no sample differs",
    )


def _capability(cap: Sequence[Measured], ref: str, unit: str) -> Estimate:
    """Mean change over the capability behaviours, positive is better; in their unit, or in sd of start."""
    if not cap:
        return Estimate(note="no capability behaviour")
    parts, found = [], []
    for w in cap:
        part = w.against(ref)
        if part.value is None or (unit == "sd of start" and "start" not in w.has):
            parts.append(Estimate(note=part.note or w.missing("start")))
            continue
        parts.append(part)
        if ref in w.changes:
            scale = (w.sd[0] or 1.0) if unit == "sd of start" else 1.0
            found.append(w.changes[ref].scaled((1 if w.card.direction == "higher" else -1) / scale))
    whole = mean_of(parts, [w.card.behaviour for w in cap])
    if whole.value is None or not found:
        return whole
    mean = total(found).scaled(1 / len(found))
    if not mean.told and not cap[0].sketch:
        return Estimate(note=TOO_FEW)
    return estimated(mean, n=whole.n, seeds=whole.seeds, sketch=cap[0].sketch)


def intent_of(cell: Cell) -> Literal["suppress", "amplify", "both", "none"]:
    """What a cell was asked for: its verdicts, turned round where the protocol's strength is negative."""
    asked: set[str] = {str(v.decision) for v in cell.spec.verdicts} - {"allow", "undecided"}
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
