"""From cells to boards: scores, recovery, drift and capability change of every protocol, with intervals.

The same cells give the same boards in any order. Against start and plain DPO a row is compared on the samples that
all three have scored. Nothing is claimed of a protocol with under three training seeds: its scores stand alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from offtarget.board.cell import Cell
from offtarget.board.controls import against_controls, control_of, declared_controls
from offtarget.board.elsewhere import trained_elsewhere
from offtarget.board.estimate import Estimate
from offtarget.board.front import SOLID, front_shares
from offtarget.board.group import Group, group_cells, row_key, training_of
from offtarget.board.labels import row_labels
from offtarget.board.limits import limits_of
from offtarget.board.matrix import with_matrix
from offtarget.board.measure import ALPHA, Measured, Reference
from offtarget.board.records import Board, Boards, Row
from offtarget.board.rows import measured, row_of
from offtarget.board.sentences import beyond_control, lead
from offtarget.board.strata import what_was_asked
from offtarget.board.taught import what_is_taught


def rank(
    cells: Iterable[Cell],
    problems: Sequence[str] = (),
    *,
    controls: Mapping[str, str] | None = None,
    sketch: bool = False,
    unverified: Collection[str] = (),
) -> Boards:
    """Boards from cells, each comparing what can be compared; those that say most come first (see `_interest`).

    Args:
        cells: in any order.
        problems: files that could not be read, carried through.
        controls: protocol -> its blind control; by default what the protocols' cards declare.
        sketch: give differences and recovery of single seeds too, with intervals of prompts and sampling alone; for
            choosing among policies, never for a board.
        unverified: keys of cells of outside protocols of which no seed was run again.
    """
    groups, apart = group_cells(cells)
    declared = declared_controls() if controls is None else controls
    boards = [_board(g, declared, sketch=sketch, unverified=unverified) for g in groups]
    boards.sort(key=lambda b: _interest(b))
    return Boards(boards=tuple(boards), apart=tuple(apart), problems=tuple(problems))


def _interest(b: Board) -> tuple[int, bool]:
    """The place of a board.

    First boards with a protocol beyond its blind control, then those with signal, then those with too few seeds to say
    (of these first where a seed of plain DPO moved a target), then those without signal.
    """
    heard = set(b.signal.values())
    quiet = all(t.q is None or t.q >= ALPHA for t in b.taught)
    return 0 if beyond_control(b) else 1 if True in heard else 2 if None in heard else 3, quiet


def _board(group: Group, controls: Mapping[str, str], *, sketch: bool, unverified: Collection[str]) -> Board:
    reference = Reference(group, sketch=sketch)
    keys: dict[str, list[Cell]] = defaultdict(list)
    for c in [*group.start, *group.cells]:
        keys[row_key(c)].append(c)
    units = {reference.cards[b].unit for b in reference.of_role("capability")}
    unit = units.pop() if len(units) == 1 else "sd of start"
    labels = row_labels(keys)
    work = {k: measured(keys[k], reference) for k in sorted(keys)}
    rows = {k: row_of(keys[k], labels[k], work[k], reference, unit) for k in sorted(keys)}
    rows = with_matrix(_with_controls(rows, work, keys, controls), work)
    shares = front_shares(list(rows.values()), [work[k] for k in rows])
    placed = [
        r.model_copy(
            update={
                "front_share": s,
                "front": s is not None and s >= SOLID,
                "unverified": any(k in unverified for k in r.cells),
            }
        )
        for r, s in zip(rows.values(), shares, strict=True)
    ]
    placed.sort(key=_place)
    first = group.first
    m = first.manifest
    every = [*group.start, *group.cells]
    scores = [s for c in every for s in c.behaviours]
    board = Board(
        key=group.key,
        dataset=first.spec.dataset,
        dataset_revision=m.dataset_revision,
        rows_sha256=m.rows_sha256,
        n_pairs=m.n_pairs,
        model=first.spec.model,
        model_identity=m.model_identity,
        budget=first.budget,
        mode=first.mode if group.cells else "",
        training=training_of(first),
        task_versions={b: group.task_versions[b] for b in sorted(group.task_versions)},
        asked=what_was_asked(scores),
        capability_unit=unit,
        signal=reference.signal,
        taught=what_is_taught(every),
        rows=tuple(placed),
        limits=(*limits_of(first, reference, placed, scores), *trained_elsewhere(every)),
    )
    return board.model_copy(update={"lead": lead(board)})


def _with_controls(
    rows: Mapping[str, Row],
    work: Mapping[str, Mapping[str, Measured]],
    keys: Mapping[str, Sequence[Cell]],
    controls: Mapping[str, str],
) -> dict[str, Row]:
    """The rows with their blind controls: what those take back, and the paired difference from them."""
    control = {k: c for k, r in rows.items() if r.kind == "protocol" and (c := control_of(k, keys, controls))}
    found = against_controls(work, control)
    out = {}
    for k, r in rows.items():
        if k not in control:
            note = "no blind control" if r.kind == "protocol" else "reference"
            blank = Estimate(note=note)
            kept = [b.model_copy(update={"vs_control": blank}) for b in r.behaviours]
            out[k] = r.model_copy(update={"control_recovery": blank, "behaviours": tuple(kept)})
            continue
        theirs = rows[control[k]]
        behaviours = []
        for b in r.behaviours:
            difference, q = found.get((k, b.behaviour), (Estimate(note="not a target"), None))
            behaviours.append(b.model_copy(update={"vs_control": difference, "q_control": q}))
        out[k] = r.model_copy(
            update={"control": theirs.label, "control_recovery": theirs.recovery, "behaviours": tuple(behaviours)}
        )
    return out


def _place(r: Row) -> tuple[Any, ...]:
    """Start, plain DPO, the front by recovery or amplification, the rest likewise; rows without either last."""
    kind = {"start": 0, "plain": 1, "protocol": 2}[r.kind]
    value = r.amplification.value if r.intent == "amplify" else r.recovery.value
    return (kind, not r.front, value is None, -(value or 0.0), r.label, r.cells)
