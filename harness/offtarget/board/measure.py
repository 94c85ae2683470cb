"""One behaviour of one row against start and plain DPO: score, differences, shift, recovery.

Everything here compares on the samples that row, start and plain DPO have all scored, so a recovery is a
ratio of numbers about the same prompts.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from offtarget.board.cell import PLAIN, START, Cell
from offtarget.board.estimate import Estimate, Scored, estimated
from offtarget.board.group import Group, row_key
from offtarget.board.records import BehaviourRow
from offtarget.evals.contrast import LEVEL, SEEDS_NEEDED, Contrast, difference, mean_interval, ratio_interval
from offtarget.evals.panel import Panel, common, n_prompts
from offtarget.evals.scores import BehaviourScore, Role, cluster_of, mean_bounds, share_unscored

ALPHA = 0.05
SIGNAL_T = 3.0
"""How many standard errors plain DPO must lie from start, on the half of the prompts that decides."""
Kind = Literal["start", "plain", "protocol"]
Policies = Mapping[str, Mapping[int, BehaviourScore]]
"""Behaviour -> training seed -> score, of one policy."""


def recovery(start: float, dpo: float, protocol: float) -> float:
    """Share of plain DPO's change that a protocol takes back: (dpo − protocol)/(dpo − start).

    1 where the protocol is at start, 0 where it is at plain DPO, above 1 beyond start. Undefined (NaN)
    where plain DPO changed nothing.
    """
    return (dpo - protocol) / (dpo - start) if dpo != start else float("nan")


@lru_cache(maxsize=65536)
def decides(sample_id: str) -> bool:
    """Whether a sample is of the half of the prompts, by a hash of the prompt's id, on which signal is asked."""
    return hashlib.sha256(f"signal:{cluster_of(sample_id)}".encode()).digest()[0] < 128


class Reference:
    """What all rows of a board are measured against."""

    def __init__(self, group: Group, *, sketch: bool = False) -> None:
        plain = [c for c in group.cells if c.spec.protocol == PLAIN]
        # should there be several rows of plain DPO, the one with the most seeds is the measure
        rows: dict[str, list[Cell]] = defaultdict(list)
        for c in plain:
            rows[row_key(c)].append(c)
        self.sketch = sketch
        self.plain_key = min(rows, key=lambda k: (-len(rows[k]), k)) if rows else None
        self.plain = scored(rows[self.plain_key]) if self.plain_key else {}
        self.plain_seeds = len(rows[self.plain_key]) if self.plain_key else 0
        self.start = scored(group.start)
        seen = {s.behaviour: s for c in [*group.start, *group.cells] for s in c.behaviours}
        order = {"target": 0, "off-target": 1, "capability": 2}
        self.cards = {b: seen[b] for b in sorted(seen, key=lambda b: (order[seen[b].role], b))}
        self.panels = {
            b: {"start": panel_of(self.start.get(b, {}), START), "dpo": panel_of(self.plain.get(b, {}))}
            for b in self.cards
        }
        self.signal = {b: self._signal(b) for b in self.of_role("target")}

    def of_role(self, role: Role) -> list[str]:
        """Names of the behaviours of one role, sorted."""
        return [b for b, s in self.cards.items() if s.role == role]

    def _signal(self, behaviour: str) -> bool | None:
        """Whether plain DPO differs from start, asked on the prompts that no recovery is measured on.

        A board on which DPO came out high by chance would else pass, and all that is near the truth would seem to take
        something back. None where it cannot be said, as with too few seeds of plain DPO. A sketch asks all prompts.
        """
        if behaviour not in self.plain or behaviour not in self.start:
            return None
        both = common({"dpo": panel_of(self.plain[behaviour]), "start": panel_of(self.start[behaviour], START)})
        if not self.sketch:
            both = {k: p.at([i for i in p.ids if decides(i)]) for k, p in both.items()}
        if n_prompts(both["dpo"]) < 2:
            return None
        moved = difference(both["dpo"], both["start"], of="dpo", to="start")
        p = moved.p()
        if p is None or not (moved.told or self.sketch):
            return None
        return p < ALPHA and (self.sketch or abs(moved.t()) >= SIGNAL_T)


