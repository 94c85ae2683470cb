import math
import random

import pytest
from offtarget.board.cell import Cell
from offtarget.board.measure import recovery
from offtarget.board.rank import pareto_front, rank
from offtarget.board.taught import untaught, what_is_taught

BASE = {"style": 0.2, "sycophancy": 0.3, "verbosity": 0.3, "capability": 0.6}
DPO = {"style": 0.4, "sycophancy": 0.4, "verbosity": 0.5, "capability": 0.55}
OURS = {"style": 0.25, "sycophancy": 0.5, "verbosity": 0.26, "capability": 0.58}


@pytest.fixture()
def cells(make_cell):
    return [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]


def _row(boards, protocol):
    return next(r for b in boards.boards for r in b.rows if r.protocol == protocol)


def _behaviour(row, name):
    return next(b for b in row.behaviours if b.behaviour == name)


def test_recovery_formula():
    assert math.isclose(recovery(0.2, 0.4, 0.25), 0.75)
    assert recovery(0.2, 0.4, 0.2) == 1.0
    assert recovery(0.2, 0.4, 0.4) == 0.0
    assert math.isnan(recovery(0.4, 0.4, 0.1))


def test_recovery_of_a_row(cells):
    row = _row(rank(cells), "filter")
    assert math.isclose(row.recovery.value, 0.75)
    low, high = row.recovery.ci
    assert low < 0.75 < high
    assert _behaviour(row, "style").recovery == row.recovery
    assert _behaviour(row, "sycophancy").recovery.value is None


def test_start_and_plain_dpo_are_rows_and_their_recovery_is_by_definition(cells):
    boards = rank(cells)
    start, dpo = _row(boards, "start"), _row(boards, "dpo")
    assert (start.recovery.value, start.recovery.note) == (1.0, "by definition")
    assert (dpo.recovery.value, dpo.recovery.note) == (0.0, "by definition")
    assert start.drift.value == 0.0
    assert [r.kind for r in boards.boards[0].rows] == ["start", "plain", "protocol"]


def test_no_signal_where_plain_dpo_hardly_differs(make_cell):
    # 4 prompts of 100 change: McNemar p = 0.125
    boards = rank(
        [make_cell("start", style=0.2), make_cell("dpo", style=0.24), make_cell("filter", style=0.2)]
    )
    for protocol in ("start", "dpo", "filter"):
        row = _row(boards, protocol)
        assert row.recovery.value is None
        assert row.recovery.note == "no signal"
    assert boards.boards[0].signal == {"style": False}
    assert any("No signal on style" in line for line in boards.boards[0].limits)


def test_signal_turns_on_with_the_sixth_changed_prompt(make_cell):
    # exact McNemar: 5 of 5 changed gives p = 0.0625, 6 of 6 gives 0.03125
    for rate, heard in ((0.25, False), (0.26, True)):
        boards = rank([make_cell("start", style=0.2), make_cell("dpo", style=rate)])
        assert boards.boards[0].signal == {"style": heard}


def test_drift_is_the_mean_absolute_shift_in_sd_of_start(cells):
    sd = math.sqrt(0.3 * 0.7 * 100 / 99)
    row = _row(rank(cells), "filter")
    assert math.isclose(row.drift.value, (0.2 / sd + 0.04 / sd) / 2)
    assert math.isclose(_behaviour(row, "verbosity").shift.value, -0.04 / sd)
    # 20 changed prompts (p = 2e-6) are significant, 4 (p = 0.125) are not
    assert (row.drift_significant, row.drift_tested) == (1, 2)
    assert math.isclose(_behaviour(row, "verbosity").q_start, 0.125)
    assert 0 < row.drift_noise < row.drift.value


def test_capability_change_is_signed_so_that_more_is_better(cells):
    boards = rank(cells)
    row = _row(boards, "filter")
    assert math.isclose(row.capability_vs_start.value, -0.02)
    assert math.isclose(row.capability_vs_dpo.value, 0.03)
    assert boards.boards[0].capability_unit == "share"


def test_amplification_is_in_sd_of_plain_dpo(make_cell):
    cells = [
        make_cell("start", style=0.2),
        make_cell("dpo", style=0.4),
        make_cell("filter", style=0.6, verdict="amplify"),
    ]
    row = _row(rank(cells), "filter")
    assert math.isclose(row.amplification.value, 0.2 / math.sqrt(0.4 * 0.6 * 100 / 99))
    assert row.intent == "amplify"
    assert (row.recovery.value, row.recovery.note) == (None, "not asked")


