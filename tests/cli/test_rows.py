"""From a concept to its rows and from a row to its findings; an audit of other data is not replaced in silence."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call

CHOSEN = 42
"""Of 60 rows the ones whose chosen answer is in bold; rejected is in every fifth."""


def drop(path: Path, shift: int = 0) -> Path:
    words = ["river", "stone", "cloud", "forest", "harbour", "meadow", "island", "valley", "desert", "canyon"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for i in range(60):
            a, b = words[i % 10], words[(i // 10 + i) % 10]
            row = {
                "id": f"row{i}",
                "prompt": f"Where is the {a} of number {i + shift}?",
                "chosen": f"The {f'**{a}**' if i < CHOSEN else a} lies behind the {b} today",
                "rejected": f"Some {f'**{b}**' if i % 5 == 0 else b} is close to that {a} again",
                "vendor": "acme" if i < 30 else "bluebird",
                "side": "left",
            }
            file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(folder / "home"))
        patch.chdir(folder)
        assert call(["audit", str(drop(Path("week1/drop.jsonl"))), "--limit", "60"]) == 0
        yield folder


@pytest.fixture(autouse=True)
def inside(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFTARGET_HOME", str(there / "home"))
    monkeypatch.chdir(there)


def test_the_rows_of_a_concept_go_to_a_file_with_their_metadata(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["rows", "audits/drop", "surface:bold", "--side", "chosen", "--out", "ids.csv"]) == 0
    out = capsys.readouterr().out
    assert "33 rows with more in chosen, 3 with more in rejected, of 60" in out
    with Path("ids.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["id", "side", "u", "prompt", "vendor", "meta_side"]
    assert {r["id"] for r in found} == {f"row{i}" for i in range(CHOSEN) if i % 5}
    assert {(r["side"], r["u"], r["meta_side"]) for r in found} == {("chosen", "1", "left")}
    assert [r["vendor"] for r in found] == ["acme" if int(r["id"][3:]) < 30 else "bluebird" for r in found]
    assert call(["rows", "audits/drop", "surface:bold", "--json"]) == 0
    sides = [r["side"] for r in json.loads(capsys.readouterr().out)]
    assert (sides.count("chosen"), sides.count("rejected")) == (33, 3)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["surface:bolt"], "did you mean surface:bold"),
        (["surface:bold", "--side", "choosen"], "unknown side 'choosen': did you mean chosen?"),
    ],
)
def test_what_is_no_concept_or_side_is_said(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["rows", "audits/drop", *argv]) == 2
    assert says in capsys.readouterr().err


def test_why_shows_the_texts_and_at_most_five_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["why", "audits/drop", "row1"]) == 0
    out, err = capsys.readouterr()
    assert "chosen   The **stone** lies behind the stone today" in out
    assert "vendor=acme" in out
    *lines, about = out[out.index("finding  share") :].splitlines()[1:]
    assert about.startswith("(share: of the sum over all rows that lean that way")
    assert 1 <= len(lines) <= 5 and all(line.startswith("yes") for line in lines)
    assert "bold" in out
    assert call(["why", "audits/drop", "row1", "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > len(out.splitlines()) or "--all" not in err


def test_texts_are_not_shown_where_the_data_is_other_by_now(capsys: pytest.CaptureFixture[str]) -> None:
    kept = Path("week1/drop.jsonl").read_text()
    Path("week1/drop.jsonl").write_text(kept.replace('"row1"', '"other"'))
    try:
        assert call(["why", "audits/drop", "row1"]) == 0
    finally:
        Path("week1/drop.jsonl").write_text(kept)
    out, err = capsys.readouterr()
    assert "its data has other rows by now" in err and "**stone**" not in out and "bold" in out


def test_an_audit_of_other_data_is_not_replaced_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    later = str(drop(Path("week2/drop.jsonl"), shift=100))
    before = Path("audits/drop/audit.json").read_bytes()
    assert call(["audit", later]) == 2
    assert "audits/drop: holds the audit of week1/drop.jsonl (60 pairs" in capsys.readouterr().err
    assert Path("audits/drop/audit.json").read_bytes() == before
    assert call(["audit", "week1/drop.jsonl", "--out", "kept"]) == 0
    assert call(["audit", later, "--out", "kept"]) == 0
    assert "note: kept: the audit of week1/drop.jsonl (60 pairs" in capsys.readouterr().err


def test_one_board_over_cells_of_several_folders(capsys: pytest.CaptureFixture[str]) -> None:
    cells = Path(__file__).resolve().parents[2] / "results" / "cells" / "planted-style"
    assert call(["board", str(cells / "start"), str(cells / "dpo"), "--format", "json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert {r["protocol"] for b in body["boards"] for r in b["rows"]} == {"start", "dpo"}
    assert call(["board", str(cells / "start"), str(cells / "dpo")]) == 0
    assert f"offtarget board {cells / 'start'} {cells / 'dpo'} --format md" in capsys.readouterr().out


def test_several_protocols_are_one_table_with_overshoot_flagged(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["plan", "audits/drop", "-P", "concept=surface:bold", "-P", "strength=-0.5"]
    assert call([*argv, "--protocol", "filter,label_flip,dpo"]) == 0
    out = capsys.readouterr().out
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["filter"].split()[1:4] == ["30", "30", "0"]
    assert lines["label_flip"].split()[1:4] == ["30", "0", "30"]
    assert "past zero" in lines["label_flip"] and "past zero" not in lines["filter"]
    assert "+50.0 points" in lines["label_flip"] and "-50.0 points" in lines["label_flip"]
    assert call([*argv, "--protocol", "filter,label_flop"]) == 2
    assert "did you mean label_flip" in capsys.readouterr().err


def test_verdicts_of_one_drop_plan_the_audit_of_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows are those of the audit that is given as data, vocabulary and options those of the verdicts' audit."""
    drop(Path("week2/drop.jsonl"), shift=100)
    assert call(["audit", "week2/drop.jsonl", "--like", "audits/drop", "--limit", "40", "--out", "audits/week2"]) == 0
    vocabulary = json.loads(Path("audits/drop/audit.json").read_text())["vocabulary"]
    Path("audits/drop/verdicts.yaml").write_text(
        f"schema_version: 1\nvocabulary: {vocabulary}\nverdicts:\n"
        '  - {concept: "surface:bold", decision: suppress, by: me, date: 2026-01-31}\n'
    )
    capsys.readouterr()
    words = ["plan", "audits/week2", "--protocol", "filter", "--verdicts", "audits/drop/verdicts.yaml", "--json"]
    assert call(words) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["pairs"] == 40, "the rows of week2, as many as its audit read"
    assert plan["targets"] == ["suppresses surface:bold (strength -0.3)"]
    Path("audits/drop/verdicts.yaml").unlink()


