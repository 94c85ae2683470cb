import math
import random

import numpy as np
import pytest

from offtarget.board.cell import Cell
from offtarget.board.front import unbeaten
from offtarget.board.measure import SIGNAL_T, decides, recovery
from offtarget.board.rank import rank
from offtarget.board.rows import intent_of
from offtarget.board.sentences import amplified, facts
from offtarget.board.taught import untaught, what_is_taught
from offtarget.verdicts import Verdict

BASE = {"style": 0.2, "sycophancy": 0.3, "verbosity": 0.3, "capability": 0.6}
DPO = {"style": 0.4, "sycophancy": 0.4, "verbosity": 0.5, "capability": 0.55}
OURS = {"style": 0.25, "sycophancy": 0.5, "verbosity": 0.26, "capability": 0.58}


@pytest.fixture()
def cells(three):
    return [*three("start", **BASE), *three("dpo", **DPO), *three("filter", **OURS)]


def _row(boards, protocol):
    return next(r for b in boards.boards for r in b.rows if r.protocol == protocol)


def _behaviour(row, name):
    return next(b for b in row.behaviours if b.behaviour == name)


def test_recovery_formula():
    assert math.isclose(recovery(0.2, 0.4, 0.25), 0.75)
    assert recovery(0.2, 0.4, 0.2) == 1.0
    assert recovery(0.2, 0.4, 0.4) == 0.0
    assert math.isnan(recovery(0.4, 0.4, 0.1))


def test_recovery_of_a_row_is_measured_on_the_prompts_that_do_not_decide_signal(cells):
    """Prompts 20 to 39 are styled by dpo and not by start, 25 to 39 by dpo and not by the filter."""
    mine = [i for i in range(100) if not decides(f"p{i:03d}")]
    want = sum(25 <= i < 40 for i in mine) / sum(20 <= i < 40 for i in mine)
    row = _row(rank(cells), "filter")
    assert math.isclose(row.recovery.value, want)
    low, high = row.recovery.ci
    assert low < want < high
    assert (row.recovery.n, row.recovery.seeds) == (len(mine), 3)
    assert _behaviour(row, "style").recovery == row.recovery
    assert _behaviour(row, "sycophancy").recovery.value is None


def test_start_and_plain_dpo_are_references_without_a_recovery(cells):
    boards = rank(cells)
    start, dpo = _row(boards, "start"), _row(boards, "dpo")
    assert (start.recovery.value, start.recovery.note) == (None, "reference") == (dpo.recovery.value, dpo.recovery.note)
    assert not start.front and not dpo.front and start.front_share is dpo.front_share is None
    assert [r.kind for r in boards.boards[0].rows] == ["start", "plain", "protocol"]


def test_recovery_over_two_targets_is_their_mean_with_an_interval_that_holds_for_both(three):
    """Each target's set is taken at 97.5 %, so that both hold together in 95 %: wider than either alone, on average."""
    plain = [*three("start", style=0.1, verbosity=0.1), *three("dpo", style=0.6, verbosity=0.7)]
    cells = [*plain, *three("x", style=0.3, verbosity=0.2)]

    def both(cell):
        scores = tuple(b.model_copy(update={"role": "target"}) for b in cell.behaviours)
        return cell.model_copy(update={"behaviours": scores})

    row = _row(rank([both(c) for c in cells]), "x")
    parts = [_behaviour(row, name).recovery for name in ("style", "verbosity")]
    assert math.isclose(row.recovery.value, sum(p.value for p in parts) / 2)
    assert row.recovery.ci[0] < sum(p.ci[0] for p in parts) / 2
    assert row.recovery.ci[1] > sum(p.ci[1] for p in parts) / 2


def test_no_signal_where_plain_dpo_hardly_differs(three):
    boards = rank([*three("start", style=0.2), *three("dpo", style=0.24), *three("filter", style=0.2)])
    row = _row(boards, "filter")
    assert (row.recovery.value, row.recovery.note) == (None, "no signal")
    assert boards.boards[0].signal == {"style": False}
    assert any("No signal on style" in line for line in boards.boards[0].limits)


