"""An audit of many hypotheses keeps findings in audit.json and the rest beside it; whoever reads the folder sees all of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.conftest import write_styled_pairs

from offtarget.audit import rest
from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.errors import ConfigError


@pytest.fixture()
def folders(tmp_path: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The same audit with all in audit.json, and with a rest: concepts that start with b stand for latents."""
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(90)
    assert call(["audit", "pairs.jsonl", "--out", "whole"]) == 0
    shutil.copytree("whole", "parted")
    (tmp_path / "parted" / "manifest.json").unlink()
    audit = AuditFolder("whole").audit
    monkeypatch.setattr(rest, "MOST", 5)
    as_latents = tuple(
        c.model_copy(update={"lens": "sae"}) if c.id.startswith("surface:b") else c for c in audit.concepts
    )
    lens = (*audit.lens, {"name": "sae"})
    for name in ("whole", "parted"):
        changed = audit.model_copy(update={"concepts": as_latents, "lens": lens})
        if name == "whole":
            (tmp_path / "whole" / "audit.json").write_text(changed.to_json())
            (tmp_path / "whole" / "manifest.json").unlink()
        else:
            AuditFolder("parted").write_audit(changed)
    return tmp_path / "whole", tmp_path / "parted"


def test_findings_stay_and_the_rest_is_read_back_in_its_order(folders: tuple[Path, Path]) -> None:
    whole, parted = (AuditFolder(f).audit for f in folders)
    assert parted == whole and parted.rest == 0
    listed = json.loads((folders[1] / "audit.json").read_text())
    kept = {h["id"] for h in listed["hypotheses"]}
    assert {h.id for h in whole.findings} <= kept
    rows = pd.read_parquet(folders[1] / "rest.parquet")
    assert listed["rest"] == len(rows) > 0
    gone = rows.query("part == 'hypotheses'")
    assert set(gone["id"]) == {h.id for h in whole.hypotheses} - kept
    assert gone["concept"].str.startswith("surface:b").all() and (gone["q"] >= 0.05).all()
    by_id = {h.id: h for h in whole.hypotheses}
    assert gone["effect"].tolist() == [by_id[i].effect for i in gone["id"]]
    assert {c["id"] for c in listed["concepts"]} >= {h["concept"] for h in listed["hypotheses"]}
    assert AuditFolder(folders[1]).workings.concepts == tuple(c.id for c in whole.concepts)


def test_few_hypotheses_are_all_in_audit_json(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MOST", 500)
    folder = AuditFolder(folders[1])
    audit = folder.audit
    folder.write_audit(audit)
    assert not (folders[1] / "rest.parquet").exists(), "an earlier one goes"
    assert json.loads((folders[1] / "audit.json").read_text())["rest"] == 0 and AuditFolder(folders[1]).audit == audit


def damage(file: Path, how: str) -> None:
    if how == "gone":
        file.unlink()
    elif how == "half":
        file.write_bytes(file.read_bytes()[:200])
    elif how == "of another audit":
        pd.read_parquet(file).iloc[1:].to_parquet(file)


@pytest.mark.parametrize(
    ("how", "said"), [("gone", "not there"), ("half", "cannot be read"), ("of another audit", "cannot be read")]
)
def test_without_its_rest_an_audit_is_not_read_as_a_smaller_one(
    folders: tuple[Path, Path], how: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folders[1] / "rest.parquet", how)
    with pytest.raises(ConfigError, match=f"rest.parquet: {said}.*copy the whole folder, or make the audit again"):
        _ = AuditFolder(folders[1]).audit
    assert call(["concepts", str(folders[1])]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_changed_rest_is_noticed_by_the_manifest(
    tmp_path: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_styled_pairs(90)
    monkeypatch.setattr(rest, "MOST", 5)
    monkeypatch.setattr(rest, "split", one_apart)
    assert call(["audit", "pairs.jsonl", "--out", "a"]) == 0
    rows = pd.read_parquet("a/rest.parquet")
    rows["record"] = rows["record"].str.replace("surface:", "surface: ")
    rows.to_parquet("a/rest.parquet")
    with pytest.raises(ConfigError, match=r"rest\.parquet: damaged, or changed since it was made"):
        _ = AuditFolder("a").audit


inner = rest.split


def one_apart(audit: Any) -> Any:
    """The last hypothesis lies apart."""
    last = audit.hypotheses[-1].model_dump(mode="json")
    row = {"part": "hypotheses", "position": len(audit.hypotheses) - 1, "id": last["id"], "record": json.dumps(last)}
    update = {"hypotheses": audit.hypotheses[:-1], "rest": 1}
    return audit.model_copy(update=update), [row | {name: last[name] for name in rest.FIGURES}]
