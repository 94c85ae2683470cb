"""What a person far from the machine that ran the gate can do: commands in order, places of errors, files that came along."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.gate.test_commands import write
from tests.gate.test_later_drops import Said, repo  # noqa: F401 - a fixture

from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.gate.formats import parse_formats
from offtarget.gate.last import last
from offtarget.gate.verdicts import read_for
from offtarget.verdicts import parse

AGAIN = "offtarget gate drops/w10.jsonl"


@pytest.fixture()
def red(repo: Path) -> Path:  # noqa: F811
    write(Path("drops/w10.jsonl"), 2000, 60)
    return repo


def test_a_failure_says_first_how_to_make_the_audit_elsewhere(red: Path, capsys: Said) -> None:
    """The folder of the audit is on the runner alone; the commands on it come after the one that makes it."""
    summary = [
        "--format",
        "github=s.md",
        "--format",
        "sarif=g.sarif",
        "--format",
        "junit=g.xml",
        "--format",
        "json=g.json",
    ]
    assert call(["gate", "--format", "table", *summary]) == 1
    out = capsys.readouterr().out
    line = next(x for x in out.splitlines() if x.startswith("::error"))
    assert f"On your machine: {AGAIN}; then offtarget rows audits/w10-gate surface:" in line
    steps = Path("s.md").read_text().split("On your machine:")[1].splitlines()[2:5]
    assert steps[0] == f"1. `{AGAIN}` makes the same audit there"
    assert "offtarget review audits/w10-gate --verdicts verdicts.yaml" in steps[2]
    sarif = json.loads(Path("g.sarif").read_text())
    assert f"Its rows: On your machine: {AGAIN}; then" in sarif["runs"][0]["results"][0]["message"]["text"]
    assert f"{AGAIN}; then offtarget rows" in Path("g.xml").read_text()
    assert json.loads(Path("g.json").read_text())["again"] == AGAIN
    assert "On your machine" not in out.split("::error")[0], "here the audit is there"


def test_the_command_names_what_the_gate_was_given(red: Path, capsys: Said) -> None:
    Path("other.yaml").write_text(Path("verdicts.yaml").read_text())
    Path("my own.toml").write_text(Path("offtarget.toml").read_text())
    args = ["gate", "drops/w10.jsonl", "--config", "my own.toml", "--verdicts", "other.yaml", "--format", "json"]
    assert call(args) == 1
    assert json.loads(capsys.readouterr().out)["again"] == f"{AGAIN} --config 'my own.toml' --verdicts other.yaml"
    assert call(["gate", "audits/w10-gate", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["again"] == "", "an audit is on this machine alone"
    kept = last(AuditFolder("audits/w10-gate"))
    assert kept is not None and kept.report.result == "fail"


def test_the_workflow_brings_what_the_gate_says_along_and_no_text(red: Path) -> None:
    steps = yaml.safe_load(Path(".github/workflows/offtarget.yml").read_text())["jobs"]["gate"]["steps"]
    run = next(s["run"] for s in steps if s.get("name") == "gate").split()
    written = sorted(word.partition("=")[2] for word in run if "=" in word)
    upload = next(s["with"]["path"] for s in steps if "upload-artifact" in s.get("uses", ""))
    assert sorted(upload.split()) == written == [f"audits/offtarget.{x}" for x in ("json", "sarif", "xml")]
    assert call(run[1:]) == 1
    texts = [
        json.loads(row)[side]
        for row in Path("drops/w10.jsonl").read_text().splitlines()
        for side in ("chosen", "rejected")
    ]
    for name in written:
        held = Path(name).read_text()
        assert not [t for t in texts if len(t) > 40 and t[:40] in held], f"{name} holds no text of the data"


def test_nothing_is_left_that_git_does_not_know_what_to_do_with(red: Path) -> None:
    """After a run as in the workflow and a decision on a page: only the drop is new."""
    from offtarget.review.desk import Desk

    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "."], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, "commit", "-qm", "all"], check=True)
    write(Path("drops/w11.jsonl"), 1000, 0)
    call(["gate", "--format", "sarif=audits/offtarget.sarif", "--format", "junit=audits/offtarget.xml"])
    for file in (Path("verdicts.yaml"), None):
        desk = Desk(AuditFolder("audits/w10-gate"), file, by="ann")
        desk.decide(["overall|surface:follow_up_offer|"], "allow")
        desk.close()
    said = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    names = {line[3:].split("/")[0] for line in said.splitlines()}
    assert names == {"verdicts.yaml", "drops"}


def test_a_gitignore_that_is_there_is_left_alone(tmp_path: Path, repo: Path, capsys: Said) -> None:  # noqa: F811
    kept = ("audits", "drops", "home")
    for path in [p for p in Path().iterdir() if p.name not in kept]:
        subprocess.run(["rm", "-r", str(path)], check=True)
    Path(".gitignore").write_text("*.pyc\n")
    assert call(["gate", "init", "audits/w9"]) == 0
    assert (
        ".gitignore exists; add to it: verdicts.yaml.journal.jsonl and .verdicts.yaml.lock" in capsys.readouterr().out
    )
    assert Path(".gitignore").read_text() == "*.pyc\n"


def test_what_cannot_be_judged_is_annotated_at_its_line(red: Path, capsys: Said) -> None:
    Path("verdicts.yaml").write_text("schema_version: 1\nverdicts:\n  - {concept: a,\n     decision: allow\n")
    assert call(["gate", "--format", "github"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("::error file=verdicts.yaml,line=3,title=offtarget gate could not judge::")
    Path("verdicts.yaml").write_text("schema_version: 1\nvocabulary: x\nverdicts:\n  - {concept: a, decison: allow}\n")
    assert call(["gate", "--format", "github"]) == 2
    assert capsys.readouterr().out.startswith("::error file=verdicts.yaml,line=1,title=")


@pytest.mark.parametrize("text", ["a: [1,\n", "a: {b: 1\n\n\n", "a: 'x\n", "a: 1\nb: [\n  c: {\n"])
def test_no_line_is_named_that_the_file_does_not_have(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "verdicts.yaml")
    line = int(str(error.value).split("verdicts.yaml, line ")[1].split(":")[0])
    assert 1 <= line <= len(text.rstrip().splitlines())


def test_a_drop_that_cannot_be_read_hides_nothing_of_the_others(red: Path, capsys: Said) -> None:
    Path("drops/w11.jsonl").write_text('{"question": "cut o')
    assert call(["gate", "--format", "table", "--format", "github"]) == 2
    said = capsys.readouterr()
    assert "gate: FAIL: w10" in said.out and "offers of more help" in said.out
    assert "drops/w11.jsonl line 1: not JSON" in said.err
    assert "::error file=drops/w11.jsonl,line=1,title=offtarget gate could not judge" in said.out


def test_a_verdict_that_judges_nothing_is_named_with_what_may_be_meant(red: Path, tmp_path: Path) -> None:
    assert call(["audit", "drops/w9.jsonl", "--by", "vendor", "--out", "audits/by"]) == 0
    audit = AuditFolder("audits/by").audit
    file = tmp_path / "v.yaml"
    file.write_text(
        f"schema_version: 1\nvocabulary: {audit.vocabulary}\nby: ann\ndate: 2026-01-31\nverdicts:\n"
        "  - {concept: 'surface:bold', context: 'meta:vendor=acmee', decision: allow}\n"
    )
    (note, *_) = read_for(file, audit)[1]
    assert note.startswith("1 verdict of ") and "judges nothing" in note
    assert note.endswith("surface:bold in meta:vendor=acmee (did you mean meta:vendor=acme?)")


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*gone to write x\.sarif into"):
        parse_formats([f"sarif={tmp_path}/gone/x.sarif"])
    assert not (tmp_path / "gone").exists()


def test_columns_of_one_kind_of_file_are_not_for_all_of_a_folder(red: Path, capsys: Said) -> None:
    """drops/w11.jsonl has the named columns, the files before it do not."""
    write(Path("drops/w11.jsonl"), 1000, 0, ("prompt", "winner", "loser"))
    toml = Path("offtarget.toml").read_text().replace('data = "drops/*.jsonl"', 'data = "drops"')
    columns = 'columns = { prompt = "prompt", chosen = "winner", rejected = "loser" }'
    Path("offtarget.toml").write_text("\n".join(columns if "columns =" in x else x for x in toml.split("\n")))
    assert call(["gate"]) == 2
    said = capsys.readouterr().err
    assert "no column 'winner'" in said
    assert "are of all files of drops; where these differ, make `data` a pattern of files, each a drop" in said