def test_signal_is_three_standard_errors_on_the_half_that_decides(three):
    """k of the n deciding prompts change, and two are added: t = (k/n)/√V, V = ((k − k²/n) + 2)/(n + 1)/(n + 2)."""
    half = [i for i in range(100) if decides(f"p{i:03d}")]
    n = len(half)
    heard = {}
    for rate in (0.3, 0.34, 0.38, 0.42, 0.46, 0.5):
        k = sum(20 <= i < 100 * rate - 1e-9 for i in half)
        t = (k / n) / math.sqrt((k - k * k / n + 2) / (n + 1) / (n + 2))
        heard[rate] = t >= SIGNAL_T
        board = rank([*three("start", style=0.2), *three("dpo", style=rate)]).boards[0]
        assert board.signal == {"style": heard[rate]}, (rate, t)
    assert set(heard.values()) == {True, False}


def test_signal_needs_the_seeds_of_plain_dpo_to_agree(make_cell):
    """The same mean change, once alike in all seeds and once in one seed of three."""
    starts = [make_cell("start", seed=s, style=0.2) for s in range(3)]
    for rates, heard in (((0.5, 0.5, 0.5), True), ((0.2, 0.2, 1.0), False)):
        plain = [make_cell("dpo", seed=s, style=r) for s, r in enumerate(rates)]
        assert rank([*starts, *plain]).boards[0].signal == {"style": heard}


def test_a_recovery_without_bounds_is_not_determined(make_cell, three):
    """Signal on the deciding half, hardly any on the other: Fieller's set has no bounds."""
    order = sorted(range(100), key=lambda i: not decides(f"p{i:03d}"))

    def some(k):
        return {f"p{i:03d}": float(i in order[:k]) for i in range(100)}

    boards = rank([*three("start", style=some(0)), *three("dpo", style=some(20)), *three("x", style=some(10))])
    assert boards.boards[0].signal == {"style": True}
    assert _row(boards, "x").recovery.note in {"not determined", "no signal"}
    assert _row(boards, "x").recovery.value is None


def test_drift_is_the_mean_shift_in_sd_of_start_with_its_noise_taken_off(cells):
    n, sd = 100, math.sqrt(0.3 * 0.7 * 100 / 99)
    row = _row(rank(cells), "filter")
    want = []
    for k in (20, 4):  # prompts that change, all the same way; two are added, one each way
        v = (k - k * k / n + 2) / (n + 1) / (n + 2)
        want.append(math.sqrt(max(0.0, (k / n) ** 2 - v)) / sd)
    assert math.isclose(row.drift.value, sum(want) / 2, rel_tol=1e-3)
    assert want[1] < 0.04 / sd, "the small shift is mostly noise"
    assert math.isclose(_behaviour(row, "verbosity").shift.value, -0.04 / sd)
    assert row.drift.ci[0] < row.drift.value < row.drift.ci[1]
    assert (row.drifted, row.drift_tested) == (("sycophancy",), 2)


def test_drift_of_what_did_not_move_is_nothing(three):
    boards = rank([*three("start", verbosity=0.3), *three("dpo", verbosity=0.5), *three("x", verbosity=0.3)])
    row = _row(boards, "x")
    assert row.drift.value == 0.0 and row.drift.ci[0] == 0.0 and row.drift.ci[1] > 0.02
    assert row.drifted == ()


def test_capability_change_is_signed_so_that_more_is_better(cells):
    boards = rank(cells)
    row = _row(boards, "filter")
    assert math.isclose(row.capability_vs_start.value, -0.02)
    assert math.isclose(row.capability_vs_dpo.value, 0.03)
    assert row.capability_vs_start.ci[0] < -0.02 < row.capability_vs_start.ci[1]
    assert boards.boards[0].capability_unit == "share"


def test_amplification_is_in_sd_of_plain_dpo_and_in_its_own_unit(three):
    cells = [*three("start", style=0.2), *three("dpo", style=0.4), *three("filter", style=0.6, verdict="amplify")]
    row = _row(rank(cells), "filter")
    assert math.isclose(row.amplification.value, 0.2 / math.sqrt(0.4 * 0.6 * 100 / 99))
    assert math.isclose(_behaviour(row, "style").vs_dpo.value, 0.2)
    assert row.intent == "amplify"
    assert (row.recovery.value, row.recovery.note) == (None, "not asked")
    (said,) = amplified(row)
    assert said.startswith("style +0.200 [") and "share (+0.41 [" in said and said.endswith("sd of dpo)")


