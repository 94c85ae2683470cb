"""Whatever is in a file, reading it ends well or in one of our own errors, on one line: never in a traceback.

The mutations are seeded (hypothesis, derandomised), so a red test is red again. `tests/bench/bench_fuzz.py` runs the same
with as many examples as one likes.
"""

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from offtarget import verdicts as verdict_file
from offtarget.audit.folder import AuditFolder
from offtarget.board.folder import read_cells
from offtarget.board.rank import rank
from offtarget.cli.main import call
from offtarget.data.cards import load_card
from offtarget.data.loading import load_pairs
from offtarget.errors import OfftargetError
from offtarget.lens.features import FeatureMatrix

REPO = Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("OFFTARGET_FUZZ", "40"))
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="OFFTARGET_FUZZ" not in os.environ,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 10**30, 1e308, -0.5]),
    st.sampled_from(["", " ", "null", "a\x00b", "\ud7ff", "../../etc", "hf:", "x" * 300, "<script>", "2026-02-30"]),
    st.sampled_from([[], {}, [[]], [None], {"a": {}}, {"": 1}]),
)


def mutate(value: Any, draw: st.DataObject) -> Any:
    """The value with one to three of its places dropped, doubled, renamed or given an odd content."""
    value = json.loads(json.dumps(value))
    for _ in range(draw.draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(draw.draw(ODD))
        holder, key = places[draw.draw(st.integers(0, len(places) - 1))]
        what = draw.draw(st.sampled_from(["odd", "drop", "rename", "double", "swap"]))
        if what == "odd" or (what == "rename" and isinstance(holder, list)):
            holder[key] = copy.deepcopy(draw.draw(ODD))
        elif what == "drop":
            del holder[key]
        elif what == "rename":
            holder[str(key) + "x"] = holder.pop(key)
        elif what == "double" and isinstance(holder, list):
            holder.append(holder[key])
        else:
            other, place = places[draw.draw(st.integers(0, len(places) - 1))]
            other_text = (
                json.dumps(other[place]) if place in (other if isinstance(other, dict) else range(len(other))) else "1"
            )
            holder[key] = json.loads(other_text)
    return value


def _places(value: Any) -> Any:
    todo = [value]
    while todo:
        x = todo.pop()
        keys = list(x) if isinstance(x, dict) else range(len(x)) if isinstance(x, list) else ()
        for key in keys:
            yield x, key
            todo.append(x[key])


def ends_well(function: Callable[[], object]) -> None:
    """Run it: what it raises is ours, and its message is a line that names something."""
    try:
        function()
    except OfftargetError as error:
        message = str(error)
        assert message.strip() and "\n" not in message and len(message) < 4_000, message
        assert "Traceback" not in message


def flip(file: Path, draw: st.DataObject) -> None:
    """Change, cut or empty a file's bytes."""
    body = bytearray(file.read_bytes())
    what = draw.draw(st.sampled_from(["bit", "bit", "bit", "cut", "empty", "zeros"]))
    at = draw.draw(st.integers(0, max(0, len(body) - 1)))
    if what == "bit":
        body[at] ^= 1 << draw.draw(st.integers(0, 7))
    elif what == "cut":
        del body[at:]
    elif what == "empty":
        body.clear()
    else:
        body[at : at + 64] = bytes(len(body[at : at + 64]))
    file.write_bytes(bytes(body))


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one small audit, with its data beside it."""
    home = tmp_path_factory.mktemp("fuzz")
    rows = [
        {"id": f"r{i}", "prompt": f"Question {i} on {'tea' if i % 2 else 'rain'}?",
         "chosen": f"A **bold** answer {i}, perhaps." if i % 3 else f"Sorry, I cannot say {i}.", "rejected": f"A plain answer {i}."}
        for i in range(60)
    ]  # fmt: skip
    (home / "good.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    before = os.environ.get("OFFTARGET_HOME")
    os.environ["OFFTARGET_HOME"] = str(home / "store")
    try:
        assert call(["audit", str(home / "good.jsonl"), "--out", str(home / "audit")]) == 0
    finally:
        os.environ.pop("OFFTARGET_HOME") if before is None else os.environ.update(OFFTARGET_HOME=before)
    return home


def read_all(folder: Path) -> None:
    """Everything that the commands read of an audit's folder."""
    there = AuditFolder(folder)
    _ = there.audit, there.workings, there.vocabulary
    FeatureMatrix.load(folder / "features" / "surface")


@fuzzed
@given(st.data())
def test_an_audit_folder_with_damaged_files(audits: Path, tmp_path_factory: Any, draw: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "audit"
    shutil.copytree(audits / "audit", folder)
    names = ["audit.json", "workings.npz", "vocabulary.json", "vocabulary.npz", "features/surface/features.npz",
             "features/surface/features.json"]  # fmt: skip
    file = folder / draw.draw(st.sampled_from(names))
    sound = file.read_bytes()
    flip(file, draw)
    if file.read_bytes() != sound:
        with pytest.raises(OfftargetError):
            read_all(folder)
    (folder / "manifest.json").unlink()  # without its hashes the damage must show in what the file says, or nowhere
    ends_well(lambda: read_all(folder))
    shutil.rmtree(folder)


@fuzzed
@given(st.data())
def test_an_audit_record_that_says_odd_things(audits: Path, tmp_path_factory: Any, draw: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("odd") / "audit"
    shutil.copytree(audits / "audit", folder, ignore=shutil.ignore_patterns("features", "report.html", "manifest.json"))
    record = json.loads((folder / "audit.json").read_text())
    small = {**record, "hypotheses": record["hypotheses"][:4], "prediction": record["prediction"][:2]}
    (folder / "audit.json").write_text(json.dumps(mutate(small, draw)))
    for argv in (["why", str(folder), "r3"], ["concepts", str(folder)], ["diff", str(folder), str(audits / "audit")]):
        assert call(argv) in {0, 2, 3}
    shutil.rmtree(folder)


@fuzzed
@given(st.data())
def test_verdicts(audits: Path, draw: st.DataObject) -> None:
    audit = AuditFolder(audits / "audit").audit
    good = yaml.safe_load((audits / "audit" / "verdicts.template.yaml").read_text())
    good = json.loads(json.dumps({**good, "verdicts": good["verdicts"][:3]}, default=str))
    ends_well(lambda: verdict_file.parse(yaml.safe_dump(mutate(good, draw)), "verdicts.yaml", audit))


@fuzzed
@given(st.data())
def test_cards(tmp_path_factory: Any, draw: st.DataObject) -> None:
    cards = sorted((REPO / "datasets_registry").glob("*.yaml"))
    card = yaml.safe_load(draw.draw(st.sampled_from(cards)).read_text())
    file = tmp_path_factory.mktemp("card") / "card.yaml"
    file.write_text(yaml.safe_dump(mutate(json.loads(json.dumps(card, default=str)), draw)))
    ends_well(lambda: load_card(file))


@fuzzed
@given(st.data())
def test_recipes(audits: Path, tmp_path_factory: Any, draw: st.DataObject) -> None:
    recipe = yaml.safe_load((REPO / "baselines" / "recipes" / "planted_traits.yaml").read_text())
    recipe["data"] = str(audits / "good.jsonl")
    file = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    file.write_text(yaml.safe_dump(mutate(recipe, draw)))
    assert call(["run", str(file), "--dry-run"]) in {0, 2, 3}


@fuzzed
@given(st.data())
def test_cells(tmp_path_factory: Any, draw: st.DataObject) -> None:
    cells = sorted((REPO / "results" / "cells" / "planted-style").rglob("*.json"))
    folder = tmp_path_factory.mktemp("cells")
    for k in range(2):
        cell = json.loads(draw.draw(st.sampled_from(cells)).read_text())
        for score in cell["behaviours"]:
            score["samples"] = dict(list(score["samples"].items())[:4])
        cell = mutate(cell, draw) if k else cell
        (folder / f"{cell.get('key', 'x') if isinstance(cell, dict) else 'x'}.json").write_text(json.dumps(cell))
    found = read_cells(folder)
    assert all("\n" not in p for p in found.problems)
    ends_well(lambda: rank(found.cells, found.problems))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "jsonl.gz", "json", "tsv"])
@settings(fuzzed, max_examples=max(1, EXAMPLES // 3))
@given(st.data())
def test_data_files_with_damaged_bytes(form: str, tmp_path_factory: Any, draw: st.DataObject) -> None:
    import pandas as pd

    file = tmp_path_factory.mktemp("data") / f"pairs.{form}"
    frame = pd.DataFrame(
        [{"id": str(i), "prompt": f"Q{i}?", "chosen": f"Yes, {i}, é.", "rejected": f"No {i}."} for i in range(12)]
    )
    if form == "parquet":
        frame.to_parquet(file)
    elif form in ("csv", "tsv"):
        frame.to_csv(file, index=False, sep="," if form == "csv" else "\t")
    else:
        frame.to_json(file, orient="records", lines=form != "json")
    flip(file, draw)
    ends_well(lambda: load_pairs(str(file)))


@fuzzed
@given(st.data())
def test_data_rows_of_odd_content(tmp_path_factory: Any, draw: st.DataObject) -> None:
    rows: list[Any] = [
        {"id": str(i), "prompt": [{"role": "user", "content": f"Q{i}?"}], "chosen": f"Yes {i}.",
         "rejected": [{"role": "assistant", "content": f"No {i}."}], "score": i}
        for i in range(6)
    ]  # fmt: skip
    rows = mutate(rows, draw)
    file = tmp_path_factory.mktemp("rows") / "pairs.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in (rows if isinstance(rows, list) else [rows])))
    ends_well(lambda: load_pairs(str(file)))
