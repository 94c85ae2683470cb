"""Which row is the blind control of which, and the paired difference from it."""

import math

import pytest

from offtarget.board.controls import declared_controls
from offtarget.board.measure import decides
from offtarget.board.rank import rank
from offtarget.board.sentences import against_control, facts

CONTROLS = {"filter": "random_filter"}


def _style(row):
    return next(b for b in row.behaviours if b.behaviour == "style")


@pytest.fixture()
def base(three):
    return [*three("start", style=0.1), *three("dpo", style=0.6)]


def _rows(cells):
    board = rank(cells, controls=CONTROLS).boards[0]
    return {(r.protocol, r.parameters.get("strength")): r for r in board.rows}, board


def test_the_cards_of_our_protocols_name_their_controls():
    declared = declared_controls()
    assert declared == {
        "filter": "random_filter", "reweight": "random_reweight", "reward_shaping": "random_reweight",
        "token_reweight": "random_token_reweight",
    }  # fmt: skip


def test_the_difference_from_the_control_is_paired_and_needs_no_ratio(base, three):
    """Of 100 prompts 30 are styled under the control and not under the filter."""
    cells = [*base, *three("filter", strength=0.3, style=0.2), *three("random_filter", strength=0.3, style=0.5)]
    rows, board = _rows(cells)
    row = rows["filter", 0.3]
    found = _style(row).vs_control
    assert math.isclose(found.value, -0.3) and found.n == 100
    v = (30 - 30 * 30 / 100 + 2) / 101 / 102  # two prompts added
    half = (found.ci[1] - found.ci[0]) / 2
    assert half == pytest.approx(1.984217 * math.sqrt(v), rel=1e-3)
    assert _style(row).q_control < 1e-6, "one test: q is p"
    mine = [i for i in range(100) if not decides(f"p{i:03d}")]
    want = sum(50 <= i < 60 for i in mine) / sum(10 <= i < 60 for i in mine)
    assert row.control_recovery.value == pytest.approx(want) and row.control == "random_filter (strength 0.3)"
    assert _style(rows["random_filter", 0.3]).vs_control.note == "no blind control"
    back = rows["filter", 0.3].recovery.value
    assert board.lead.startswith(f"filter (strength 0.3) took back {100 * back:.0f}\xa0% [")
    assert f"its blind control, {100 * want:.0f}\xa0% [" in board.lead
    (line,) = [x for x in facts(board) if "blind control" in x]
    assert line.startswith("Its difference from the control: −0.300 [") and "1 comparison." in line


def test_a_control_is_of_the_same_strength_and_verdicts(base, three):
    cells = [*base]
    for strength, style in ((0.1, 0.55), (0.3, 0.5)):
        cells += three("random_filter", strength=strength, style=style)
        cells += three("filter", strength=strength, style=0.2)
    cells += three("filter", strength=0.5, style=0.2)
    cells += three("filter", strength=0.3, style=0.9, verdict="amplify")
    board = rank(cells, controls=CONTROLS).boards[0]
    rows = {(r.protocol, r.parameters["strength"], r.intent): r for r in board.rows if r.kind == "protocol"}
    assert math.isclose(_style(rows["filter", 0.1, "suppress"]).vs_control.value, -0.35)
    assert math.isclose(_style(rows["filter", 0.3, "suppress"]).vs_control.value, -0.3)
    for lonely in (rows["filter", 0.5, "suppress"], rows["filter", 0.3, "amplify"]):
        assert lonely.control == "" and against_control(lonely) == ["no blind control"]


def test_q_is_over_all_rows_of_the_board(base, three):
    cells = [*base]
    for strength, style in ((0.1, 0.48), (0.2, 0.49), (0.3, 0.2)):
        cells += three("random_filter", strength=strength, style=0.5)
        cells += three("filter", strength=strength, style=style)
    rows, _ = _rows(cells)
    alone, _ = _rows([c for c in cells if c.spec.parameters.get("strength") in (None, 0.1)])
    assert _style(rows["filter", 0.1]).q_control == pytest.approx(1.5 * _style(alone["filter", 0.1]).q_control)


def test_with_too_few_seeds_of_either_nothing_is_claimed(base, three, make_cell):
    cells = [*base, *three("filter", strength=0.3, style=0.2), make_cell("random_filter", strength=0.3, style=0.5)]
    rows, board = _rows(cells)
    found = _style(rows["filter", 0.3])
    assert found.vs_control.ci is None and found.q_control is None
    assert against_control(rows["filter", 0.3]) == [
        "too few seeds",
        "random_filter (strength 0.3): recovery too few seeds",
    ]
    assert not any("blind control" in line for line in facts(board))
