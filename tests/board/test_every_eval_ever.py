"""Records of Every Eval Ever: what its schema and its validator ask for, for every cell."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from offtarget.board.every_eval_ever import record_of, uuid_of, write_records
from offtarget.board.folder import read_cells
from offtarget.cli.main import call
from offtarget.models import GGUF_SHA256

CELLS = Path(__file__).resolve().parents[2] / "results" / "cells"
VALIDATOR = os.environ.get("EVERY_EVAL_EVER") or shutil.which("every_eval_ever")


def details(value):
    """Every `additional_details` in a record."""
    if isinstance(value, dict):
        for k, v in value.items():
            if k in {"additional_details", "details"}:
                yield v
            yield from details(v)
    elif isinstance(value, list):
        for v in value:
            yield from details(v)


def test_a_record_says_the_score_with_its_interval_and_which_way_is_better(make_cell):
    record = record_of(make_cell("filter", strength=0.3, style=0.3, capability=0.6), organisation="ann")
    by = {r["evaluation_name"]: r for r in record["evaluation_results"]}
    style = by["style"]
    assert style["score_details"]["score"] == pytest.approx(0.3)
    assert style["score_details"]["uncertainty"]["confidence_interval"]["lower"] == pytest.approx(0.27)
    assert style["score_details"]["uncertainty"]["num_samples"] == 100
    assert (
        style["metric_config"]["lower_is_better"] is True
        and by["capability"]["metric_config"]["lower_is_better"] is False
    )
    assert (style["metric_config"]["min_score"], style["metric_config"]["max_score"]) == (0.0, 1.0)
    assert style["generation_config"]["generation_args"] == {"max_tokens": 128}
    assert record["schema_version"] == "0.3.0" and record["retrieved_timestamp"] == "1767225600"  # 2026-01-01 in UTC
    assert all(isinstance(v, str) for found in details(record) for v in found.values())
    assert "p000" not in json.dumps(record), "samples stay in the cell"


def test_what_has_no_bounds_says_so_and_a_missing_score_is_left_out(make_cell):
    words = {f"p{i}": float(40 + i) for i in range(20)}
    odds = {f"p{i}": float(i - 10) for i in range(20)}
    record = record_of(make_cell("dpo", verbosity=words, sycophancy=odds, style={"p0": None}), organisation="ann")
    bounds = {
        r["evaluation_name"]: (r["metric_config"]["min_score"], r["metric_config"]["max_score"])
        for r in record["evaluation_results"]
    }
    assert bounds == {"verbosity": (0.0, "Infinity"), "sycophancy": ("-Infinity", "Infinity")}


def test_the_file_is_named_by_a_uuid_of_version_4_and_lies_where_the_id_says(make_cell, tmp_path):
    cells = [
        make_cell("start", style=0.2, model_identity=GGUF_SHA256),
        make_cell("filter", strength=0.3, style=0.3),
        make_cell("dpo", style={"p0": None}),
    ]
    cells[0] = cells[0].model_validate(
        {
            **cells[0].model_dump(),
            "key": "",
            "spec": cells[0].spec.model_copy(update={"model": "smollm2-135m"}).model_dump(),
        }
    )
    paths, left = write_records(cells, tmp_path, organisation="Ann & Co/..")
    assert len(paths) == 2 and left == [f"{cells[2].key[:12]}: no behaviour has a score"]
    for path, cell in zip(paths, cells, strict=False):
        found = uuid.UUID(path.stem)
        assert found.version == 4 and found.variant == uuid.RFC_4122 and found == uuid_of(cell.key)
        record = json.loads(path.read_text())
        assert path.parent.relative_to(tmp_path / "data" / "offtarget").as_posix() == record["model_info"]["id"]
    start, policy = (json.loads(p.read_text())["model_info"] for p in paths)
    assert start["id"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert start["additional_details"]["weights"] == "dequantised from a 4-bit GGUF"
    assert policy["id"].startswith("Ann-Co/tiny-filter-s0-") and policy["developer"] == "Ann-Co"
    again, _ = write_records(cells, tmp_path, organisation="Ann & Co/..")
    assert again == paths


def test_the_command_says_what_is_wrong_on_one_line(tmp_path, capsys, make_cell):
    from offtarget.board.folder import write_cell

    write_cell(tmp_path / "cells", make_cell("start", style=0.2))
    command = ["export", "eee", str(tmp_path / "cells"), "--out"]
    assert call([*command, str(tmp_path / "o"), "--relationship", "friends"]) == 2
    (tmp_path / "f").write_text("")
    assert call([*command, str(tmp_path / "f")]) == 2
    assert call(["export", "eee", str(tmp_path / "no"), "--out", str(tmp_path / "o")]) == 2
    assert capsys.readouterr().err.count("\n") == 3 and not (tmp_path / "o").exists()
    assert call([*command, str(tmp_path / "o")]) == 0


def test_its_own_validator_passes_every_committed_cell(tmp_path):
    if VALIDATOR is None:
        pytest.skip(
            "no every_eval_ever (it needs Python 3.12 and an environment of its own); name it in EVERY_EVAL_EVER"
        )
    cells = read_cells(CELLS).cells
    paths, left = write_records(cells, tmp_path, organisation="offtarget")
    assert len(paths) == len(cells) and not left
    done = subprocess.run(
        [VALIDATOR, "validate", "--format", "json", *(p.relative_to(tmp_path).as_posix() for p in paths)],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [f for f in json.loads(done.stdout) if not f["valid"] or f["warnings"]] == []
