"""What lies beside a baseline: it decides what is tested and which drop was accepted, so it is never another one unsaid."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gate.test_commands import write
from tests.gate.test_later_drops import must_see

import offtarget
from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.errors import ConfigError

Said = pytest.CaptureFixture[str]
LIKE = Path("offtarget-baseline.like")


@pytest.fixture()
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with the accepted drop w1, audited by vendor, and a later one of which 60 of acme's 120 rows offer help."""
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    for name in ("GITHUB_STEP_SUMMARY", "PRE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(Path("drops/w1.jsonl"), 0, 0)
    assert call(["audit", "drops/w1.jsonl", "--by", "vendor"]) == 0
    assert call(["gate", "init", "audits/w1"]) == 0
    must_see(25)
    write(Path("drops/w2.jsonl"), 2000, 60)
    yield folder


def _judged(capsys: Said) -> dict[str, object]:
    capsys.readouterr()
    call(["gate", "--format", "json"])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_views_that_are_widened_are_judged_though_the_same_rows_were_audited_before(repo: Path, capsys: Said) -> None:
    """The store holds the audit of these rows without metadata: acme's half offers help in half of its rows, 50 points more."""
    assert not [o for o in _judged(capsys)["outcomes"] if o["view"] == "metadata"]  # type: ignore[attr-defined]
    toml = Path("offtarget.toml")
    toml.write_text(toml.read_text().replace("undecided =", 'views = ["overall", "metadata"]\nundecided ='))
    assert call(["gate", "audits/w1", "--update-baseline"]) == 0
    found = {(o["concept"], o["context"]): o for o in _judged(capsys)["outcomes"]}  # type: ignore[attr-defined]
    offer = found["surface:follow_up_offer", "meta:vendor=acme"]
    assert (offer["status"], offer["effect"]) == ("new", pytest.approx(0.5))


def test_an_audit_like_one_that_was_gated_by_has_all_its_columns(repo: Path, capsys: Said) -> None:
    assert call(["gate"]) == 1
    assert call(["audit", "drops/w2.jsonl", "--like", "audits/w1", "--out", "audits/w2"]) == 0
    assert [c.name for c in AuditFolder("audits/w2").audit.metadata] == ["vendor"]
    assert call(["drop", "drops/w2.jsonl", "--against", "audits/w1", "--out", "audits/x"]) == 1
    assert "by vendor: acme" in capsys.readouterr().out


def test_pruning_leaves_the_accepted_data_what_it_was(repo: Path, capsys: Said) -> None:
    """w2 has no bold where w1 has it in a fifth of chosen: that is pruned, and w2 is judged again all the same."""
    text = Path("drops/w2.jsonl").read_text()
    Path("drops/w2.jsonl").write_text(text.replace("**Note** ", ""))
    beside = {p.name: p.read_bytes() for p in LIKE.iterdir()}
    before = Path("offtarget-baseline.json").read_text()
    assert call(["gate", "drops/w2.jsonl", "--prune"]) == 1
    assert Path("offtarget-baseline.json").read_text() != before
    assert {p.name: p.read_bytes() for p in LIKE.iterdir()} == beside
    write(Path("drops/w3.jsonl"), 3000, 0)
    capsys.readouterr()
    assert call(["gate"]) == 1
    said = capsys.readouterr().out
    assert (
        'judged, as data = "drops/*.jsonl": drops/w2.jsonl, drops/w3.jsonl; the baseline is of drops/w1.jsonl' in said
    )
    assert "gate: FAIL: w2" in said and "very rows" not in said


@pytest.mark.parametrize("how", ["folder", "record"])
def test_a_baseline_without_its_folder_is_refused_by_its_name(repo: Path, capsys: Said, how: str) -> None:
    """Without it the accepted w1 would count as a new drop, audited by a vocabulary of its own."""
    if how == "folder":
        shutil.rmtree(LIKE)
    else:
        (LIKE / "audit.json").unlink()
    for words in (["gate"], ["gate", "drops/w2.jsonl"]):
        capsys.readouterr()
        assert call(words) == 2
        said = capsys.readouterr()
        assert "offtarget-baseline.like: not there" in said.err and "git add offtarget-baseline.like" in said.err
        assert "gate:" not in said.out
    with pytest.raises(ConfigError, match=r"offtarget-baseline\.like: not there"):
        offtarget.gate("drops/w2.jsonl")
    assert call(["gate", "audits/w1", "--update-baseline"]) == 0
    assert call(["gate"]) == 1


def test_a_limit_in_a_context_is_had_by_what_its_error_says(repo: Path, capsys: Said) -> None:
    """Acme's chosen answers offer help in half of their rows, 50 points more than the others: beyond the 20 of the rule."""
    toml = Path("offtarget.toml")
    rule = '[[rule]]\nconcept = "surface:follow_up_offer"\nmax_effect = 20\ncontext = "meta:vendor=%s"\n'
    as_made = toml.read_text()
    toml.write_text(as_made + rule % "acme")
    assert call(["gate"]) == 2
    said = capsys.readouterr().err
    assert "add 'metadata' to views" in said and "`offtarget gate AUDIT_DIR --update-baseline`" in said
    wide = as_made.replace("undecided =", 'views = ["overall", "metadata"]\nundecided =')
    toml.write_text(wide + rule % "acme")
    assert call(["gate", "audits/w1", "--update-baseline"]) == 0
    (over,) = [o for o in _judged(capsys)["outcomes"] if o["by"] == "rule"]  # type: ignore[attr-defined]
    assert (over["status"], over["effect"]) == ("over", pytest.approx(0.5))
    toml.write_text(wide + rule % "acmee")
    assert call(["gate"]) == 2
    assert "unknown context 'meta:vendor=acmee': did you mean meta:vendor=acme" in capsys.readouterr().err
    toml.write_text(as_made)
    capsys.readouterr()
    call(["gate"])
    assert "not judged, and not tested here: in topics, in prompt groups" in capsys.readouterr().out
