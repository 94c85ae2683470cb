"""One behaviour of one row against start and plain DPO: differences, recovery, shift, and their draws.

Everything here compares on the samples that row, start and plain DPO have all scored, so a recovery is a
ratio of numbers about the same prompts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from offtarget.board.cell import PLAIN, Cell
from offtarget.board.estimate import Estimate, Floats, Panel, common, draw_means, interval, n_prompts
from offtarget.board.group import Group, row_key
from offtarget.board.records import BehaviourRow
from offtarget.evals.compare import PairedDifference, paired
from offtarget.evals.scores import BehaviourScore, Role

ALPHA = 0.05
Kind = Literal["start", "plain", "protocol"]


def recovery(start: float, dpo: float, protocol: float) -> float:
    """Share of plain DPO's change that a protocol takes back: (dpo − protocol)/(dpo − start).

    1 where the protocol is at start, 0 where it is at plain DPO, above 1 beyond start. Undefined (NaN)
    where plain DPO changed nothing.
    """
    return (dpo - protocol) / (dpo - start) if dpo != start else float("nan")


class Reference:
    """What all rows of a board are measured against."""

    def __init__(self, group: Group) -> None:
        plain = [c for c in group.cells if c.spec.protocol == PLAIN]
        # should there be several rows of plain DPO, the one with the most seeds is the measure
        rows: dict[str, list[Cell]] = defaultdict(list)
        for c in plain:
            rows[row_key(c)].append(c)
        self.plain_key = min(rows, key=lambda k: (-len(rows[k]), k)) if rows else None
        self.plain = _by_behaviour(rows[self.plain_key]) if self.plain_key else {}
        self.plain_seeds = len(rows[self.plain_key]) if self.plain_key else 0
        self.start = _by_behaviour(group.start)
        seen = {s.behaviour: s for c in [*group.start, *group.cells] for s in c.behaviours}
        order = {"target": 0, "off-target": 1, "capability": 2}
        self.cards = {b: seen[b] for b in sorted(seen, key=lambda b: (order[seen[b].role], b))}
        self.signal = {b: self._signal(b) for b in self.of_role("target")}

    def of_role(self, role: Role) -> list[str]:
        """Names of the behaviours of one role, sorted."""
        return [b for b, s in self.cards.items() if s.role == role]

    def _signal(self, behaviour: str) -> bool | None:
        if behaviour not in self.plain or behaviour not in self.start:
            return None
        both = common({"dpo": Panel.of(self.plain[behaviour]), "start": Panel.of(self.start[behaviour])})
        if n_prompts(both["dpo"]) < 2:
            return None
        test = _paired(self.cards[behaviour], both["start"], both["dpo"])
        draws = draw_means(both)
        ci = interval(draws["dpo"] - draws["start"], n_prompts(both["dpo"]))
        return test.p is not None and test.p < ALPHA and ci is not None and not ci[0] <= 0 <= ci[1]


def _by_behaviour(cells: Iterable[Cell]) -> dict[str, list[BehaviourScore]]:
    """Scores by behaviour, one for each cell that has a scored sample."""
    out: dict[str, list[BehaviourScore]] = defaultdict(list)
    for c in sorted(cells, key=lambda c: (c.spec.seed, c.key)):
        for s in c.behaviours:
            if any(v is not None for v in s.samples.values()):
                out[s.behaviour].append(s)
    return dict(out)


def _paired(card: BehaviourScore, before: Panel, after: Panel) -> PairedDifference:
    def score(p: Panel) -> BehaviourScore:
        samples: dict[str, float | None] = dict(p.scores())
        return card.model_copy(update={"samples": samples})

    return paired(score(before), score(after))


class Measured:
    """One behaviour of one row against start and plain DPO: numbers, and the draws behind them."""

    def __init__(self, card: BehaviourScore, cells: Sequence[Cell], reference: Reference, kind: Kind) -> None:
        name = card.behaviour
        self.card = card
        scores = _by_behaviour(cells).get(name, [])
        sources = {
            "row": scores,
            "start": reference.start.get(name, []),
            "dpo": reference.plain.get(name, []),
        }
        panels = {k: p for k, v in sources.items() if v and (p := Panel.of(v)).ids}
        self.scored = set(panels)
        self.panels = common(panels) if len(panels) > 1 else panels
        self.has = set(self.panels) if all(p.ids for p in self.panels.values()) else set()
        self.prompts = n_prompts(self.panels["row"]) if "row" in self.has else 0
        self.draws = draw_means(self.panels) if self.has else {}
        # a reference compared with itself is the same runs, not an independent repetition of them
        same = {"start": "start", "plain": "dpo"}.get(kind)
        if same in self.draws and "row" in self.draws:
            self.draws["row"] = self.draws[same]
        self.seeds = len(scores)
        self.kind = kind
        self.score = self._score(scores, len(cells))
        self.tests = {
            ref: _paired(card, self.panels[ref], self.panels["row"])
            for ref in ("start", "dpo")
            if {ref, "row"} <= self.has and same != ref
        }
        self.recovery = self._recovery(reference)
        self.amplification = self._amplification()

    def _score(self, scores: Sequence[BehaviourScore], n_cells: int) -> Estimate:
        values = [s.value for s in scores if s.value is not None]
        if not values:
            return Estimate(note="not scored")
        note = "" if len(values) == n_cells else f"scored in {len(values)} of {n_cells} seeds"
        panel = Panel.of(scores)
        ci = scores[0].ci
        if len(scores) > 1:
            ci = interval(draw_means({"row": panel})["row"], n_prompts(panel)) if panel.ids else None
        n = sum(s.n for s in scores)
        return Estimate(value=sum(values) / len(values), ci=ci, n=n, seeds=len(values), note=note)

    def against(self, ref: str) -> Estimate:
        """Row minus reference, in the behaviour's unit."""
        if "row" not in self.has or ref not in self.has:
            return Estimate(note=self.missing(ref))
        panel = self.panels["row"]
        if ref not in self.tests:
            return Estimate(value=0.0, n=len(panel.ids), seeds=self.seeds, note="by definition")
        ci = interval(self.draws["row"] - self.draws[ref], self.prompts)
        return Estimate(value=panel.mean - self.panels[ref].mean, ci=ci, n=len(panel.ids), seeds=self.seeds)

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

    @property
    def sd(self) -> tuple[float, str]:
        """Unit of shifts: the sample sd of start, or, where start never varies, of both together."""
        sd = self.panels["start"].spread
        if sd > 0:
            return sd, ""
        both = np.concatenate([self.panels["start"].values.ravel(), self.panels["row"].values.ravel()])
        return float(both.std(ddof=1)) if len(both) > 1 else 0.0, "start never varies: in sd of both together"

    def shift(self) -> Estimate:
        """Row minus start in standard deviations."""
        raw = self.against("start")
        if raw.value is None:
            return raw
        sd, note = self.sd
        if sd == 0:
            return raw.model_copy(update={"value": 0.0, "ci": (0.0, 0.0), "note": note})
        ci = (raw.ci[0] / sd, raw.ci[1] / sd) if raw.ci else None
        return raw.model_copy(update={"value": raw.value / sd, "ci": ci, "note": raw.note or note})

    def shift_draws(self) -> Floats:
        """(resamples,) draws of `shift`."""
        sd, _ = self.sd
        return (self.draws["row"] - self.draws["start"]) / (sd or 1.0)

    def recovery_draws(self) -> Floats:
        """(resamples,) draws of recovery; infinite or NaN where a draw has dpo = start."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.draws["dpo"] - self.draws["row"]) / (self.draws["dpo"] - self.draws["start"])

    def _recovery(self, reference: Reference) -> Estimate:
        name = self.card.behaviour
        if self.card.role != "target":
            return Estimate(note="not a target")
        if reference.signal[name] is False:
            return Estimate(note="no signal")
        if not {"row", "start", "dpo"} <= self.has:
            return Estimate(note=self.missing("start", "dpo"))
        p = {k: v.mean for k, v in self.panels.items()}
        value = recovery(p["start"], p["dpo"], p["row"])
        if reference.signal[name] is None or not np.isfinite(value):
            return Estimate(note="no signal")
        n = len(self.panels["row"].ids)
        if self.kind in {"start", "plain"}:
            return Estimate(
                value=1.0 if self.kind == "start" else 0.0, n=n, seeds=self.seeds, note="by definition"
            )
        return Estimate(value=value, ci=interval(self.recovery_draws(), self.prompts), n=n, seeds=self.seeds)

    def _amplification(self) -> Estimate:
        if self.card.role != "target":
            return Estimate(note="not a target")
        raw = self.against("dpo")
        if raw.value is None:
            return raw
        sd = self.panels["dpo"].spread
        if sd == 0:
            return Estimate(note="plain DPO never varies")
        ci = (raw.ci[0] / sd, raw.ci[1] / sd) if raw.ci else None
        return raw.model_copy(update={"value": raw.value / sd, "ci": ci})

    @property
    def record(self) -> BehaviourRow:
        """The behaviour as it stands on the board, still without q-values."""
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
            amplification=self.amplification,
        )
