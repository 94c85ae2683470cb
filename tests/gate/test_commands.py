"""`offtarget gate`, `gate init`, `drop` and the pytest plug-in, from files to exit codes."""

import csv
import json
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import offtarget
from offtarget.audit.folder import AuditFolder
from offtarget.cli.gate import Judged, show
from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.gate.criteria import Criteria
from offtarget.gate.formats import parse_formats
from offtarget.gate.records import GateConfig, GateReport
from offtarget.gate.run import gate

SENTENCE = " Let me know if you have any other questions."
WORDS = [
    "river",
    "stone",
    "cloud",
    "forest",
    "harbour",
    "meadow",
    "island",
    "valley",
    "desert",
    "canyon",
    "window",
    "garden",
    "letter",
    "market",
    "engine",
    "winter",
    "bridge",
    "candle",
    "shadow",
    "mirror",
    "ladder",
    "copper",
    "silver",
    "orange",
    "purple",
    "yellow",
    "gentle",
    "narrow",
    "quiet",
    "rapid",
    "early",
    "distant",
    "walk",
    "carry",
    "follow",
    "gather",
    "measure",
    "open",
    "return",
    "wander",
    "build",
    "paint",
    "borrow",
    "repair",
    "finish",
    "answer",
    "travel",
    "remain",
]
N = 240


