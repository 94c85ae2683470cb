"""The off-target matrix: one family of tests over protocols and behaviours."""

import pytest
from statsmodels.stats.multitest import multipletests

from offtarget.board.cost import forward_equivalents
from offtarget.board.matrix import matrix_table
from offtarget.board.rank import rank


@pytest.fixture()
def board(three, make_cell):
    return rank(
        [
            *three("start", style=0.2, sycophancy=0.3, verbosity=0.5),
            *three("dpo", style=0.6, sycophancy=0.5, verbosity=0.52),
            *three("filter", style=0.3, sycophancy=0.44, verbosity=0.5),
            make_cell("steering", style=0.3, sycophancy=0.31, verbosity=0.5),
        ]
    ).boards[0]


def test_q_is_over_all_trained_rows_and_behaviours_of_the_board(board):
    trained = [r for r in board.rows if r.kind != "start" and not r.provisional]
    found = [(x.q_start, x.q_board) for r in trained for x in r.behaviours]
    assert all(q is not None for _, q in found) and len(found) == 6
    # p of a family of one behaviour is its q: the target is alone in its role
    p = {(r.label, x.behaviour): x.q_start for r in trained for x in r.behaviours if x.role == "target"}
    off = [[x for x in r.behaviours if x.role == "off-target"] for r in trained]
    for r, pair in zip(trained, off, strict=True):  # of two, the larger q is its p, the smaller at most twice its p
        high, low = sorted(pair, key=lambda x: x.q_start, reverse=True)
        p[r.label, high.behaviour] = high.q_start
        p[r.label, low.behaviour] = low.q_start / 2 if low.q_start < high.q_start else None
    assert None not in p.values(), "the example keeps them apart"
    keys = list(p)
    want = dict(zip(keys, multipletests([p[k] for k in keys], method="fdr_bh")[1], strict=True))
    for r in trained:
        for x in r.behaviours:
            assert x.q_board == pytest.approx(want[r.label, x.behaviour])
    assert all(x.q_board is None for r in board.rows if r.kind == "start" or r.provisional for x in r.behaviours)


def test_the_table_holds_protocols_with_seeds_enough_and_marks_what_moved(board):
    made = matrix_table(board)
    assert [row[0].text for row in made.rows] == ["dpo", "filter"]
    dpo = dict(zip(made.names, made.rows[0], strict=True))
    assert dpo["style (target)"].text.endswith("*") and dpo["style (target)"].tone == "up"
    assert not dpo["verbosity (off-target)"].text.endswith("*") and dpo["verbosity (off-target)"].tone == "muted"
    # (0.6 − 0.2) in standard deviations of 100 samples of which 20 are 1
    assert dpo["style (target)"].key == pytest.approx(0.4 / (0.2 * 0.8 * 100 / 99) ** 0.5)


def test_without_seeds_there_is_no_matrix(make_cell):
    one = rank([make_cell("start", style=0.2), make_cell("dpo", style=0.4), make_cell("filter", style=0.3)]).boards[0]
    assert matrix_table(one) is None


def test_forward_equivalents_count_the_reference_and_every_pass(make_cell):
    cell = make_cell("filter", style=0.3)  # 8 steps over 64 pairs

    def with_(**training):
        spec = cell.spec.model_copy(update={"training": training})
        return forward_equivalents(cell.model_copy(update={"spec": spec}))

    assert with_(batch_size=8, gradient_accumulation=1, method="lora") == pytest.approx(1 + 1 * 2)
    assert with_(batch_size=8, gradient_accumulation=2, method="full") == pytest.approx(1 + 2 * 3)
    assert with_(beta=0.1) is None
    assert forward_equivalents(make_cell("start", style=0.2)) == 0


def test_modes_and_task_versions_that_differ_are_on_boards_of_their_own(three):
    old = [c for p, r in (("start", 0.2), ("dpo", 0.5), ("filter", 0.3)) for c in three(p, style=r)]
    new = [c for p, r in (("start", 0.25), ("dpo", 0.6), ("filter", 0.4)) for c in three(p, style=r, version="2-A")]
    boards = rank([*old, *new]).boards
    assert sorted(b.task_versions["style"] for b in boards) == ["1-A", "2-A"]
    assert [sorted(r.label for r in b.rows) for b in boards] == [["dpo", "filter", "start"]] * 2
    assert not rank([*old, *new]).apart
    from offtarget.board.cell import Cell

    fast = [Cell.model_validate({**c.model_dump(), "key": "", "mode": "fast"}) for c in old]
    two = rank([*old, *fast])
    assert sorted(b.mode for b in two.boards) == ["exact", "fast"] and len({b.key for b in two.boards}) == 2
    alone = rank([*old, *(c for c in fast if c.spec.protocol == "filter")])
    assert len(alone.boards) == 1
    assert {a.reason for a in alone.apart} == {"trained in fast mode (the board: exact), and no plain DPO in it"}
