"""Amounts such as "8/10": one scale for the columns that are compared, or a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.amounts import Amount, amount_of, on_one_scale
from offtarget.data.loading import load_pairs
from offtarget.errors import DataError


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (4, Amount(4.0)),
        ("4.5", Amount(4.5)),
        ("8.8/10", Amount(8.8, 10.0)),
        (" 4 out of 5 ", Amount(4.0, 5.0)),
        ("4/0", None),
        ("good", None),
        (None, None),
    ],
)
def test_what_a_cell_says(cell: Any, amount: Amount | None) -> None:
    assert amount_of(cell) == amount


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["8.8/10", 4.5], [8.8, 4.5]),
        (["8/10", "9/10", 10], [8, 9, 10]),
        (["7/10", "4/5"], [0.7, 0.8]),
        ([8, 45], [8, 45]),
    ],
)
def test_amounts_on_one_scale(cells: list[Any], numbers: list[float]) -> None:
    assert on_one_scale([a for c in cells if (a := amount_of(c))]) == pytest.approx(numbers)


@pytest.mark.parametrize("cells", [["8/10", 45], ["7/10", "4/5", 3]])
def test_amounts_of_no_common_scale_are_refused(cells: list[Any]) -> None:
    with pytest.raises(DataError, match="no common scale"):
        on_one_scale([a for c in cells if (a := amount_of(c))])


COLUMNS = {"a": "one", "b": "two", "votes_a": "score_one", "votes_b": "score_two"}


def scored(path: Path, scores: list[tuple[Any, Any]]) -> str:
    rows = [
        {"prompt": f"What is {i}?", "one": f"A {i}", "two": f"B {i}", "score_one": a, "score_two": b}
        for i, (a, b) in enumerate(scores)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def winners(path: str) -> str:
    return "".join(p.chosen[0]["content"][0] for p in load_pairs(path, columns=COLUMNS).pairs)


def test_the_reader_takes_eight_of_ten_as_eight(tmp_path: Path) -> None:
    scores = [("8.8/10", "4.5"), ("3/10", "6"), ("8", "4/10"), ("2", 9)] * 5
    assert winners(scored(tmp_path / "a.jsonl", scores)) == "ABAB" * 5


def test_the_reader_compares_shares_of_different_wholes(tmp_path: Path) -> None:
    scores = [("4/5", "5/10"), ("2/5", "9/10"), ("4/5", "9/10")] * 5
    assert winners(scored(tmp_path / "a.jsonl", scores)) == "ABB" * 5


@pytest.mark.parametrize("odd", [("8/10", "45"), ("4/5", "9/10")])
def test_one_row_of_another_scale_is_refused(tmp_path: Path, odd: tuple[str, str]) -> None:
    path = scored(tmp_path / "a.jsonl", [*[("8/10", "4"), ("3/10", 6)] * 10, odd])
    with pytest.raises(DataError, match=r"columns score_one, score_two: amounts out of .* no common scale"):
        load_pairs(path, columns=COLUMNS)
