"""What each format holds, with the limits of those who read it, and text of data that is only text."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offtarget.audit.folder import AuditFolder
from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError
from offtarget.gate.criteria import Criteria
from offtarget.gate.formats import FORMATS, github, parse_formats
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateConfig, GateReport
from offtarget.gate.run import gate

Make = Callable[..., AuditFolder]
HOSTILE = '100 %: <script>"a", b|`c`\r\n::error::x\x1b[31m'


@pytest.fixture(scope="module")
def case(audits: Make) -> tuple[AuditFolder, GateReport]:
    config = GateConfig.model_validate({"rule": [{"concept": "surface:*", "max_effect": 10}]})
    audit = audits(6, 2000, offer=0.11)
    return audit, gate(audit, Criteria(config))


def many(report: GateReport, n: int, **changes: Any) -> GateReport:
    o = report.outcomes[0]
    outcomes = [o.model_copy(update={"id": f"{o.id}{k}", "concept": f"surface:c{k}", **changes}) for k in range(n)]
    return report.model_copy(update={"outcomes": tuple(outcomes)})


class Anywhere(Locations):
    """Every outcome in one line."""

    def __init__(self, n: int = 1) -> None:
        self.n = n

    def of(self, o: Any) -> list[Any]:
        return [("data/a%20b.jsonl", k + 1, f"row{k}") for k in range(self.n)]


def test_a_table_has_one_line_a_failure_with_the_command_that_shows_its_rows(case: Any) -> None:
    text = FORMATS["table"](case[1], Anywhere())
    assert text.startswith("gate: FAIL: set6, 2000 pairs, by 1 rule of")
    failed = [line for line in text.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1 and "+11.0 points to chosen" in failed[0]
    assert failed[0].endswith("surface:offer --side chosen]")
    assert "at 2000 pairs the gate sees a lean of" in text


def test_json_is_the_record(case: Any) -> None:
    assert GateReport.model_validate_json(FORMATS["json"](case[1], Anywhere())) == case[1]


def test_junit_has_a_case_a_rule_and_one_for_the_gate(case: Any) -> None:
    text = FORMATS["junit"](case[1], Anywhere())
    root = ET.fromstring(text.encode())
    cases = root.findall(".//testcase")
    assert [c.get("name") for c in cases] == ["decides", "limit"]
    assert root.get("failures") == "1" and root.get("tests") == "2"
    assert "the limit is 10 points" in (cases[1][0].get("message") or "")
    hostile = many(case[1], 1, label=HOSTILE, message=HOSTILE)
    broken = ET.fromstring(FORMATS["junit"](hostile, Anywhere()).encode())
    assert "<script>" in (broken.find(".//failure").get("message") or "")  # type: ignore[union-attr]
    undecided = case[1].model_copy(update={"result": "undecided", "exit_code": 3, "outcomes": ()})
    assert len(ET.fromstring(FORMATS["junit"](undecided, Anywhere()).encode()).findall(".//error")) == 1


def test_every_sarif_result_has_a_relative_place_and_a_fingerprint(case: Any) -> None:
    audit, report = case
    run = json.loads(FORMATS["sarif"](report, Locations(audit, report, root=audit.path)))["runs"][0]
    assert [r["ruleId"] for r in run["results"]] == ["surface:offer"]
    assert run["tool"]["driver"]["rules"][0]["id"] == "surface:offer"
    for result in run["results"]:
        for place in result["locations"]:
            where = place["physicalLocation"]
            uri = where["artifactLocation"]["uri"]
            assert uri == "audit.json" and where["region"]["startLine"] >= 1
            assert place["logicalLocations"][0]["fullyQualifiedName"].startswith("set6")
        assert set(result["partialFingerprints"]) == {"offtarget/finding/v1"}
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    again = json.loads(FORMATS["sarif"](report.model_copy(update={"rows": 7}), Anywhere()))["runs"][0]
    assert again["results"][0]["partialFingerprints"] == run["results"][0]["partialFingerprints"]


def test_sarif_says_what_was_cut(case: Any) -> None:
    few = json.loads(FORMATS["sarif"](many(case[1], 2), Anywhere(150)))["runs"][0]
    assert [len(r["locations"]) for r in few["results"]] == [100, 100]
    run = json.loads(FORMATS["sarif"](many(case[1], 5003), Anywhere()))["runs"][0]
    assert len(run["results"]) == 5000
    assert [run["results"][k]["ruleIndex"] for k in (0, 4999)] == [0, 4999]
    notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes[0].startswith("3 results are left out")


def test_rows_of_a_plain_file_are_its_lines(tmp_path: Path) -> None:
    """A cell of two lines, an empty line and one that is broken count; an id that came before has its own line."""
    table = tmp_path / "a.csv"
    table.write_text('id,prompt,chosen,rejected\nx,p,"two\nlines",b\nx,p,"two\nlines",b\ny,q,c,d\n')
    assert load_pairs(str(table)).lines == {"x": 2, "x-2": 4, "y": 6}
    lines = tmp_path / "a.jsonl"
    row = '{"id": "%s", "prompt": "p", "chosen": "a", "rejected": "b"}\n'
    lines.write_text("\n" + row % "x" + "broken\n" + row % "y")
    assert load_pairs(str(lines), skip_bad_rows=True, allow_drops=True).lines == {"x": 2, "y": 4}
    whole = tmp_path / "a.json"
    whole.write_text(json.dumps([json.loads(row % name) for name in "xy"], indent=1))
    assert load_pairs(str(whole)).lines == {}  # one text, whose items are on no line of their own


def test_github_shows_nine_and_says_how_many_more(case: Any) -> None:
    lines = FORMATS["github"](many(case[1], 30), Anywhere()).splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("::error file=data/a%2520b.jsonl,line=1,title=")
    assert lines[-1].endswith("::21 more are in the summary of this step")


def test_github_commands_are_one_line_each_whatever_the_text(case: Any) -> None:
    text = FORMATS["github"](many(case[1], 1, label=HOSTILE, message=HOSTILE), Anywhere())
    assert len(text.splitlines()) == 1
    head, _, body = text[2:].partition("::")
    assert "%3A" in head and "%2C" in head and "100 %25" in body and "%0D%0A" in body


def test_a_summary_stays_below_the_size_at_which_it_is_dropped(case: Any) -> None:
    text = github.summary(many(case[1], 5000, message="x" * 500))
    assert 500_000 < len(text.encode()) <= 900_000
    assert "more are left out here" in text
    hostile = github.summary(many(case[1], 1, label=HOSTILE))
    assert "<script>" not in hostile and hostile.count("\n| error |") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["jsn"], "unknown format 'jsn': did you mean json"),
        (["json", "table"], "cannot be printed too"),
        (["json="], "write it as json=FILE"),
        (["json=a", "sarif=a"], "two formats"),
    ],
)
def test_formats_that_cannot_be(given: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_formats(given)