def test_a_negative_strength_turns_the_decision_round(three):
    """What a filter of −0.2 does under a verdict that suppresses is to amplify, and is ranked as that."""
    cells = [*three("start", style=0.2), *three("dpo", style=0.4), *three("filter", strength=-0.2, style=0.6)]
    row = _row(rank(cells), "filter")
    assert (row.intent, row.recovery.note) == ("amplify", "not asked") and row.amplification.value > 0


@pytest.mark.parametrize(
    ("decisions", "strength", "intent"),
    [
        (["undecided"], 1, "none"),
        (["undecided", "suppress"], 1, "suppress"),
        (["undecided", "suppress"], -1, "amplify"),
        (["undecided"], -1, "none"),
        (["allow", "amplify"], 1, "amplify"),
        (["suppress", "amplify"], -1, "both"),
    ],
)
def test_what_is_undecided_asks_for_nothing(make_cell, decisions, strength, intent):
    cell = make_cell("filter", strength=strength, style=0.2)
    verdicts = tuple(Verdict(concept=f"surface:{i}", decision=d) for i, d in enumerate(decisions))
    assert intent_of(cell.model_copy(update={"spec": cell.spec.model_copy(update={"verdicts": verdicts})})) == intent


def test_answers_that_were_cut_are_said(make_cell):
    """Three in four under plain DPO end at the limit: what lies beyond is not seen. A few do not matter."""

    def boards(share: float):
        cells = [make_cell("start", style=0.2, max_tokens=64), make_cell("dpo", style=0.4, max_tokens=64)]
        cut = [s.model_copy(update={"details": {"truncated": share}}) for s in cells[1].behaviours]
        return rank([cells[0], cells[1].model_copy(update={"behaviours": tuple(cut)})]).boards[0].limits

    assert any("cut at 64 tokens (75% under plain DPO)" in line for line in boards(0.75))
    assert not any("cut at" in line for line in boards(0.05))


def test_a_missing_score_is_missing(three, cells):
    lacking = three("label_flip", **{k: v for k, v in OURS.items() if k != "verbosity"})
    row = _row(rank([*cells, *lacking]), "label_flip")
    assert _behaviour(row, "verbosity").score.value is None
    assert _behaviour(row, "verbosity").vs_start.value is None
    assert row.drift.value is None
    assert "verbosity" in row.drift.note
    assert row.recovery.value is not None
    assert not row.front and row.front_share is None


def test_an_unscored_behaviour_is_missing_and_not_zero(three, binary, cells):
    silent = three("label_flip", **{**OURS, "style": dict.fromkeys(binary(0.2))})
    row = _row(rank([*cells, *silent]), "label_flip")
    assert _behaviour(row, "style").score.value is None
    assert row.recovery.value is None
    assert "not scored" in row.recovery.note
    assert (row.unscored, row.unscored_on) == (1.0, "style")


def test_unscored_samples_are_left_out_of_all_three(three, binary):
    holes = {k: (None if k < "p010" else v) for k, v in binary(0.25).items()}
    boards = rank([*three("start", style=0.2), *three("dpo", style=0.4), *three("filter", style=holes)])
    row = _row(boards, "filter")
    mine = [i for i in range(10, 100) if not decides(f"p{i:03d}")]
    assert math.isclose(row.recovery.value, sum(25 <= i < 40 for i in mine) / sum(20 <= i < 40 for i in mine))
    assert row.recovery.n == len(mine)
    assert _behaviour(row, "style").vs_dpo.n == 90


def test_many_unscored_answers_are_said_bounded_and_keep_a_row_off_the_front(three, binary):
    """40 of 100 answers are empty, 15 of the others styled: with them 0.15 to 0.55, recovery −0.75 to 1.25."""
    holes = {k: (None if i < 40 else float(i < 55)) for i, k in enumerate(binary(0.1))}
    base = [*three("start", style=0.2, verbosity=0.3), *three("dpo", style=0.4, verbosity=0.5)]
    broken = [*base, *three("broken", style=holes, verbosity=0.3)]
    board = rank(broken).boards[0]
    row = next(r for r in board.rows if r.protocol == "broken")
    score = _behaviour(row, "style").score
    assert (row.unscored, row.unscored_on, row.front_share) == (0.4, "style", None) and not row.front
    assert score.bounds == pytest.approx((0.15, 0.55)) and score.value == pytest.approx(0.25)
    assert row.label in board.limits[-1] and "40% of the answers on style" in board.limits[-1]
    assert "0.150 to 0.550" in board.limits[-1]
    whole = rank([*base, *three("whole", style=0.2, verbosity=0.3)]).boards[0]
    assert next(r for r in whole.rows if r.protocol == "whole").front
    few = {k: (None if i < 4 else float(i < 20)) for i, k in enumerate(binary(0.1))}
    some = rank([*base, *three("few", style=few, verbosity=0.3)]).boards[0]
    assert not any("have no score" in line for line in some.limits), "4 % is said in the table alone"
    assert next(r for r in some.rows if r.protocol == "few").unscored == 0.04


