"""Which column says who won: by its name, never because it only holds A and B, and never the wrong way round."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.data.polarity import BETTER, WORSE, choice_named
from offtarget.errors import ConfigError, DataError

N = 40
LETTERS = "abba" * 10
OTHER = {"a": "b", "b": "a"}


def write(path: Path, names: tuple[str, ...] = ("answer_a", "answer_b"), **columns: list[Any]) -> str:
    rows = [
        {
            "prompt": f"What is number {i}?",
            **{name: f"{name[-1]} says {i} of course" for name in names},
            **{column: values[i % len(values)] for column, values in columns.items()},
        }
        for i in range(N)
    ]
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def winners(path: str, **columns: str) -> str:
    return "".join(p.chosen[0]["content"][0] for p in load_pairs(path, columns=columns).pairs)


WORSE_NAMES = [
    "worse", "worse_response", "loser", "rejected", "rejected_response", "worst", "dispreferred", "less_preferred", "reject",
    "losing", "losing_side", "not_chosen", "bad", "worse_answer", "lost", "inferior", "not_preferred", "notPreferred",
    "unpreferred", "unchosen", "nonpreferred", "non_preferred", "discarded", "eliminated", "which is worse", "WorseAnswer",
    "answerRejected", "response_that_lost", "rejected_choice", "worse_vote", "human_least_preferred", "second_choice",
    "preferred_not", "rejectedHuman", "runner_up",
]  # fmt: skip
BETTER_NAMES = [
    "winner", "preferred", "preference", "better", "chosen", "label", "choice", "vote", "best", "judgment", "judgement",
    "human_pref", "which_is_better", "isPreferred", "least_bad", "not_rejected", "final_choice", "pick", "gpt4_verdict",
]  # fmt: skip
NEITHER = [
    "shown_first", "gold_or_control", "model_guess", "helpfulness", "safety", "overall", "annotator_1", "longer", "rater",
    "better_or_worse", "chosen_by", "label_group", "chosen_score", "worse_rank", "preference_strength_mean", "unlabelled",
]  # fmt: skip


@pytest.mark.parametrize("column", WORSE_NAMES)
def test_a_column_that_names_the_worse_answer_is_never_read_as_the_winner(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "a.jsonl", **{column: list(LETTERS)})
    assert winners(path) == "baab" * 10
    assert load_pairs(path).notes == (
        f"column {column} names the worse answer: answer_a won in 20 rows (b), answer_b in 20 rows (a)",
    )
    assert winners(path, label=column) == "baab" * 10
    assert winners(path, label=column, label_says="winner") == LETTERS


@pytest.mark.parametrize("column", BETTER_NAMES)
def test_a_column_that_names_the_better_answer(tmp_path: Path, column: str) -> None:
    assert winners(write(tmp_path / "a.jsonl", **{column: list(LETTERS)})) == LETTERS


@pytest.mark.parametrize("column", NEITHER)
def test_a_column_that_only_holds_a_and_b_is_named_and_not_followed(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "a.jsonl", **{column: list(LETTERS)})
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert str(error.value) == (
        f"a.jsonl: no column says by its name who won; {column} names one of the two answers (answer_a in 20 and answer_b "
        f"in 20 of the 40 rows looked at). If that is the better one: --columns label={column}; if it is the worse one: "
        f"--columns label={column},label_says=loser"
    )
    assert winners(path, label=column) == LETTERS
    assert winners(path, label=column, label_says="loser") == "baab" * 10


@pytest.mark.parametrize(("names", "meaning"), [(WORSE_NAMES, WORSE), (BETTER_NAMES, BETTER), (NEITHER, 0)])
def test_what_names_mean(names: list[str], meaning: int) -> None:
    assert {n: choice_named(n) for n in names} == dict.fromkeys(names, meaning)


@pytest.mark.parametrize(
    ("column", "a_won"),
    [
        ("a_is_better", True), ("b_is_better", False), ("a_is_worse", False), ("answer_a_rejected", False), ("b_lost", True),
        ("prefer_b", False), ("chose_a", True), ("a_not_preferred", False), ("bWon", False),
    ],
)  # fmt: skip
def test_true_and_false_of_one_answer(tmp_path: Path, column: str, a_won: bool) -> None:
    path = write(tmp_path / "a.jsonl", **{column: [x == "a" for x in LETTERS]})
    assert winners(path) == (LETTERS if a_won else "baab" * 10)


def test_the_number_the_text_and_the_name_of_the_worse_answer(tmp_path: Path) -> None:
    numbers = write(tmp_path / "a.jsonl", worse_response_id=[0, 1, 1, 0])
    assert winners(numbers) == "baab" * 10
    zero_one = ("response_0", "response_1")
    own = write(tmp_path / "b.jsonl", zero_one, rejected=[0, 1, 1, 0])
    assert winners(own) == "1001" * 10
    texts = write(tmp_path / "c.jsonl", loser=[f"{x} says {i} of course" for i, x in enumerate(LETTERS)])
    assert winners(texts) == "baab" * 10
    assert load_pairs(texts).notes == ("column loser holds the loser's text",)
    names = write(tmp_path / "d.jsonl", model_a=["gpt"], model_b=["pi"], loser=["gpt", "pi", "pi", "gpt"])
    assert winners(names) == "baab" * 10
    assert load_pairs(names).notes == ("column loser holds the loser's name, as in model_a and model_b",)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("A is better", "B is better"), ("b is worse", "a is worse"), ("B loses", "A loses"), ("reject B", "reject A"),
        ("Response B is slightly worse", "Response A is much worse"), ("prefer A", "prefer B"), ("A beats B", "B beats A"),
        ("A is a bit better than B", "A is worse than B"), ("prefer A over B", "B over A"), ("A > B", "A < B"),
    ],
)  # fmt: skip
def test_labels_that_say_themselves_which_way_they_go(tmp_path: Path, a: str, b: str) -> None:
    labels = [a if x == "a" else b for x in LETTERS]
    assert winners(write(tmp_path / "a.jsonl", label=labels)) == LETTERS
    assert winners(write(tmp_path / "b.jsonl", worse=labels)) == LETTERS


def test_labels_that_are_mixed_or_not_understood_are_asked_about(tmp_path: Path) -> None:
    mixed = write(tmp_path / "a.jsonl", worse=["a", "b is better", "b", "a"])
    with pytest.raises(DataError, match=r"column worse .* is called after the worse answer, but some of its"):
        load_pairs(mixed)
    negated = write(tmp_path / "b.jsonl", label=["not A", "not B"])
    with pytest.raises(DataError, match=r"column label may say who won, but not in known words \(not A in 20"):
        load_pairs(negated)
    assert winners(negated, label="label", a_wins="not B", b_wins="not A") == "ba" * 20


def test_a_better_and_a_worse_column_must_agree(tmp_path: Path) -> None:
    turned = [OTHER[x] for x in LETTERS]
    agree = write(tmp_path / "a.jsonl", rejected=turned, chosen=list(LETTERS))
    assert winners(agree) == LETTERS
    against = write(tmp_path / "b.jsonl", rejected=[LETTERS[0], *turned[1:]], chosen=list(LETTERS))
    with pytest.raises(DataError) as error:
        load_pairs(against)
    assert str(error.value) == (
        "b.jsonl: columns chosen and rejected (the worse answer) say who won, and contradict each other in 1 of the 40 rows "
        "looked at that both fill; name the one that counts: --columns label=NAME"
    )
    assert winners(against, label="chosen") == LETTERS


def test_letters_in_chosen_and_rejected_are_labels_in_few_rows_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", rejected=["b", "a"], chosen=["a", "b"])
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(Path(path).read_text().splitlines()[:6]))
    assert winners(str(few)) == "ababab"


def test_several_columns_that_disagree_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", helpfulness=["A"], safety=["A", "B"], overall=["B", "B", "A", "B"])
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert str(error.value) == (
        "a.jsonl: no column says by its name who won; helpfulness, safety and overall each name one of the two answers, and "
        "they disagree in 30 of the 40 rows looked at that several fill; name the one that counts: --columns label=NAME"
    )
    assert winners(path, label="overall") == "bbab" * 10
    named = write(tmp_path / "b.jsonl", helpfulness=["A"], preference=["B", "B", "A", "B"], target=["A"])
    assert winners(named) == "bbab" * 10


def test_annotators_that_disagree_are_sent_to_their_majority(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", annotator_1=["A"], annotator_2=["A", "B"], annotator_3=["A"])
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert "disagree in 20 of the 40 rows looked at that several fill; put a column with the majority" in str(
        error.value
    )
    voted = write(tmp_path / "b.jsonl", winner_anna=["A"], winner_ben=["A", "B"])
    with pytest.raises(DataError, match=r"contradict each other in 20 of the 40 rows .* majority"):
        load_pairs(voted)


def test_the_same_with_several_answers(tmp_path: Path) -> None:
    names = ("answer_a", "answer_b", "answer_c")
    best = write(tmp_path / "a.jsonl", names, best=list("abc"), worst=list("bca"))
    assert winners(best) == "".join(x * 2 for x in ("abc" * 14)[:N])
    worst = write(tmp_path / "b.jsonl", names, least_preferred=list("bca"))
    with pytest.raises(DataError, match=r"3 answers to each prompt .* no column that says which is best"):
        load_pairs(worst)
    with pytest.raises(ConfigError, match="by its name the column holds the worse answer"):
        load_pairs(worst, columns={"responses": "|".join(names), "choice": "least_preferred"})
    two = write(tmp_path / "c.jsonl", names, best=list("abc"), choice=["a"])
    with pytest.raises(DataError, match="columns best, choice name different answers as the best in 26 of"):
        load_pairs(two)


def test_ranks_beside_a_label_are_no_labels(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", ("answer_1", "answer_2"), rank_1=[1, 2], rank_2=[2, 1], preferred=["1", "2", "2"]
    )
    assert winners(path) == ("122" * 14)[:N]
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    with (tmp_path / "a.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert winners(str(tmp_path / "a.csv")) == ("122" * 14)[:N]


def test_a_worse_answer_that_would_not_be_read_is_not_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", worse=list(LETTERS))
    with pytest.raises(DataError, match="column worse says who won and would not be read"):
        load_pairs(path, columns={"chosen": "answer_a", "rejected": "answer_b"})


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", shown_first=list(LETTERS))
    assert call(["data", "check", path]) == 2
    assert "--columns label=shown_first" in capsys.readouterr().err
    assert call(["data", "check", path, "--columns", "label=shown_first,label_says=loser"]) == 0
    assert "column shown_first names the worse answer: answer_a won in 20" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="label_says is 'no'; it is winner or loser"):
        load_pairs(path, columns={"label": "shown_first", "label_says": "no"})


def test_models_of_both_sides_are_no_label(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"What is {i}?", "chosen": f"So {i}.", "rejected": f"No {i}.", "chosen_model": "ab"[i % 2],
         "rejected_model": "ba"[i % 2]} for i in range(N)
    ]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows))
    assert not load_pairs(str(path)).cautions


def test_votes_against_an_answer_are_no_votes_for_it(tmp_path: Path) -> None:
    for name in ("down_votes", "votes_against", "rejected_votes"):
        path = write(tmp_path / f"{name}.jsonl", **{f"{name}_a": [3, 1], f"{name}_b": [1, 2]})
        with pytest.raises(DataError, match="no column that says who won"):
            load_pairs(path)


@pytest.mark.parametrize("raters", ["annotator_a annotator_b", "judge_1 judge_2", "rater_1 rater_2"])
def test_columns_of_those_who_judged_are_not_names_of_those_who_wrote(tmp_path: Path, raters: str) -> None:
    one, other = raters.split()
    votes: dict[str, list[Any]] = {one: ["B", "A"], other: ["A", "B"]}
    path = write(tmp_path / "a.jsonl", **votes, label=list("ABBA"))
    assert winners(path) == LETTERS
    assert load_pairs(path).notes == ("column label: answer_a won in 20 rows (A), answer_b in 20 rows (B)",)
    majority = write(tmp_path / "b.jsonl", **votes, majority=list("ABBA"))
    assert winners(majority, label="majority") == LETTERS


@pytest.mark.parametrize("names", ["model_a model_b", "source_a source_b"])
def test_models_that_are_called_a_and_b_in_changing_order_are_asked_about(tmp_path: Path, names: str) -> None:
    one, other = names.split()
    path = write(tmp_path / "a.jsonl", **{one: ["B", "A"], other: ["A", "B"]}, winner=list("ABBA"))
    with pytest.raises(DataError, match="which say the opposite in 20 of 40 rows looked at; by side: --columns a="):
        load_pairs(path)
    by_side = {"a_wins": "A", "b_wins": "B"}
    by_name = {"label_is": "name", "name_a": one, "name_b": other}
    assert winners(path, label="winner", **by_side) == LETTERS
    assert winners(path, label="winner", **by_name) == "bbaa" * 10
    same = write(tmp_path / "b.jsonl", **{one: ["A"], other: ["B"]}, winner=list("ABBA"))
    assert winners(same) == LETTERS


WON = "abtbbaat"


def one_hot(path: Path, marks: dict[str, str], truth: tuple[Any, Any] = (0, 1)) -> str:
    return write(path, **{name: [truth[x == mark] for x in WON] for name, mark in marks.items()})


ARENA = {"winner_model_a": "a", "winner_model_b": "b", "winner_tie": "t"}


@pytest.mark.parametrize("truth", [(0, 1), (False, True), ("0", "1"), ("False", "True")])
@pytest.mark.parametrize("tie", [True, False])
def test_columns_of_which_each_row_sets_one_are_one_label(tmp_path: Path, truth: tuple[Any, Any], tie: bool) -> None:
    marks = ARENA if tie else {k: v for k, v in ARENA.items() if v != "t"}
    path = one_hot(tmp_path / "a.jsonl", marks, truth)
    loaded = load_pairs(path)
    assert "".join(p.chosen[0]["content"][0] for p in loaded.pairs) == WON.replace("t", "") * 5
    assert loaded.dropped == {"tie": 10}
    names = "winner_model_a, winner_model_b and winner_tie" if tie else "winner_model_a and winner_model_b"
    assert loaded.notes == (
        f"columns {names} are read as one label: answer_a won in 15 rows, answer_b in 15 rows, ties in 10 rows",
    )


def test_one_of_such_columns_is_not_taken_alone(tmp_path: Path) -> None:
    path = one_hot(tmp_path / "a.jsonl", ARENA)
    for column in ARENA:
        with pytest.raises(DataError, match=r"10 rows are ties; .*votes_a=winner_model_a,votes_b=winner_model_b"):
            load_pairs(path, columns={"label": column})
    votes = {"votes_a": "winner_model_a", "votes_b": "winner_model_b"}
    assert winners(path, **votes) == WON.replace("t", "") * 5


def test_columns_of_0_and_1_that_are_set_together_are_not_one_label(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", winner_a=[1, 1, 0, 0], winner_b=[1, 0, 1, 0])
    with pytest.raises(DataError, match="winner_a and winner_b say who won, and contradict each other in 20"):
        load_pairs(path)
    beside = write(tmp_path / "b.jsonl", winner_a=[1, 0, 0], winner_b=[0, 1, 0], winner=["B", "A", "tie"])
    with pytest.raises(DataError, match="contradict each other in 27 of the 27"):
        load_pairs(beside)


@pytest.mark.parametrize("names", ["a_wins b_wins tie", "winner_a winner_b is_tie", "is_a_better is_b_better is_tie"])
def test_other_names_of_such_columns(tmp_path: Path, names: str) -> None:
    marks = dict(zip(names.split(), "abt", strict=True))
    path = one_hot(tmp_path / "a.jsonl", marks)
    assert winners(path) == WON.replace("t", "") * 5
    assert f"{names.split()[2]} are read as one label" in load_pairs(path).notes[0]
