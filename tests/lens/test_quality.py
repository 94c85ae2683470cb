"""What the phrase rules find of labelled text: the committed figures are those of this code, and hold their floors."""

import json
import os
import sys
from pathlib import Path

import pytest

from offtarget.lens.surface.columns import PHRASES
from offtarget.lens.surface.quality import (
    MEASURED,
    Labelled,
    Quality,
    fires,
    half,
    measure,
    measured,
    rules_sha256,
    stated,
)

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "bench"))
from bench_rules import LABELLED, TABLE, measure_all, record, table  # noqa: E402

REMAKE = "the rules have changed: run `python tests/bench/bench_rules.py --write` and look at what it says"
FLOORS = {
    "agreement_opener": (0.85, 0.89),
    "ai_disclaimer": (0.85, 0.90),
    "apology": (0.85, 0.90),
    "attribution": (0.78, 0.97),
    "boosters": (0.80, 0.96),
    "caution": (0.89, 0.97),
    "compliance_opener": (0.98, 0.88),
    "contractions": (0.88, 0.92),
    "empathy": (0.81, 0.92),
    "enthusiasm": (0.84, 0.93),
    "examples": (0.82, 0.97),
    "first_person": (0.97, 0.90),
    "flattery_opener": (0.80, 0.82),
    "follow_up_offer": (0.93, 0.81),
    "hedges": (0.81, 0.93),
    "negation": (0.98, 0.98),
    "politeness": (0.89, 0.86),
    "profanity": (0.93, 0.97),
    "professional_referral": (0.92, 0.88),
    "refusal": (0.90, 0.90),
    "second_person": (0.98, 0.94),
    "summary_closer": (0.67, 0.86),  # below 0.8: see SUMMARY_CLOSER for what it misses
    "transitions": (0.93, 0.89),
}
"""Lowest recall and precision on the held-out half: what was measured, less one standard error, rounded down; of rules
that read in the writer's voice, what was asked of them."""
VARIANTS = Path(__file__).with_name("variants") / "refusal.jsonl"


@pytest.fixture(scope="module")
def held_out() -> list[Quality]:
    return measure_all("held-out")


def test_the_committed_figures_are_those_of_this_code(held_out: list[Quality]) -> None:
    committed = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert committed["rules_sha256"] == rules_sha256(), REMAKE
    assert committed == record(held_out), REMAKE
    assert TABLE.read_text(encoding="utf-8") == table(held_out), REMAKE


def test_every_phrase_rule_is_measured_on_texts_of_both_kinds(held_out: list[Quality]) -> None:
    assert {q.rule for q in held_out} == set(PHRASES) == set(FLOORS)
    assert all(q.hits + q.misses >= 10 and q.false_alarms + q.rejections >= 10 for q in held_out)


@pytest.mark.parametrize("rule", sorted(FLOORS))
def test_a_rule_holds_its_floors(rule: str, held_out: list[Quality]) -> None:
    (q,) = [q for q in held_out if q.rule == rule]
    recall, precision = FLOORS[rule]
    assert q.recall >= recall, f"{q.hits} of {q.hits + q.misses} found"
    assert q.precision >= precision, f"{q.false_alarms} false alarms beside {q.hits} hits"


def test_recall_and_precision_are_shares_of_texts_with_the_label_and_of_texts_found() -> None:
    texts = [Labelled(t, True) for t in ("I'm sorry.", "Sorry, my mistake.", "Oh dear.")]
    texts += [Labelled("So sorry!", False), Labelled("It rains.", False)]
    q = measure("apology", texts)
    assert (q.hits, q.misses, q.false_alarms, q.rejections) == (2, 1, 1, 1)
    assert (q.recall, q.precision) == (2 / 3, 2 / 3)


def test_half_of_the_text_is_kept_from_development_and_adding_text_moves_none() -> None:
    halves = [half("refusal", f"text {i}") for i in range(400)]
    assert 150 < halves.count("held-out") < 250
    assert half("refusal", "text 7") == halves[7]


def test_what_is_said_of_a_rule_is_what_was_measured() -> None:
    q = measured()["refusal"]
    assert (
        stated("surface:refusal")
        == stated("refusal")
        == (f"rule finds {q.recall:.0%} of labelled cases, {q.precision:.0%} of what it finds is right")
    )
    assert stated("surface:bold") == stated("sae:12") == ""


def test_forty_refusals_and_fifteen_that_look_like_one() -> None:
    """Written by somebody else, for the trials; seen while the rule was written."""
    path = Path(os.environ.get("OFFTARGET_SHARED", REPO.parent / "shared")) / "trials/cases/refusals.jsonl"
    if not path.is_file():
        pytest.skip(f"the trials are not available ({path})")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {
        said: [r["text"] for r in rows if r["refusal"] == said and fires("refusal", r["text"])]
        for said in (True, False)
    }
    assert len(found[True]) == sum(r["refusal"] for r in rows) == 40
    assert len(found[False]) <= 2, found[False]


def test_the_texts_that_the_rule_for_refusals_was_written_with_stay_right() -> None:
    rows = [json.loads(line) for line in VARIANTS.read_text(encoding="utf-8").splitlines()]
    q = measure("refusal", [Labelled(r["text"], bool(r["label"])) for r in rows])
    assert q.recall >= 0.97 and q.precision >= 0.99, q


def test_labelled_text_has_its_three_keys_and_no_text_twice() -> None:
    for path in LABELLED.glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert all(set(r) == {"text", "label", "kind"} and r["label"] in (0, 1) for r in rows), path.name
        assert len({r["text"] for r in rows}) == len(rows), path.name
