"""Tables of boards, made from the committed cells under results/."""

from collections.abc import Sequence
from functools import cache

from making.text import cell, table
from offtarget.board.estimate import Estimate, Scored
from offtarget.board.folder import read_cells
from offtarget.board.rank import rank
from offtarget.board.records import BehaviourRow, Board, Row
from offtarget.registry import builtin_root

RESULTS = builtin_root() / "results"
REFERENCE = "reference/cells"
"""The folder of the reference board's cells, under results/."""


@cache
def boards(cells: str = "cells") -> tuple[Board, ...]:
    """Every board of the committed cells, or of those in another folder of results/."""
    found = read_cells(RESULTS / cells)
    return rank(found.cells, found.problems).boards


def board_of(dataset: str, target: str, cells: str = "cells") -> Board:
    """The board of a set and a target behaviour; of several the one with the most pairs, then cells."""
    fits = [b for b in boards(cells) if b.dataset == dataset and target in b.signal]
    return max(fits, key=lambda b: (b.n_pairs, sum(len(r.seeds) for r in b.rows)))


def number(value: float, places: int = 3) -> str:
    """A number with a true minus sign."""
    said = f"{value:.{places}f}".replace("-", "−")
    return said if any(c in "123456789" for c in said) else said.removeprefix("−")


def interval(ci: Sequence[float] | None, places: int = 3) -> str:
    """` [low, high]`, or nothing."""
    return "" if ci is None else f" [{number(ci[0], places)}, {number(ci[1], places)}]"


def estimate(e: Estimate, places: int = 3) -> str:
    """Value and interval; an interval of prompts and sampling alone is in round brackets."""
    if e.value is None:
        return e.note
    said = number(e.value, places) + interval(e.ci, places)
    if isinstance(e, Scored) and e.ci is None and e.sampling_ci:
        said += f" ({number(e.sampling_ci[0], places)} to {number(e.sampling_ci[1], places)})"
    return said


def _label(row: Row) -> str:
    return cell(row.label.replace("readout feature, ", ""))


def protocols(dataset: str, target: str, cells: str = "cells") -> str:
    """The rows of a board with three seeds or more: score, difference from plain DPO, recovery, blind control, drift."""
    board = board_of(dataset, target, cells)
    rows = []
    for r in board.rows:
        if r.provisional:
            continue
        (b,) = [b for b in r.behaviours if b.behaviour == target]
        plain = r.kind == "protocol"
        control = b.vs_control
        against = "" if not plain else control.note if control.value is None else estimate(control)
        if control.value is not None and b.q_control is not None:
            against += f", q {b.q_control:.2g}"
        rows.append(
            (
                _label(r),
                estimate(b.score),
                estimate(b.vs_dpo) if plain else "",
                estimate(r.recovery, 2) if plain else "",
                against,
                estimate(r.drift, 2) if r.kind != "start" else "",
            )
        )
    head = ("protocol", _name(board, target), "minus plain DPO", "recovery", "against its blind control", "drift")
    return table(head, rows, numbers=5)


def taught(dataset: str, target: str, cells: str = "cells") -> str:
    """Plain DPO minus start on the target, over all seeds and seed by seed."""
    board = board_of(dataset, target, cells)
    (plain,) = [b for r in board.rows if r.kind == "plain" for b in r.behaviours if b.behaviour == target]
    rows = [("all", estimate(plain.vs_start), "" if plain.q_start is None else f"{plain.q_start:.2g}")]
    rows += [
        (str(t.seed), number(t.difference) + interval(t.ci), "" if t.q is None else f"{t.q:.2g}")
        for t in board.taught
        if t.behaviour == target and t.difference is not None
    ]
    return table(("training seed", f"plain DPO minus start, {target}", "q"), rows, numbers=2)


REFERENCE_SETS = (
    ("planted-style", "over_stylization", "a planted style"),
    ("counterfactual-flattery", "praise", "flattery"),
    ("community_alignment_en", "over_stylization", "markdown in votes"),
    ("hh_rlhf_harmless_base_test", "refusal", "refusals (amplified)"),
)
"""Set, target and heading of each part of the reference board, in the order of the table."""


def reference(short: bool = False) -> str:
    """Every protocol on every set of the reference board: recovery, or where the concept is amplified, target minus plain DPO.

    The short one leaves out strengths, and sets and protocols without a number on a set where something is to be taken back.
    """
    sets = [s for s in REFERENCE_SETS if not short or _has_recoveries(*s[:2])]
    columns = [_reference_column(dataset, target, not short) for dataset, target, _ in sets]
    names = {name for column in columns for name in column}
    order = [*FIRST, *sorted(names - set(FIRST), key=lambda n: (n.startswith("random_"), n))]
    rows = [(name, *(column.get(name, "") for column in columns)) for name in order]
    return table(("protocol", *(heading for *_, heading in sets)), rows, numbers=len(columns))


def _has_recoveries(dataset: str, target: str) -> bool:
    return any(r.recovery.value is not None for r in board_of(dataset, target, REFERENCE).rows)


def protocol_name(row: Row) -> str:
    """What a row is called on the reference board: steering of one side says which."""
    side = row.parameters.get("side")
    return f"{row.protocol} ({side})" if row.protocol == "steering" and side != "auto" else row.protocol


FIRST = ("score of start", "score under plain DPO", "training seeds")


def _reference_column(dataset: str, target: str, strengths: bool) -> dict[str, str]:
    board = board_of(dataset, target, REFERENCE)
    out = {}
    for row in board.rows:
        (b,) = [b for b in row.behaviours if b.behaviour == target]
        if row.kind != "protocol":
            out["score of start" if row.kind == "start" else "score under plain DPO"] = number(b.score.value or 0)
            out["training seeds"] = str(len(row.seeds))
            continue
        name, strength = protocol_name(row), row.parameters.get("strength")
        value = b.vs_dpo if row.intent == "amplify" else row.recovery
        said = (row.provisional and "under three seeds") or estimate(value, 3 if row.intent == "amplify" else 2)
        out[name] = "; ".join(
            filter(None, (out.get(name, ""), f"{said} at {strength:g}" if strength and strengths else said))
        )
    return out


def scores(dataset: str, target: str, provisional: bool | None = None, cells: str = "cells") -> str:
    """All scores of a board; with `provisional` only the rows of fewer than three seeds (or only the others)."""
    board = board_of(dataset, target, cells)
    behaviours = sorted(
        {b.behaviour for r in board.rows for b in r.behaviours}, key=lambda b: (b not in board.signal, b)
    )
    rows = []
    for r in board.rows:
        if provisional is not None and bool(r.provisional) != provisional and r.kind != "start":
            continue
        by_name = {b.behaviour: b for b in r.behaviours}
        rows.append(
            (_label(r), *(estimate(by_name[b].score, _places(by_name[b])) if b in by_name else "" for b in behaviours))
        )
    return table(("protocol", *(_name(board, b) for b in behaviours)), rows, numbers=len(behaviours))


def _places(b: BehaviourRow) -> int:
    return 1 if "words" in b.unit or (b.score.value or 0) >= 10 else 3


def _name(board: Board, behaviour: str) -> str:
    found = next(b for r in board.rows for b in r.behaviours if b.behaviour == behaviour)
    return f"{behaviour}{' (target)' if behaviour in board.signal else ''}, {found.direction} is better"
