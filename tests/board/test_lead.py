"""Each board opens with the sentence that its figures allow; those that say most come first."""

import re

import pytest

from offtarget.board.measure import decides
from offtarget.board.rank import rank
from offtarget.board.render import render
from offtarget.board.sentences import beyond_control, facts
from offtarget.verdicts import Verdict

CONTROLS = {"filter": "random_filter", "reweight": "random_reweight"}


@pytest.fixture()
def base(three):
    return [*three("start", style=0.1), *three("dpo", style=0.6)]


def _board(cells):
    return rank(cells, controls=CONTROLS).boards[0]


def _shares(board):
    """The lead's percentages, and the row and control that they are of."""
    found = re.fullmatch(
        r"(?P<row>.+) took back (?P<mine>\d+)\xa0% \[.+?\] of the style that plain DPO taught; (?P<control>.+), its blind "
        r"control, (?P<theirs>\d+)\xa0% \[.+?\]; they differ \(q\xa0.+\)\.",
        board.lead,
    )
    assert found, board.lead
    return found


def test_the_lead_is_the_best_of_those_beyond_their_control_not_the_best_of_all(base, three):
    cells = [*base, *three("filter", style=0.3), *three("random_filter", style=0.55)]
    cells += [*three("reweight", style=0.2), *three("random_reweight", style=0.5), *three("steering", style=0.1)]
    board = _board(cells)
    by = {r.label: r for r in board.rows}
    said = _shares(board)
    assert said["row"] == "reweight" and said["control"] == "random_reweight"
    assert int(said["mine"]) == round(100 * by["reweight"].recovery.value)
    assert int(said["theirs"]) == round(100 * by["random_reweight"].recovery.value)
    assert by["steering"].recovery.value > by["reweight"].recovery.value, "it has no blind control"
    lines = facts(board)
    assert not any("reweight" in line for line in lines), "the lead says it"
    assert any(line.startswith("Does more than its blind control: filter takes back") for line in lines)


def test_a_row_that_does_less_than_its_control_does_not_lead(base, three):
    board = _board([*base, *three("filter", style=0.5), *three("random_filter", style=0.2)])
    assert board.lead.startswith(
        "No protocol does more than its blind control at q < 0.05 (1 comparison tested); plain DPO changed"
    )
    assert any(line.startswith("Differs from its blind control: filter takes back") for line in facts(board))


def test_the_change_of_plain_dpo_is_in_the_lead_or_in_the_facts_and_never_in_both(base, three):
    cells = [*base, *three("filter", style=0.5), *three("random_filter", style=0.5)]
    for board, in_lead in ((_board(cells), True), (_board([*cells, *three("filter", strength=1, style=0.2),
                                                           *three("random_filter", strength=1, style=0.5)]), False)):  # fmt: skip
        (line,) = [x for x in facts(board) if x.startswith("Plain DPO minus start on style")]
        assert ("+0.500 [" in board.lead) == in_lead and ("+0.500 [" in line) != in_lead


def test_what_was_asked_to_grow_is_said_in_its_unit(base, three):
    cells = [*base, *three("filter", verdict="amplify", style=0.9)]
    cells += three("random_filter", verdict="amplify", style=0.65)
    lead = _board(cells).lead
    assert re.match(r"filter changed style by \+0\.300 \[.+\] \(share\) beyond plain DPO; random_filter, its", lead)
    assert "control, +0.050 [" in lead and "; they differ (q" in lead


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"filter": 0.3}, "as no blind control is on this board; plain DPO changed style by +0.500 ["),
        ({}, "No protocol has the 3 training seeds that a claim needs; plain DPO changed style by +0.500 ["),
    ],
)
def test_without_a_comparison_that_is_said(base, three, rows, says):
    assert says in _board([*base, *(c for name, rate in rows.items() for c in three(name, style=rate))]).lead