def test_a_negative_strength_turns_the_decision_round(make_cell):
    """What a filter of −0.2 does under a verdict that suppresses is to amplify, and is ranked as that."""
    cells = [
        make_cell("start", style=0.2),
        make_cell("dpo", style=0.4),
        make_cell("filter", strength=-0.2, style=0.6),
    ]
    row = _row(rank(cells), "filter")
    assert (row.intent, row.recovery.note) == ("amplify", "not asked") and row.amplification.value > 0


def test_answers_that_were_cut_are_said(make_cell):
    """Three in four under plain DPO end at the limit: what lies beyond is not seen. A few do not matter."""

    def boards(share: float):
        cells = [make_cell("start", style=0.2, max_tokens=64), make_cell("dpo", style=0.4, max_tokens=64)]
        cut = [s.model_copy(update={"details": {"truncated": share}}) for s in cells[1].behaviours]
        return rank([cells[0], cells[1].model_copy(update={"behaviours": tuple(cut)})]).boards[0].limits

    assert any("cut at 64 tokens (75% under plain DPO)" in line for line in boards(0.75))
    assert not any("cut at" in line for line in boards(0.05))


def test_a_missing_score_is_missing(make_cell, cells):
    lacking = make_cell("label_flip", **{k: v for k, v in OURS.items() if k != "verbosity"})
    row = _row(rank([*cells, lacking]), "label_flip")
    assert _behaviour(row, "verbosity").score.value is None
    assert _behaviour(row, "verbosity").vs_start.value is None
    assert row.drift.value is None
    assert "verbosity" in row.drift.note
    assert row.recovery.value is not None
    assert not row.front


def test_an_unscored_behaviour_is_missing_and_not_zero(make_cell, binary, cells):
    silent = make_cell("label_flip", **{**OURS, "style": dict.fromkeys(binary(0.2))})
    row = _row(rank([*cells, silent]), "label_flip")
    assert _behaviour(row, "style").score.value is None
    assert row.recovery.value is None
    assert "not scored" in row.recovery.note


def test_unscored_samples_are_left_out_of_all_three(make_cell, binary):
    # without p000..p009: start 10/90, dpo 30/90, ours 15/90; taken as zeros it would be 1.25
    holes = {k: (None if k < "p010" else v) for k, v in binary(0.25).items()}
    cells = [make_cell("start", style=0.2), make_cell("dpo", style=0.4), make_cell("filter", style=holes)]
    row = _row(rank(cells), "filter")
    assert math.isclose(row.recovery.value, 0.75)
    assert row.recovery.n == 90


def test_without_start_or_plain_dpo_no_recovery_is_given(make_cell):
    only = rank([make_cell("filter", **OURS)])
    assert _row(only, "filter").recovery.value is None
    assert len(only.boards[0].limits) >= 2
    no_start = rank([make_cell("dpo", **DPO), make_cell("filter", **OURS)])
    assert _row(no_start, "filter").recovery.value is None
    assert _row(no_start, "filter").drift.value is None
    assert math.isclose(_row(no_start, "filter").capability_vs_dpo.value, 0.03)


def test_fewer_than_three_seeds_are_provisional(make_cell):
    cells = [make_cell("start", **BASE)]
    cells += [make_cell("dpo", seed=s, **DPO) for s in range(3)]
    cells += [make_cell("filter", seed=s, **OURS) for s in range(3)]
    cells += [make_cell("label_flip", seed=s, **OURS) for s in range(2)]
    boards = rank(cells)
    assert _row(boards, "filter").provisional == ""
    assert _row(boards, "filter").seeds == (0, 1, 2)
    assert _row(boards, "label_flip").provisional == "provisional: 2 seeds"
    few = rank([c for c in cells if not (c.spec.protocol == "dpo" and c.spec.seed)])
    assert _row(few, "filter").provisional == "provisional: plain DPO has 1 seed"
    assert _row(few, "start").provisional == ""


def test_seeds_of_one_row_are_averaged(make_cell):
    cells = [make_cell("start", style=0.2), make_cell("dpo", style=0.6)]
    cells += [make_cell("filter", seed=s, style=r) for s, r in enumerate((0.2, 0.3, 0.4))]
    row = _row(rank(cells), "filter")
    assert math.isclose(_behaviour(row, "style").score.value, 0.3)
    assert math.isclose(row.recovery.value, 0.75)
    low, high = row.recovery.ci
    assert low < 0.55 and high > 0.95  # wide: seeds lie 0.5, 0.75 and 1.0