def test_without_start_or_plain_dpo_no_recovery_is_given(three):
    only = rank(three("filter", **OURS))
    assert _row(only, "filter").recovery.value is None
    assert len(only.boards[0].limits) >= 2
    no_start = rank([*three("dpo", **DPO), *three("filter", **OURS)])
    assert _row(no_start, "filter").recovery.value is None
    assert _row(no_start, "filter").drift.value is None
    assert math.isclose(_row(no_start, "filter").capability_vs_dpo.value, 0.03)


def test_under_three_seeds_there_are_scores_and_no_claims(make_cell, three, cells):
    """One or two seeds, of the protocol or of plain DPO: no interval but sampling's, no q, no drift, no recovery."""
    for n, why in ((1, "provisional: 1 seed"), (2, "provisional: 2 seeds")):
        few = [make_cell("label_flip", seed=s, **OURS) for s in range(n)]
        row = _row(rank([*cells, *few]), "label_flip")
        assert row.provisional == why
        style = _behaviour(row, "style")
        assert style.score.value == 0.25 and style.score.n == 100 * n
        assert style.score.ci is None and style.score.sampling_ci[0] < 0.25 < style.score.sampling_ci[1]
        for e in (row.recovery, row.drift, row.capability_vs_start, row.capability_vs_dpo, row.amplification):
            assert e.value is None and e.ci is None and e.note == "too few seeds"
        assert row.drifted is None and row.front_share is None and not row.front
        for b in row.behaviours:
            assert b.q_start is b.q_dpo is b.q_control is None
            assert b.vs_start.ci is b.vs_dpo.ci is b.shift.ci is b.recovery.ci is None
    one_dpo = [c for c in cells if not (c.spec.protocol == "dpo" and c.spec.seed)]
    board = rank(one_dpo).boards[0]
    row = _row(rank(one_dpo), "filter")
    assert board.signal == {"style": None} and row.recovery.note == "too few seeds"
    assert row.provisional == "provisional: plain DPO has 1 seed"
    assert all(b.q_dpo is None and b.vs_dpo.ci is None for b in row.behaviours)
    assert all(b.q_start is not None for b in row.behaviours), "against start the row's own seeds are enough"
    assert board.lead.startswith("Nothing is claimed here: plain DPO was trained with 1 seed")


def test_q_holds_the_noise_of_seeds(make_cell, three):
    """Seeds 0.1, 0.4, 0.7 against dpo at 0.4 in each: the mean difference is 0; against 0.1 it is a t of two seeds' df."""
    start = three("start", style=0.2, verbosity=0.3)
    dpo = three("dpo", style=0.1, verbosity=0.5)
    wide = [make_cell("x", seed=s, style=r, verbosity=0.3) for s, r in enumerate((0.1, 0.4, 0.7))]
    alike = three("y", style=0.4, verbosity=0.3)
    boards = rank([*start, *dpo, *wide, *alike])
    x, y = (_behaviour(_row(boards, name), "style") for name in "xy")
    assert x.vs_dpo.value == pytest.approx(0.3) == pytest.approx(y.vs_dpo.value)
    assert y.q_dpo < 1e-6 and x.q_dpo > 0.1
    half = (x.vs_dpo.ci[1] - x.vs_dpo.ci[0]) / 2
    assert half > 4 * math.sqrt(0.09 / 3), "two degrees of freedom: t of 4.3"


def test_a_sketch_shows_single_seeds_for_choosing_among_policies(make_cell):
    """What a selection reads: recovery on all prompts, with the interval of sampling alone."""
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]
    assert _row(rank(cells), "filter").recovery.value is None
    row = _row(rank(cells, sketch=True), "filter")
    assert math.isclose(row.recovery.value, 0.75) and row.recovery.ci[0] < 0.75 < row.recovery.ci[1]
    assert row.drift.value is not None and math.isclose(row.capability_vs_start.value, -0.02)


