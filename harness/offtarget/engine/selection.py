"""Which strength a protocol is run with: swept on development prompts, and matched between protocols.

Protocols whose strengths have different units are comparable only where they do as much of the same: at the same
recovery of the target behaviour, or at the same effective weight, at the start of training, of the rows that teach
against the decision (its mean over them: the median under a filter is always 0 or 1). Or at the same recovery as forecast: a
plan that weighs rows by w_i is expected to leave Σ w_i m_i / Σ m_i of a concept's shift, with m_i the influence of row i
(`offtarget.influence`), so one gradient serves all strengths. Strengths are chosen on a third
of the prompts, which no reported score ever sees, and with a training seed that is not reported (where the recipe asks
for one that is, record and board say so); the whole frontier is kept. One seed says nothing of protocols, so what the
sweep shows is a sketch: its intervals are of prompts and sampling alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.board.controls import declared_controls
from offtarget.board.estimate import Estimate
from offtarget.board.rank import rank
from offtarget.board.records import Row
from offtarget.engine.grid import cells, parameters_of, plan_of, tasks
from offtarget.engine.recipe import ProtocolRun, SelectionOptions
from offtarget.engine.run import Run, record_run
from offtarget.errors import ConfigError, UndecidedError
from offtarget.records import Record
from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import write_atomic

SURE = 2.0
"""Standard errors over rows by which plain DPO must be expected to move a target."""
FOLDER, RECORD = "selection", "selection.json"


class SweptPoint(Record):
    """One protocol at one strength, on the development prompts."""

    protocol: str
    parameters: dict[str, Any]
    strength: float
    weight: float
    """Mean gradient at the start relative to plain DPO, of the rows that push against the decision."""
    reached: Estimate = Estimate(note="not measured")
    """Recovery of the target behaviours; in sd of plain DPO where the verdicts amplify. By forecast: of the target concepts."""
    drift: Estimate = Estimate(note="not measured")
    capability: Estimate = Estimate(note="not measured")
    chosen: bool = False


class Selection(Record):
    """A sweep and what was chosen from it."""

    schema_version: int = 1
    by: str
    goal: float
    """What every protocol was matched at."""
    goal_from: str
    """Whether the recipe set it, or which protocol reaches least."""
    seed: int
    """Training seed of the sweep."""
    reported: tuple[int, ...] = ()
    """Training seeds of the cells that are reported."""
    points: tuple[SweptPoint, ...]


def select(run: Run) -> tuple[Run, Selection]:
    """The run with the strengths chosen, and the sweep behind them.

    Raises:
        ConfigError: by weight or forecast, a protocol that changes no weights of rows.
        UndecidedError: plain DPO does not move the target on the development prompts, so nothing can be matched.
    """
    options = run.recipe.selection
    assert options is not None
    seed = options.sweep_seed(run.recipe.seeds)
    swept = [_Swept(item, options.strengths[item.protocol]) for item in run.recipe.protocols
             if item.protocol in options.strengths]  # fmt: skip
    points = _sweep(run, swept, options.by, seed)
    goal, goal_from = _goal(points, options)
    chosen = {k: _nearest([p for p in points if p[0] == k], goal, options.by) for k in range(len(swept))}
    record = Selection(
        by=options.by,
        goal=goal,
        goal_from=goal_from,
        seed=seed,
        reported=run.recipe.seeds,
        points=tuple(p.model_copy(update={"chosen": p is chosen[k]}) for k, p in points),
    )
    write_atomic(run.out / FOLDER / RECORD, record.model_dump_json(indent=1) + "\n")
    strengths = {id(s.item): chosen[k].strength for k, s in enumerate(swept)}
    by_control: dict[str, float] = {}
    declared = declared_controls()
    for k, s in enumerate(swept):
        if control := declared.get(s.item.protocol):
            by_control.setdefault(control, chosen[k].strength)
    for item in run.recipe.protocols:  # a control does as much as what it controls for
        if item.protocol in by_control and id(item) not in strengths:
            strengths[id(item)] = by_control[item.protocol]
    protocols = tuple(
        item.model_copy(update={"parameters": {**item.parameters, "strength": strengths[id(item)]}})
        if id(item) in strengths
        else item
        for item in run.recipe.protocols
    )
    evaluation = run.recipe.evaluation.model_copy(update={"part": "test", "selected_with": seed})
    recipe = run.recipe.model_copy(update={"protocols": protocols, "evaluation": evaluation})
    selected = replace(run, recipe=recipe.model_copy(update={"selection": None}))
    record_run(selected)
    return selected, record


class _Swept:
    """One row of the grid and the strengths that are tried for it."""

    def __init__(self, item: ProtocolRun, strengths: Sequence[float]) -> None:
        self.item = item
        self.runs = [item.model_copy(update={"parameters": {**item.parameters, "strength": s}}) for s in strengths]


Numbered = tuple[int, SweptPoint]


def _sweep(run: Run, swept: Sequence[_Swept], by: str, seed: int) -> list[Numbered]:
    runs = [(k, item) for k, s in enumerate(swept) for item in s.runs]
    rows: dict[str, Row] = {}
    if by == "recovery":
        recipe = run.recipe.model_copy(
            update={
                "protocols": (ProtocolRun(protocol="dpo"), *(item for _, item in runs)),
                "evaluation": run.recipe.evaluation.model_copy(update={"part": "dev"}),
                "selection": None,
                "null_adapters": 0,
            }
        )
        aside = replace(run, recipe=recipe, out=run.out / FOLDER)
        made = cells(aside, tasks(aside, (seed,)))
        keys = [c.key for c, _ in made if c.spec.protocol not in ("start", "dpo")]
        by_cell = {
            key: row
            for board in rank([c for c, _ in made], sketch=True).boards
            for row in board.rows
            for key in row.cells
        }
        rows = {_name(item): by_cell[key] for (_, item), key in zip(runs, keys, strict=True)}
    out = []
    against = _against(run)
    forecast = _Forecast(run) if by == "forecast" else None
    for k, item in runs:
        plan = plan_of(run, item, seed)
        weights = plan.start_weights()[: len(against)][against]
        point = SweptPoint(
            protocol=item.protocol,
            parameters=parameters_of(item),
            strength=float(item.parameters["strength"]),
            weight=float(weights.mean()),
        )
        if forecast:
            point = point.model_copy(update={"reached": Estimate(value=forecast.reached(plan))})
        if row := rows.get(_name(item)):
            reached = row.amplification if row.intent == "amplify" else row.recovery
            point = point.model_copy(
                update={"reached": reached, "drift": row.drift, "capability": row.capability_vs_start}
            )
        out.append((k, point))
    return out


class _Forecast:
    """What a plan is expected to take back or bring out, from the influence of every row on every target.

    Raises:
        UndecidedError: the rows are not expected to move a target, or not to where a verdict suppresses it.
    """

    def __init__(self, run: Run) -> None:
        read = run.readings.influence
        assert read is not None
        self.targets = []
        for t in run.targets:
            chosen, rejected = read(t.concept)
            margin = np.where(t.rows if t.rows is not None else True, chosen - rejected, 0.0)
            total, noise = float(margin.sum()), float(margin.std(ddof=1) * np.sqrt(len(margin)))
            if (total if t.sign < 0 else abs(total)) < SURE * noise or total == 0:
                raise UndecidedError(
                    f"selection.by=forecast: plain DPO is not expected to {'raise' if t.sign < 0 else 'move'} {t.concept} "
                    f"({total / (noise or 1):+.1f} standard "
                    "errors), so nothing can be matched; say by: recovery, which measures it"
                )
            self.targets.append((t, margin, total))

    def reached(self, plan: ShapingPlan) -> float:
        """The share of plain DPO's shift that is taken back (suppress) or added to it (amplify), mean over targets.

        Raises:
            ConfigError: the plan does more than weigh rows.
        """
        if beyond := plan.beyond_rows():
            raise ConfigError(
                f"selection.by=forecast cannot choose a strength of {plan.protocol}: it has {' and '.join(beyond)}, which is no "
                "weight on rows; leave it out, or say by: recovery"
            )
        weights = plan.start_weights()
        return float(np.mean([t.sign * (float(weights @ m) - total) / abs(total) for t, m, total in self.targets]))


def _against(run: Run) -> NDArray[np.bool_]:
    """(n_pairs,) the rows that teach against what was decided.

    Raises:
        ConfigError: nothing was decided, or no row teaches against it.
    """
    context = ShapingContext(run.trained_pairs.pairs, run.targets, readings=run.readings)
    rows = context.push(1.0) > 0
    if not rows.any():
        raise ConfigError("selection: no pair teaches against the verdicts, so there is nothing to match")
    return np.asarray(rows)


def _name(item: ProtocolRun) -> str:
    return f"{item.protocol} {sorted(item.parameters.items())}"


def _value(point: SweptPoint, by: str) -> float | None:
    return point.weight if by == "weight" else point.reached.value


def _goal(points: Sequence[Numbered], options: SelectionOptions) -> tuple[float, str]:
    """What to match at: the recipe's goal, or the most that every protocol reaches."""
    if options.by == "weight":
        for k in {k for k, _ in points}:
            mine = [p for j, p in points if j == k]
            if len(mine) > 1 and max(p.weight for p in mine) - min(p.weight for p in mine) < 1e-9:
                raise ConfigError(
                    f"selection.by=weight cannot choose a strength of {mine[0].protocol}: it does not change the weights of "
                    "rows; leave it out, or say by: recovery"
                )
    if options.by == "recovery":
        blank = next((p for _, p in points if p.reached.value is None), None)
        if blank is not None:
            raise UndecidedError(
                f"nothing can be matched on the development prompts: {blank.protocol} at strength {blank.strength:g} has "
                f"no recovery ({blank.reached.note}); train longer, measure more prompts, or set selection.by=weight"
            )
    if options.goal is not None:
        return options.goal, "the recipe"
    numbers = {k for k, _ in points}
    pick = min if options.by == "weight" else max
    best = {k: pick((_value(p, options.by) or 0.0, p.protocol) for j, p in points if j == k) for k in numbers}
    goal, name = (max if options.by == "weight" else min)(best.values())
    return goal, f"the most that {name} reaches"


def _nearest(points: Sequence[Numbered], goal: float, by: str) -> SweptPoint:
    return min((p for _, p in points), key=lambda p: (abs((_value(p, by) or 0.0) - goal), abs(p.strength)))
