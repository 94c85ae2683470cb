"""Texts without what a rule counts: what goes, and that all else stays."""

import pytest

from offtarget.lens import surface
from offtarget.lens.surface.rewrite import without

TEXT = (
    "# Plan\n\nGreat question! Use **two** pans, perhaps with *care* — and time.\n\n- first\n- then **stir**\n\n"
    "1. heat\n2. wait\n\nSorry about the mess. It works! 😀 Let me know if you need anything else."
)


@pytest.mark.parametrize(
    ("name", "gone", "left"),
    [
        ("bold", ["**"], ["Use two pans", "then stir", "*care*", "# Plan", "- first"]),
        ("heading", ["# Plan"], ["Plan\n", "**two**"]),
        ("bullets", ["- first"], ["first\n", "1. heat", "**stir**"]),
        ("numbered", ["1. heat", "2. wait"], ["heat\n", "- first"]),
        ("markdown", ["**", "# ", "- first", "1. heat"], ["Use two pans", "*care*", "😀"]),
        ("emoji", ["😀"], ["It works! Let me know"]),
        ("em_dash", ["—"], ["*care*, and time"]),
        ("exclamations", ["!"], ["Great question. Use", "It works. 😀"]),
        ("flattery_opener", ["Great question"], ["Use **two** pans"]),
        ("apology", ["Sorry"], ["It works!", "2. wait"]),
        ("follow_up_offer", ["Let me know"], ["It works!"]),
        ("hedges", ["perhaps"], ["pans, with *care*"]),
        ("italic", ["*care*"], ["with care", "**two**"]),
    ],
)
def test_what_a_rule_counts_goes_and_the_rest_stays(name: str, gone: list[str], left: list[str]) -> None:
    out = without(name, TEXT)
    assert out is not None
    assert not any(g in out for g in gone) and all(s in out for s in left)
    assert surface.features(out)[name] < surface.features(TEXT)[name]


def test_code_is_left_alone() -> None:
    text = "Use **this**:\n\n```python\ny = a ** b ** c\n# a comment\n```"
    assert without("bold", text) == "Use this:\n\n```python\ny = a ** b ** c\n# a comment\n```"
    assert without("heading", text) is None, "a comment in code is no heading"
    assert without("parentheses", "Call f(x) now.") is None


@pytest.mark.parametrize(
    ("name", "text", "out"),
    [
        ("bold", "Run **now** `git add .` then ls ./src", "Run now `git add .` then ls ./src"),
        ("markdown", "**iPhone** prices", "iPhone prices"),
        ("exclamations", "Wow!! If x != y, stop.", "Wow. If x != y, stop."),
        ("hedges", "It might rain, perhaps soon.", "It might rain, soon."),
        ("hedges", "Perhaps we should go.", "We should go."),
        ("flattery_opener", "Great question, Mr. Smith. Paris is it.", "Paris is it."),
        ("transitions", "However, it works.", "It works."),
        ("follow_up_offer", "First.\n\nLet me know if you need more help.", "First."),
        ("em_dash", "One—two — three.", "One, two, three."),
        ("bold", "Two  spaces and **bold**  stay", "Two  spaces and bold  stay"),
    ],
)
def test_nothing_but_the_concept_changes(name: str, text: str, out: str) -> None:
    assert without(name, text) == out


def test_a_word_that_a_sentence_needs_stays() -> None:
    assert without("hedges", "It might rain.") is None


@pytest.mark.parametrize("name", ["tokens", "mattr", "table", "digits", "refusal_rate"])
def test_what_no_rule_can_take_out_is_none(name: str) -> None:
    assert without(name, "Some text with 3 digits.") is None


def test_a_text_of_which_nothing_would_be_left_is_none() -> None:
    assert without("apology", "I'm so sorry.") is None


def test_two_phrases_in_one_sentence_go_with_it_once() -> None:
    assert without("apology", "Fine. Sorry, I apologize for that. Done.") == "Fine. Done."
