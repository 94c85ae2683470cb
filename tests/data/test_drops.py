"""What is left out: counted, listed, said where decisions are made, and refused where it is too much."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call
from offtarget.data.drops import drop_cautions
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import DroppedRow
from offtarget.errors import DataError


def rows(n: int, *odd: Any) -> list[Any]:
    good = [{"prompt": f"What is {i}?", "chosen": f"It is {i}.", "rejected": f"No {i * i}."} for i in range(n)]
    return [*odd, *good]


EMPTY = {"prompt": "q", "chosen": "", "rejected": "b"}
TIE = {"prompt": "q", "chosen": "same", "rejected": "same"}


def write(path: Path, content: list[Any]) -> str:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in content) + "\n")
    return str(path)


def test_rows_are_listed_with_their_line_and_reason(tmp_path: Path) -> None:
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows(20, EMPTY, TIE)))
    assert loaded.dropped == {"empty response": 1, "identical responses": 1}
    assert loaded.dropped_rows == (
        DroppedRow("a.jsonl line 1", "empty response"),
        DroppedRow("a.jsonl line 2", "identical responses"),
    )
    assert loaded.n_usable == 20


@pytest.mark.parametrize(("n", "lost", "warned"), [(99, 1, False), (98, 2, True), (80, 20, True)])
def test_over_one_in_a_hundred_is_a_warning(tmp_path: Path, n: int, lost: int, warned: bool) -> None:
    from offtarget.data.drops import drop_cautions

    said = drop_cautions(load_pairs(write(tmp_path / "a.jsonl", rows(n, *[EMPTY] * lost))))
    assert bool(said) is warned
    if warned:
        assert said[0].startswith(f"{lost} of {n + lost} pairs ({lost}.0%) cannot be used: {lost} empty response")
        assert "a.jsonl line 1" in said[0] and "--dropped FILE" in said[0]


def test_over_one_in_five_is_refused_unless_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", rows(79, *[EMPTY] * 21))
    with pytest.raises(DataError, match=r"21 of 100 pairs \(21.0%\) cannot be used.*--allow-drops"):
        load_pairs(path)
    assert len(load_pairs(path, allow_drops=True)) == 79


def judged(winner: str | None, n: int) -> list[Any]:
    return [
        {"prompt": f"How is {i}?", "answer_a": f"So {i}.", "answer_b": f"No {i}.", "winner": winner} for i in range(n)
    ]


def test_ties_are_no_fault_however_many_but_they_are_said(tmp_path: Path) -> None:
    from offtarget.data.check import check
    from offtarget.data.drops import drop_cautions

    path = write(tmp_path / "a.jsonl", [*judged("a", 15), *judged("b", 15), *judged("tie", 70)])
    loaded = load_pairs(path)
    assert (len(loaded), loaded.dropped) == (30, {"tie": 70})
    assert drop_cautions(loaded) == [
        "70 of 100 pairs (70.0%) are ties and left out: what is found holds for pairs in which somebody had a preference"
    ]
    assert check(path).fit.told.startswith("yes, but 70 of 100 pairs (70.0%) are ties and left out")
    few = write(tmp_path / "b.jsonl", [*judged("a", 40), *judged("b", 40), *judged("tie", 20)])
    assert not drop_cautions(load_pairs(few))


@pytest.mark.parametrize(
    ("odd", "reason"),
    [(judged(None, 21), "no label"), (judged("", 21), "no label"), ([TIE] * 21, "identical responses")],
)
def test_missing_labels_and_equal_answers_count_like_any_other_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], odd: list[Any], reason: str
) -> None:
    good = rows(79) if odd[0] is TIE else [*judged("a", 40), *judged("b", 39)]
    path = write(tmp_path / "a.jsonl", [*good, *odd])
    with pytest.raises(DataError, match=rf"21 of 100 pairs \(21.0%\) cannot be used: 21 {reason}"):
        load_pairs(path)
    assert call(["data", "check", path]) == 2
    assert "fit to audit: no: 21 of 100 pairs (21.0%) cannot be used" in capsys.readouterr().out
    assert len(load_pairs(path, allow_drops=True)) == 79


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ("{this is not JSON", "not JSON"),
        ("[1, 2]", "not a JSON object but a list"),
        ({"prompt": "q", "chosen": None, "rejected": "b"}, "column 'chosen' is null"),
        ({"prompt": "q", "chosen": "a"}, "no column 'rejected'"),
        ({"prompt": "q", "chosen": 3, "rejected": "b"}, "column 'chosen' is a number"),
    ],
)
def test_one_broken_row_stops_with_a_way_out(tmp_path: Path, odd: Any, message: str) -> None:
    path = write(tmp_path / "a.jsonl", [*rows(100), odd])
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert str(error.value).startswith(f"a.jsonl line 101: {message}")
    assert str(error.value).endswith("; --skip-bad-rows goes on without such rows")
    loaded = load_pairs(path, skip_bad_rows=True)
    assert (len(loaded), loaded.dropped) == (100, {"broken row": 1})
    (row,) = loaded.dropped_rows
    assert row.where == "a.jsonl line 101" and message in row.detail


def test_csv_goes_on_after_a_broken_line(tmp_path: Path) -> None:
    lines = ["prompt,chosen,rejected", *(f"q{i},a{i},b" for i in range(20)), "q,a,b,c", "last,a,b"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    loaded = load_pairs(str(tmp_path / "a.csv"), skip_bad_rows=True)
    assert [r.where for r in loaded.dropped_rows] == ["a.csv line 22"]
    assert loaded.pairs[-1].prompt[0]["content"] == "last"


def test_data_check_lists_them_in_a_file_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", rows(6, EMPTY, "{broken", EMPTY))
    out = tmp_path / "left.jsonl"
    check = ["data", "check", path, "--skip-bad-rows", "--dropped"]
    assert call([*check, str(out)]) == 2
    assert [json.loads(line) for line in out.read_text().splitlines()][:2] == [
        {"where": "a.jsonl line 1", "reason": "empty response", "detail": ""},
        {
            "where": "a.jsonl line 2",
            "reason": "broken row",
            "detail": "not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)); "
            "each line must be one JSON object",
        },
    ]
    told = capsys.readouterr()
    assert "6 pairs from 6 prompts" in told.out
    assert "3 of 9 pairs (33.3%) cannot be used" in told.err
    assert call([*check, str(tmp_path / "left.csv"), "--allow-drops", "--json"]) == 0
    with (tmp_path / "left.csv").open() as f:
        listed = list(csv.DictReader(f))
    assert [r["where"] for r in listed] == ["a.jsonl line 1", "a.jsonl line 2", "a.jsonl line 3"]
    assert [r["where"] for r in json.loads(capsys.readouterr().out)["dropped"]] == [r["where"] for r in listed]
    assert call([*check, str(tmp_path / "left.txt")]) == 2
    assert "must end in .jsonl or .csv" in capsys.readouterr().err


def test_all_rows_lost_are_still_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "left.csv"
    assert call(["data", "check", write(tmp_path / "a.jsonl", [EMPTY] * 3), "--dropped", str(out)]) == 2
    assert "no pair is left to compare (3 empty response (the first: a.jsonl line 1))" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 4


def test_the_warning_is_in_audit_report_plan_and_dry_run(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.jsonl", rows(60, EMPTY, EMPTY))
    said = "2 of 62 pairs (3.2%) cannot be used"
    assert call(["audit", path, "--out", str(tmp_path / "audit")]) == 0
    assert said in capsys.readouterr().err
    assert said in (tmp_path / "audit" / "report.html").read_text()
    assert call(["plan", path, "--protocol", "reweight", "-P", "concept=surface:characters"]) == 0
    assert said in capsys.readouterr().err
    assert call(["run", "style", "--set", f"data={path}", "--dry-run"]) == 0
    assert said in capsys.readouterr().err


def test_audit_plan_and_run_take_both_ways_out(
    tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.jsonl", [*rows(60), *["{broken"] * 20])
    verbs = [
        ["audit", path, "--out", str(tmp_path / "audit")],
        ["plan", path, "--protocol", "reweight", "-P", "concept=surface:characters"],
        ["run", "style", "--set", f"data={path}", "--dry-run"],
    ]
    for verb in verbs:
        assert call(verb) == 2
        assert "a.jsonl line 61: not JSON" in capsys.readouterr().err
        assert call([*verb, "--skip-bad-rows"]) == 2
        assert "20 of 80 pairs (25.0%) cannot be used: 20 broken row" in capsys.readouterr().err
        assert call([*verb, "--skip-bad-rows", "--allow-drops"]) == 0
        capsys.readouterr()


def table(path: Path, *rows: str) -> str:
    path.write_text("".join(f"{row}\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("every", [3, 4, 10, 40])
def test_a_column_that_is_missing_at_regular_distances_has_the_same_way_out(tmp_path: Path, every: int) -> None:
    """The first row lacks it, and each tenth: a sample of every fortieth row would see none that can be read."""
    good = rows(4000)
    data = [{k: v for k, v in row.items() if k != "rejected" or i % every} for i, row in enumerate(good)]
    path = write(tmp_path / "a.jsonl", data)
    with pytest.raises(DataError) as error:
        load_pairs(path)
    assert str(error.value).startswith("a.jsonl line 1: no column 'rejected'")
    assert str(error.value).endswith("; --skip-bad-rows goes on without such rows")
    loaded = load_pairs(path, skip_bad_rows=True, allow_drops=True)
    assert len(loaded) == 4000 - -(-4000 // every)


def test_a_header_that_a_table_repeats_is_no_pair(tmp_path: Path) -> None:
    header, rows = "prompt,chosen,rejected", [f"What is {i}?,good {i},bad {i}" for i in range(4)]
    path = table(tmp_path / "a.csv", header, *rows[:2], header, *rows[2:], f"\ufeff{header}")
    pairs = load_pairs(path)
    assert [p.chosen[0]["content"] for p in pairs.pairs] == [f"good {i}" for i in range(4)]
    assert pairs.dropped == {"header again": 2}
    assert [row.where for row in pairs.dropped_rows] == ["a.csv line 4", "a.csv line 7"]
    assert drop_cautions(pairs) == [], "no pair is lost"


def test_a_header_of_another_order_further_down_is_refused(tmp_path: Path) -> None:
    rows = "prompt,chosen,rejected", "What is 1?,good,bad", "prompt,rejected,chosen", "What is 2?,bad,good"
    with pytest.raises(DataError, match=r"^a\.csv line 3 is a header with the columns in another order"):
        load_pairs(table(tmp_path / "a.csv", *rows))


def test_a_column_that_says_its_own_name_is_a_row(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "prompt,chosen,rejected", "prompt,chosen,no", "What is 2?,good,bad")
    assert len(load_pairs(path)) == 2


def test_the_first_row_that_is_named_is_the_first_that_was_left_out(tmp_path: Path) -> None:
    null = {"prompt": "q", "chosen": "a", "rejected": None}
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows(30, TIE, null, EMPTY, EMPTY)))
    pairs = load_pairs(str(path), skip_bad_rows=True)
    (text,) = drop_cautions(pairs)
    first = pairs.dropped_rows[0].where
    assert first == "a.jsonl line 1" and f"(the first: {first}" in text