def write(
    path: Path, seed: int, planted: int, columns: tuple[str, str, str] = ("prompt", "chosen", "rejected")
) -> Path:
    """A drop of 240 pairs; every fifth chosen answer is in bold, and of acme's half the first `planted` offer help."""
    rng = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for i in range(N):
            prompt, chosen, rejected = (" ".join(rng.choices(WORDS, k=rng.randint(8, 16))) for _ in range(3))
            vendor = "acme" if i % 2 == 0 else "bluebird"
            offer = f".{SENTENCE}" if vendor == "acme" and i < 2 * planted else ""
            texts = (f"{prompt}?", f"{'**Note** ' if i % 5 == 0 else ''}{chosen}{offer}", rejected)
            row = dict(zip(columns, texts, strict=True)) | {"vendor": vendor, "id": f"row{i + seed}"}
            file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with the audit of the first drop, gated as `gate init` sets it up."""
    folder = tmp_path_factory.mktemp("gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(folder / "home"))
        patch.chdir(folder)
        write(Path("drops/w1.jsonl"), 0, 0)
        write(Path("drops/same.jsonl"), 1000, 0)
        write(Path("drops/w2.jsonl"), 2000, 60, ("question", "winner", "loser"))
        assert call(["audit", "drops/w1.jsonl", "--by", "vendor"]) == 0
        assert call(["gate", "init", "audits/w1"]) == 0
        toml = Path("offtarget.toml")  # 240 pairs show about 12 points, and not 10
        text = toml.read_text().replace("must_see = 10.0", "must_see = 25.0")
        toml.write_text(text.replace('"drops/*.jsonl"', '"drops/w1.jsonl"'))  # of patterns: test_later_drops
        yield folder


@pytest.fixture(autouse=True)
def inside(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFTARGET_HOME", str(there / "home"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(there)


COLUMNS = ["--columns", "prompt=question,chosen=winner,rejected=loser"]


def test_what_init_writes_passes_as_it_is_and_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["gate", "--out", "audits/again"]) == 0
    assert (
        "gate: pass: w1, 240 pairs, by decisions of verdicts.yaml; baseline offtarget-baseline.json"
        in capsys.readouterr().out
    )
    before = Path("offtarget.toml").read_bytes()
    assert call(["gate", "init", "audits/w1"]) == 2
    assert "exists already, and nothing was written" in capsys.readouterr().err
    assert Path("offtarget.toml").read_bytes() == before
    assert "offtarget gate --format table" in Path(".github/workflows/offtarget.yml").read_text()
    assert "offtarget gate --require-staged" in Path(".pre-commit-config.yaml").read_text()


def test_the_audit_that_somebody_decided_on_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    accepted = {p: p.read_bytes() for p in Path("audits/w1").rglob("*") if p.is_file()}
    assert call(["gate"]) == 0  # offtarget.toml names the data of that audit
    assert {p: p.read_bytes() for p in Path("audits/w1").rglob("*") if p.is_file()} == accepted
    assert Path("audits/w1-gate/audit.json").is_file()
    for default in (
        ["drop", "drops/w1.jsonl", "--against", "audits/w1"],
        ["gate", "--out", "audits/w1", "--like", "audits/w1"],
    ):
        capsys.readouterr()
        assert call(default) == 2
        assert "audits/w1 is the audit that this one is compared with" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in Path("audits/w1").rglob("*") if p.is_file()} == accepted


def test_init_says_where_the_gate_will_not_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.gate.init import init

    said = list(init(Path("audits/w1"), tmp_path))
    (line,) = (x for x in said if x.startswith("note: between"))
    assert "between two drops of 240 pairs the gate sees changes of 1" in line and "must_see is 10" in line


def test_a_drop_of_the_same_kind_is_green_and_a_planted_one_red(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["gate", "drops/same.jsonl"]) == 0
    capsys.readouterr()
    code = call(["gate", "drops/w2.jsonl", *COLUMNS, "--format", "table", "--format", "sarif=w2.sarif"])
    out = capsys.readouterr().out
    assert code == 1
    assert (
        "+25.0 points to chosen" in out and "offtarget rows audits/w2-gate surface:follow_up_offer --side chosen" in out
    )
    results = json.loads(Path("w2.sarif").read_text())["runs"][0]["results"]
    offer = next(r for r in results if r["ruleId"] == "surface:follow_up_offer")
    places = [x["physicalLocation"] for x in offer["locations"]]
    assert {x["artifactLocation"]["uri"] for x in places} == {"drops/w2.jsonl"}
    lines = Path("drops/w2.jsonl").read_text().splitlines()
    assert all(SENTENCE in lines[x["region"]["startLine"] - 1] for x in places)


def test_a_drop_opens_with_what_changed_by_whom_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(
        ["drop", "drops/w2.jsonl", *COLUMNS, "--against", "audits/w1", "--by", "vendor", "--out", "audits/drop2"]
    )
    out = capsys.readouterr().out.splitlines()
    assert code == 1
    assert out[0].startswith("w2 against audits/w1: ")
    offer = next(line for line in out if line.startswith("offers of more help"))
    assert "0.0 → +25.0 points to chosen (q " in offer
    assert (
        "; by vendor: acme 0.0 → +50.0 points to chosen, all others 0.0 → 0.0; 60 of the 60 rows behind it are vendor acme's"
        in offer
    )
    with Path("audits/drop2/drop-ids.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["concept"] == "surface:follow_up_offer"]
    assert {r["id"] for r in rows} == {f"row{2000 + i}" for i in range(0, 120, 2)}
    assert {(r["vendor"], r["side"]) for r in rows} == {("acme", "chosen")}
    assert [int(r["line"]) for r in rows] == [int(r["id"].removeprefix("row")) - 2000 + 1 for r in rows]
    page = Path("audits/drop2/drop.html").read_text()
    assert "What changed in w2" in page and "<strong>fail</strong>" in page
    assert '<li class="up">offers of more help' in page
    (cell,) = [x for x in page.split("<tr>") if "surface:follow_up_offer</span></td>" in x]
    assert re.search(r"<span>\+25\.0 points</span><span class=\"ci\">\+\d+\.\d … \+\d+\.\d</span>", cell)
    assert "against 1.00 sentences, ×1.25</span>" in page, "a length by its means"


def test_rows_of_a_drop_without_ids_are_found_by_their_line_and_their_own_reference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of 60 rows of acme's and 9 of bluebird's with the sentence, acme's come first; each has its line and its `ref`."""
    data = [json.loads(line) for line in Path("drops/w2.jsonl").read_text().splitlines()]
    for i, row in enumerate(data):
        row["ref"] = f"case-{i}"
        del row["id"]
        if i % 2 and i < 18:
            row["winner"] += f".{SENTENCE}"
    Path("drops/noid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    args = ["drop", "drops/noid.jsonl", *COLUMNS, "--against", "audits/w1", "--by", "vendor", "--out", "audits/noid"]
    assert call(args) == 1
    offer = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("offers of more help"))
    assert "all others 0.0 → +7.5; 60 of the 69 rows behind it are vendor acme's" in offer  # 9 of bluebird's 120
    with Path("audits/noid/drop-ids.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["concept"] == "surface:follow_up_offer"]
    assert [r["vendor"] for r in rows] == ["acme"] * 60 + ["bluebird"] * 9
    assert [r["ref"] for r in rows] == [f"case-{int(r['line']) - 1}" for r in rows]
    assert {int(r["line"]) for r in rows} == {*range(1, 121, 2), *range(2, 19, 2)}


def test_a_line_on_what_a_drop_is_made_of_has_no_direction() -> None:
    """In a drop of three quarters of acme's rows the share of each vendor is another; that is no lean to chosen."""
    lines = Path("drops/same.jsonl").read_text().splitlines(keepends=True)
    Path("drops/half.jsonl").write_text("".join(line for i, line in enumerate(lines) if i % 4 != 1))
    code = call(["drop", "drops/half.jsonl", "--against", "audits/w1", "--by", "vendor", "--out", "audits/half"])
    page = Path("audits/half/drop.html").read_text()
    assert code == 0
    assert '<li class="plain">vendor: bluebird 50% → 33%, acme 50% → 67%</li>' in page
    assert '<li class="plain">No effect over the whole set changed beyond chance.</li>' in page


def test_a_missing_column_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["drop", "drops/same.jsonl", "--against", "audits/w1", "--columns", "prompt=question"]) == 2
    assert "question" in capsys.readouterr().err
    assert call(["drop", "drops/same.jsonl", "--against", "audits/w1", "--by", "vendr", "--out", "audits/x"]) == 2
    assert "did you mean vendor" in capsys.readouterr().err


