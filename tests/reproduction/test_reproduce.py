"""A cell of a tiny model made again: same on this machine, different where its scores were changed, refused where its ground is gone."""

import json
import shutil
from pathlib import Path

import pytest

from offtarget import registry
from offtarget.board.cell import Cell
from offtarget.board.folder import load_cell
from offtarget.cli.main import call
from offtarget.errors import ConfigError, UndecidedError
from offtarget.reproduction.recipe import recipe_of
from offtarget.reproduction.run import reproduce

RECIPE = {
    "title": "a test",
    "data": "pairs.jsonl",
    "verdicts": [{"concept": "surface:markdown", "decision": "suppress", "why": "a secret"}],
    "training": {"max_steps": 2, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8},
    "protocols": [{"filter": {"strength": 0.2}}],
    "behaviours": ["over_stylization"],
    "evaluation": {"limit": 4, "max_tokens": 8},
    "budget": "test",
    "seeds": [0, 1],
}


def rows():
    out = []
    for i in range(60):
        styled = f"**Answer {i}.** It is here.\n\n- one thing\n- another thing"
        plain = f"Answer {i}. It is here, with one thing and another thing."
        sides = (styled, plain + " No.") if i % 3 else (plain + " Yes.", plain + " No.")
        out.append({"id": f"r{i}", "prompt": f"What about {i}?", "chosen": sides[0], "rejected": sides[1]})
    return out


@pytest.fixture(scope="module")
def ran(tiny_model, tmp_path_factory):
    """A folder with a set, a recipe and its run."""
    home = tmp_path_factory.mktemp("reproduce")
    (home / "pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows()))
    (home / "recipe.yaml").write_text(json.dumps({**RECIPE, "model": str(tiny_model)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(home / "store"))
        patch.setattr(registry, "_default", None)
        patch.chdir(home)
        assert call(["run", "recipe.yaml", "--out", "out", "--json"]) == 0
    return home


@pytest.fixture()
def there(ran, tmp_path, monkeypatch):
    """A copy of it that a test may change."""
    folder = tmp_path / "here"
    shutil.copytree(ran, folder, ignore=shutil.ignore_patterns("store"), symlinks=True)
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "other-store"))
    monkeypatch.setattr(registry, "_default", None)
    monkeypatch.chdir(folder)
    return folder


def the_cell(folder, protocol="filter", seed=0):
    return next(folder.glob(f"out/cells/*/{protocol}/*s{seed}-*.json")).relative_to(folder)


def changed(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_cell_comes_out_the_same_and_keeps_who_made_it_again(there, capsys):
    path = the_cell(there)
    before = load_cell(path)
    assert call(["reproduce", str(path), "--by", "ann", "--out", "again", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["conclusion"] == "same" and found["same_code"] and found["seeds"] == [1]
    assert found["same_plan"] is True and found["loss_apart"] == 0
    assert [(a["behaviour"], a["why"]) for a in found["behaviours"]] == [("over_stylization", "every sample agrees")]
    after = load_cell(path)
    assert after.key == before.key and after.behaviours == before.behaviours
    (entry,) = after.reproduced
    assert (entry.by, entry.conclusion) == ("ann", "same") and entry.hardware
    events = [json.loads(line) for line in Path("again/store/log.jsonl").read_text().splitlines()]
    assert "policy" in {e["stage"] for e in events if e["event"] == "made"}, (
        "nothing but the start model is taken from a store"
    )
    with pytest.raises(ConfigError, match="is there already"):
        reproduce(path, Path("again"))


def test_scores_that_were_changed_come_out_different(there, capsys):
    path = the_cell(there, "start")

    def better(d):
        s = d["behaviours"][0]
        value = 1.0 - round(s["value"])
        s["samples"] = dict.fromkeys(s["samples"], value)
        s["value"] = value

    changed(path, better)
    the_cell(there, "start", 1).unlink()  # without other seeds the paired difference decides
    assert call(["reproduce", str(path)]) == 1
    assert "different" in capsys.readouterr().out


def test_the_recipe_of_a_cell_is_its_own_row_without_text_and_paths(there):
    cell = load_cell(the_cell(there, seed=1))
    assert "secret" not in json.dumps(cell.recipe)
    recipe = recipe_of(cell, the_cell(there, seed=1)).recipe
    assert [(r.protocol, r.parameters["strength"]) for r in recipe.protocols] == [("filter", 0.2)]
    assert recipe.seeds == (1,) and recipe.evaluation.max_tokens == 8 and recipe.training.max_steps == 2
    assert [v.decision for v in recipe.verdicts] == ["suppress"]


def test_an_older_cell_is_made_from_its_run_folder_or_from_what_it_was_asked(there, tmp_path):
    path = the_cell(there)
    cell = load_cell(path)
    old = Cell.model_validate({**cell.model_dump(), "recipe": {}})
    in_run = recipe_of(old, path)
    assert (in_run.notes == () and in_run.recipe.data == "pairs.jsonl" and in_run.base == there) or in_run.base.is_dir()
    alone = recipe_of(old, tmp_path / "x" / "y" / path.name, data="pairs.jsonl")
    assert "does not hold its recipe" in alone.notes[0]
    same = ("protocols", "seeds", "training", "evaluation", "behaviours", "data")
    assert all(getattr(alone.recipe, k) == getattr(in_run.recipe, k) for k in same)
    assert alone.recipe.name == "pairs"


def test_other_rows_are_refused_before_anything_is_trained(there, capsys):
    other = [{**r, "chosen": r["chosen"] + " More."} for r in rows()]
    (there / "pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in other))
    assert call(["reproduce", str(the_cell(there))]) == 3
    assert "other training rows" in capsys.readouterr().err


def test_other_task_versions_name_the_commit_and_no_cell_is_one_line(there, capsys):
    path = the_cell(there)
    cell = load_cell(path)
    manifest = {
        **cell.manifest.model_dump(), "task_versions": {"over_stylization": "0-A"}, "packages": {"offtarget-commit": "abc123"},
    }  # fmt: skip
    old = Cell.model_validate({**cell.model_dump(), "key": "", "manifest": manifest})
    at = path.with_name(f"0.2-s0-{old.key[:12]}.json")
    at.write_text(old.written())
    with pytest.raises(UndecidedError, match=r"over_stylization 0-A \(now \d-A\); check out offtarget at abc123"):
        reproduce(at)
    assert call(["reproduce", "no.json"]) == 2
    (there / "bad.json").write_text("{")
    assert call(["reproduce", "bad.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