def test_verdicts_make_rows_but_not_of_plain_dpo(make_cell, cells):
    other = [make_cell(p, verdict="amplify", seed=1, **v) for p, v in (("dpo", DPO), ("filter", OURS))]
    labels = [r.label for r in rank([*cells, *other]).boards[0].rows]
    assert labels.count("dpo") == 1
    assert {x for x in labels if x.startswith("filter")} == {
        "filter (suppress surface:bold)",
        "filter (amplify surface:bold)",
    }


def test_each_target_has_its_own_board_with_its_own_start(make_cell, cells):
    def other_way_round(cell):
        roles = {"style": "off-target", "verbosity": "target"}
        scores = [b.model_copy(update={"role": roles.get(b.behaviour, b.role)}) for b in cell.behaviours]
        return cell.model_copy(update={"behaviours": tuple(scores), "key": cell.key[::-1]})

    boards = rank([*cells, *map(other_way_round, cells)]).boards
    assert sorted(tuple(b.signal) for b in boards) == [("style",), ("verbosity",)]
    alone = rank(cells).boards[0]
    by_target = {tuple(b.signal): b for b in boards}
    assert by_target["style",].rows == alone.rows
    mirrored = by_target["verbosity",]
    assert [r.label for r in mirrored.rows if r.kind == "start"] == ["start"]
    assert all(k[::-1] in {c.key for c in cells} for r in mirrored.rows for k in r.cells)


def test_a_target_without_plain_dpo_is_on_no_board(make_cell, cells):
    scores = [b.model_copy(update={"role": "off-target"}) for b in cells[-1].behaviours]
    odd = cells[-1].model_copy(update={"behaviours": tuple(scores), "key": "f" * 64})
    boards = rank([*cells, odd])
    assert len(boards.boards) == 1
    assert [(a.cell, a.reason) for a in boards.apart] == [
        ("f" * 64, "other target (none; the board has style), and no plain DPO with it")
    ]


def test_parameters_make_rows_and_labels(make_cell, cells):
    more = [make_cell("steer", strength=s, **OURS) for s in (-2.0, -5.0)]
    labels = {r.label for r in rank([*cells, *more]).boards[0].rows}
    assert {"steer (strength −2)", "steer (strength −5)", "filter", "dpo", "start"} == labels


def test_pareto_front_of_a_hand_made_set():
    points = [(1, 1), (2, 0), (0, 2), (0, 0), (1, 0), (2, 0), (0.5, 1.5)]
    assert pareto_front(points) == [True, True, True, False, False, True, True]


def test_a_provisional_point_cannot_push_out_a_final_one():
    assert pareto_front([(1, 1), (2, 2)], [True, False]) == [True, True]
    assert pareto_front([(1, 1), (2, 2)], [False, True]) == [False, True]


def test_what_plain_dpo_teaches_is_told_seed_by_seed(make_cell):
    """20 of 100 prompts change in seed 0, three in seed 1, none in seed 2: exact McNemar, then Benjamini-Hochberg."""
    cells = [make_cell("start", seed=s, style=0.2) for s in range(3)]
    cells += [make_cell("dpo", seed=s, style=r) for s, r in enumerate((0.4, 0.23, 0.2))]
    taught = rank(cells).boards[0].taught
    p = [2 * 0.5**20, 2 * 0.5**3, 1.0]
    assert [t.seed for t in taught] == [0, 1, 2]
    assert [round(t.difference, 9) for t in taught] == [0.2, 0.03, 0.0]
    assert [t.q for t in taught] == pytest.approx([3 * p[0], 3 / 2 * p[1], 1.0])
    assert [t.seed for t in untaught(taught, 0.01)] == [1, 2]
    better = [make_cell("start", style=0.4), make_cell("dpo", style=0.2)]
    assert untaught(what_is_taught(better), 0.01), "a change for the better is none that could be taken back"


def test_front_on_a_board(make_cell):
    better = {"style": 0.22, "sycophancy": 0.35, "verbosity": 0.32, "capability": 0.6}
    worse = {"style": 0.3, "sycophancy": 0.4, "verbosity": 0.4, "capability": 0.56}
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO)]
    cells += [make_cell("better", **better), make_cell("worse", **worse)]
    front = {r.protocol: r.front for r in rank(cells).boards[0].rows}
    assert front == {"start": False, "dpo": False, "better": True, "worse": False}


