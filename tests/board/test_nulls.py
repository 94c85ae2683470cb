"""Null adapters on a board: beside each shift what any change of that size does; nothing where none were measured."""

from collections.abc import Callable

import pytest

from offtarget.board.cell import Cell
from offtarget.board.rank import rank
from offtarget.board.render import render
from offtarget.evals.floor import Floor, NullShifts

TITLE = "What a change of this size does"


def with_floor(cell: Cell, **shifts: tuple[float, ...]) -> Cell:
    own = {name: NullShifts(shifts=found) for name, found in shifts.items()}
    return cell.model_copy(update={"floor": Floor(draws=2, start="b" * 64, matrices=3, norm=1.0, behaviours=own)})


def test_the_nulls_of_all_seeds_of_a_row_stand_beside_its_shift(make_cell: Callable[..., Cell]) -> None:
    cells = [make_cell("start", seed=s, style=0.2, verbosity=0.5) for s in range(3)]
    cells += [
        with_floor(
            make_cell("dpo", seed=s, style=0.8, verbosity=0.52), style=(0.01 * s, -0.04), verbosity=(0.03, -0.01)
        )
        for s in range(3)
    ]
    boards = rank(cells)
    start, dpo = boards.boards[0].rows
    assert all(x.null is None for x in start.behaviours)
    by = {x.behaviour: x for x in dpo.behaviours}
    style, verbosity = by["style"].null, by["verbosity"].null
    assert style is not None and style.shifts == (0.0, -0.04, 0.01, -0.04, 0.02, -0.04)
    assert style.size == pytest.approx(0.15 / 6) and style.range == (-0.04, 0.02)
    assert verbosity is not None and verbosity.within(by["verbosity"].vs_start.value or 1.0)
    lines = [line for line in render(boards, "md", command="x").splitlines() if "−0.040 to +0.020" in line]
    assert len(lines) == 1 and lines[0].endswith("| 6 | no |"), "a change of 60 points is beyond any of the nulls"
    assert render(boards, "html", command="x").count(TITLE) == 1
    assert "null_size" in render(boards, "csv", command="x")


def test_cells_of_before_have_none_and_boards_say_nothing(make_cell: Callable[..., Cell]) -> None:
    boards = rank([make_cell("start", style=0.2), make_cell("dpo", style=0.8)])
    for form in ("md", "html", "csv"):
        text = render(boards, form, command="x")
        assert TITLE not in text and "null_size" not in text