def test_a_verdict_on_what_a_drop_lacks_is_said_and_the_others_are_carried_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    vocabulary = json.loads(Path("audits/drop/audit.json").read_text())["vocabulary"]
    head = f"schema_version: 1\nvocabulary: {vocabulary}\nverdicts:\n"
    line = '  - {concept: "surface:%s", decision: suppress, by: me, date: 2026-01-31}\n'
    words = ["plan", "audits/drop", "--protocol", "filter", "--verdicts", "two.yaml", "--like", "audits/drop", "--json"]
    Path("two.yaml").write_text(head + line % "bold" + line % "emoji")
    assert call(words) == 0
    both = json.loads(capsys.readouterr().out)
    assert "surface:emoji: all answers are alike in it, so its verdict has nothing to act on" in both["notes"]
    Path("two.yaml").write_text(head + line % "bold")
    assert call(words) == 0
    assert json.loads(capsys.readouterr().out)["hash"] == both["hash"]
    Path("two.yaml").write_text(head + line % "emoji")
    assert call(words) == 2
    assert "never varies over the training pairs" in capsys.readouterr().err


def test_undecided_verdicts_are_counted_and_leave_the_plan_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    template = Path("audits/drop/verdicts.template.yaml").read_text()
    n = template.count("\n  - {")
    one = template.replace("'surface:bold', decision: undecided", "'surface:bold', decision: suppress")
    Path("one.yaml").write_text(one)
    words = ["plan", "audits/drop", "--protocol", "filter", "--like", "audits/drop", "--json", "--verdicts"]
    assert call([*words, "one.yaml"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert f"{n - 1} of {n} verdicts are undecided: they change nothing" in plan["notes"]
    assert plan["targets"] == ["suppresses surface:bold (strength -0.3)"]
    alone = "".join(x for x in one.splitlines(keepends=True) if "undecided}" not in x)
    Path("alone.yaml").write_text(alone)
    assert call([*words, "alone.yaml"]) == 0
    assert json.loads(capsys.readouterr().out)["hash"] == plan["hash"]
    # the sign of a strength is not that of the decision
    assert call([*words, "one.yaml", "-P", "strength=-0.3"]) == 0
    turned = json.loads(capsys.readouterr().out)
    assert turned["targets"] == ["amplifies surface:bold (strength +0.3)"]
    assert turned["notes"][0].startswith(
        "strength -0.3 turns the verdicts round: filter amplifies what was decided to suppress"
    )
    # nothing decided: no plan, of one protocol or of several
    Path("none.yaml").write_text(template)
    several = [
        "plan",
        "audits/drop",
        "--protocol",
        "filter,reweight",
        "--verdicts",
        "none.yaml",
        "--like",
        "audits/drop",
    ]
    assert call(several) == 2
    assert "no plan: filter: " in capsys.readouterr().err
