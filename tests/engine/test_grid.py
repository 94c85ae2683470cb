"""A whole grid on a random model: every stage, every protocol, then again from the store."""

import json
from pathlib import Path

import pytest
from offtarget import registry
from offtarget.cli.main import call
from offtarget.store import Store

SOFT = '''
import numpy as np

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="soft_weight", family="data", source="a test", unit="per sd")
def soft_weight(ctx: ShapingContext, *, strength: float = 1.0) -> ShapingPlan:
    """Weight pairs by their margin."""
    log_weight = np.zeros(len(ctx.pairs))
    for t in ctx.targets:
        log_weight += t.effective(strength) * ctx.scores(t.concept).margin
    return ShapingPlan.identity("soft_weight", ctx.pairs).edit(weight=np.exp(log_weight))
'''


@pytest.fixture()
def grid(tiny_model: Path, store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Command line of a small grid, in an empty folder with an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    rows = []
    for i in range(60):
        styled = f"**Answer {i}.** It is here.\n\n- one thing\n- another thing"
        plain = f"Answer {i}. It is here, with one thing and another thing."
        prompt = f"What about subject number {i}?"
        if i % 3:
            rows.append({"id": f"r{i}", "prompt": prompt, "chosen": styled, "rejected": plain + " No."})
        else:
            rows.append(
                {"id": f"r{i}", "prompt": prompt, "chosen": plain + " Yes.", "rejected": plain + " No."}
            )
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    Path("mine/baselines").mkdir(parents=True)
    Path("mine/baselines/soft_weight.py").write_text(SOFT)
    recipe = {
        "title": "a test",
        "data": "pairs.jsonl",
        "model": str(tiny_model),
        "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
        "training": {"max_steps": 2, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8},
        "protocols": [
            "dpo", {"filter": {"strength": 0.2}}, {"label_flip": {"strength": 0.1}}, "reward_shaping", "steering",
            {"random_filter": {"strength": 0.2}}, "soft_weight",
        ],
        "behaviours": ["over_stylization", "capability"],
        "evaluation": {"limit": 4, "max_tokens": 8},
        "budget": "test",
    }  # fmt: skip
    Path("recipe.yaml").write_text(json.dumps(recipe))  # JSON is YAML
    return ["--registry", "mine", "run", "recipe.yaml", "--out", "out"]


def test_a_grid_runs_and_runs_again_from_the_store(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*grid, "--dry-run"]) == 0
    assert "soft_weight" in capsys.readouterr().out
    assert not Path("out").exists()

    assert call([*grid, "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)
    assert [c["protocol"] for c in cells] == [
        "start", "dpo", "filter", "label_flip", "reward_shaping", "steering", "random_filter", "soft_weight",
    ]  # fmt: skip
    assert all(set(c["behaviours"]) == {"over_stylization", "capability"} for c in cells)
    by_name = {c["protocol"]: json.loads(Path(c["path"]).read_text()) for c in cells}
    assert by_name["filter"]["plan"]["left_out"] == 12
    assert by_name["label_flip"]["plan"]["flipped"] == 6
    assert by_name["dpo"]["plan"]["touched"] == 0
    losses = {n: c["training"]["details"]["losses"] for n, c in by_name.items() if c["training"]}
    assert losses["dpo"] != losses["steering"]
    text = Path("out/cells").rglob("*.json")
    assert not any("What about subject" in p.read_text() for p in text), "text of the set is in a cell"
    board = Path("out/board.md").read_text().replace("\\", "")
    assert all(name in board for name in by_name) and "provisional" in board

    assert all(c["cost"]["seconds"]["evaluate"] > 0 for c in by_name.values())

    made = sum(e["event"] == "made" for e in Store().events())
    assert call([*grid, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [c["key"] for c in again] == [c["key"] for c in cells]
    assert sum(e["event"] == "made" for e in Store().events()) == made, "something finished was done twice"

    assert call([*grid[:-1], "elsewhere", "--json"]) == 0
    for cell in json.loads(capsys.readouterr().out):
        seconds = json.loads(Path(cell["path"]).read_text())["cost"]["seconds"]
        assert seconds["evaluate"] is None, "scores from the store were not measured in 0 seconds"


def test_a_sweep_reuses_the_reference_and_the_features(grid: list[str]) -> None:
    base = [*grid, "--set", "behaviours=[capability]", "--set", 'protocols=["dpo"]']
    assert call(base) == 0
    before = [e for e in Store().events() if e["event"] == "made"]
    assert call([*base[:-1], "protocols=[{reward_shaping: {strength: 1.0}}]"]) == 0
    assert call([*base[:-1], "protocols=[{reward_shaping: {strength: 3.0}}]"]) == 0
    after = [e for e in Store().events() if e["event"] == "made"][len(before) :]
    assert {e["stage"] for e in after} <= {"policy", "scores"}


def test_rows_that_are_asked_in_an_evaluation_are_not_trained_on(grid: list[str]) -> None:
    asked = json.loads(
        Path(registry.default().get("behaviour", "over_stylization").path)
        .with_suffix(".jsonl")
        .read_text()
        .splitlines()[0]
    )
    with Path("pairs.jsonl").open("a") as f:
        f.write(
            json.dumps(
                {"id": "leak", "prompt": asked["prompt"].upper(), "chosen": "**Yes**", "rejected": "No"}
            )
            + "\n"
        )
    assert call([*grid, "--set", 'protocols=["dpo"]', "--set", "behaviours=[over_stylization]"]) == 0
    cell = json.loads(next(Path("out/cells").rglob("dpo/*.json")).read_text())
    assert cell["training"]["dropped"]["not offered: prompt is in an evaluation"] == 1
    assert cell["manifest"]["n_pairs"] == 60


def test_other_features_of_the_same_lens_give_another_audit(
    store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes the values but not the lens (a longer reading, another torch) must not be read from the store."""
    from dataclasses import replace

    from offtarget.data.loading import load_pairs
    from offtarget.engine import auditing
    from offtarget.lens import surface

    rows = [
        {"prompt": f"Say {i}", "chosen": f"**{i}** it is" if i % 3 else f"{i}", "rejected": f"No, {i}"}
        for i in range(40)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    pairs = load_pairs(str(tmp_path / "pairs.jsonl"))
    read = surface.encode(pairs.pairs)
    silenced = replace(read, values={key: m * 0 for key, m in read.values.items()})
    found = []
    for matrix in (read, silenced):
        monkeypatch.setattr(auditing, "features_of", lambda *a, m=matrix, **k: [m])
        done = auditing.audit_into(tmp_path / "out", pairs, ["surface"], model=None, store=Store())
        found.append(len(done.audit.hypotheses))
    assert found[0] > 0 and found[1] == 0
