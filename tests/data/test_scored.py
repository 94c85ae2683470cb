"""Answers in lists with scores or ranks, and pairs with numbers: which way they go is said, asked, and never inverted."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError, DataError

N = 40


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def answers(i: int) -> list[str]:
    return [f"{letter} is what I say of {i}" for letter in "ABC"]


def listed(**beside: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"What is {i}?", "responses": answers(i), **beside} for i in range(N)]


def said(path: str, **kw: Any) -> set[str]:
    """Chosen and rejected by their letters: "AB"."""
    return {p.chosen[0]["content"][0] + p.rejected[0]["content"][0] for p in load_pairs(path, **kw).pairs}


def offered(text: str) -> list[dict[str, str]]:
    """The mappings that a message offers."""
    return [dict(x.split("=", 1) for x in m.split(",")) for m in re.findall(r"--columns (\S+?)[;.]?(?: |$)", text)]


def test_a_list_of_answers_with_ranks_or_scores(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", listed(order=[2, 3, 1]))
    ranks = {"responses": "responses", "ranks": "order"}
    assert said(path, columns=ranks) == {"CA", "CB"}
    assert said(path, columns={**ranks, "pairs": "all"}) == {"CA", "CB", "AB"}
    assert said(path, columns={"responses": "responses", "scores": "order"}) == {"BA", "BC"}
    assert "scored_list (guessed from all 40 rows): prompt=prompt, responses=responses, ranks=order" in (
        load_pairs(path, columns=ranks).read_as
    )


@pytest.mark.parametrize(
    ("beside", "roles", "best"),
    [
        ({"rank": [2, 3, 1]}, {"ranks", "scores"}, "C"),
        ({"ranking": [1, 3, 2]}, {"ranks", "scores"}, "A"),
        ({"scores": [0.5, 3, 1]}, {"scores"}, "B"),
        ({"rating": ["2/5", "3/5", "1/5"]}, {"scores"}, "B"),
    ],
)
def test_the_ways_on_that_are_offered_work(tmp_path: Path, beside: dict[str, Any], roles: set[str], best: str) -> None:
    path = write(tmp_path / "a.jsonl", listed(**beside))
    with pytest.raises(DataError) as error:
        load_pairs(path)
    ways = offered(str(error.value))
    assert {role for way in ways for role in way} == {"responses", *roles}
    assert {pair[0] for pair in said(path, columns=ways[0])} == {best}


def test_scores_within_the_mappings_of_a_list(tmp_path: Path) -> None:
    rows = [
        {"instruction": f"What is {i}?", "completions": [
            {"model": "m", "response": a, "rating": f"{n}/5"} for a, n in zip(answers(i), (1, 4, 2), strict=True)
        ]} for i in range(N)
    ]  # fmt: skip
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert offered(str(error.value)) == [{"responses": "completions.response", "scores": "completions.rating"}]
    assert said(path, columns=offered(str(error.value))[0]) == {"BA", "BC"}


def test_lists_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [*listed(scores=[1, 2, 3])[1:], {**listed()[0], "scores": [1, 2]}])
    columns = {"responses": "responses", "scores": "scores"}
    with pytest.raises(DataError, match="line 40: column 'responses' holds 3 responses and 'scores' 2 entries"):
        load_pairs(path, columns=columns)
    ties = load_pairs(
        write(tmp_path / "b.jsonl", listed(scores=[1, 3, 2])[8:] + listed(scores=[2, 2, 1])[:8]), columns=columns
    )
    assert (len(ties), ties.dropped) == (64, {"tie": 8})
    odd = write(tmp_path / "c.jsonl", listed(scores=[1, "good", 2]))
    with pytest.raises(DataError, match="column 'scores', entry 2 says 'good', which is not a number"):
        load_pairs(odd, columns=columns)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"responses": "responses"}, "one column, of a list of answers or of one answer a row, needs their scores beside it: scores=NAME"),
        ({"responses": "responses", "scores": "s", "ranks": "r"}, "needs either scores .* or ranks"),
        ({"responses": "responses", "ranks": "r", "pairs": "x"}, "pairs is 'x'; it must be 'best' or 'all'"),
        ({"responses": "responses", "ranks": "r", "choice": "x"}, "role choice does not go with the others"),
        ({"responses": "a|b", "choice": "x", "pairs": "some"}, "pairs is 'some'; it must be 'best' or 'all'"),
    ],
)  # fmt: skip
def test_wrong_mappings_are_said_in_the_words_of_the_command_line(
    tmp_path: Path, columns: dict[str, str], why: str
) -> None:
    rows = [{**r, **dict.fromkeys("srxab", "1")} for r in listed()]
    with pytest.raises(ConfigError, match=why) as error:
        load_pairs(write(tmp_path / "a.jsonl", rows), columns=columns)
    assert "Tuple" not in str(error.value) and "Input" not in str(error.value)


def paired(**numbers: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": f"What is {i}?", "response_1": answers(i)[0], "response_2": answers(i)[1],
         **{name: values[i % len(values)] for name, values in numbers.items()}} for i in range(N)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["rank", "loss", "perplexity"])
def test_where_the_lower_number_is_better_the_advice_says_so(tmp_path: Path, name: str) -> None:
    rows = paired(**{f"{name}_1": [1, 2], f"{name}_2": [2, 1]})
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match="if the lower number is the better answer") as error:
        load_pairs(path)
    (way,) = offered(str(error.value))
    loaded = load_pairs(path, columns=way)
    assert [p.chosen[0]["content"][0] for p in loaded.pairs] == ["A", "B"] * 20
    assert f"the lower number wins: columns {name}_1, {name}_2" in loaded.notes


@pytest.mark.parametrize("name", ["rating", "score"])
@pytest.mark.parametrize("form", ["{}/5", "{} out of 5", "{}.0", "{}"])
def test_ratings_written_as_text_count_as_scores(tmp_path: Path, name: str, form: str) -> None:
    first = [form.format(n) for n in (4, 2, 3, 1)] + ["n/a"]
    second = [form.format(n) for n in (2, 4, 3, 5)] + [form.format(1)]
    path = write(tmp_path / "a.jsonl", paired(**{f"{name}_1": first, f"{name}_2": second}))
    with pytest.raises(DataError, match="if the higher score is the better answer") as error:
        load_pairs(path)
    loaded = load_pairs(path, columns=offered(str(error.value))[0], allow_drops=True)
    assert [p.chosen[0]["content"][0] for p in loaded.pairs] == ["A", "B", "B"] * 8
    assert loaded.dropped == {"tie": 8, "no label": 8}
