"""Columns of the two sides: which belong together, and which side they speak of in each row."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair
from offtarget.data.sides import SideColumns, marks_of, names_one_side, side_columns
from offtarget.engine.rows import reversed_pairs


def read(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> list[Pair]:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return load_pairs(str(path), **options).pairs


def plain(i: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"Question {i}?", "chosen": f"Good {i}.", "rejected": f"Bad {i}.", **more}


@pytest.mark.parametrize(
    ("names", "stem"),
    [
        (("chosen_score", "rejected_score"), "*_score"),
        (("score_chosen", "score_rejected"), "score_*"),
        (("chosen-rating", "rejected-rating"), "*_rating"),
        (("chosen_model", "rejected_model"), "*_model"),
        (("modelChosen", "modelRejected"), "model_*"),
        (("chosen_meta.length", "rejected_meta.length"), "*_meta_length"),
        (("winner_model", "loser_model"), "*_model"),
        (("preferred_source", "dispreferred_source"), "*_source"),
        (("better_votes", "worse_votes"), "*_votes"),
        (("评分_chosen", "评分_rejected"), "评分_*"),
        (("Qualité_chosen", "Qualité_rejected"), "qualite_*"),
    ],
)
def test_names_that_differ_in_the_word_for_the_side(names: tuple[str, str], stem: str) -> None:
    assert side_columns([names[1], "source", names[0]]) == [SideColumns(stem, *names)]


@pytest.mark.parametrize(
    "names",
    [
        ("model_a", "model_b"),  # which was chosen is not in the names
        ("positive_words", "negative_words"),  # a score or nothing
        ("chosen", "rejected"),  # the answers
        ("chosen_score", "rejected_rating"),
        ("source", "language"),
    ],
)
def test_names_that_do_not(names: tuple[str, str]) -> None:
    assert side_columns(names) == []


@pytest.mark.parametrize(
    ("column", "speaks"),
    [("chosen_model", True), ("rejectedTokens", True), ("score-loser", True), ("model_a", False), ("source", False)],
)
def test_a_name_of_one_side(column: str, speaks: bool) -> None:
    assert names_one_side(column) is speaks


def test_the_words_of_two_answers_tell_the_sides() -> None:
    assert marks_of("response_b", "response_a") == ("b", "a")
    assert marks_of("response_a", "model_b") is None
    assert side_columns(["model_a", "model_b"], ("b", "a")) == [SideColumns("model_*", "model_b", "model_a")]


def test_columns_of_chosen_and_rejected_reach_the_pair(tmp_path: Path) -> None:
    rows = [
        plain(0, chosen_score=4, rejected_score="2.5", chosen_meta={"length": 7}, rejected_meta={"length": 9}),
        plain(1, chosen_score=None, rejected_score=1),
        plain(2, source="x"),
    ]
    first, second, third = read(tmp_path, rows)
    assert first.sides == {"*_score": (4, "2.5"), "*_meta_length": (7, 9)}
    assert second.sides == {"*_score": (None, 1)}, "what is missing is missing, not 0"
    assert third.sides == {}
    assert first.meta == {"chosen_score": 4, "rejected_score": "2.5"}


def test_after_a_label_the_side_follows_the_winner(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"Question {i}?",
            "response_a": f"One {i}.",
            "response_b": f"Two {i}.",
            "winner": "model_b" if i % 3 else "model_a",
            "model_a": "llama",
            "model_b": "gpt",
            "score_a": i,
            "score_b": 10 * i,
        }
        for i in range(12)
    ]
    for i, p in enumerate(read(tmp_path, rows)):
        won = ("gpt", "llama"), (10 * i, i)
        lost = ("llama", "gpt"), (i, 10 * i)
        model, score = won if i % 3 else lost
        assert p.sides == {"model_*": model, "score_*": score}


def test_votes_that_are_the_label_are_a_column_too(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"Question {i}?",
            "response_a": f"One {i}.",
            "response_b": f"Two {i}.",
            "votes_a": 3,
            "votes_b": 5 if i % 2 else 1,
        }
        for i in range(12)
    ]
    assert [p.sides["votes_*"] for p in read(tmp_path, rows)] == [(3, 1), (5, 3)] * 6


def test_lists_of_answers_have_lists_of_scores(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"Question {i}?",
            "chosen": [f"Good {i}.", f"Better {i}."],
            "rejected": [f"Bad {i}.", f"Worse {i}."],
            "chosen_scores": [7, 8],
            "rejected_scores": [3],
            "chosen_model": "gpt",
            "rejected_model": "llama",
        }
        for i in range(3)
    ]
    first, second, *_ = read(tmp_path, rows)
    assert first.sides == {"*_scores": (7, 3), "*_model": ("gpt", "llama")}
    assert second.sides == {"*_scores": (8, None), "*_model": ("gpt", "llama")}


def test_of_many_answers_each_pair_has_its_own(tmp_path: Path) -> None:
    row = {"prompt": "Q?", "r_1": "one", "r_2": "two", "r_3": "three", "s_1": 1, "s_2": 3, "s_3": 2}
    roles = {"responses": "r_1|r_2|r_3", "scores": "s_1|s_2|s_3", "pairs": "all"}
    found = read(tmp_path, [row], columns=roles)
    assert {p.sides["s_*"] for p in found} == {(3, 1), (3, 2), (2, 1)}


def test_turns_that_were_offered_bring_their_own_record(tmp_path: Path) -> None:
    turns = [
        {"turn": 0, "role": "user", "content": "Hello?"},
        {"turn": 0, "role": "model", "content": "Hi.", "if_chosen": True, "score": 90, "model_name": "gpt"},
        {"turn": 0, "role": "model", "content": "No.", "if_chosen": False, "score": 5, "model_name": "bot"},
    ]
    (pair,) = read(tmp_path, [{"conversation_history": turns}])
    assert pair.sides == {"*_score": (90, 5), "*_model_name": ("gpt", "bot")}


def test_a_set_that_is_reversed_reverses_its_sides(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(plain(0, chosen_score=4, rejected_score=1)) + "\n")
    (turned,) = reversed_pairs(load_pairs(str(path))).pairs
    assert turned.sides == {"*_score": (1, 4)}