def test_where_plain_dpo_teaches_nothing_there_is_nothing_to_take_back(three):
    cells = [*three("start", style=0.3), *three("dpo", style=0.3), *three("filter", style=0.1)]
    board = _board([*cells, *three("random_filter", style=0.3)])
    assert board.lead == (
        "On the prompts where that is asked, plain DPO did not clearly change style, so there is nothing to take back."
    )
    assert any(line.startswith("Plain DPO minus start on style: 0.000") for line in facts(board))


def _on(samples, deciding):
    """The samples of one half of the prompts: of those that decide signal, or of the others."""
    return {k: v for k, v in samples.items() if decides(k) == deciding}


def test_a_change_on_the_other_half_of_the_prompts_is_no_clear_change(three, binary):
    """Plain DPO changes the prompts that recovery is measured on and none that decide signal: no figure is in the lead."""
    low, high = binary(0.1), binary(0.9)
    cells = [*three("start", style=low), *three("dpo", style={**_on(low, True), **_on(high, False)})]
    board = _board([*cells, *three("filter", style=low), *three("random_filter", style=high)])
    assert board.signal == {"style": False}
    assert board.lead.startswith("On the prompts where that is asked, plain DPO did not clearly change style, so")


def test_where_signal_cannot_be_said_the_lead_says_neither_yes_nor_no(three, binary):
    low, high = (_on(binary(rate), False) for rate in (0.1, 0.9))
    cells = [*three("start", style=low), *three("dpo", style=high), *three("filter", style=low)]
    said = "hether plain DPO changed style cannot be said"
    board = _board(cells)
    assert board.signal == {"style": None}, "no prompt decides"
    assert board.lead == f"W{said}, so nothing can be said to be taken back."
    amplified = three("filter", strength=1, verdict="amplify", style=binary(0.9))
    assert f"; w{said}." in _board([*cells, *amplified]).lead
    unscored = [*three("start", style=0.1), *three("dpo", sycophancy=0.1), *three("filter", style=0.1)]
    assert _board(unscored).lead == f"W{said}, so nothing can be said to be taken back."


def test_of_one_seed_a_target_that_plain_dpo_has_no_score_on_changed_by_no_number(make_cell):
    cells = [make_cell("start", style=0.1), make_cell("dpo", sycophancy=0.1), make_cell("filter", style=0.1)]
    assert _board(cells).lead.endswith("a claim needs 3; whether it changed style cannot be said.")


@pytest.mark.parametrize(("seeds", "said"), [(1, "1 seed, and"), (2, "2 seeds, and")])
def test_under_three_seeds_nothing_is_claimed_and_what_was_taught_is_said_by_seed(make_cell, seeds, said):
    cells = [make_cell(p, seed=s, style=v) for s in range(seeds) for p, v in (("start", 0.2), ("dpo", 0.4))]
    board = _board([*cells, make_cell("filter", style=0.2)])
    each = " and ".join(["+0.200"] * seeds)
    assert board.lead.endswith(f"was trained with {said} a claim needs 3; it changed style by {each}.")
    assert not any("Plain DPO minus start" in line for line in facts(board))


def test_of_enough_seeds_beside_one_of_plain_dpo_nothing_is_claimed(make_cell, three):
    cells = [*three("start", style=0.1), make_cell("dpo", style=0.5)]
    cells += three("filter", verdict="amplify", style=0.9) + three("random_filter", verdict="amplify", style=0.6)
    board = _board(cells)
    assert board.lead.startswith("Nothing is claimed here: plain DPO was trained with 1 seed")
    assert not any("control" in line for line in facts(board))


@pytest.mark.parametrize(("left", "lacks"), [("start", "plain DPO"), ("dpo", "the model before training")])
def test_without_a_reference_nothing_can_be_compared(three, left, lacks):
    board = _board([*three(left, style=0.2), *three("filter", style=0.1)])
    assert board.lead == f"No protocol can be compared: {lacks} is not on this board."


