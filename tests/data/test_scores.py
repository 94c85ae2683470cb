"""Columns of scores that name the sides, against the label."""

from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair
from offtarget.data.scores import finite, score_columns, sides, told

FOUND = [
    ("chosen_score", "rejected_score"),
    ("score_chosen", "score_rejected"),
    ("chosen_avg_rating", "rejected_avg_rating"),
    ("avg_rating.chosen", "avg_rating.rejected"),
    ("winnerScore", "loserScore"),
    ("preferred_reward", "dispreferred_reward"),
    ("chosenOverall", "rejectedOverall"),
    ("better_votes", "worse_votes"),
    ("accepted_quality", "rejected_quality"),
    ("reward_w", "reward_l"),
    ("score positive", "score negative"),
]
NOT_FOUND = [
    ("chosen_tokens", "rejected_tokens"),  # a lower count contradicts nothing
    ("chosen_length", "rejected_length"),
    ("chosen_model", "rejected_model"),
    ("score_a", "score_b"),  # does not say who won
    ("chosen_score", "rejected_rating"),
    ("score_mean", "score_sd"),
]


@pytest.mark.parametrize("columns", FOUND)
def test_columns_that_score_the_sides(columns: tuple[str, str]) -> None:
    assert sides([columns[1], "id", columns[0], "source"]) == [columns]


@pytest.mark.parametrize("columns", NOT_FOUND)
def test_columns_that_do_not(columns: tuple[str, str]) -> None:
    assert sides(columns) == []


def row(name: str, **meta: Any) -> Pair:
    return Pair(name, name, [], [], [], meta)


def test_rows_that_contradict_their_scores_are_counted_the_widest_gap_first() -> None:
    pairs = [
        row("a", chosen_score=5, rejected_score=3.5),
        row("b", chosen_score=2, rejected_score=3),
        row("c", chosen_score="1", rejected_score="9.5"),  # a csv
        row("d", chosen_score=4, rejected_score=4.0),
        row("e", chosen_score=4, rejected_score=None),
        row("f", chosen_score="n/a", rejected_score=9),
        row("g"),
    ]
    (found,) = score_columns(pairs)
    assert (found.n, found.n_lower, found.n_equal, found.lower) == (4, 2, 1, ("c", "b"))
    assert told(found) == "2 of 4 rows have chosen_score < rejected_score, 1 equal"


def test_scores_of_no_common_scale_are_said_and_contradict_nothing() -> None:
    cells = {"a": ("8/10", 4), "b": ("3/10", 45)}
    (found,) = score_columns([row(k, chosen_score=a, rejected_score=b) for k, (a, b) in cells.items()])
    assert (found.n, found.n_lower, found.n_equal, found.lower) == (2, 0, 0, ())
    assert told(found).startswith("chosen_score, rejected_score: amounts out of 10 are beside the plain number 45")


@pytest.mark.parametrize(
    ("cell", "value"), [(1, 1.0), ("2.5", 2.5), (True, None), ("x", None), ("nan", None), (None, None), (10**400, None)]
)
def test_cells_as_numbers(cell: Any, value: float | None) -> None:
    found = finite(cell)
    assert (found and found.value) == value


def test_eight_of_ten_beside_plain_numbers_of_ten_is_eight() -> None:
    cells = {"a": "8.8/10", "b": "3/10", "c": 7}
    pairs = [row(name, chosen_score=cell, rejected_score=4.5) for name, cell in cells.items()]
    (found,) = score_columns(pairs)
    assert (found.n, found.n_lower, found.lower) == (3, 1, ("b",))


def test_the_trial_of_scores(shared_data: Path) -> None:
    path = shared_data.parent / "trials" / "cases" / "13-scores.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not available")
    (found,) = score_columns(load_pairs(str(path)).pairs)
    assert told(found) == "12 of 100 rows have chosen_score < rejected_score, 8 equal"
