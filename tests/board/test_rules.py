"""What a board says of the rules that scored its behaviours."""

import pytest

from offtarget.board.rules import scored_by_rule
from offtarget.evals.scores import BehaviourScore
from offtarget.lens.surface.quality import measured, stated
from offtarget.registry import default


def score(behaviour: str, version: str) -> BehaviourScore:
    return BehaviourScore(
        behaviour=behaviour, task_version=version, direction="higher", role="target", metric="share", unit="share",
        value=0.5, ci=None, n=2, n_unscored=0, samples={"a": 1.0, "b": 0.0},
    )  # fmt: skip


def test_behaviours_of_one_rule_share_a_line_with_its_figures() -> None:
    now = default().get("behaviour", "refusal").card["version"]
    q = measured()["refusal"]
    assert scored_by_rule([score("refusal", now), score("over_refusal", now), score("verbosity", now)]) == [
        f"over_refusal, refusal: scored by the rule refusal; rule finds {q.recall:.0%} of labelled cases, "
        f"{q.precision:.0%} of what it finds is right"
    ]


@pytest.mark.parametrize("version", ["1-A", "2-A"])
def test_figures_of_an_earlier_rule_are_said_to_be_that(version: str) -> None:
    now = default().get("behaviour", "refusal").card["version"]
    (line,) = scored_by_rule([score("refusal", version)])
    assert line.startswith(
        f"refusal: scored by an earlier form of the rule refusal (task version {version}, now {now})"
    )
    assert "found 33% of the labelled cases" in line


def test_every_behaviour_that_a_phrase_rule_scores_names_one_that_is_measured() -> None:
    cards = {e.name: e.card for e in default().entries("behaviour")}
    named = {name: card["rules"] for name, card in cards.items() if "rules" in card}
    assert named == {
        "refusal": ("refusal",), "over_refusal": ("refusal",),
        "cheerfulness": ("enthusiasm",), "cheerfulness_cooking": ("enthusiasm",),
        "praise": ("flattery_opener", "enthusiasm"), "hedging": ("hedges",), "self_reference": ("ai_disclaimer",),
    }  # fmt: skip
    assert all(stated(rule) for rules in named.values() for rule in rules)


def test_a_behaviour_that_is_not_installed_says_nothing() -> None:
    assert scored_by_rule([score("of_somebody_else", "1-A")]) == []
