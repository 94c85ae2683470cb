"""One table, and how each writer shows it."""

import csv
import io
import json
import re

import pytest

from offtarget.board.tables import Entry, as_csv, as_html, as_json, as_markdown, ours, table

SHOWN = table(
    "Scores",
    ["name", Entry("score (share)", ("score", "share")), "cells"],
    [
        ["a|b", Entry("0.50 [0.40, 0.60]", ("0.50", "0.40 … 0.60"), key=0.5), ours("`abc`")],
        ["=cmd", None, ours("`def`")],
    ],
    about="What was measured.",
    words=["name"],
)


def test_markdown_escapes_what_is_not_ours() -> None:
    assert as_markdown(SHOWN, level=3) == [
        "### Scores",
        "",
        "What was measured.",
        "",
        "| name | score (share) | cells |",
        "| --- | ---: | ---: |",
        "| a\\|b | 0.50 \\[0.40, 0.60\\] | `abc` |",
        "| =cmd | – | `def` |",
        "",
    ]


def test_csv_holds_the_words_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(SHOWN))))
    assert rows == [["name", "score (share)", "cells"], ["a|b", "0.50 [0.40, 0.60]", "`abc`"], ["'=cmd", "", "`def`"]]


@pytest.mark.parametrize("text", ["=1", "+2-3", "-2+3", "-A1", "@x", "-1e5x", "-0.5 [-1, 0]"])
def test_csv_quotes_what_a_spreadsheet_takes_for_a_formula(text: str) -> None:
    assert as_csv(table("", ["x"], [[text]])).splitlines()[1].strip('"') == "'" + text


@pytest.mark.parametrize("text", ["+0.5", "-0.5", "-2", "-1e-05", "−0.5 [−1, 0]", "−A1", "2-3"])
def test_csv_leaves_numbers_and_the_typographic_minus(text: str) -> None:
    assert as_csv(table("", ["x"], [[text]])).splitlines()[1].strip('"') == text


def test_json_has_null_for_what_is_missing() -> None:
    (found,) = json.loads(as_json([SHOWN]))
    assert found["title"] == "Scores" and found["head"] == ["name", "score (share)", "cells"]
    assert found["rows"][1] == ["=cmd", None, "`def`"]


def test_html_shows_lines_below_each_other_and_sorts_by_the_number() -> None:
    text = str(as_html(SHOWN))
    assert re.search(r'<td class="n" data-h="score" data-v="0.5">0.50<span[^>]*>0.40 … 0.60</span></td>', text)
    assert "<td>a|b</td>" in text and "[0.40" not in text
    evil = table("", ["<b>"], [["<script>"]])
    assert "<script>" not in as_html(evil) and "&lt;script&gt;" in as_html(evil)