def test_seeds_of_one_row_are_averaged_and_widen_its_interval(make_cell, three):
    cells = [*three("start", style=0.2), *three("dpo", style=0.6)]
    cells += [make_cell("filter", seed=s, style=r) for s, r in enumerate((0.2, 0.3, 0.4))]
    cells += three("steady", style=0.3)
    boards = rank(cells)
    spread, steady = (_behaviour(_row(boards, name), "style").score for name in ("filter", "steady"))
    assert math.isclose(spread.value, 0.3) and math.isclose(steady.value, 0.3) and spread.n == 300
    assert spread.ci[1] - spread.ci[0] > 1.5 * (steady.ci[1] - steady.ci[0])


def test_what_most_rows_decided_is_not_said_in_each_label(make_cell, cells):
    more = [make_cell(p, **OURS) for p in ("a", "b")]
    odd = make_cell("filter", verdict="amplify", **OURS)
    labels = {r.label for r in rank([*cells, *more, odd]).boards[0].rows if r.kind == "protocol"}
    assert labels == {"a", "b", "filter", "filter (amplify surface:bold)"}
    (said,) = [line for line in facts(rank([*cells, *more, odd]).boards[0]) if line.startswith("Decided")]
    assert said == "Decided, where a row says nothing else: suppress surface:bold."


def test_verdicts_make_rows_but_not_of_plain_dpo(make_cell):
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]
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
    assert unbeaten(np.array([points], float))[0].tolist() == [True, True, True, False, False, True, True]


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


def test_front_on_a_board(three):
    better = {"style": 0.2, "sycophancy": 0.3, "verbosity": 0.32, "capability": 0.6}
    worse = {"style": 0.35, "sycophancy": 0.45, "verbosity": 0.5, "capability": 0.5}
    cells = [*three("start", **BASE), *three("dpo", **DPO), *three("better", **better), *three("worse", **worse)]
    rows = {r.protocol: r for r in rank(cells).boards[0].rows}
    assert {k: r.front for k, r in rows.items()} == {"start": False, "dpo": False, "better": True, "worse": False}
    assert rows["better"].front_share > 0.95 and rows["worse"].front_share < 0.1


def test_rows_that_hardly_differ_share_the_front(three, binary):
    """Nine protocols equal in truth: about half of them are on the front of any one draw, so none is at 1."""
    rates = {"style": 0.25, "sycophancy": 0.35, "verbosity": 0.35, "capability": 0.58}
    cells = [*three("start", **BASE), *three("dpo", **DPO)]
    for i in range(6):
        own = {k: binary(v, offset=7 * i) for k, v in rates.items()}
        cells += three(f"p{i}", **own)
    shares = [r.front_share for r in rank(cells).boards[0].rows if r.kind == "protocol"]
    assert all(0.1 < s < 0.97 for s in shares), shares


def test_front_of_amplifying_rows_is_by_amplification(three):
    more = {"style": 0.9, "sycophancy": 0.3, "verbosity": 0.32, "capability": 0.6}
    less = {"style": 0.5, "sycophancy": 0.45, "verbosity": 0.5, "capability": 0.5}
    cells = [*three("start", **BASE), *three("dpo", **DPO)]
    cells += [*three("more", verdict="amplify", **more), *three("less", verdict="amplify", **less)]
    board = rank(cells).boards[0]
    assert {r.protocol: r.front for r in board.rows}["more"]
    assert not {r.protocol: r.front for r in board.rows}["less"]
    assert [r.protocol for r in board.rows][2:] == ["more", "less"]


def test_boards_with_signal_come_first(three):
    silent = [*three("start", rows="d" * 64, style=0.2), *three("dpo", rows="d" * 64, style=0.2)]
    heard = [*three("start", rows="e" * 64, style=0.2), *three("dpo", rows="e" * 64, style=0.6)]
    one = [
        c
        for c in [*three("start", rows="f" * 64, style=0.2), *three("dpo", rows="f" * 64, style=0.6)]
        if not c.spec.seed
    ]
    boards = rank([*silent, *one, *heard]).boards
    assert [b.signal["style"] for b in boards] == [True, None, False]


def test_cells_that_cannot_be_compared_are_listed_with_the_reason(make_cell):
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]
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


def test_a_run_with_newer_code_supersedes_the_older(make_cell):
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]
    newer = make_cell("filter", code_version="0.2.0", created="2026-02-02T00:00:00+00:00", **OURS)
    boards = rank([*cells, newer])
    assert _row(boards, "filter").cells == (newer.key,)
    assert boards.apart[0].cell == cells[2].key
    assert "superseded" in boards.apart[0].reason


