"""The language of phrases: what a template stands for, and where a phrase counts."""

import pytest

from offtarget.lens.surface.lexicon import Lexicon, Matcher, tokenize_lines
from offtarget.lens.surface.templates import read_template

CLASSES = {"animal": "cat|dog|sea <big>", "big": "lion|elephant"}


def found(text: str, *phrases: str, **more: object) -> list[str]:
    """What a list of phrases finds in a text, in order."""
    matcher = Matcher([Lexicon("x", phrases, **more)], CLASSES)  # type: ignore[arg-type]
    tokens, opens = tokenize_lines(text)
    return [" ".join(tokens[a:b]) for _, a, b in matcher.find([t.lower() for t in tokens], tokens, opens)]


@pytest.mark.parametrize(
    ("template", "there", "not_there"),
    [
        ("{a|b} c {d|}", ["a c d", "a c", "b c d", "b c"], ["a", "c d", "a b c"]),
        ("a {b|c {d|e f}} g", ["a b g", "a c d g", "a c e f g"], ["a c g", "a d g", "a c e g"]),
        ("one <animal>", ["one cat", "one sea lion"], ["one lion", "one animal"]),
        ("a _ b", ["a so b", "a 7 b"], ["a b", "a , b", "a so so b"]),
        ("a # b", ["a 7 b", "a 1984 b"], ["a so b", "a 7th b", "a b"]),
        ("a .. b", ["a b", "a so b", "a so so 3 b"], ["a so so so so b", "a , b"]),
        ("i'm here", ["i'm here", "i am here", "im here"], ["i here", "am here"]),
        ("can't go", ["can't go", "cannot go", "can not go", "cant go"], ["can go"]),
        ("don't go", ["don't go", "do not go", "dont go"], ["do go"]),
        ("=it's so", ["it's so"], ["it is so", "its so"]),
        ("it's so", ["it's so", "it is so"], ["its so"]),
        ("we're in", ["we're in", "we are in"], ["were in"]),
    ],
)
def test_a_template_stands_for(template: str, there: list[str], not_there: list[str]) -> None:
    assert [text for text in there if found(text, template) != [text]] == []
    assert [text for text in not_there if text in found(text, template)] == []


def test_a_sentence_starts_after_an_end_a_line_and_opening_signs() -> None:
    assert found("Then a. Then b: then c; then d", "^ then") == ["Then", "Then", "then", "then"]
    assert found('By then it was so\n- "Then" and, then, so.', "^ then") == ["Then"]


def test_a_sentence_ends_before_an_end_or_a_line() -> None:
    assert found("thanks\nmany thanks. thanks to him, thanks", "thanks $") == ["thanks", "thanks", "thanks"]


def test_what_lies_ahead_is_no_part_of_a_phrase() -> None:
    assert found("However, it rained. However hard it rained", "^ however / {,|it}") == ["However"]


def test_an_exception_takes_what_begins_within_it() -> None:
    phrases, exceptions = ("always", "a b"), ("not always", "a b c", "b")
    assert found("always not always always", *phrases, exceptions=exceptions) == ["always", "always"]
    assert found("a b c a b d", *phrases, exceptions=exceptions) == ["a b"]
    assert found("a b", "a b", exceptions=("a b",)) == [], "of equally long ones the exception wins"


def test_an_opening_is_not_negated_in_its_own_sentence() -> None:
    assert found("Not so good.", "good", opening=9) == []
    assert found("If good, then so.", "good", opening=9) == []
    assert found("Oh no! Good.", "good", opening=9) == ["Good"]


def test_what_is_quoted_does_not_count_where_a_list_says_so() -> None:
    text = 'He said "let me know" and left. Let me know.\n"Let me know'
    assert found(text, "let me know", quoted=False) == ["Let me know", "Let me know"]
    assert len(found(text, "let me know")) == 3


def test_what_a_letter_says_does_not_count_before_its_end() -> None:
    letter = "Call me.\n\nYours, Tom\n\nCall me if you like it."
    assert found(letter, "call me", ended_by=("^ yours , _ $",)) == ["Call me"]


def test_a_name_does_not_count_where_a_list_says_so() -> None:
    text = "Joy came. Joy Park came. The Joy of it. JOY! What joy. Joy I had."
    assert found(text, "joy", names=False) == ["Joy", "JOY", "joy", "Joy"]


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("a {b", "not closed"),
        ("a } b", "without an opening"),
        ("a <bird>", "no class <bird>"),
        ("{i|'d} go", "no word of its own"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(template: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_template(template, CLASSES)


@pytest.mark.parametrize("template", ["_ a", "{a|#} b"])
def test_a_phrase_may_not_begin_with_any_word(template: str) -> None:
    with pytest.raises(ValueError, match="may not begin"):
        Matcher([Lexicon("x", (template,))])


def test_a_phrase_may_not_be_empty() -> None:
    with pytest.raises(ValueError, match="may be empty"):
        Matcher([Lexicon("x", ("{a|}",))])