def scored(cells: Iterable[Cell]) -> Policies:
    """Scores by behaviour and training seed, of the cells that have a scored sample."""
    out: dict[str, dict[int, BehaviourScore]] = defaultdict(dict)
    for c in sorted(cells, key=lambda c: (c.spec.seed, c.key)):
        for s in c.behaviours:
            if any(v is not None for v in s.samples.values()):
                out[s.behaviour][c.spec.seed] = s
    return dict(out)


def panel_of(scores: Mapping[int, BehaviourScore], protocol: str = "") -> Panel:
    """The panel of one policy on one behaviour; that of `start` is not trained, so its seeds are of sampling alone."""
    return Panel.of(list(scores.values()), list(scores), trained=protocol != START)


class Measured:
    """One behaviour of one row against start and plain DPO."""

    def __init__(self, card: BehaviourScore, cells: Sequence[Cell], reference: Reference, kind: Kind) -> None:
        name = card.behaviour
        self.card = card
        self.kind = kind
        self.sketch = reference.sketch
        self.scores = scored(cells).get(name, {})
        row = panel_of(self.scores, START if kind == "start" else "")
        every = {"row": row, **reference.panels[name]}
        panels = {k: p for k, p in every.items() if p.ids}
        self.scored = set(panels)
        self.panels = common(panels) if len(panels) > 1 else panels
        self.has = set(self.panels) if all(p.ids for p in self.panels.values()) else set()
        self.seeds = len(self.scores)
        # a reference compared with itself is the same runs, not an independent repetition of them
        same = {"start": "start", "plain": "dpo"}.get(kind)
        self.changes = {
            ref: difference(self.panels["row"], self.panels[ref], of="row", to=ref)
            for ref in ("start", "dpo")
            if {ref, "row"} <= self.has and same != ref
        }
        self.score = self._score(row, [s for c in cells if (s := c.score(name)) is not None], len(cells))
        self.recovery_parts = self._recovery_parts(reference.signal.get(name))
        self._recovered: dict[float, Estimate] = {}
        self.recovery = self.recovered()

    def _score(self, panel: Panel, every: Sequence[BehaviourScore], n_cells: int) -> Scored:
        scores = list(self.scores.values())
        values = [s.value for s in scores if s.value is not None]
        unscored = share_unscored(every)
        if not values:
            return Scored(note="not scored", unscored=unscored)
        ci = mean_interval(panel) if panel.ids else None
        told = not panel.trained or len(scores) >= SEEDS_NEEDED
        return Scored(
            value=sum(values) / len(values),
            ci=ci if told else None,
            sampling_ci=None if told else ci,
            n=sum(s.n for s in scores),
            seeds=len(values),
            note="" if len(values) == n_cells else f"scored in {len(values)} of {n_cells} seeds",
            unscored=unscored,
            bounds=mean_bounds([v for s in every for v in s.samples.values()], self.card.unit),
        )

    def p(self, ref: str) -> float | None:
        """Of the difference from a reference; None where the noise of seeds is not known."""
        change = self.changes.get(ref)
        return change.p() if change is not None and change.told else None

    def against(self, ref: str) -> Estimate:
        """Row minus reference, in the behaviour's unit."""
        if "row" not in self.has or ref not in self.has:
            return Estimate(note=self.missing(ref))
        n = len(self.panels["row"].ids)
        if ref not in self.changes:
            return Estimate(value=0.0, n=n, seeds=self.seeds, note="by definition")
        return estimated(self.changes[ref], n=n, seeds=self.seeds, sketch=self.sketch)

    def missing(self, *refs: str) -> str:
        """Which of row and references has no score."""
        lacking = [r for r in ("row", *refs) if r not in self.has]
        if not lacking:
            return ""
        if not self.has and {"row", *refs} <= self.scored:
            return f"{self.card.behaviour}: no sample that all have scored"
        if "row" in lacking:
            return f"{self.card.behaviour} not scored"
        return f"{self.card.behaviour} not scored for {' and '.join(lacking)}"

    @cached_property
    def sd(self) -> tuple[float, str]:
        """Unit of shifts: the sample sd of start, or, where start never varies, of both together."""
        sd = self.panels["start"].spread
        if sd > 0:
            return sd, ""
        both = np.concatenate([self.panels["start"].values.ravel(), self.panels["row"].values.ravel()])
        return float(both.std(ddof=1)) if len(both) > 1 else 0.0, "start never varies: in sd of both together"

    def shifted(self) -> Contrast:
        """The change from start in standard deviations (see `sd`)."""
        sd, _ = self.sd
        return self.changes["start"].scaled(1 / (sd or 1.0))

    def shift(self) -> Estimate:
        """Row minus start in standard deviations."""
        raw = self.against("start")
        if raw.value is None or "start" not in self.changes:
            return raw
        sd, note = self.sd
        found = estimated(self.shifted(), n=raw.n, seeds=self.seeds, sketch=self.sketch)
        if sd == 0:
            return found.model_copy(update={"value": 0.0, "note": note})
        return found.model_copy(update={"note": found.note or note})

    def _recovery_parts(self, signal: bool | None) -> tuple[Contrast, Contrast] | None:
        """Dpo − row and dpo − start, on the half of the prompts that did not decide whether there is signal."""
        if self.card.role != "target" or not signal or not {"row", "start", "dpo"} <= self.has:
            return None
        kept = [i for i in self.panels["row"].ids if self.sketch or not decides(i)]
        p = {k: v.at(kept) for k, v in self.panels.items()}
        if not kept or p["dpo"].mean == p["start"].mean:
            return None
        return (
            difference(p["dpo"], p["row"], of="dpo", to="row"),
            difference(p["dpo"], p["start"], of="dpo", to="start"),
        )

    def recovered(self, level: float = LEVEL) -> Estimate:
        """(dpo − row)/(dpo − start) with Fieller's set; `not determined` where that has no bounds."""
        if level not in self._recovered:
            self._recovered[level] = self._recovery(level)
        return self._recovered[level]

    def _recovery(self, level: float) -> Estimate:
        if self.card.role != "target":
            return Estimate(note="not a target")
        if self.kind in {"start", "plain"}:
            return Estimate(note="reference")
        if not {"row", "start", "dpo"} <= self.has:
            return Estimate(note=self.missing("start", "dpo"))
        if self.recovery_parts is None:
            return Estimate(note="no signal")
        over, under = self.recovery_parts
        if not (over.told and under.told) and not self.sketch:
            return Estimate(note="too few seeds")
        ci = ratio_interval(over, under, level)
        if ci is None and not self.sketch:
            return Estimate(note="not determined")
        n = sum(1 for i in self.panels["row"].ids if self.sketch or not decides(i))
        return Estimate(value=over.value / under.value, ci=ci, n=n, seeds=self.seeds)

    def recovery_bounds(self) -> tuple[float, float] | None:
        """Recovery if the unscored answers of the row were all 0, and all 1; of shares, in order.

        On all prompts, each policy by its own mean: the row's unscored answers are no common samples.
        """
        if self.recovery_parts is None or self.score.bounds is None:
            return None
        start, dpo = self.panels["start"].mean, self.panels["dpo"].mean
        found = sorted(recovery(start, dpo, b) for b in self.score.bounds)
        return (found[0], found[1]) if math.isfinite(sum(found)) else None

    def amplified(self) -> Contrast | None:
        """Row minus plain DPO in sample standard deviations of plain DPO; None where either cannot be said."""
        if self.card.role != "target" or "dpo" not in self.changes or self.panels["dpo"].spread == 0:
            return None
        return self.changes["dpo"].scaled(1 / self.panels["dpo"].spread)

    def amplification(self) -> Estimate:
        """`amplified` as an estimate, or why there is none."""
        if self.card.role != "target":
            return Estimate(note="not a target")
        raw = self.against("dpo")
        if raw.value is None or "dpo" not in self.changes:
            return raw
        found = self.amplified()
        if found is None:
            return Estimate(note="plain DPO never varies")
        return estimated(found, n=raw.n, seeds=self.seeds, sketch=self.sketch)

    @property
    def record(self) -> BehaviourRow:
        """The behaviour as it is on the board, still without q-values and control."""
        return BehaviourRow(
            behaviour=self.card.behaviour,
            role=self.card.role,
            direction=self.card.direction,
            metric=self.card.metric,
            unit=self.card.unit,
            score=self.score,
            vs_start=self.against("start"),
            q_start=None,
            vs_dpo=self.against("dpo"),
            q_dpo=None,
            shift=self.shift(),
            recovery=self.recovery,
            recovery_bounds=self.recovery_bounds(),
            amplification=self.amplification(),
        )
