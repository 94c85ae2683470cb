"""What any change of a policy's size does, beside what the policy does: null adapters on a board."""

from collections.abc import Sequence

from offtarget.board.cell import Cell
from offtarget.board.records import BehaviourRow, Board, Row
from offtarget.board.tables import Entry, Table, Value, table
from offtarget.evals.floor import NullShifts
from offtarget.report.html import fixed

ABOUT = (
    "Null adapters change the same matrices as the policy, with the same rank and, matrix by matrix, the same Frobenius norm, "
    "at random. What they do is what any change of that size does; a shift within their range says nothing of what was "
    "trained, and one that is like theirs is beyond k of them in one case of k + 1. All in the behaviour's unit, each null minus "
    "start on the same samples; those of all seeds of a row together."
)


def null_of(cells: Sequence[Cell], behaviour: str) -> NullShifts | None:
    """The null adapters of all seeds of a row on one behaviour; None where none were measured."""
    floors = [c.floor for c in sorted(cells, key=lambda c: c.spec.seed) if c.floor is not None]
    found = [s for f in floors if (own := f.of(behaviour)) for s in own.shifts]
    return NullShifts(shifts=tuple(found)) if found else None


def null_table(b: Board) -> Table | None:
    """Every row's shift beside that of its null adapters; None where no row has any."""
    rows = [_line(r, x, x.null) for r in b.rows for x in r.behaviours if x.null is not None]
    if not rows:
        return None
    head = ("protocol", "behaviour", "unit", "vs start", "null size", "null range", "draws", "within")
    return table(
        "What a change of this size does", head, rows, words=("protocol", "behaviour", "unit", "within"), about=ABOUT
    )


def _line(r: Row, x: BehaviourRow, null: NullShifts) -> list[Value]:
    shift = x.vs_start.value
    low, high = null.range
    return [
        r.label,
        x.behaviour,
        x.unit,
        Entry(fixed(shift, 3, sign=True), key="" if shift is None else shift),
        Entry(fixed(null.size, 3), key=null.size),
        f"{fixed(low, 3, sign=True)} to {fixed(high, 3, sign=True)}",
        len(null.shifts),
        "" if shift is None else "yes" if null.within(shift) else "no",
    ]
