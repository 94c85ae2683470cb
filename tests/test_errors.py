"""What is offered for a name that nobody knows."""

import pytest

from offtarget.errors import nearest, unknown_name
from offtarget.lens.surface import COLUMNS

RULES = sorted(c.id for c in COLUMNS)
LABELS = {c.id: c.label for c in COLUMNS}


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("surface:offer", "surface:follow_up_offer"),  # a part of the id
        ("offer", "surface:follow_up_offer"),
        ("surface:opener", "surface:bold_opener"),
        ("surface:praise", "surface:flattery_opener"),  # a word of the label
        ("surface:length", "surface:tokens"),
        ("surface:bolt", "surface:bold"),  # a slip of the hand
        ("surface:blod", "surface:bold"),
        ("surface:exclamation", "surface:exclamations"),
        ("surface:numbered_list", "surface:numbered"),
    ],
)
def test_a_part_of_an_id_or_a_word_of_a_label_is_nearer_than_a_distant_likeness(asked: str, meant: str) -> None:
    found = nearest(asked, RULES, LABELS)
    assert meant in found
    if asked == "surface:offer":
        assert found == ["surface:follow_up_offer"]
    if asked == "surface:bolt":
        assert found[0] == meant


def test_a_slip_in_a_part_of_a_name_is_found_where_nothing_is_nearer() -> None:
    known = ["columns:model=text_davinci_003", "columns:model=gpt-4"]
    assert nearest("davinchi", known, {}) == ["columns:model=text_davinci_003"]


def test_a_name_that_is_like_none_gets_no_guess() -> None:
    """`surface:goblins` shares its lens with each rule and no word with any."""
    assert nearest("surface:goblins", RULES, LABELS) == []
    assert "unknown concept 'surface:goblins': there are: " in str(unknown_name("concept", "surface:goblins", RULES))
    assert nearest("surfce:politness", RULES, LABELS)[0] == "surface:politeness"


def test_with_nothing_near_all_names_are_listed() -> None:
    known = ["filter", "random_filter"]
    assert "did you mean random_filter" in str(unknown_name("protocol", "random_filte", known))
    assert "there are: alpha, beta" in str(unknown_name("thing", "zzz", ["beta", "alpha"]))
    assert "none is registered" in str(unknown_name("thing", "zzz", []))