def test_the_order_of_cells_does_not_matter(make_cell):
    cells = [make_cell("start", **BASE), make_cell("dpo", **DPO), make_cell("filter", **OURS)]
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
        [make_cell("start", sycophancy=0.0), make_cell("dpo", sycophancy=0.0), make_cell("x", sycophancy=0.3)],
        sketch=True,
    )
    shift = _behaviour(_row(boards, "x"), "sycophancy").shift
    both = [1.0] * 30 + [0.0] * 170
    mean = sum(both) / 200
    sd = math.sqrt(sum((v - mean) ** 2 for v in both) / 199)
    assert math.isclose(shift.value, 0.3 / sd)
    assert "never varies" in shift.note


def test_cells_of_before_an_option_go_on_one_board_with_those_that_say_it_was_not_used(make_cell):
    older = [make_cell("start", style=0.2), make_cell("dpo", style=0.4)]
    own = make_cell("filter", style=0.3)

    def newer(**training):
        data = {"evaluation": {"max_tokens": 128, "part": None, "selected_with": None}}
        options = {**own.spec.training, "ld_alpha": None, "wpo": False, "processes": 1, **training}
        spec = {**own.spec.model_dump(), "data": data, "training": options}
        return Cell.model_validate({**own.model_dump(), "key": "", "spec": spec})

    (board,) = rank([*older, newer()]).boards
    assert [r.protocol for r in board.rows if r.kind == "protocol"] == ["filter"]
    assert len(rank([*older, newer(wpo=True)]).boards) == 2 or rank([*older, newer(wpo=True)]).apart


def test_a_board_says_where_only_the_reported_prompts_were_asked(make_cell):
    def board(**options):
        made = [make_cell("start", style=0.2), make_cell("dpo", style=0.4)]
        data = {"evaluation": {"max_tokens": 128, **options}}
        asked = [
            Cell.model_validate({**c.model_dump(), "key": "", "spec": {**c.spec.model_dump(), "data": data}})
            for c in made
        ]
        return " ".join(rank(asked).boards[0].limits)

    assert "two thirds of the prompts" in board(part="test") and "not recorded" in board(part="test")
    assert "seed 0, which is also reported" in board(part="test", selected_with=0)
    assert "seed 1, which is not among those reported" in board(part="test", selected_with=1)
    assert "two thirds of the prompts" not in board()


def test_cells_whose_limit_cut_the_file_are_marked(make_cell):
    """F5: the first 96 items of files sorted by phenomenon and kind."""
    names = ("adjective_order", "agent_patient", "agreement_across_clause", "agreement_across_phrase")
    ids = [f"{n}-{i:02d}" for n in names for i in range(1, 31)][:96]
    opinions = [f"sy-opinion-{i:02d}#{k}" for i in range(1, 49) for k in (1, 2)]
    old = make_cell("start", capability=dict.fromkeys(ids, 1.0), sycophancy=dict.fromkeys(opinions, 0.1), version="1-A")
    limits = " ".join(rank([old]).boards[0].limits)
    assert "capability: 4 of 24 phenomena (adjective order 30, agent patient 30," in limits
    assert "agreement across phrase 6); made before version 2" in limits
    assert "sycophancy: 1 of 2 kinds (opinion 96); made before version 3" in limits
    newer = make_cell("start", capability=dict.fromkeys(ids, 1.0), version="2-A")
    assert "phenomena" not in " ".join(rank([newer]).boards[0].limits)
    facts_ = [f"sy-{k}-{i:02d}#1" for k in ("opinion", "fact") for i in range(40)]
    whole = make_cell("start", sycophancy=dict.fromkeys(facts_, 0.1), version="2-A")
    assert "kinds" not in " ".join(rank([whole]).boards[0].limits)


def test_a_board_names_what_was_asked(make_cell):
    cell = make_cell("start", capability=0.8)
    strata = {f"phenomenon {i}": 4 for i in range(23)} | {"missed": 0}
    scores = tuple(s.model_copy(update={"strata": strata}) for s in cell.behaviours)
    board = rank([cell.model_copy(update={"behaviours": scores})]).boards[0]
    assert board.asked == {"capability": "92 prompts or items, 23 of 24 strata"}
