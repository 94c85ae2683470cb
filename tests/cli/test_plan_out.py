"""`offtarget plan --out`: the shaped dataset as a file for another trainer."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offtarget.cli.main import call

LEADS, TRAILS = 30, 10
"""Of 60 rows those with bold in chosen alone, and those with bold in rejected alone."""


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def row(i: int) -> dict[str, str]:
        bold = "chosen" if i < LEADS else "rejected" if i < LEADS + TRAILS else ""
        words = {
            side: f"The stone {i} lies {where} the river" for side, where in (("chosen", "in"), ("rejected", "by"))
        }
        return {"id": f"r{i}", "prompt": f"Where is stone {i}?"} | {
            side: text.replace("stone", "**stone**") if side == bold else text for side, text in words.items()
        }

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row(i)) + "\n" for i in range(60)))
    return path


def plan(pairs: Path, protocol: str, strength: float, out: str) -> int:
    return call(
        [
            "plan",
            str(pairs),
            "--protocol",
            protocol,
            "-P",
            "concept=surface:bold",
            "-P",
            f"strength={strength}",
            "--out",
            out,
        ]
    )


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_filter_leaves_out_rows_that_lead_with_the_concept_and_no_other(pairs: Path) -> None:
    assert plan(pairs, "filter", -0.25, "shaped.jsonl") == 0
    kept = {row["id"]: row for row in rows("shaped.jsonl")}
    gone = {f"r{i}" for i in range(60)} - set(kept)
    assert len(gone) == 15, "a quarter of 60"
    assert gone <= {f"r{i}" for i in range(LEADS)}
    assert kept["r59"]["chosen"] == [{"role": "assistant", "content": "The stone 59 lies in the river"}]


def test_flipped_answers_change_places(pairs: Path) -> None:
    assert plan(pairs, "label_flip", -0.25, "shaped.jsonl") == 0
    turned = {row["id"] for row in rows("shaped.jsonl") if "lies by" in row["chosen"][0]["content"]}
    assert len(turned) == 15
    assert turned <= {f"r{i}" for i in range(LEADS)}


def test_offsets_suppress_the_side_that_shows_the_concept(pairs: Path) -> None:
    assert plan(pairs, "reward_shaping", -2, "shaped.parquet") == 0
    shaped = pd.read_parquet("shaped.parquet").set_index("id")
    difference = shaped["offset_chosen"] - shaped["offset_rejected"]
    leads, trails = [f"r{i}" for i in range(LEADS)], [f"r{i}" for i in range(LEADS, LEADS + TRAILS)]
    assert difference[leads].nunique() == difference[trails].nunique() == 1
    assert difference["r0"] == pytest.approx(-difference[trails[0]])
    assert difference["r0"] > 0, "the loss counts the concept's part of the preference as known, so less is learned"
    assert (difference[[f"r{i}" for i in range(LEADS + TRAILS, 60)]] == 0).all()


@pytest.mark.parametrize(
    ("protocol", "out", "said"),
    [
        ("filter", "shaped.csv", "shaped.csv: a shaped dataset is a .jsonl or a .parquet file"),
        ("filter,label_flip", "shaped.jsonl", "--out shaped.jsonl: a shaped dataset is of one protocol"),
        ("token_filter", "shaped.jsonl", "masks words, which plain rows cannot hold: train with ShapedDPOTrainer"),
    ],
)
def test_what_no_file_can_hold_is_refused_in_one_line(
    pairs: Path, protocol: str, out: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(pairs, protocol, -0.25, out) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert said in error[-1]
    assert not Path(out).exists()
