"""From `gate init` on without an edit: a later drop is judged, its decision counts, and each file is where it belongs."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.gate.test_commands import COLUMNS, write

import offtarget
from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.gate.drops import drops_of, in_order
from offtarget.gate.install import address
from offtarget.review.desk import Desk
from offtarget.review.gated import gated

ROOT = Path(__file__).resolve().parents[2]
Said = pytest.CaptureFixture[str]


@pytest.fixture()
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with the accepted drop w9, set up by `gate init`; 240 pairs show about 12 points."""
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    for name in ("GITHUB_STEP_SUMMARY", "PRE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(Path("drops/w9.jsonl"), 0, 0)
    assert call(["audit", "drops/w9.jsonl"]) == 0
    assert call(["gate", "init", "audits/w9"]) == 0
    must_see(25)
    yield folder


def must_see(points: int) -> None:
    toml = Path("offtarget.toml")
    toml.write_text(toml.read_text().replace("must_see = 10.0", f"must_see = {points}.0"))


def test_a_new_file_is_judged_without_an_edit_and_the_accepted_one_is_not_again(repo: Path, capsys: Said) -> None:
    assert call(["gate"]) == 0
    out = capsys.readouterr().out
    assert (
        "w9, 240 pairs" in out and "warning: these are the very rows that offtarget-baseline.json was made from" in out
    )
    write(Path("drops/w10.jsonl"), 2000, 60)  # after w9: numbers count
    write(Path("drops/w8.jsonl"), 3000, 60)
    write(Path("drops/w11.csv"), 3000, 60)
    assert call(["gate"]) == 1
    out = capsys.readouterr().out
    assert "gate: FAIL: w10, 240 pairs" in out and "offers of more help" in out and "very rows" not in out
    assert 'judged, as data = "drops/*.jsonl": drops/w10.jsonl; the baseline is of drops/w9.jsonl' in out
    assert "not judged, as by name they are before drops/w9.jsonl: drops/w8.jsonl" in out
    assert "does not match them: drops/w11.csv" in out


def test_every_later_drop_is_judged_and_the_worst_counts(repo: Path, capsys: Said) -> None:
    """A bad drop is not hidden by a good one that comes after it."""
    write(Path("drops/w10.jsonl"), 2000, 60)
    write(Path("drops/w11.jsonl"), 1000, 0)
    args = ["--format", "table", "--format", "json=g.json", "--format", "sarif=g.sarif", "--format", "junit=g.xml"]
    assert call(["gate", *args]) == 1
    out = capsys.readouterr().out
    assert "gate: FAIL: w10" in out and "gate: pass: w11" in out
    assert [r["dataset"] for r in json.loads(Path("g.json").read_text())] == ["w10", "w11"]
    runs = json.loads(Path("g.sarif").read_text())["runs"]
    assert [r["automationDetails"]["id"] for r in runs] == ["offtarget gate/w10/", "offtarget gate/w11/"]
    suites = ElementTree.parse("g.xml").getroot()
    assert [s.get("name") for s in suites] == ["offtarget gate: w10", "offtarget gate: w11"]
    assert int(suites.get("tests", "")) == sum(len(s.findall("testcase")) for s in suites)
    for option in (["--update-baseline"], ["--prune"], ["--out", "audits/x"]):
        capsys.readouterr()
        assert call(["gate", *option]) == 2
        assert (
            f"{option[0]}: offtarget.toml names several drops (drops/w10.jsonl, drops/w11.jsonl)"
            in capsys.readouterr().err
        )
    assert call(["gate", "drops/w10.jsonl", "--update-baseline"]) == 0
    capsys.readouterr()
    call(["gate"])  # w11 beside the new normal of w10
    out = capsys.readouterr().out
    assert "w11, 240 pairs" in out and "w10, 240 pairs, by" not in out


def test_a_decision_that_the_gate_asks_for_makes_it_green(repo: Path, capsys: Said) -> None:
    write(Path("drops/w10.jsonl"), 2000, 60)
    assert call(["gate"]) == 1
    assert "\ndecide: offtarget review audits/w10-gate --verdicts verdicts.yaml\n" in capsys.readouterr().out
    folder = AuditFolder("audits/w10-gate")
    file, said = gated(folder)  # also without --verdicts
    assert file == Path("verdicts.yaml") and "the decisions are in verdicts.yaml, which offtarget.toml names" in said
    report = json.loads(_json(capsys))
    desk = Desk(folder, file, by="ann")
    for o in report["outcomes"]:
        if o["severity"] == "error":
            desk.decide([f"{o['view']}|{o['concept']}|"], "allow")
    desk.close()
    assert call(["gate"]) == 0
    assert " allowed" in capsys.readouterr().out
    Path("audits/w10-gate/verdicts.yaml").write_text(Path("verdicts.yaml").read_text() + "# another\n")
    assert gated(folder) == (
        None,
        "note: offtarget.toml names verdicts.yaml, and the gate reads that one alone; decide there with --verdicts verdicts.yaml",
    )
    assert call(["gate"]) == 0
    assert "the decisions in audits/w10-gate/verdicts.yaml are not read: verdicts.yaml is" in capsys.readouterr().out


def _json(capsys: Said) -> str:
    capsys.readouterr()
    call(["gate", "--format", "json"])
    return capsys.readouterr().out


def test_a_file_of_verdicts_of_another_vocabulary_is_not_taken_for_an_audit(repo: Path) -> None:
    Path("verdicts.yaml").write_text("schema_version: 1\nvocabulary: other\nverdicts: []\n")
    assert gated(AuditFolder("audits/w9")) == (None, "")


def test_verdicts_that_are_not_committed_are_called_that(repo: Path, capsys: Said) -> None:
    Path("verdicts.yaml").unlink()
    assert call(["gate", "--out", "audits/never"]) == 2
    assert (
        "verdicts.yaml: not there, and offtarget.toml names it (`verdicts`); was it committed?"
        in capsys.readouterr().err
    )
    assert not Path("audits/never").exists()


def test_an_audit_is_not_read_before_broken_verdicts_are_refused(repo: Path, capsys: Said) -> None:
    Path("verdicts.yaml").write_text("verdicts: [\n")
    Path("audits/w9/workings.npz").write_bytes(b"")
    Path("audits/w9/audit.json").write_text('{"schema_version": 2}')
    assert call(["gate", "audits/w9"]) == 2
    assert "verdicts.yaml" in capsys.readouterr().err


def test_decisions_on_the_accepted_audit_go_with_it(tmp_path: Path, repo: Path, capsys: Said) -> None:
    desk = Desk(AuditFolder("audits/w9"), by="ann")
    desk.decide(["overall|surface:bold|"], "suppress", why="style")
    desk.close()
    for name in (
        "offtarget.toml",
        "offtarget-baseline.json",
        "offtarget-baseline.md",
        "verdicts.yaml",
        ".github/workflows/offtarget.yml",
    ):
        Path(name).unlink()
    assert call(["gate", "init", "audits/w9"]) == 2  # the folder beside the baseline is one of the files
    assert "offtarget-baseline.like: exists already" in capsys.readouterr().err
    subprocess.run(["rm", "-r", "offtarget-baseline.like"], check=True)
    assert call(["gate", "init", "audits/w9"]) == 0
    assert "wrote verdicts.yaml: the 1 decisions of audits/w9/verdicts.yaml" in capsys.readouterr().out
    assert Path("verdicts.yaml").read_text() == Path("audits/w9/verdicts.yaml").read_text()


def test_what_init_says_to_add_is_all_that_another_machine_needs(repo: Path, tmp_path: Path, capsys: Said) -> None:
    git = ["git", "-c", "user.email=a@b", "-c", "user.name=ann"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "gate"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    held = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split()
    assert not [name for name in held if name.startswith("audits/") and name != "audits/.gitignore"]
    subprocess.run(["git", "clone", "-q", ".", str(tmp_path / "runner")], check=True)
    os.chdir(tmp_path / "runner")
    assert call(["gate"]) == 0
    write(Path("drops/w10.jsonl"), 2000, 60)
    assert call(["gate"]) == 1


def test_the_hook_runs_for_the_data_and_what_it_is_judged_by(repo: Path) -> None:
    import re

    files = yaml.safe_load(Path(".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]["files"]
    runs = ["drops/w10.jsonl", "drops/w10.csv", "offtarget.toml", "verdicts.yaml", "offtarget-baseline.json"]
    runs += ["offtarget-baseline.like/vocabulary.npz"]
    assert [f for f in runs if not re.search(files, f)] == []
    assert [f for f in ("package.json", "tests/table.csv", "README.md") if re.search(files, f)] == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("drops/w1.jsonl", 'data = "drops/*.jsonl"'),
        ("drops/2026.01.05.jsonl.gz", 'data = "drops/*.jsonl.gz"'),
        ("drops/w1/pairs.jsonl", 'data = "drops/*/pairs.jsonl"'),
        ("w1.jsonl", 'data = "w1.jsonl"'),
    ],
)
def test_init_names_the_drops_from_its_own_folder(
    data: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    import gzip

    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    path = write(Path(data), 0, 0)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert call(["audit", str(path.resolve()), "--limit", "200", "--out", "audits/a"]) == 0
    assert call(["gate", "init", "audits/a"]) == 0
    assert named in Path("offtarget.toml").read_text().splitlines()
    assert "note: the accepted audit read 200 pairs (--limit 200); the gate reads all rows" in capsys.readouterr().out
    call(["gate"])
    said = capsys.readouterr()
    assert "240 pairs" in said.out and "read 200 pairs of its data (--limit 200), and all 240 are read here" in said.err


def test_drops_are_in_the_order_of_their_names() -> None:
    assert sorted(["w10", "w9", "w9b", "a", "2026-02-01", "2026-01-31"], key=in_order) == [
        "2026-01-31", "2026-02-01", "a", "w9", "w9b", "w10",
    ]  # fmt: skip


def test_a_pattern_without_a_later_file_is_no_pass(repo: Path) -> None:
    baseline = Path("offtarget-baseline.json")
    Path("drops/w9.jsonl").rename("drops/w8.jsonl")
    with pytest.raises(ConfigError, match=r"no file of data = .* is later by name than drops/w9.jsonl"):
        drops_of("drops/*.jsonl", Path(), baseline, "offtarget.toml")
    with pytest.raises(ConfigError, match="no file matches"):
        drops_of("drops/*.parquet", Path(), baseline, "offtarget.toml")
    assert drops_of("drops/*.jsonl", Path(), None, "offtarget.toml").files == ("drops/w8.jsonl",)


def test_columns_that_are_not_found_name_the_key_of_the_toml(repo: Path, capsys: Said) -> None:
    write(Path("drops/w10.jsonl"), 2000, 0, ("frage", "gut", "schlecht"))
    assert call(["gate"]) == 2
    assert "`columns` under [gate] in offtarget.toml, such as columns = { prompt =" in capsys.readouterr().err
    toml = Path("offtarget.toml")
    text = 'columns = { prompt = "frage", chosen = "gut", rejected = "schlecht" }\n'
    toml.write_text(toml.read_text().replace("baseline =", f"{text}baseline ="))
    assert call(["gate"]) == 0
    assert call(["gate", "drops/w10.jsonl"]) == 0  # a file of the pattern has its columns
    write(Path("drops/acme-1.jsonl"), 3000, 0, ("q", "good", "bad"))
    both = f'"drops/w*" = {text.removeprefix("columns = ").strip()}'
    both += ', "drops/a*" = { prompt = "q", chosen = "good", rejected = "bad" }'
    toml.write_text(toml.read_text().replace(text, f"columns = {{ {both} }}\n"))
    assert call(["gate"]) == 0
    assert call(["gate", "drops/acme-1.jsonl"]) == 0


def test_pytest_has_every_later_drop(repo: Path) -> None:
    write(Path("drops/w10.jsonl"), 2000, 60)
    write(Path("drops/w11.jsonl"), 1000, 0)
    words = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "offtarget.toml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "w10:" in done.stdout and "w11:" not in done.stdout
    assert "INTERNALERROR" not in done.stdout


def test_what_cannot_be_judged_is_an_annotation_and_a_summary(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("offtarget-baseline.json").unlink()
    for words in (["gate"], ["drop", "none.jsonl", "--against", "audits/w9"]):
        capsys.readouterr()
        assert call([*words, "--format", "github"]) == 2
        said = capsys.readouterr()
        (line,) = said.out.splitlines()
        assert line.startswith("::error title=offtarget gate could not judge::") and said.err.startswith("offtarget: ")
        assert line.split("::")[-1].split(":")[0] in said.err
    assert Path("summary.md").read_text().count("## gate: could not judge") == 2
    assert call(["gate", "--format", "json", "--format", "github=step.md"]) == 2
    assert capsys.readouterr().out == "" and Path("step.md").read_text().startswith("## gate: could not judge")


def test_under_pre_commit_what_is_not_staged_is_spoken_of(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    write(Path("drops/w10.jsonl"), 2000, 60)
    assert call(["gate"]) == 1
    assert "pre-commit" not in capsys.readouterr().err
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert call(["gate"]) == 1
    assert "`git add offtarget-baseline.json offtarget-baseline.like verdicts.yaml`" in capsys.readouterr().err


class Installed:
    """A distribution with a direct_url.json."""

    def __init__(self, said: object) -> None:
        self._said = said

    def read_text(self, _: str) -> str | None:
        return json.dumps(self._said) if self._said else None


def test_a_workflow_installs_from_what_a_runner_can_reach(tmp_path: Path) -> None:
    git = {"vcs": "git", "commit_id": "0" * 40}
    for said, found in (
        ({"url": "https://example.org/o.git", "vcs_info": git}, f"git+https://example.org/o.git@{'0' * 40}"),
        ({"url": "https://example.org/o.whl", "archive_info": {}}, "https://example.org/o.whl"),
        ({"url": (tmp_path / "tools/o").as_uri(), "dir_info": {}}, "./tools/o"),
        ({"url": "file:///elsewhere/o", "dir_info": {}}, None),
        ({"url": "ssh://git@example.org/o.git", "vcs_info": git}, None),
        ({"url": "https://user:secret@example.org/o.git", "vcs_info": git}, None),
        (None, None),
    ):
        assert address(tmp_path, Installed(said)) == found  # type: ignore[arg-type]


def test_the_install_step_fails_in_one_line_until_it_is_edited(repo: Path) -> None:
    text = Path(".github/workflows/offtarget.yml").read_text()
    job = yaml.safe_load(text)["jobs"]["gate"]
    (step,) = [s["run"] for s in job["steps"] if s.get("name") == "install"]
    done = subprocess.run(
        ["bash", "-e", "-c", step], env={"OFFTARGET": "EDIT-ME", "PATH": ""}, capture_output=True, text=True, check=False,
        executable="/bin/bash",
    )  # fmt: skip
    assert done.returncode == 1 and done.stdout.startswith("::error file=.github/workflows/offtarget.yml,line=11::")
    assert "OFFTARGET:" in text.splitlines()[10] and len(done.stdout.splitlines()) == 1
    pin = next(x for x in (ROOT / "constraints.txt").read_text().splitlines() if x.startswith("torch=="))
    assert f"pip install {pin} " in step and 'pip install "$OFFTARGET"' in step


def test_a_program_judges_what_it_names(repo: Path) -> None:
    write(Path("drops/w10.jsonl"), 2000, 60, ("question", "winner", "loser"))
    assert offtarget.gate("drops/w10.jsonl").result == "fail"
    assert call(["gate", "drops/w10.jsonl", *COLUMNS]) == 1