def test_front_of_amplifying_rows_is_by_amplification(make_cell):
    more = {"style": 0.8, "sycophancy": 0.35, "verbosity": 0.32, "capability": 0.6}
    less = {"style": 0.7, "sycophancy": 0.4, "verbosity": 0.4, "capability": 0.56}
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO)]
    cells += [make_cell("more", verdict="amplify", **more), make_cell("less", verdict="amplify", **less)]
    board = rank(cells).boards[0]
    assert {r.protocol: r.front for r in board.rows}["more"]
    assert not {r.protocol: r.front for r in board.rows}["less"]
    assert [r.protocol for r in board.rows][2:] == ["more", "less"]


def test_cells_that_cannot_be_compared_are_listed_with_the_reason(make_cell, cells):
    odd = {
        "rows": make_cell("filter", rows="d" * 64, **OURS),
        "version": make_cell("other", version="2-A", **OURS),
        "budget": make_cell("filter", budget="large", **OURS),
        "beta": make_cell("filter", beta=0.5, **OURS),
        "weights": make_cell("filter", model_identity="9" * 64, **OURS),
        "tokens": make_cell("filter", max_tokens=16, **OURS),
    }
    boards = rank([*cells, *odd.values()])
    assert len(boards.boards) == 1
    assert {k for r in boards.boards[0].rows for k in r.cells} == {c.key for c in cells}
    reasons = {a.cell: a.reason for a in boards.apart}
    assert "other rows" in reasons[odd["rows"].key]
    assert "2-A, the board has 1-A" in reasons[odd["version"].key]
    assert "large" in reasons[odd["budget"].key]
    assert "beta 0.5 (the board has 0.1)" in reasons[odd["beta"].key]
    assert "weights" in reasons[odd["weights"].key]
    assert reasons[odd["tokens"].key] == "evaluated otherwise: max_tokens 16 (the board has 128)"


def test_other_rows_with_their_own_plain_dpo_make_their_own_board(make_cell, cells):
    more = [make_cell(p, rows="d" * 64, **v) for p, v in (("start", BASE), ("dpo", DPO), ("filter", OURS))]
    boards = rank([*cells, *more])
    assert len(boards.boards) == 2
    assert boards.apart == ()


def test_a_run_with_newer_code_supersedes_the_older(make_cell, cells):
    newer = make_cell("filter", code_version="0.2.0", created="2026-02-02T00:00:00+00:00", **OURS)
    boards = rank([*cells, newer])
    assert _row(boards, "filter").cells == (newer.key,)
    assert boards.apart[0].cell == cells[2].key
    assert "superseded" in boards.apart[0].reason


def test_the_order_of_cells_does_not_matter(make_cell, cells):
    many = [*cells, make_cell("a", **OURS), make_cell("b", **OURS), make_cell("b", rows="d" * 64, **OURS)]
    want = rank(many)
    rng = random.Random(0)
    for _ in range(3):
        rng.shuffle(many)
        assert rank(many) == want
    names = [r.label for r in want.boards[0].rows]
    assert names == ["start", "dpo", "a", "b", "filter"]


def test_the_rest_of_the_board_does_not_change_a_row(make_cell, cells):
    alone = _row(rank(cells), "filter")
    beside = _row(rank([*cells, make_cell("worse", **DPO)]), "filter")
    assert alone == beside


def test_start_alone_is_a_board_without_comparisons(make_cell):
    boards = rank([make_cell("start", **BASE)])
    row = _row(boards, "start")
    assert _behaviour(row, "style").score.value == 0.2
    assert row.recovery.value is None
    assert not row.front


def test_empty_folder_gives_no_board():
    assert rank([]).boards == ()


def test_shift_where_start_never_varies_is_given_in_sd_of_both(make_cell):
    boards = rank(
        [make_cell("start", sycophancy=0.0), make_cell("dpo", sycophancy=0.0), make_cell("x", sycophancy=0.3)]
    )
    shift = _behaviour(_row(boards, "x"), "sycophancy").shift
    both = [1.0] * 30 + [0.0] * 170
    mean = sum(both) / 200
    sd = math.sqrt(sum((v - mean) ** 2 for v in both) / 199)
    assert math.isclose(shift.value, 0.3 / sd)
    assert "never varies" in shift.note


def test_a_board_says_where_only_the_reported_prompts_were_asked(make_cell):
    def board(**options):
        made = [make_cell("start", style=0.2), make_cell("dpo", style=0.4)]
        data = {"evaluation": {"max_tokens": 128, **options}}
        asked = [
            Cell.model_validate({**c.model_dump(), "key": "", "spec": {**c.spec.model_dump(), "data": data}})
            for c in made
        ]
        return rank(asked).boards[0]

    assert any("two thirds of the prompts" in line for line in board(part="test").limits)
    assert not any("two thirds of the prompts" in line for line in board().limits)
