"""Repeats, opposite labels and circles of preferences, where each can be counted by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.check import DataReport, check
from offtarget.data.cycles import cycles
from offtarget.data.identity import pair_keys
from offtarget.data.pairs import Pair


def checked(tmp_path: Path, rows: list[tuple[str, str, str]]) -> DataReport:
    lines: list[dict[str, Any]] = [
        {"id": f"r{i}", "prompt": p, "chosen": c, "rejected": r} for i, (p, c, r) in enumerate(rows)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return check(str(path))


def test_opposite_labels_are_found_whatever_the_case_and_white_space(tmp_path: Path) -> None:
    rows = [
        ("How so?", "Like this.", "Like that."),
        ("How so?", "Like that.", "Like this."),  # word for word
        ("Why so?", "Like this.", "Like that."),
        ("Why so? ", "Like that.\n", " Like  this."),  # white space
        ("When?", "Like this.", "Like that."),
        ("WHEN?", "LIKE THAT.", "LIKE THIS."),  # case
        ("Where?", "Like this.", "Like that."),
        ("Where?", "Like this.", "Like thát."),  # another answer
    ]
    report = checked(tmp_path, rows)
    found = [(c.one_way + c.other_way) for c in report.contradictions]
    assert sorted(map(sorted, found)) == [["r0", "r1"], ["r2", "r3"], ["r4", "r5"]]
    assert report.n_contradictions == 6
    assert report.stats.n_groups == 4


def test_repeats_and_equal_sides_whatever_the_case_and_white_space(tmp_path: Path) -> None:
    rows = [("q", "A a", "b"), ("Q ", "a  A", "B"), ("q", "A a", "c"), ("q", "same", "SAME ")]
    report = checked(tmp_path, rows)
    assert (report.n_duplicates, report.duplicates) == (1, (("r0", "r1"),))
    assert (report.n_same_sides, report.same_sides) == (1, ("r3",))
    assert report.n_contradictions == 0  # a text is not preferred to itself


def pairs_of(edges: list[tuple[str, str]], prompt: str = "q") -> list[Pair]:
    def said(role: str, text: str) -> Any:
        return [{"role": role, "content": text}]

    return [
        Pair(f"{prompt}{i}", prompt, said("user", prompt), said("assistant", a), said("assistant", b))
        for i, (a, b) in enumerate(edges)
    ]


CYCLES: list[tuple[list[tuple[str, str]], int]] = [
    ([("A", "B"), ("B", "C"), ("C", "A")], 3),
    ([("A", "B"), ("b ", "c"), ("C", " a")], 3),
    ([("A", "B"), ("B", "C"), ("A", "C")], 0),
    ([("A", "B"), ("B", "A")], 0),  # a contradiction, not a circle
    ([("A", "B"), ("B", "A"), ("B", "C"), ("C", "B")], 0),  # two contradictions
    ([("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")], 4),
    ([("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"), ("C", "A")], 3),  # the shorter way round
    ([("A", "B"), ("B", "A"), ("B", "C"), ("C", "A")], 3),  # a contradiction within a circle
]


@pytest.mark.parametrize(("edges", "length"), CYCLES)
def test_the_shortest_circle_of_three_or_more(edges: list[tuple[str, str]], length: int) -> None:
    pairs = pairs_of(edges)
    found = cycles(pairs, pair_keys(pairs))
    assert [len(c.rows) for c in found] == ([length] if length else [])
    by_id = {p.id: key for p, key in zip(pairs, pair_keys(pairs), strict=True)}
    for c in found:  # each rejected response is the next row's chosen one
        for one, following in zip(c.rows, (*c.rows[1:], c.rows[0]), strict=True):
            assert by_id[one][2] == by_id[following][1]


def test_circles_are_counted_by_prompt_and_do_not_cross_prompts() -> None:
    circle = [("A", "B"), ("B", "C"), ("C", "A")]
    pairs = [*pairs_of(circle, "one"), *pairs_of(circle, "two"), *pairs_of(circle[:2], "three")]
    pairs += pairs_of([("C", "A")], "four")  # would close the circle of another prompt
    found = cycles(pairs, pair_keys(pairs))
    assert [c.n_rows for c in found] == [3, 3]
    assert {r[:3] for c in found for r in c.rows} == {"one", "two"}


def test_every_kind_in_the_trial_of_contradictions(shared_data: Path) -> None:
    """The file holds 5 opposites word for word, 5 by white space, 5 by case, and 5 circles of three."""
    path = shared_data.parent / "trials" / "cases" / "12-contradictions.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not available")
    report = check(str(path))
    assert (len(report.contradictions), report.n_contradictions) == (15, 30)
    assert (report.n_cycles, [len(c.rows) for c in report.cycles]) == (5, [3] * 5)
