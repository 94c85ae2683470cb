"""An audit board opens with what its methods find, and shows no column or row of what was not run."""

from typing import Any

import pytest

from offtarget.benchmark.board import audit_html, audit_markdown
from offtarget.benchmark.records import AimRow, AuditBoard, DiscoveryRow, PowerRow, TopicRow
from offtarget.benchmark.sentences import lead
from offtarget.board.estimate import Estimate

NOT_RUN = Estimate(note="not run")


def share(hits: int, n: int) -> Estimate:
    return Estimate(value=hits / n, ci=(0.0, 1.0), n=n)


def power(method: str, found: Estimate, *, pairs: int = 2000, difference: float = 20, rejected: float = 5) -> PowerRow:
    return PowerRow(
        method=method, pairs=pairs, difference=difference, rejected=rejected, draws=3, recall=found, recall_ruled=found,
        detected=found, detected_ruled=found, auroc=Estimate(value=0.7654),
    )  # fmt: skip


def aim(method: str, *, recall: Estimate = NOT_RUN, fdp: Estimate = NOT_RUN, shuffled: Estimate = NOT_RUN) -> AimRow:
    return AimRow(
        method=method, recall=recall, recall_ruled=recall, recall_strict=recall, fdp=fdp, any_finding=shuffled
    )


def board(**parts: Any) -> AuditBoard:
    blank: dict[str, Any] = dict.fromkeys(
        ("methods", "aims", "power", "concepts", "discoveries", "topics", "shuffles"), ()
    )
    own: dict[str, Any] = {"title": "t", "command": "c", "code": "x", "planting": "y", "packages": {}, "recipe": {}}
    return AuditBoard(rules=2, **own, **{**blank, **parts})


def test_the_lead_counts_what_was_found_and_says_what_is_false() -> None:
    made = board(
        aims=(
            aim("calm", fdp=Estimate(value=0.04), shuffled=share(18, 500)),
            aim("wild", fdp=Estimate(value=0.31), shuffled=share(425, 500)),
        ),
        power=(
            power("calm", share(10, 12)),
            power("keen", share(11, 12)),
            power("wild", Estimate(note="finds in 85% of shuffles")),
            power("calm", share(1, 12), difference=5),
            power("keen", share(12, 12), pairs=8000),
        ),
    )
    assert lead(made).replace("\u202f", " ") == (
        "With concepts planted in 25 % of chosen and 5 % of rejected answers (2,000 pairs), `keen` finds 11 of 12 planted "
        "concepts and `calm` 10 of 12 at q < 0.05; the mean false discovery proportion at q < 0.1 is 0.04 with `calm` and "
        "0.31 with `wild` in the worst set; with shuffled labels, where there is nothing to find, `calm` reports something "
        "in 4 % of sets and `wild` in 85 %."
    )
    assert f"**{lead(made)}**" in audit_markdown(made) and "<code>keen</code> finds 11 of 12" in audit_html(made)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"power": (power("a", share(4, 4), pairs=8000, difference=40, rejected=0),)},
         "With concepts planted in 40 % of chosen and 0 % of rejected answers (8,000 pairs), `a` finds 4 of 4 planted "
         "concepts at q < 0.05."),
        ({"aims": (aim("a", shuffled=share(1, 20)),)},
         "with shuffled labels, where there is nothing to find, `a` reports something in 5 % of sets."),
        ({"power": (power("a", Estimate(note="ranks only")),), "aims": (aim("a", fdp=Estimate(value=0.1)),)},
         "the mean false discovery proportion at q < 0.1 is 0.10 with `a` in the worst set."),
        ({"topics": (TopicRow(method="a", concept="c@t", draws=4, recall=share(3, 4), detected=share(2, 4)),)},
         "Of this benchmark only concepts of one topic were run (below)."),
    ],
)  # fmt: skip
def test_the_lead_is_of_the_sections_that_were_run(parts: dict[str, Any], says: str) -> None:
    assert lead(board(**parts)).replace("\u202f", " ") == says


def test_what_was_not_run_is_one_sentence_and_no_column() -> None:
    text = audit_markdown(board(aims=(aim("a", recall=share(3, 4)), aim("b"), aim("c", recall=share(1, 4)))))
    (head,) = [line for line in text.splitlines() if line.startswith("| method |")]
    assert head == "| method | in its top K | with a rule | strictly |"
    assert 'Not run here: columns "false discoveries", "shuffled labels with a finding"; method `b`.' in text
    assert "| not run" not in text and "\n| b |" not in text


def test_why_a_method_has_no_figure_stands_above_the_table_once() -> None:
    void = Estimate(note="finds in 85% of shuffles")
    rows = [power(m, e, difference=d) for d in (5, 20) for m, e in (("a", share(3, 4)), ("wild", void))]
    text = audit_markdown(board(power=tuple(rows)))
    assert text.count("finds in 85% of shuffles") == 1
    assert (
        "3 sets at each point: a concept is in so many of chosen and of rejected answers. No figure (–): `wild`" in text
    )
    assert "| wild | 25 % / 5 % | – | – | – | – | 0.77 |" in text


def test_false_discoveries_have_the_column_of_grey_ones_only_where_it_was_counted() -> None:
    row = DiscoveryRow(
        method="a", planting="few", pairs=2000, draws=100, fdp=Estimate(value=0.02), true=4.25, false=0.1, grey=1,
        null_claims=33, grey_most=(), false_most=(), recall=share(3, 4), recall_ruled=share(3, 4),
        auroc=Estimate(value=0.9),
    )  # fmt: skip
    counted = row.model_copy(update={"fdp_with_grey": Estimate(value=0.2)})
    for given, shown in ((row, False), (counted, True)):
        text = audit_markdown(board(discoveries=(given,)))
        assert ("| FDP | FDP, grey as false | true ones |" in text) == shown
        assert ('Not run here: column "FDP, grey as false".' in text) != shown
