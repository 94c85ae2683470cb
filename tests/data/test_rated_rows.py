"""One answer a row with a score, several rows a prompt: pairs counted by hand."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, DataError, OfftargetError, UndecidedError

ROWS = [
    ("How?", "how one", "5"),
    ("Why?", "why one", "1"),
    ("How?", "how two", "2"),
    ("Who?", "who one", "4"),
    ("How?", "how three", "3"),
    ("Why?", "why two", "1"),
    ("why?", "why three", "4"),  # the same prompt, but for case
    ("Where?", "where one", "3"),
    ("Where?", "where two", "3"),
    ("When?", "when one", "2"),
    ("When?", "when two", ""),
    ("When?", "when three", "1"),
]
"""How? 5 > 3 > 2. Why? 4 > 1 = 1. Who? one answer. Where? a tie. When? 2 > 1 and a row without a score."""


def table(folder: Path, rows: list[Any], header: str = "prompt,completion,rating", name: str = "a.csv") -> str:
    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return str(folder / name)


def read(path: str, **columns: str) -> PairSet:
    return load_pairs(path, columns=columns or None, allow_drops=True)


def preferences(pairs: PairSet) -> list[tuple[str, str]]:
    return [(p.chosen[0]["content"], p.rejected[0]["content"]) for p in pairs]


def test_the_best_answer_of_each_prompt_is_preferred_to_the_worst(tmp_path: Path) -> None:
    pairs = read(table(tmp_path, ROWS))
    assert len(pairs) == 3
    assert preferences(pairs)[0] == ("how one", "how two")
    assert preferences(pairs)[1] in (("why three", "why one"), ("why three", "why two"))
    assert preferences(pairs)[2] == ("when one", "when three")
    assert dict(pairs.dropped) == {"tie": 1, "no other answer to the prompt": 1, "no label": 1}
    assert {d.reason: d.where for d in pairs.dropped_rows} == {
        "no label": "a.csv line 12", "no other answer to the prompt": "a.csv line 5", "tie": "a.csv line 9",
    }  # fmt: skip
    (note,) = pairs.notes
    assert note.startswith(
        "one answer a row (completion) with its score (rating): rows of one prompt were put together"
    )
    assert pairs[0].sides["*_rating"] == ("5", "2")


@pytest.mark.parametrize("role", ["pairs", "pairing"])
def test_all_that_differ_are_compared_on_request(tmp_path: Path, role: str) -> None:
    pairs = read(table(tmp_path, ROWS), **{role: "all"})
    assert sorted(preferences(pairs)) == [
        ("how one", "how three"), ("how one", "how two"), ("how three", "how two"), ("when one", "when three"),
        ("why three", "why one"), ("why three", "why two"),
    ]  # fmt: skip
    assert len({p.group for p in pairs}) == 3


def test_by_rank_the_lowest_is_best_and_several_scores_of_an_answer_count_with_their_mean(tmp_path: Path) -> None:
    by_rank = read(table(tmp_path, ROWS), responses="completion", ranks="rating")
    assert preferences(by_rank)[0] == ("how two", "how one")
    named = read(table(tmp_path, ROWS, "prompt,completion,rank"))
    assert preferences(named)[0] == ("how two", "how one") and "with its rank (rank)" in named.notes[0]
    twice = [("How?", "a", 1), ("How?", "b", 3), ("How?", "a", 6), ("How?", "c", 2), ("How?", "b", 3)]  # 3.5, 3, 2
    assert preferences(read(table(tmp_path, twice))) == [("a", "c")]


def test_the_order_of_the_rows_makes_no_difference_where_answers_are_equally_good(tmp_path: Path) -> None:
    rows = [("How?", f"good {i}", 5) for i in range(4)] + [("How?", f"bad {i}", 2) for i in range(4)]
    one, other = read(table(tmp_path, rows)), read(table(tmp_path, rows[::-1], name="b.csv"))
    assert len(one) == 1 and preferences(one) == preferences(other)
    (better, worse), = preferences(one)  # fmt: skip
    assert better.startswith("good") and worse.startswith("bad")


def test_other_columns_stay_with_the_prompt_or_with_their_answer_and_splits_stay_apart(tmp_path: Path) -> None:
    rows = [
        ("How?", "a", 5, "home", "m1", "train"), ("How?", "b", 1, "home", "m2", "train"),
        ("How?", "c", 4, "home", "m3", "test"), ("How?", "d", 2, "home", "m4", "test"),
    ]  # fmt: skip
    pairs = read(table(tmp_path, rows, "prompt,response,score,topic,model,split"))
    assert preferences(pairs) == [("a", "b"), ("c", "d")]
    assert [p.meta for p in pairs] == [{"topic": "home", "split": s} for s in ("train", "test")]
    assert [p.sides["*_model"] for p in pairs] == [("m1", "m2"), ("m3", "m4")]


def test_conversations_and_json_lines_are_read_so_too_and_head_and_limit_count_pairs(tmp_path: Path) -> None:
    rows = [
        {"prompt": [{"role": "user", "content": f"q{i}?"}], "response": f"{word} {i}", "score": score}
        for word, score in (("good", 0.9), ("bad", 0.1))
        for i in range(30)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    pairs = load_pairs(str(path))
    assert preferences(pairs) == [(f"good {i}", f"bad {i}") for i in range(30)]
    assert preferences(load_pairs(str(path), head=2)) == [("good 0", "bad 0"), ("good 1", "bad 1")]
    assert len(load_pairs(str(path), limit=7)) == 7


def test_a_card_can_say_it(tmp_path: Path) -> None:
    table(tmp_path, ROWS, "ask,said,mark")
    (tmp_path / "card.yaml").write_text(
        json.dumps(
            {
                "name": "toy", "title": "A toy", "source": {"kind": "path", "path": "a.csv"}, "evidence": "by hand",
                "licence": "CC0", "redistribution": "yes", "preference_source": "synthetic", "language": "en",
                "adapter": {"name": "scored_rows", "prompt": "ask", "response": "said", "scores": "mark"},
            }
        )
    )  # fmt: skip
    pairs = load_pairs(str(tmp_path / "card.yaml"), allow_drops=True)
    assert preferences(pairs)[0] == ("how one", "how two") and len(pairs) == 3


@pytest.mark.parametrize(
    ("rows", "header", "columns", "error", "says"),
    [
        (ROWS, "prompt,completion,x", {}, DataError, "named with --columns responses=NAME,scores=NAME"),
        ([(f"q{i}?", f"a{i}", i) for i in range(9)], "prompt,completion,rating", {}, DataError, "nothing it is preferred to"),
        ([(*r, r[2]) for r in ROWS], "prompt,completion,rating,score", {}, DataError,
         "several columns that may be its score (rating, score); say which with --columns responses=completion,scores=rating"),
        ([("q?", "a", 3), ("q?", "b", 3)], "prompt,completion,rating", {}, UndecidedError, "no pair is left to compare (1 tie)"),
        ([("q?", "a", 3), ("q?", "b", "x")], "prompt,completion,rating", {"responses": "completion", "scores": "rating"},
         DataError, "a.csv line 3: column 'rating' says 'x', which is not a number"),
        (ROWS, "prompt,completion,rating", {"pairs": "some"}, ConfigError, "pairs is 'some'; it must be"),
        (ROWS, "prompt,completion,x", {"responses": "completion"}, ConfigError, "needs their scores beside it: scores=NAME"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_so_is_said(
    tmp_path: Path, rows: list[Any], header: str, columns: dict[str, str], error: type[OfftargetError], says: str
) -> None:
    with pytest.raises(error) as raised:
        load_pairs(table(tmp_path, rows, header), columns=columns or None)
    assert says in str(raised.value)


def test_an_unusual_name_of_the_score_can_be_given(tmp_path: Path) -> None:
    pairs = read(table(tmp_path, ROWS, "prompt,completion,x"), responses="completion", scores="x")
    assert preferences(pairs)[0] == ("how one", "how two")
