"""Which strength a protocol is run with: swept on development prompts, and matched between protocols.

Protocols whose strengths have different units are comparable only where they do as much of the same: at the same
recovery of the target behaviour, or at the same median effective weight at the start of training. Strengths are chosen
on a third of the prompts, which no reported score ever sees; the whole frontier is kept.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from offtarget.board.estimate import Estimate
from offtarget.board.rank import rank
from offtarget.board.records import Row
from offtarget.engine.grid import Run, cells, parameters_of, plan_of
from offtarget.engine.recipe import ProtocolRun, SelectionOptions
from offtarget.errors import ConfigError, UndecidedError
from offtarget.store import write_atomic

FOLDER, RECORD = "selection", "selection.json"


class SweptPoint(BaseModel):
    """One protocol at one strength, on the development prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    protocol: str
    parameters: dict[str, Any]
    strength: float
    median_weight: float
    """Median gradient at the start relative to plain DPO, over the rows that the plan touches."""
    reached: Estimate = Estimate(note="not measured")
    """Recovery of the target behaviours; in sd of plain DPO where the verdicts amplify."""
    drift: Estimate = Estimate(note="not measured")
    capability: Estimate = Estimate(note="not measured")
    chosen: bool = False


class Selection(BaseModel):
    """A sweep and what was chosen from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = 1
    by: str
    goal: float
    """What every protocol was matched at."""
    goal_from: str
    """Whether the recipe set it, or which protocol reaches least."""
    seed: int
    points: tuple[SweptPoint, ...]


def select(run: Run) -> tuple[Run, Selection]:
    """The run with the strengths chosen, and the sweep behind them.

    Raises:
        ConfigError: a protocol that is swept but not in the recipe, or one without a strength.
        UndecidedError: plain DPO does not move the target on the development prompts, so nothing can be matched.
    """
    options = run.recipe.selection
    assert options is not None
    swept = [_Swept(item, options.strengths[item.protocol]) for item in run.recipe.protocols
             if item.protocol in options.strengths]  # fmt: skip
    missing = set(options.strengths) - {s.item.protocol for s in swept}
    if missing:
        raise ConfigError(
            f"selection.strengths names '{sorted(missing)[0]}', which is not among the recipe's protocols"
        )
    points = _sweep(run, swept, options)
    goal, goal_from = _goal(points, options)
    chosen = {k: _nearest([p for p in points if p[0] == k], goal, options.by) for k in range(len(swept))}
    record = Selection(
        by=options.by,
        goal=goal,
        goal_from=goal_from,
        seed=options.seed,
        points=tuple(p.model_copy(update={"chosen": p is chosen[k]}) for k, p in points),
    )
    write_atomic(run.out / FOLDER / RECORD, record.model_dump_json(indent=1) + "\n")
    strengths = {id(s.item): chosen[k].strength for k, s in enumerate(swept)}
    protocols = tuple(
        item.model_copy(update={"parameters": {**item.parameters, "strength": strengths[id(item)]}})
        if id(item) in strengths
        else item
        for item in run.recipe.protocols
    )
    evaluation = run.recipe.evaluation.model_copy(update={"part": "test"})
    recipe = run.recipe.model_copy(update={"protocols": protocols, "evaluation": evaluation})
    return replace(run, recipe=recipe), record


class _Swept:
    """One row of the grid and the strengths that are tried for it."""

    def __init__(self, item: ProtocolRun, strengths: Sequence[float]) -> None:
        self.item = item
        self.runs = [
            item.model_copy(update={"parameters": {**item.parameters, "strength": s}}) for s in strengths
        ]


Numbered = tuple[int, SweptPoint]


def _sweep(run: Run, swept: Sequence[_Swept], options: SelectionOptions) -> list[Numbered]:
    runs = [(k, item) for k, s in enumerate(swept) for item in s.runs]
    rows: dict[str, Row] = {}
    if options.by == "recovery":
        recipe = run.recipe.model_copy(
            update={
                "protocols": (ProtocolRun(protocol="dpo"), *(item for _, item in runs)),
                "evaluation": run.recipe.evaluation.model_copy(update={"part": "dev"}),
                "selection": None,
            }
        )
        made = cells(replace(run, recipe=recipe, out=run.out / FOLDER), (options.seed,))
        keys = [c.key for c, _ in made if c.spec.protocol not in ("start", "dpo")]
        by_cell = {
            key: row for board in rank([c for c, _ in made]).boards for row in board.rows for key in row.cells
        }
        rows = {_name(item): by_cell[key] for (_, item), key in zip(runs, keys, strict=True)}
    out = []
    for k, item in runs:
        plan = plan_of(run, item, options.seed)
        weights = plan.start_weights()[plan.touched]
        point = SweptPoint(
            protocol=item.protocol,
            parameters=parameters_of(item),
            strength=float(item.parameters["strength"]),
            median_weight=float(sorted(weights)[len(weights) // 2]),
        )
        if row := rows.get(_name(item)):
            reached = row.amplification if row.intent == "amplify" else row.recovery
            point = point.model_copy(
                update={"reached": reached, "drift": row.drift, "capability": row.capability_vs_start}
            )
        out.append((k, point))
    return out


def _name(item: ProtocolRun) -> str:
    return f"{item.protocol} {sorted(item.parameters.items())}"


def _value(point: SweptPoint, by: str) -> float | None:
    return point.median_weight if by == "weight" else point.reached.value


def _goal(points: Sequence[Numbered], options: SelectionOptions) -> tuple[float, str]:
    """What to match at: the recipe's goal, or the most that every protocol reaches."""
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


def read_selection(folder: Path) -> Selection:
    """The selection of a run."""
    return Selection.model_validate_json((folder / FOLDER / RECORD).read_text(encoding="utf-8"))
