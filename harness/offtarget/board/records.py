"""What a board says, as written in `board.json`."""

from typing import Any, Literal

from offtarget.board.estimate import Estimate, Scored
from offtarget.evals.floor import NullShifts
from offtarget.evals.scores import Direction, Role
from offtarget.records import Record
from offtarget.verdicts import Verdict


class BehaviourRow(Record):
    """One behaviour of one row."""

    behaviour: str
    role: Role
    direction: Direction
    metric: str
    unit: str
    score: Scored
    """Mean over samples and seeds."""
    vs_start: Estimate
    """Row minus start, on the samples both have scored."""
    q_start: float | None
    """Of that difference, with the noise of training seeds: Benjamini-Hochberg over the row's behaviours of this role.
    None where a trained policy has fewer than three seeds."""
    q_board: float | None = None
    """Of that difference: Benjamini-Hochberg over all trained rows and all behaviours of the board (the off-target matrix)."""
    vs_dpo: Estimate
    """Row minus plain DPO."""
    q_dpo: float | None
    shift: Estimate
    """`vs_start` in units of the start model's sample standard deviation."""
    recovery: Estimate
    """(dpo − row)/(dpo − start), on the half of the prompts that did not decide signal; target behaviours only."""
    recovery_bounds: tuple[float, float] | None = None
    """Recovery if the unscored answers were all best, and all worst; where there are any."""
    amplification: Estimate
    """(row − dpo) in units of plain DPO's sample standard deviation; target behaviours only."""
    null: NullShifts | None = None
    """What null adapters of the policies' size do, beside `vs_start`; None where none were measured."""
    vs_control: Estimate = Estimate(note="no blind control")
    """Row minus the row's blind control, in the behaviour's unit; target behaviours only."""
    q_control: float | None = None
    """Of that difference: Benjamini-Hochberg over all rows and targets of the board."""


class Row(Record):
    """One protocol with one set of parameters, over its seeds."""

    label: str
    protocol: str
    parameters: dict[str, Any]
    verdicts: tuple[Verdict, ...]
    kind: Literal["start", "plain", "protocol"]
    intent: Literal["suppress", "amplify", "both", "none"]
    """What the verdicts ask for."""
    cells: tuple[str, ...]
    """Keys of the cells behind the row, sorted."""
    seeds: tuple[int, ...]
    modes: tuple[str, ...]
    provisional: str
    """Empty, or why nothing is claimed of the row: fewer than three seeds."""
    made_again: str = ""
    """What running some of its cells again gave, the worst of it; empty where nobody did."""
    unverified: bool = False
    """Whether it is of an outside protocol of which nobody else has run a seed again."""
    recovery: Estimate
    """Mean over the target behaviours on which plain DPO differs from start."""
    amplification: Estimate
    """Mean over all target behaviours, each in its own standard deviation of plain DPO: of different units, so for
    ranking alone."""
    control: str = ""
    """Label of the row's blind control; empty where its protocol names none, or the board has none of this strength."""
    control_recovery: Estimate = Estimate(note="no blind control")
    """What the blind control takes back."""
    drift: Estimate
    """Mean absolute shift over the off-target behaviours, each with its noise taken off: √max(0, shift² − V)."""
    drifted: tuple[str, ...] | None
    """The off-target behaviours that differ from start at q < 0.05; None where that cannot be said."""
    drift_tested: int
    capability_vs_start: Estimate
    """Change over the capability behaviours; positive is better."""
    capability_vs_dpo: Estimate
    front: bool
    """On the Pareto front in at least half of the draws."""
    front_share: float | None
    """Share of draws in which no other row of its intent is at least as good in recovery (or amplification), drift and
    capability, and better in one. None for references, provisional rows, and rows with many unscored answers."""
    unscored: float
    """The largest share of unscored answers that a behaviour has."""
    unscored_on: str
    """That behaviour; empty where all answers are scored."""
    rows_touched: float | None
    """Share of the pairs that the plan changes."""
    train_accuracy: float | None
    """Share of training pairs ranked as they are labelled, where the trainer noted it (`training...`)."""
    seconds: float
    """Wall-clock seconds of all its cells; depends on the machine."""
    forward_equivalents: float | None = None
    """Forward passes over the training pairs that making one of its policies is worth (`board.cost`); 0 for start."""
    behaviours: tuple[BehaviourRow, ...]


class Taught(Record):
    """Plain DPO minus start on one target behaviour, in one seed."""

    behaviour: str
    seed: int
    direction: Literal["lower", "higher"]
    """Which way is better."""
    difference: float | None
    ci: tuple[float, float] | None
    """Of this seed's policy: the noise of seeds is not in it."""
    q: float | None


class Board(Record):
    """Runs that can be compared: same rows, model, targets, task versions, training, budget and mode."""

    key: str = ""
    """Hash of all that its cells share, and of the task versions: links to a board go on leading to it when cells come."""
    dataset: str
    dataset_revision: str | None
    rows_sha256: str
    n_pairs: int
    model: str
    model_identity: str
    budget: str
    mode: str = ""
    """How its policies were trained: exact or fast; empty where none is on it."""
    training: dict[str, Any]
    task_versions: dict[str, str]
    asked: dict[str, str] = {}
    """Behaviour -> how many prompts or items of how many strata were asked; only where cells say so."""
    capability_unit: str
    """Unit of the capability change; `sd of start` where the behaviours have different units."""
    signal: dict[str, bool | None]
    """Target behaviour -> whether plain DPO differs from start; None where that cannot be said, as with too few seeds."""
    taught: tuple[Taught, ...] = ()
    """Plain DPO minus start on each target, seed by seed."""
    lead: str = ""
    """The result in one sentence, for people."""
    rows: tuple[Row, ...]
    limits: tuple[str, ...]
    """What to bear in mind when reading it."""


class Apart(Record):
    """A cell that is on no board, and why."""

    cell: str
    run: str
    """dataset / model / protocol, seed."""
    reason: str


class Boards(Record):
    """All boards of a results folder."""

    schema_version: Literal[2] = 2
    boards: tuple[Board, ...]
    apart: tuple[Apart, ...]
    problems: tuple[str, ...] = ()
    """Files that could not be read, one line each."""