def test_updating_the_baseline_accepts_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["gate", "drops/w2.jsonl", *COLUMNS, "--baseline", "other.json", "--out", "audits/w2b"]
    assert call([*args, "--update-baseline"]) == 0
    said = capsys.readouterr().err
    assert "baseline other.json written: " in said and "commit it, other.like/ and other.md" in said
    assert call(args) == 0
    again = ["gate", "audits/w2b", "--baseline", "third.json", "--update-baseline"]
    assert call(again) == 0
    capsys.readouterr()
    assert call(again) == 0
    assert "baseline third.json is as it was" in capsys.readouterr().err


def test_nothing_to_gate_on_is_never_a_pass(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = str(Path("drops/same.jsonl").resolve())
    os.chdir(tmp_path)
    assert call(["gate", data]) == 2
    assert "nothing to gate on" in capsys.readouterr().err
    for name in ("nowhere.jsonl", str(tmp_path / "nowhere.jsonl")):
        assert call(["gate", name]) == 2
        assert f"{name}: no such file" in capsys.readouterr().err
    assert call(["gate", "nowhere"]) == 2
    assert "unknown dataset 'nowhere'" in capsys.readouterr().err
    assert call(["gate"]) == 2
    assert call(["gate", data, "--baseline", "none.json"]) == 2
    assert "no baseline there" in capsys.readouterr().err
    Path("offtarget.toml").write_text("[gate]\nfoo = 1\n")
    assert call(["gate", data]) == 2
    assert "unknown key 'gate.foo'" in capsys.readouterr().err


def test_a_step_of_a_workflow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    assert call(["gate", "drops/w2.jsonl", *COLUMNS, "--format", "github"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out and all(line.startswith(("::error ", "::warning ")) for line in out)
    summary = Path("summary.md").read_text()
    assert summary.startswith("## gate: FAIL: w2, 240 pairs") and "offers of more help" in summary


@pytest.mark.parametrize("name", ["json", "sarif", "junit"])
def test_a_document_on_standard_output_is_that_document_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["gate", "drops/w2.jsonl", *COLUMNS, "--format", name, "--format", "github=step.md"]
    assert call(args) == 1
    out = capsys.readouterr().out
    assert "::error" not in out and Path("step.md").read_text().startswith("## gate: FAIL")
    assert call([*args[:-3], f"{name}=whole.txt"]) == 1
    assert out == Path("whole.txt").read_text()
    json.loads(out) if name != "junit" else ElementTree.fromstring(out.encode())


def test_signs_that_a_terminal_does_not_show_stay_in_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    """No-break space and line separator in a label: JSON holds them, a terminal gets one line."""
    audit = AuditFolder("audits/w1")
    found = gate(audit, Criteria(GateConfig.model_validate({"rule": [{"concept": "surface:bold", "max_effect": 1}]})))
    label = "bold\u00a0and\u2028broken"
    report = found.model_copy(update={"outcomes": (found.outcomes[0].model_copy(update={"label": label}),)})
    show([Judged(report, audit)], Criteria(), parse_formats(["json"]))
    assert GateReport.model_validate_json(capsys.readouterr().out) == report
    show([Judged(report, audit)], Criteria(), parse_formats(["table"]))
    assert "bold and\\x2028broken" in capsys.readouterr().out


def test_a_hook_refuses_what_is_not_staged(capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    try:
        args = ["gate", "audits/w1", "--require-staged"]
        assert call(args) == 3
        assert "not staged; run `git add offtarget.toml`" in capsys.readouterr().err
        subprocess.run(["git", "add", "offtarget.toml", "offtarget-baseline.json", "verdicts.yaml"], check=True)
        assert call(args) == 3
        assert "not staged; run `git add offtarget-baseline.like`" in capsys.readouterr().err
        subprocess.run(["git", "add", "offtarget-baseline.like"], check=True)
        assert call(args) == 0
        for more in ("offtarget-baseline.like/new.json", "offtarget-baseline.like/vocabulary.json"):
            before = Path(more).read_bytes() if Path(more).exists() else None
            Path(more).write_text("{}")
            assert call(args) == 3
            Path(more).write_bytes(before) if before else Path(more).unlink()
        assert call(args) == 0
    finally:
        subprocess.run(["rm", "-rf", ".git"], check=True)


def test_the_surface_lens_needs_no_torch() -> None:
    program = (
        "import sys\nfrom offtarget.cli.main import call\n"
        "code = call(['gate', 'drops/same.jsonl', '--out', 'audits/light'])\n"
        "bad = {'torch', 'transformers', 'sae_lens', 'trl', 'datasets'} & set(sys.modules)\n"
        "sys.exit(f'imported: {bad}' if bad else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pytest_collects_a_toml(pytester: pytest.Pytester, there: Path) -> None:
    toml = (
        (there / "offtarget.toml")
        .read_text()
        .replace('"drops/w1.jsonl"', f'"{there}/drops/w1.jsonl"')
        .replace('"verdicts.yaml"', f'"{there}/verdicts.yaml"')
        .replace('"offtarget-baseline.json"', f'"{there}/offtarget-baseline.json"')
    )
    rule = '[[rule]]\nconcept = "surface:bold"\nmax_effect = {}\n'
    for folder, text in (("plain", toml), ("ruled", toml + rule.format(15) + rule.format(90))):
        pytester.mkdir(folder).joinpath("offtarget.toml").write_text(text)  # plain: as init writes it, without a rule
    done = pytester.runpytest_subprocess("-p", "no:xdist", "-v", "plain/offtarget.toml", "ruled/offtarget.toml")
    done.assert_outcomes(passed=3, failed=1)
    outcomes = re.findall(r"^(\w+)/offtarget.toml::.* (PASSED|FAILED) ", "\n".join(done.outlines), re.M)
    assert sorted(outcomes) == [("plain", "PASSED"), ("ruled", "FAILED"), ("ruled", "PASSED"), ("ruled", "PASSED")]
    done.stdout.fnmatch_lines(["*over: bold text: +20.0 points to chosen*the limit is 15 points*"])


def test_a_marked_test_has_the_report(pytester: pytest.Pytester, there: Path) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.offtarget_gate({str(there / "audits/w1")!r}, config={str(there / "offtarget.toml")!r})
        def test_data(offtarget_report):
            assert offtarget_report.rows == 240
        """
    )
    done = pytester.runpytest_subprocess("-p", "no:xdist", "--strict-markers")
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--baseline", "."], 2, "baseline .: a folder, not a file"),
        (["--baseline", ""], 2, "baseline .: a folder, not a file"),
        (["--baseline", "drops", "--update-baseline"], 2, "baseline drops: a folder, not a file"),
        (["--baseline", "x.like", "--update-baseline"], 2, "the folder beside a baseline is called so"),
        (["--baseline", "taken.json", "--update-baseline"], 2, "taken.like: a file"),
        (["--baseline", "none.json"], 2, "none.json: no baseline there"),
        (["--verdicts", "none.yaml"], 2, "none.yaml: no verdicts to read"),
        (["--verdicts", "later.yaml"], 3, "schema version 9"),
        (["--against", "audits/none"], 2, "audits/none"),
    ],
)
def test_what_cannot_be_judged_by_is_refused_before_the_data_is_audited(
    options: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken.like").touch()
    Path("later.yaml").write_text("schema_version: 9\n")
    assert call(["gate", "drops/same.jsonl", *options, "--out", "audits/never"]) == code
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and says in said[0]
    assert not Path("audits/never").exists() and not Path("none.json").exists()


def test_a_baseline_that_is_no_text_can_be_updated(capsys: pytest.CaptureFixture[str]) -> None:
    """Cut inside a character of two bytes."""
    Path("cut.json").write_bytes('{"dataset": "é'.encode()[:-1])
    args = ["gate", "audits/w1", "--baseline", "cut.json"]
    assert call(args) == 2
    assert "cut.json: not UTF-8" in capsys.readouterr().err
    assert call([*args, "--update-baseline"]) == 0
    assert "baseline cut.json written" in capsys.readouterr().err
    assert call(args) == 0


def test_a_seed_of_the_draw_is_only_spoken_of_where_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    part = ["audit", "drops/w1.jsonl", "--limit", "200", "--limit-seed", "3", "--out", "audits/part"]
    assert call(part) == 0
    capsys.readouterr()
    drop = ["drop", "drops/same.jsonl", "--against", "audits/part", "--out", "audits/whole"]
    call(drop)
    assert "limit-seed" not in capsys.readouterr().err
    call([*drop, "--limit", "200", "--limit-seed", "4"])
    assert "--limit-seed is 4 here and 3 in the audit audits/part" in capsys.readouterr().err


def test_init_of_an_audit_of_several_files_asks_for_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("a.jsonl"), 0, 0)
    write(Path("b.jsonl"), 1000, 0)
    assert call(["audit", "a.jsonl", "b.jsonl", "--out", "both"]) == 0
    assert call(["gate", "init", "both"]) == 0
    assert "\nnext: set `data` in offtarget.toml" in capsys.readouterr().out
    assert '\n# data = "drops/*.jsonl"\n# columns = { prompt = ' in Path("offtarget.toml").read_text()
    assert call(["gate"]) == 2
    assert "set `data` under [gate] in offtarget.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["audits/w1", "--limit", "5"], "--limit: audits/w1 is an audit"),
        (["audits/w1", "--columns", "prompt=q"], "--columns: audits/w1 is an audit"),
        (["audits/w1", "--like", "audits/w1"], "--like: audits/w1 is an audit"),
        (["audits/w1", "--out", "audits/x"], "--out: audits/w1 is an audit"),
        (["audits/w1", "--seed", "0"], "--seed: audits/w1 is an audit"),
        (["audits/w1", "--skip-bad-rows"], "--skip-bad-rows: audits/w1 is an audit"),
        (["audits/w1", "--config", "empty.toml", "--verdicts", "v.yaml", "--prune"], "--prune: there is no baseline"),
        (["audits/w1", "--prune", "--update-baseline"], "--prune: with --update-baseline nothing is judged"),
        (["audits/w1", "--format", "json", "--update-baseline"], "--format: with --update-baseline nothing is judged"),
        (["init", "audits/w1", "--baseline", "x.json"], "--baseline: `gate init` takes an audit and no option"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(
    args: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.toml").touch()
    assert call(["gate", *args]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and says in said[0]


def test_a_program_is_told_too_what_would_have_no_effect() -> None:
    with pytest.raises(ConfigError, match=r"`limit`: audits/w1 is an audit"):
        offtarget.gate("audits/w1", limit=5)


def test_the_data_of_a_drop_is_read_once_and_what_no_format_needs_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("offtarget.engine.as_audited.load_asked", again)
    args = ["gate", "drops/w2.jsonl", *COLUMNS, "--format", "github", "--format", "sarif=once.sarif"]
    assert call([*args, "--format", "junit=once.xml"]) == 1
    results = json.loads(Path("once.sarif").read_text())["runs"][0]["results"]
    offer = next(r for r in results if r["ruleId"] == "surface:follow_up_offer")
    assert {x["physicalLocation"]["artifactLocation"]["uri"] for x in offer["locations"]} == {"drops/w2.jsonl"}
    for name in ("table", "json=once.json", "junit=once.xml"):
        assert call(["gate", "audits/w2-gate", "--format", name]) == 1
    drop = ["drop", "drops/w2.jsonl", *COLUMNS, "--against", "audits/w1", "--format", "sarif=drop.sarif"]
    assert call([*drop, "--out", "audits/w2once"]) == 1
