"""`offtarget drop` names the vendor whose rows changed, and the lines on which those rows are."""

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gate.test_commands import SENTENCE, WORDS

from offtarget.cli.main import call

Said = pytest.CaptureFixture[str]
VENDORS = ("acme", "bolt", "cobalt")


def write(path: Path, seed: int, shares: dict[str, float], n: int = 360) -> None:
    """A drop of n pairs, a third of each vendor; of its chosen answers this share, evenly spread, offers help."""
    rng = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = dict.fromkeys(VENDORS, 0.0)
    with path.open("w") as file:
        for i in range(n):
            vendor = VENDORS[i % len(VENDORS)]
            prompt, chosen, rejected = (" ".join(rng.choices(WORDS, k=rng.randint(8, 16))) for _ in range(3))
            taken[vendor] += shares.get(vendor, 0.0)
            if taken[vendor] >= 1:
                taken[vendor] -= 1
                chosen += f".{SENTENCE}"
            row = {
                "prompt": f"{prompt}?",
                "chosen": chosen,
                "rejected": rejected,
                "vendor": vendor,
                "id": f"r{seed + i}",
            }
            file.write(json.dumps(row) + "\n")


@pytest.fixture()
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    write(Path("drops/w1.jsonl"), 0, {"cobalt": 0.75})
    assert call(["audit", "drops/w1.jsonl", "--by", "vendor"]) == 0
    yield tmp_path


def test_the_vendor_that_changed_is_named_and_not_the_one_that_leant_before(inside: Path, capsys: Said) -> None:
    """Cobalt offers help in three of four rows, as it did; acme does in two of five, and never did."""
    write(Path("drops/w2.jsonl"), 1000, {"cobalt": 0.75, "acme": 0.4})
    capsys.readouterr()
    assert call(["drop", "drops/w2.jsonl", "--against", "audits/w1", "--out", "audits/w2"]) == 1
    (offer,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("offers of more help")]
    said = "by vendor: acme 0.0 → +40.0 points to chosen, all others +37.5 → +37.5; 48 of the 138 rows behind it are vendor acme's"
    assert said in offer
    with Path("audits/w2/drop-ids.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["concept"] == "surface:follow_up_offer"]
    assert [r["vendor"] for r in rows] == ["acme"] * 48 + ["cobalt"] * 90


def test_a_vendor_that_gave_up_is_named_by_its_fall(inside: Path, capsys: Said) -> None:
    write(Path("drops/w2.jsonl"), 1000, {"cobalt": 0.25})
    capsys.readouterr()
    call(["drop", "drops/w2.jsonl", "--against", "audits/w1", "--out", "audits/w2"])
    assert "by vendor: cobalt +75.0 → +25.0 points to chosen, all others 0.0 → 0.0" in capsys.readouterr().out


def test_no_vendor_stands_out_where_all_changed_alike(inside: Path, capsys: Said) -> None:
    write(Path("drops/w2.jsonl"), 1000, {"cobalt": 1.0, "acme": 0.25, "bolt": 0.25})
    capsys.readouterr()
    call(["drop", "drops/w2.jsonl", "--against", "audits/w1", "--out", "audits/w2"])
    (offer,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("offers of more help")]
    assert "no vendor stands out" in offer


def test_rows_that_say_the_same_have_each_its_own_line(inside: Path, capsys: Said) -> None:
    """Every row is there twice, further down under another id; a search for its texts finds the first of them."""
    write(Path("drops/once.jsonl"), 1000, {"acme": 0.4})
    lines = Path("drops/once.jsonl").read_text().splitlines()
    again = [json.dumps(json.loads(line) | {"id": f"{json.loads(line)['id']}b"}) for line in lines]
    Path("drops/w2.jsonl").write_text("\n".join([*lines, *reversed(again)]) + "\n")
    call(["drop", "drops/w2.jsonl", "--against", "audits/w1", "--out", "audits/w2", "--format", "sarif=w2.sarif"])
    ids = [json.loads(line)["id"] for line in Path("drops/w2.jsonl").read_text().splitlines()]
    with Path("audits/w2/drop-ids.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 96
    assert [ids[int(r["line"]) - 1] for r in rows] == [r["id"] for r in rows]
    places = [x for r in json.loads(Path("w2.sarif").read_text())["runs"][0]["results"] for x in r["locations"]]
    named = [x["logicalLocations"][0]["fullyQualifiedName"].partition("#")[2] for x in places]
    assert [ids[x["physicalLocation"]["region"]["startLine"] - 1] for x in places] == named