@pytest.mark.parametrize("verdict", ["suppress", "amplify"])
@pytest.mark.parametrize("left", ["start", "dpo"])
def test_without_a_reference_the_facts_compare_nothing_either(three, left, verdict):
    rates = {"suppress": (0.1, 0.6), "amplify": (0.9, 0.6)}[verdict]
    cells = three(left, style=0.2)
    for name, rate in zip(("filter", "random_filter"), rates, strict=True):
        cells += three(name, verdict=verdict, style=rate)
    board = _board(cells)
    assert board.lead.startswith("No protocol can be compared")
    assert any(x.q_control is not None for r in board.rows for x in r.behaviours), "they differ"
    assert beyond_control(board) is None
    assert not any("control" in line for line in facts(board))


def _decided(cells, *decisions):
    verdicts = tuple(Verdict(concept=f"surface:{i}", decision=d) for i, d in enumerate(decisions))
    return [c.model_copy(update={"spec": c.spec.model_copy(update={"verdicts": verdicts})}) for c in cells]


def test_of_a_row_asked_to_do_both_it_is_said_that_it_differs_and_no_more(base, three):
    both = [*three("filter", style=0.1), *three("random_filter", style=0.6)]
    both = _decided(both, "suppress", "amplify")
    board = _board([*base, *both])
    assert [r.intent for r in board.rows if r.kind == "protocol"] == ["both", "both"]
    assert board.lead.startswith("Only rows asked both to suppress and to amplify could be compared")
    assert any(line.startswith("Differs from its blind control: filter takes back") for line in facts(board))
    one = [*three("reweight", style=0.2), *three("random_reweight", style=0.5)]
    assert _board([*base, *both, *one]).lead.startswith("reweight took back ")
    same = [*three("reweight", style=0.5), *three("random_reweight", style=0.5)]
    assert "(1 comparison tested)" in _board([*base, *both, *same]).lead


def test_a_row_with_two_targets_makes_two_comparisons(three):
    def twice(name, rate):
        cells = three(name, style=rate, verbosity=rate)
        role = {"role": "target"}
        return [
            c.model_copy(update={"behaviours": tuple(s.model_copy(update=role) for s in c.behaviours)}) for c in cells
        ]

    base = [*twice("start", 0.1), *twice("dpo", 0.6)]
    board = _board([*base, *twice("filter", 0.2), *twice("random_filter", 0.5)])
    assert any("Compared with a blind control: 2 comparisons; 1 more differs at" in line for line in facts(board))
    board = _board([*base, *twice("filter", 0.5), *twice("random_filter", 0.5)])
    assert "at q < 0.05 (2 comparisons tested)" in board.lead


def test_boards_that_say_most_come_first_and_each_form_holds_the_lead(make_cell, three):
    def at(letter, *names_and_rates):
        return [c for name, rate in names_and_rates for c in three(name, style=rate, rows=letter * 64)]

    base = (("start", 0.1), ("dpo", 0.6))
    cells = at("a", ("start", 0.3), ("dpo", 0.3), ("filter", 0.3))
    cells += [make_cell(p, style=v, rows="b" * 64) for p, v in (*base, ("filter", 0.2))]
    cells += [make_cell(p, style=0.2, rows="c" * 64) for p in ("start", "dpo", "filter")]
    cells += at("d", *base, ("filter", 0.4)) + at("e", *base, ("filter", 0.2), ("random_filter", 0.5))
    boards = rank(cells, controls=CONTROLS)
    assert "".join(b.rows_sha256[0] for b in boards.boards) == "edbca"
    texts = {form: render(boards, form, command="c") for form in ("md", "html", "json")}
    for b in boards.boards:
        assert f"**{b.lead}**".replace("\xa0", " ") in texts["md"].replace("\\", "")
        assert f'"lead": "{b.lead}"' in texts["json"]
        assert f"<b>{b.lead.replace('<', '&lt;')}</b>" in texts["html"]
    assert not any(r.front for b in boards.boards for r in b.rows if r.kind != "protocol")
