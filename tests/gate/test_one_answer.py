"""The command, `offtarget.gate` and the pytest plug-in judge the same data by the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import offtarget
import offtarget.errors
from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.gate.here import gate_config

Make = Callable[..., AuditFolder]
OVER = '[[rule]]\nconcept = "surface:bold"\nmax_effect = {}\n'


def verdicts(audit: AuditFolder) -> dict[str, Any]:
    """A verdicts file in which nobody decided on anything."""
    return {
        "schema_version": 1,
        "vocabulary": audit.audit.vocabulary,
        "by": "ann",
        "date": "2026-01-31",
        "verdicts": [],
    }


@pytest.fixture()
def decided(make_audit: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an audit in which `offer` leans by 20 points, verdicts beside it, and a toml with one wide limit."""
    audit = make_audit(tmp_path / "audits" / "w1", 2, 600, {"offer": 0.2})
    (audit.path / "verdicts.yaml").write_text(yaml.safe_dump(verdicts(audit)))
    (tmp_path / "offtarget.toml").write_text('[gate]\ndata = "audits/w1"\n' + OVER.format(90))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drop(path: Path, n: int = 60) -> None:
    """Pairs whose chosen answers are in bold; with columns of other names too, which hold the sides turned around."""
    with path.open("w") as file:
        for i in range(n):
            bold, plain = f"The **river** runs past stone {i}.", f"A cloud hangs over valley {i}."
            row = {"prompt": f"question {i}?", "chosen": bold, "rejected": plain}
            file.write(json.dumps(row | {"q": row["prompt"], "winner": plain, "loser": bold}) + "\n")


def test_verdicts_beside_the_audit_that_a_toml_names_count_everywhere(
    decided: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(decided)
    assert call(["gate"]) == 1
    out = capsys.readouterr().out
    assert "decisions of audits/w1/verdicts.yaml" in out and "+20.0 points to chosen" in out
    reports = *gate_config(Path("offtarget.toml")), offtarget.gate("audits/w1")
    assert [(r.exit_code, [(o.status, o.concept) for o in r.of("error")]) for r in reports] == [
        (1, [("undecided", "surface:offer")])
    ] * 2
    monkeypatch.chdir(pytester.path)
    toml = (decided / "offtarget.toml").read_text().replace("audits/w1", f"{decided}/audits/w1")
    pytester.makefile(".toml", offtarget=toml)
    done = pytester.runpytest_inprocess("-p", "no:xdist", "-v", "offtarget.toml")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*::findings FAILED*"])


def test_columns_of_a_toml_are_of_the_data_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    drop(Path("named.jsonl"))
    drop(Path("other.jsonl"))
    columns = 'columns = { prompt = "q", chosen = "winner", rejected = "loser" }\n'
    Path("offtarget.toml").write_text(f'[gate]\ndata = "named.jsonl"\n{columns}' + OVER.format(50))

    def side(data: str) -> list[float]:
        return [round(o.effect) for o in offtarget.gate(data).outcomes]

    assert side("named.jsonl") == side(str(Path("named.jsonl").resolve())) == [-1]
    assert side("other.jsonl") == [1]
    assert call(["gate", "other.jsonl", "--format", "json=other.json"]) == 1
    assert [round(o["effect"]) for o in json.loads(Path("other.json").read_text())["outcomes"]] == [1]


def test_pairs_in_a_json_file_are_data_and_no_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    drop(Path("a.jsonl"))
    Path("a.json").write_text(json.dumps([json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]))
    Path("offtarget.toml").write_text(OVER.format(50))
    assert call(["gate", "a.json"]) == 1
    assert "gate: FAIL: a, 60 pairs" in capsys.readouterr().out
    assert call(["plan", "a.json", "--protocol", "filter", "-P", "concept=surface:bold", "-P", "strength=-0.3"]) == 0
    assert call(["gate", "audits/a-gate/audit.json"]) == 1
    capsys.readouterr()
    assert call(["plan", "audits/a-gate/audit.json", "--protocol", "dpo"]) == 0


def test_the_command_that_shows_the_rows_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    drop(Path("named.jsonl"))
    (tmp_path / "sub").mkdir()
    drop(Path("sub/inner.jsonl"))
    Path("sub/offtarget.toml").write_text('[gate]\ndata = "inner.jsonl"\n' + OVER.format(50))
    Path("offtarget.toml").write_text(OVER.format(50))
    for report in (offtarget.gate("named.jsonl"), *gate_config(Path("sub/offtarget.toml"))):
        words = report.of("error")[0].command.split()
        assert words[:2] == ["offtarget", "rows"] and call(words[1:]) == 0
    assert Path("audits/named-gate/audit.json").is_file() and Path("sub/audits/inner-gate/audit.json").is_file()
    drop(Path("sub/named.jsonl"), 50)
    with pytest.raises(offtarget.errors.ConfigError, match=r"holds the audit of named\.jsonl"):
        offtarget.gate("sub/named.jsonl")
    assert offtarget.gate("sub/named.jsonl", out="audits/inner").rows == 50


def test_a_broken_toml_is_one_line_at_collection(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", offtarget="[gate]\nfoo = 1\n")
    done = pytester.runpytest_inprocess("-p", "no:xdist", "offtarget.toml")
    done.assert_outcomes(errors=1)
    lines = done.outlines
    assert any("unknown key 'gate.foo'" in line for line in lines) and not any("Traceback" in line for line in lines)
    assert len(lines) < 15


def test_a_mark_that_cannot_be_judged_is_one_line(decided: Path, make_audit: Make, pytester: pytest.Pytester) -> None:
    make_audit(decided / "audits" / "w2", 3, 600, {}, ("bold", "offer"))
    other = "audits/w2", "audits/w1/verdicts.yaml"
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.offtarget_gate({str(decided / other[0])!r}, verdicts={str(decided / other[1])!r})
        def test_other():
            pass

        @pytest.mark.offtarget_gate()
        def test_nothing():
            pass
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:xdist")
    done.assert_outcomes(errors=2)
    said = [line for line in done.outlines if "vocabular" in line and not line.startswith("ERROR")]
    assert len(said) == 1
    assert not any("Traceback" in line or "def gate" in line for line in done.outlines) and len(done.outlines) < 25


def test_what_could_not_be_judged_is_said_by_each_item_and_tried_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def gate_config(path: Path) -> Any:
        tried.append(path)
        raise offtarget.errors.ConfigError(f"attempt {len(tried)} failed")

    monkeypatch.setattr("offtarget.gate.here.gate_config", gate_config)
    pytester.makefile(".toml", offtarget='[gate]\ndata = "none.jsonl"\n' + OVER.format(1) + OVER.format(2))
    done = pytester.runpytest_inprocess("-p", "no:xdist", "offtarget.toml")
    done.assert_outcomes(failed=2)
    assert len(tried) == 1 and sum(line == "attempt 1 failed" for line in done.outlines) == 2
