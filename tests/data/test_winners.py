"""Who won: read from the labels where they can mean but one thing, asked for where they may mean two."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError, DataError

A, B = "the first answer", "the second answer"
N = 40


def write(path: Path, labels: list[Any], names: tuple[str, str] = ("answer_a", "answer_b"), **more: Any) -> str:
    rows = [
        {"question": f"What is number {i}?", names[0]: f"{A} {i}", names[1]: f"{B} {i}", **more, "preferred": label}
        for i, label in enumerate(labels)
    ]
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def winners(path: str, **columns: str) -> str:
    """A letter for each pair: a, b."""
    return "".join("a" if A in p.chosen[0]["content"] else "b" for p in load_pairs(path, columns=columns).pairs)


@pytest.mark.parametrize(
    ("a", "b", "tie"),
    [
        ("A", "B", "tie"), ("a", "b", "TIE"), ("answer_a", "answer_b", "both"), ("model_a", "model_b", "tie (bothbad)"),
        ("A>B", "B>A", "A=B"), ("A>>B", "A<B", "A~B"), ("[[A]]", "[[B]]", "[[C]]"), ("left", "right", "equal"),
        ("first", "second", "neither"), ("Response A", "Response B", "same"), ("A is better", "B is slightly better", "draw"),
        ("1", "2", "tie"), (1, 2, None), (1.0, 2.0, None), ("assistant_1", "assistant_2", "no preference"),
    ],
)  # fmt: skip
def test_labels_that_can_mean_but_one_thing(tmp_path: Path, a: Any, b: Any, tie: Any) -> None:
    path = write(tmp_path / "a.jsonl", [a, b, b, tie] * 10)
    loaded = load_pairs(path, allow_drops=True)
    assert "".join("a" if A in p.chosen[0]["content"] else "b" for p in loaded.pairs) == "abb" * 10
    assert loaded.dropped == {"no label" if tie is None else "tie": 10}
    assert f"answer_a won in 10 rows ({a})" in loaded.notes[0]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1], "(0 in 20, 1 in 20 rows) may mean that answer_a won or that answer_b did"),
        ([True, False], "a_wins=0,b_wins=1 or --columns a=answer_a,b=answer_b,label=preferred,a_wins=1,b_wins=0"),
        ([0, 1, 2, 1], "a_wins=1,b_wins=2,ties=0 or --columns"),
        ([-2, 1, 3, 0], "label=preferred,scale=negative_a (below 0: the first won) or"),
        (["A", "B", "A", "flagged"], "'flagged' names neither answer; say what each means with"),
    ],
)
def test_labels_that_may_mean_either_are_refused_with_both_ways(tmp_path: Path, labels: list[Any], says: str) -> None:
    with pytest.raises(DataError) as error:
        load_pairs(write(tmp_path / "a.jsonl", (labels * N)[:N]))
    assert says in str(error.value)


def test_each_way_that_is_offered_works(tmp_path: Path) -> None:
    zero_one = write(tmp_path / "a.jsonl", [0, 1, 1, 0] * 10)
    assert winners(zero_one, label="preferred", a_wins="0", b_wins="1") == "abba" * 10
    assert winners(zero_one, a="answer_a", b="answer_b", label="preferred", a_wins="1", b_wins="0") == "baab" * 10
    scale = write(tmp_path / "b.jsonl", [-2, 3, 0, 1] * 10)
    assert winners(scale, label="preferred", scale="negative_a") == "abb" * 10
    assert winners(scale, label="preferred", scale="positive_a") == "baa" * 10
    graded = write(tmp_path / "c.jsonl", ["A", "rather A", "B", "skip"] * 10)
    assert winners(graded, label="preferred", a_wins="A|rather A", b_wins="B", ties="skip") == "aab" * 10


def test_numbers_that_are_those_of_the_columns(tmp_path: Path) -> None:
    assert winners(write(tmp_path / "a.jsonl", [0, 1] * 20, ("response_0", "response_1"))) == "ab" * 20
    assert winners(write(tmp_path / "b.jsonl", [1, 2] * 20, ("response_1", "response_2"))) == "ab" * 20
    with pytest.raises(DataError, match="may mean that response_1 won"):
        load_pairs(write(tmp_path / "c.jsonl", [0, 1] * 20, ("response_1", "response_2")))


def test_the_winner_by_text_and_by_name(tmp_path: Path) -> None:
    by_text = write(tmp_path / "a.jsonl", [f"{(A, B)[i % 2]} {i}" for i in range(N)])
    assert winners(by_text) == "ab" * 20
    by_name = write(tmp_path / "b.jsonl", ["gpt", "llama"] * 20, model_a="gpt", model_b="llama")
    assert winners(by_name) == "ab" * 20
    assert "column preferred holds the winner's name, as in model_a and model_b" in load_pairs(by_name).notes


def test_as_the_command_line_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.cli.main import call

    path = write(tmp_path / "a.jsonl", ["a", "b"] * 20)
    columns = "prompt=question,a=answer_a,b=answer_b,label=preferred"
    assert call(["data", "check", path, "--columns", columns]) == 0
    assert "answer_a won in 20 rows (a), answer_b in 20 rows (b)" in capsys.readouterr().out
    assert call(["data", "check", path, "--columns", f"{columns},a=x"]) == 2
    assert "a is given twice" in capsys.readouterr().err


def test_a_label_is_never_ignored_in_silence(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ["A", "B"] * 20)
    columns = {"prompt": "question", "chosen": "answer_a", "rejected": "answer_b"}
    with pytest.raises(DataError) as error:
        load_pairs(path, columns=columns)
    assert str(error.value).startswith(
        "a.jsonl: column preferred says who won and would not be read, since answer_a is taken"
    )
    assert "--columns a=answer_a,b=answer_b,label=preferred" in str(error.value)
    assert len(load_pairs(path, columns={**columns, "ignore": "preferred"})) == N


def test_a_label_left_over_beside_chosen_and_rejected(tmp_path: Path) -> None:
    left = load_pairs(write(tmp_path / "a.jsonl", ["A", "B"] * 20, ("chosen", "rejected")))
    assert left.cautions[0].startswith("column preferred (A in 20, B in 20 rows) may say who won and is not read")
    against = write(tmp_path / "b.jsonl", ["chosen", "chosen", "chosen", "rejected"] * 10, ("chosen", "rejected"))
    with pytest.raises(DataError, match="Use --columns a=chosen,b=rejected,label=preferred to follow it"):
        load_pairs(against)
    assert winners(against, a="chosen", b="rejected", label="preferred") == "aaab" * 10
    assert not load_pairs(write(tmp_path / "c.jsonl", ["chosen"] * N, ("chosen", "rejected"))).cautions


def test_votes_are_read_and_scores_are_asked_for(tmp_path: Path) -> None:
    def numbered(what: str) -> str:
        rows = [
            {
                "prompt": f"What is {i}?",
                "answer_a": f"{A} {i}",
                "answer_b": f"{B} {i}",
                f"{what}_a": i % 3,
                f"{what}_b": 1,
            }
            for i in range(30)
        ]
        path = tmp_path / f"{what}.jsonl"
        path.write_text("\n".join(json.dumps(r) for r in rows))
        return str(path)

    assert winners(numbered("votes")) == "ba" * 10
    with pytest.raises(
        DataError, match=r"if the higher score is the better answer: --columns .*votes_a=score_a,votes_b=score_b"
    ):
        load_pairs(numbered("score"))
    assert winners(numbered("score"), votes_a="score_a", votes_b="score_b") == "ba" * 10


def test_the_best_of_several(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"What is {i}?",
            **{f"response_{k}": f"answer {k} to {i}" for k in "abcd"},
            "preferred": f"response_{'bd'[i % 2]}",
        }
        for i in range(N)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows))
    loaded = load_pairs(str(path))
    assert len(loaded) == 3 * N
    assert [(p.chosen[0]["content"][7], p.rejected[0]["content"][7]) for p in loaded.pairs[3:6]] == [
        ("d", "a"), ("d", "b"), ("d", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("A", "B"), ("left", "right"), ("answer_a", "answer_b")])
def test_numbers_among_names_of_the_answers_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    rows = [
        {
            "prompt": f"What is number {i}?",
            "answer_a": f"a says {i} of course",
            "answer_b": f"b says {i} of course",
            "winner": i % 2 if i >= 30 else names[i % 2],
        }
        for i in range(40)
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows))
    with pytest.raises(DataError, match=r"mixes conventions: numbers \(0, 1\) beside"):
        load_pairs(str(path))
    said = {"a": "answer_a", "b": "answer_b", "label": "winner"}
    said |= {"a_wins": f"{names[0]}|0", "b_wins": f"{names[1]}|1"}
    won = [p.chosen[0]["content"][0] for p in load_pairs(str(path), columns=said).pairs]
    assert won == ["a", "b"] * 20


def test_a_scale_without_negative_numbers_is_asked_about_by_its_halves(tmp_path: Path) -> None:
    seven = write(tmp_path / "a.jsonl", [1, 2, 3, 4, 5, 6, 7, 7] * 5)
    with pytest.raises(DataError) as error:
        load_pairs(seven)
    assert "label=preferred,a_wins=1|2|3,b_wins=5|6|7,ties=4 or" in str(error.value)
    said = {"label": "preferred", "a_wins": "1|2|3", "b_wins": "5|6|7", "ties": "4"}
    assert winners(seven, **said) == "aaabbbb" * 5
    assert load_pairs(seven, columns=said).notes == (
        "column preferred: answer_a won in 15 rows (1, 2, 3), answer_b in 20 rows (5, 6, 7), neither in 5 rows (4)",
    )
    even = write(tmp_path / "b.jsonl", [1, 2, 3, 4] * 10)
    with pytest.raises(DataError, match=r"a_wins=1\|2,b_wins=3\|4 or .* \(the middle of 1 to 4 is 2.5\)"):
        load_pairs(even)


def test_a_scale_with_signs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ["-2", "+1", "+3", "0"] * 10)
    with pytest.raises(DataError, match="scale=negative_a"):
        load_pairs(path)
    assert winners(path, label="preferred", scale="negative_a") == "abb" * 10
    assert load_pairs(path, columns={"label": "preferred", "scale": "negative_a"}).notes == (
        "column preferred: answer_a won in 10 rows (-2), answer_b in 20 rows (+1, +3), neither in 10 rows (0)",
    )


@pytest.mark.parametrize("scale", ["negative_a", "positive_a"])
def test_numbers_of_which_none_is_below_0_are_no_scale_of_signs(tmp_path: Path, scale: str) -> None:
    for name, numbers in (("few", [1, 4, 7]), ("many", [i / 7 + 1 for i in range(N)])):
        with pytest.raises(ConfigError, match=r"none of its numbers \(1 to .*\) is below 0"):
            winners(write(tmp_path / f"{name}.jsonl", numbers), label="preferred", scale=scale)
