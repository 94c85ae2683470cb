"""What a board says, as it stands in `board.json`."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from offtarget.board.cell import CellVerdict
from offtarget.board.estimate import Estimate
from offtarget.evals.scores import Direction, Role


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BehaviourRow(_Record):
    """One behaviour of one row."""

    behaviour: str
    role: Role
    direction: Direction
    metric: str
    unit: str
    score: Estimate
    """Mean over samples and seeds."""
    vs_start: Estimate
    """Row minus start, on the samples both have scored."""
    q_start: float | None
    """Of that difference: clustered by prompt, Benjamini-Hochberg over the row's behaviours of this role."""
    vs_dpo: Estimate
    """Row minus plain DPO."""
    q_dpo: float | None
    shift: Estimate
    """`vs_start` in units of the start model's sample standard deviation."""
    recovery: Estimate
    """(dpo − row)/(dpo − start); target behaviours only."""
    amplification: Estimate
    """(row − dpo) in units of plain DPO's sample standard deviation; target behaviours only."""


class Row(_Record):
    """One protocol with one set of parameters, over its seeds."""

    label: str
    protocol: str
    parameters: dict[str, Any]
    verdicts: tuple[CellVerdict, ...]
    kind: Literal["start", "plain", "protocol"]
    intent: Literal["suppress", "amplify", "both", "none"]
    """What the verdicts ask for."""
    cells: tuple[str, ...]
    """Keys of the cells behind the row, sorted."""
    seeds: tuple[int, ...]
    modes: tuple[str, ...]
    provisional: str
    """Empty, or why the row is not final: fewer than three seeds."""
    recovery: Estimate
    """Mean over the target behaviours on which plain DPO differs from start."""
    amplification: Estimate
    """Mean over all target behaviours."""
    drift: Estimate
    """Mean absolute shift over the off-target behaviours."""
    drift_noise: float | None
    """95th percentile of the drift that chance alone gives."""
    drift_significant: int | None
    """How many off-target behaviours differ from start at q < 0.05."""
    drift_tested: int
    capability_vs_start: Estimate
    """Change over the capability behaviours; positive is better."""
    capability_vs_dpo: Estimate
    front: bool
    """No other row of its intent is at least as good in recovery (or amplification), drift and capability, and better in one."""
    rows_touched: float | None
    """Share of the pairs that the plan changes."""
    train_accuracy: float | None
    """Share of training pairs ranked as they are labelled, where the trainer noted it (`training...`)."""
    seconds: float
    """Wall-clock seconds of all its cells; depends on the machine."""
    behaviours: tuple[BehaviourRow, ...]


class Taught(_Record):
    """Plain DPO minus start on one target behaviour, in one seed."""

    behaviour: str
    seed: int
    direction: Literal["lower", "higher"]
    """Which way is better."""
    difference: float | None
    ci: tuple[float, float] | None
    q: float | None


class Board(_Record):
    """Runs that can be compared: same rows, model, targets, task versions, training and budget."""

    dataset: str
    dataset_revision: str | None
    rows_sha256: str
    n_pairs: int
    model: str
    model_identity: str
    budget: str
    training: dict[str, Any]
    task_versions: dict[str, str]
    capability_unit: str
    """Unit of the capability change; `sd of start` where the behaviours have different units."""
    signal: dict[str, bool | None]
    """Target behaviour -> whether plain DPO differs from start; None where that cannot be said."""
    taught: tuple[Taught, ...] = ()
    """Plain DPO minus start on each target, seed by seed."""
    rows: tuple[Row, ...]
    limits: tuple[str, ...]
    """What to bear in mind when reading it."""


class Apart(_Record):
    """A cell that stands on no board, and why."""

    cell: str
    run: str
    """dataset / model / protocol, seed."""
    reason: str


class Boards(_Record):
    """All boards of a results folder."""

    schema_version: Literal[1] = 1
    boards: tuple[Board, ...]
    apart: tuple[Apart, ...]
    problems: tuple[str, ...] = ()
    """Files that could not be read, one line each."""
