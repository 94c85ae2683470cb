"""No command writes its result over the file that the rows are read from."""

import json
from pathlib import Path

import pytest

import offtarget
from offtarget.cli.main import call
from offtarget.errors import ConfigError


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    Path("drops").mkdir()
    path = Path("drops/rows.jsonl")
    path.write_text(
        "".join(
            json.dumps(
                {"prompt": f"Where is stone {i}?", "chosen": f"**Stone {i}** is here", "rejected": f"Not there, {i}"}
            )
            + "\n"
            for i in range(60)
        )
    )
    return path


PLAN = ["--protocol", "filter", "-P", "concept=surface:bold", "-P", "strength=-0.1", "--out"]


@pytest.mark.parametrize("data", ["drops/rows.jsonl", "drops", "audits/rows"])
def test_a_shaped_dataset_is_never_written_over_the_data(
    rows: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if data.startswith("audits"):
        assert call(["audit", str(rows), "--out", data]) == 0
    before = rows.read_bytes()
    Path("link.jsonl").symlink_to(rows)
    for out in ("drops/rows.jsonl", "drops/../drops/rows.jsonl", "link.jsonl"):
        capsys.readouterr()
        assert call(["plan", data, *PLAN, out]) == 2
        assert "the rows are read from this file" in capsys.readouterr().err
    assert rows.read_bytes() == before
    assert call(["plan", data, *PLAN, "shaped.jsonl"]) == 0
    assert call(["plan", data, *PLAN, "shaped.jsonl"]) == 0, "its own earlier result may be written again"


def test_nor_are_lists_of_rows_and_programs_results(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["audit", str(rows), "--out", "audits/rows"]) == 0
    before = rows.read_bytes()
    assert call(["rows", "audits/rows", "surface:bold", "--out", str(rows)]) == 2
    assert call(["data", "check", str(rows), "--dropped", str(rows)]) == 2
    Path("offtarget.toml").write_text('[[rule]]\nconcept = "surface:bold"\nmax_effect = 5\n')
    for options in (["--format", f"json={rows}"], ["--update-baseline", "--baseline", str(rows)]):
        capsys.readouterr()
        assert call(["gate", "audits/rows", *options]) == 2
        assert "the rows are read from this file" in capsys.readouterr().err
    plan = offtarget.plan(offtarget.load_pairs(str(rows)), "filter", concept="surface:bold", strength=-0.1)
    with pytest.raises(ConfigError, match="the rows are read from this file"):
        plan.write(rows)
    assert rows.read_bytes() == before
