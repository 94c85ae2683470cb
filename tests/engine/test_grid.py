"""A whole grid on a random model: every stage, every protocol, then again from the store."""

import json
import re
from pathlib import Path

import pytest

from offtarget import registry
from offtarget.cli.main import call
from offtarget.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "extend" / "protocol.md"
SOFT = next(code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "soft_weight" in code)
"""The protocol that the page shows, as it is printed there."""


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
            rows.append({"id": f"r{i}", "prompt": prompt, "chosen": plain + " Yes.", "rejected": plain + " No."})
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


def test_a_grid_runs_and_runs_again_from_the_store(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
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


def links(folder: str) -> dict[str, Path]:
    return {p.name: p.resolve() for p in Path(folder).iterdir()}


def test_policies_answers_and_logs_lie_under_readable_names(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from inspect_ai.log import list_eval_logs

    from offtarget.board.folder import read_cells

    two = [*grid, "--set", 'protocols=["dpo", {"filter": {"strength": 0.2}}]']
    assert call(two) == 0
    said = capsys.readouterr().err
    assert [name in said for name in ("out/policies: ", "out/answers: ", "--log-dir out/logs`")] == [True] * 3
    policies = links("out/policies")
    assert {*policies} == {"dpo-s0", "filter-0.2-s0"}
    assert all((p / "adapter_model.safetensors").is_file() and "policy" in p.parts for p in policies.values())
    answers = links("out/answers")
    assert {*answers} == {"start-s0", *policies} and len({*answers.values()}) == 3
    assert all(json.loads((p / "part-0000.json").read_text())[0]["text"] for p in answers.values())
    logs = list_eval_logs("out/logs")
    assert len(logs) == 6, "of three cells and two behaviours, as `inspect view` lists them"
    found = {p.relative_to("out").as_posix() for p in Path("out").rglob("*")}

    assert call(two) == 0
    assert {p.relative_to("out").as_posix() for p in Path("out").rglob("*")} == found, "a second run adds none"
    assert not read_cells(Path("out/cells")).problems

    assert call([*two, "--reuse", "out/cells"]) == 0
    assert links("out/policies") == policies, "cells that this folder made keep their links"
    assert call([*two, "--set", "training.learning_rate=0.01"]) == 0
    other = links("out/policies")
    assert {*other} == {*policies} and {*other.values()}.isdisjoint(policies.values()), "those of the last run"
    assert call([*two, "--reuse", "out/cells", "--out", "elsewhere"]) == 0
    assert [*Path("elsewhere/policies").glob("*")] == [], "what was not made here has no policy here"

    capsys.readouterr()
    asked = ["eval", "out/policies/dpo-s0", "--behaviours", "over_stylization", "--limit", "2", "--max-tokens", "4"]
    assert call([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "out/policies/dpo-s0"


def test_a_run_in_which_nothing_is_taught_says_that_it_is_no_result(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*grid, "--set", 'protocols=["dpo"]', "--set", "must_teach=0.01"]) == 3
    said = capsys.readouterr().err
    assert "this run is no result: plain DPO does not change over_stylization in seed 0 for the worse" in said
    assert Path("out/board.md").is_file() and len(list(Path("out/cells").rglob("*.json"))) == 2


STRAY = '''"""Steers at a layer that its author got wrong."""

import numpy as np

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.hooks import Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="stray", family="feature", source="a test", unit="none")
def stray(ctx: ShapingContext, *, strength: float = 1.0) -> ShapingPlan:
    """Steer at layer 40."""
    n = len(ctx.pairs)
    hook = Steer(layer=40, directions=np.ones(64, np.float32), chosen=np.ones(n), rejected=np.ones(n))
    return ShapingPlan.identity("stray", ctx.pairs).edit(hooks=(hook,))
'''


HUSHED = '''"""Masks every character of the chosen answers."""

from offtarget.shaping.context import ShapingContext
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.protocol import protocol


@protocol(name="hushed", family="data", source="a test", unit="none")
def hushed(ctx: ShapingContext, *, strength: float = 1.0) -> ShapingPlan:
    """Leave nothing to learn from."""
    return ShapingPlan.identity("hushed", ctx.pairs).edit(mask_chosen=tuple(((0, 1000),) for _ in ctx.pairs))
'''


def test_what_the_model_has_no_place_for_is_said_before_anything_is_evaluated(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine/baselines/stray.py").write_text(STRAY)
    Path("mine/baselines/hushed.py").write_text(HUSHED)
    for wrong, says in {
        'protocols=["dpo", "hushed"]': "chosen side: all of its text that fits max_length is masked",
        'protocols=["dpo", "stray"]': "plan of 'stray' hooks layer 40; the model has layers 0 to 3",
        "training.lowest_layer=9": "training.lowest_layer=9: the model has layers 0 to 3",
    }.items():
        assert call([*grid, "--set", wrong]) == 2
        assert says in capsys.readouterr().err
    made = {e["stage"] for e in Store().events() if e["event"] == "made"}
    assert not made & {"rollouts", "scores", "policy"}, "it was said too late"


def test_a_verdict_that_cannot_hold_is_refused_before_the_audit(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*grid, "--set", 'verdicts=[{"concept": "surface:bolt", "decision": "suppress"}]']) == 2
    assert "did you mean surface:bold" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_sweep_reuses_the_reference_and_the_features(grid: list[str]) -> None:
    """By the store's log: other strengths make policies and scores, and of added or re-prompted answers only new ones."""

    def sweep(a: float, b: float) -> set[str]:
        before = len([e for e in Store().events() if e["event"] == "made"])
        runs = [
            "dpo",
            *({name: {**options, "strength": strength}} for name, options, strength in (
                ("reward_shaping", {}, a), ("reward_shaping", {"readout": "direction_max"}, a), ("steering", {}, a),
                ("token_filter", {"readout": "direction"}, b), ("inoculation", {"instruction": "Use bold."}, b),
                ("counterfactual", {}, b / 4),
            )),
        ]  # fmt: skip
        command = ["--set", "behaviours=[capability]", "--set", "training.max_steps=1"]
        assert call([*grid, *command, "--set", f"protocols={json.dumps(runs)}"]) == 0
        return {e["stage"] for e in [e for e in Store().events() if e["event"] == "made"][before:]}

    assert {"reference", "reference-row", "concept-scores", "word-scores"} <= sweep(1.0, 0.8)
    assert sweep(3.0, 0.4) <= {"policy", "scores"}
    assert sweep(2.0, 1.0) <= {"policy", "scores", "reference-row"}


NEW = [
    "reweight", {"token_filter": {"strength": 0.2}}, {"inoculation": {"instruction": "Use bold."}}, "counterfactual",
    "preventative_steering", "ablation", "token_reweight", {"reward_shaping": {"readout": "direction_max", "free_of": "length"}},
]  # fmt: skip
RELATIVES = [
    "random_reweight", "length_balance", "ld_dpo", "length_normalised", "robust_dpo", "wpo", "random_token_reweight",
    {"reward_shaping": {"form": "cluster"}},
]  # fmt: skip


@pytest.mark.parametrize("more", [[], pytest.param(RELATIVES, marks=pytest.mark.slow)])
def test_every_protocol_trains_to_a_cell_of_its_own(
    grid: list[str], more: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """None of them gives the losses of plain DPO, and the plan of each says what it did."""
    chosen = ["--set", "behaviours=[capability]", "--set", "protocols=" + json.dumps(["dpo", *NEW, *more]), "--json"]
    fast = ["--set", "training.learning_rate=0.01", "--set", "training.max_steps=3"]
    assert call([*grid, *chosen, *fast]) == 0
    cells = json.loads(capsys.readouterr().out)
    assert len(cells) == len(NEW) + len(more) + 2
    read = [json.loads(Path(c["path"]).read_text()) for c in cells]
    losses = [json.dumps(c["training"]["details"]["losses"]) for c in read if c["training"]]
    assert len(set(losses)) == len(losses)
    by_name = {
        c["spec"]["protocol"]: c["plan"] for c in read if c["plan"] and c["spec"]["parameters"].get("form") != "cluster"
    }
    assert by_name["counterfactual"]["added"] == 12  # a fifth of 60
    assert by_name["token_filter"]["masked"] == 40 == by_name["inoculation"]["prompted"]  # pairs that show markdown
    assert by_name["token_reweight"]["token_weighted"] == 40
    assert by_name["ablation"]["steered"] == 60 == by_name["preventative_steering"]["steered"]
    assert any(r[0] == "surface:bullets" for r in by_name["reweight"]["details"]["correlations"]["surface:markdown"])
    assert by_name["reward_shaping"]["details"]["readouts"]["surface:markdown direction_max"]["held_out_auroc"] > 0.9


def test_a_method_from_another_folder_stands_beside_cells_that_were_made_before(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The author's file and a recipe: what was committed is reused, what cannot be says why, nothing is touched."""
    quick = ["--set", "behaviours=[capability]"]
    committed = ["run", "recipe.yaml", "--out", "committed", *quick, "--set", 'protocols=["dpo", "reward_shaping"]']
    assert call(committed) == 0
    capsys.readouterr()
    mine = [*grid, *quick, "--set", 'protocols=["dpo", "reward_shaping", "soft_weight"]', "--reuse", "committed/cells"]
    trained = sum(e["event"] == "made" and e["stage"] == "policy" for e in Store().events())
    assert call(mine) == 0
    said = capsys.readouterr()
    assert "3 of 4 cells taken from committed/cells" in said.err and "not reused" not in said.err
    assert sum(e["event"] == "made" and e["stage"] == "policy" for e in Store().events()) == trained + 1
    board = Path("out/board.md").read_text().replace("\\", "")
    assert all(name in board for name in ("start", "dpo", "reward_shaping", "soft_weight"))

    assert call([*mine, "--set", "training.learning_rate=1e-4", "--out", "other"]) == 0
    said = capsys.readouterr()
    assert "1 of 4 cells taken" in said.err  # start is not trained
    assert "/ dpo, seed 0" in said.err and "training.learning_rate was 0.0005, now 0.0001" in said.err


def test_rows_that_are_asked_in_an_evaluation_are_not_trained_on(grid: list[str]) -> None:
    asked = json.loads(
        Path(registry.default().get("behaviour", "over_stylization").path)
        .with_suffix(".jsonl")
        .read_text()
        .splitlines()[0]
    )
    with Path("pairs.jsonl").open("a") as f:
        f.write(
            json.dumps({"id": "leak", "prompt": asked["prompt"].upper(), "chosen": "**Yes**", "rejected": "No"}) + "\n"
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
    from offtarget.engine.recipe import AuditOptions
    from offtarget.lens import surface
    from offtarget.lens.reader import Reader

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
        done = auditing.audit_into(tmp_path / "out", pairs, AuditOptions(), Reader(None, Store()))
        found.append(len(done.audit.hypotheses))
    assert found[0] > 0 and found[1] == 0


SWEEP = {"filter": [0.1, 0.4], "reward_shaping": [0.5, 8.0]}


def test_strengths_are_chosen_by_weight_without_training(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """40 of 60 rows teach markdown. Of them a filter of 0.1 leaves 34, one of 0.4 leaves 16, each seen more often."""
    options = json.dumps({"strengths": SWEEP, "by": "weight", "goal": 0.7})
    chosen = ["--set", f"selection={options}", "--set", 'protocols=["dpo", "filter", "reward_shaping"]', "--json"]
    assert call([*grid, *chosen, "--set", "behaviours=[capability]"]) == 0
    cells = [json.loads(Path(c["path"]).read_text()) for c in json.loads(capsys.readouterr().out)]
    strengths = {c["spec"]["protocol"]: c["spec"]["parameters"].get("strength") for c in cells}
    assert strengths["reward_shaping"] == 0.5
    record = json.loads(Path("out/selection/selection.json").read_text())
    weights = [p["weight"] for p in record["points"]]
    assert weights[:2] == pytest.approx([34 / 40 * 60 / 54, 16 / 40 * 60 / 36])
    assert 0.2 < weights[2] < 1 and weights[3] < 0.01
    assert not Path("out/selection/cells").exists(), "nothing was trained for it"
    assert {c["spec"]["data"]["evaluation"]["part"] for c in cells} == {"test"}


TASTE = '''
from inspect_ai import Task, task
from offtarget.evals.parts import item_dataset, item_value, logprob_difference, noted_value, plain

async def likes_bold(item):
    return await logprob_difference(plain(item["good"]), plain(item["bad"]))

@task(version="1-A", direction="lower", role="target", metric="log-probability of the text with bold over the other", unit="nats")
def taste(*, items: str | None = None) -> Task:
    """How much more probable than the other the text with bold words is."""
    return Task(dataset=item_dataset(items or __file__.replace(".py", ".jsonl"), "good"), solver=item_value(likes_bold),
                scorer=noted_value())
'''


def test_strengths_are_matched_at_one_recovery_on_prompts_that_are_not_reported(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """To the end: a trait that six steps teach, two protocols at two strengths, both chosen at the nearest recovery."""
    Path("mine/tasks").mkdir()
    Path("mine/tasks/taste.py").write_text(TASTE)
    items = []
    for i in range(90):
        words = f"Answer {i}. It is here"
        items.append({"id": f"t{i:02d}", "good": f"**{words}.**\n\n- one thing", "bad": f"{words}, with one thing."})
    Path("mine/tasks/taste.jsonl").write_text("".join(json.dumps(x) + "\n" for x in items))
    options = {"strengths": {"reward_shaping": [0.01, 8.0], "filter": [0.02, 0.67]}, "goal": 0.9}
    base = ["--set", f"selection={json.dumps(options)}", "--set", 'protocols=["dpo", "reward_shaping", "filter"]']
    fast = ["--set", "training.max_steps=6", "--set", "training.learning_rate=0.01"]
    assert call([*grid, *base, *fast, "--set", "behaviours=[taste]", "--set", "evaluation.limit=null", "--json"]) == 0
    capsys.readouterr()
    sweep = json.loads(Path("out/selection/selection.json").read_text())
    points = sweep["points"]
    assert [p["strength"] for p in points if p["chosen"]] == [8.0, 0.67]
    assert all(p["reached"]["value"] < 0.5 for p in points if not p["chosen"])
    dev = [json.loads(p.read_text()) for p in Path("out/selection/cells").rglob("*.json")]
    test = [json.loads(p.read_text()) for p in Path("out/cells").rglob("*.json")]
    assert len(dev) == 6 and len(test) == 4  # start, dpo and four strengths; start, dpo and the two chosen
    assert {c["spec"]["seed"] for c in dev} == {1} and {c["spec"]["seed"] for c in test} == {0}
    assert (sweep["seed"], sweep["reported"]) == (1, [0]), "no reported policy was chosen for its own luck"
    assert {c["spec"]["data"]["evaluation"]["selected_with"] for c in test} == {1}
    assert "training seed 1, which is not among those reported" in Path("out/board.md").read_text()
    strengths = {c["spec"]["protocol"]: c["spec"]["parameters"].get("strength") for c in test}
    assert strengths == {"start": None, "dpo": None, "reward_shaping": 8.0, "filter": 0.67}
    on_dev, reported = ({x for c in cells for b in c["behaviours"] for x in b["samples"]} for cells in (dev, test))
    assert on_dev and reported and not on_dev & reported and len(on_dev | reported) == 90
    assert abs(len(on_dev) - 30) <= 10


def test_a_trait_that_does_not_move_cannot_be_matched(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    options = json.dumps({"strengths": {"reward_shaping": [0.5, 8.0]}, "goal": 0.5})
    base = [*grid, "--set", f"selection={options}", "--set", 'protocols=["dpo", "reward_shaping"]']
    assert call([*base, "--set", "evaluation.limit=6"]) == 3
    assert "nothing can be matched on the development prompts" in capsys.readouterr().err
    assert not Path("out/cells").exists()


def test_a_selection_that_makes_no_sense_is_refused(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for options, says in (
        ({"strengths": {"steering": [1.0]}}, "'steering', which is not among the recipe's protocols"),
        ({"strengths": {"filter": []}}, "names no strength to try"),
        ({"strengths": {"filterr": [0.1]}}, "did you mean filter"),
        ({"strengths": {"dpo": [1.0]}}, "strength"),
    ):
        base = [*grid, "--set", f"selection={json.dumps(options)}", "--set", 'protocols=["dpo", "filter"]']
        assert call([*base, "--set", "behaviours=[capability]"]) == 2
        assert says in capsys.readouterr().err


def test_a_gate_by_metadata_shapes_only_the_pairs_that_it_names(
    grid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    for i, row in enumerate(rows):
        row["topic"] = "cooking" if i % 4 == 0 else "other"
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    gate = {"concept": "surface:markdown", "decision": "suppress", "where": {"topic": "cooking"}}
    base = [*grid, "--set", "behaviours=[capability]", "--set", "protocols=[dpo, reward_shaping]", "--json"]
    assert call([*base, "--set", f"verdicts={json.dumps([gate])}"]) == 0
    cells = [json.loads(Path(c["path"]).read_text()) for c in json.loads(capsys.readouterr().out)]
    shaped = next(c for c in cells if c["spec"]["protocol"] == "reward_shaping")
    # of 15 cooking pairs those with markdown in chosen differ from rejected
    assert shaped["plan"]["touched"] == sum(i % 4 == 0 and i % 3 != 0 for i in range(60))
    assert shaped["spec"]["verdicts"][0]["where"] == {"topic": "cooking"}
    # the same words with other metadata are shaped elsewhere, so the cell is another
    for i, row in enumerate(rows):
        row["topic"] = "cooking" if i % 4 == 1 else "other"
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert call([*base, "--set", f"verdicts={json.dumps([gate])}"]) == 0
    again = [json.loads(Path(c["path"]).read_text()) for c in json.loads(capsys.readouterr().out)]
    moved = next(c for c in again if c["spec"]["protocol"] == "reward_shaping")
    assert moved["spec"] == shaped["spec"] and moved["plan"]["hash"] != shaped["plan"]["hash"]
    assert moved["key"] != shaped["key"]
    for where, says in {
        "gardening": "surface:markdown in topic=gardening speaks of a context that no training pair is in",
        "cooking": "a verdict has a context or a where, not both",
    }.items():
        gate["where"] = {"topic": where}
        assert call([*base, "--set", f"verdicts={json.dumps([gate])}"]) == 2
        assert says in capsys.readouterr().err
        gate["context"] = "topic:0123456789ab"


def test_a_reversed_set_is_the_set_with_its_labels_swapped(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    base = [*grid, "--set", "behaviours=[capability]", "--set", "protocols=[dpo]", "--json"]
    assert call([*base, "--set", "reverse=true", "--set", "roles={capability: target}"]) == 0
    cells = [json.loads(Path(c["path"]).read_text()) for c in json.loads(capsys.readouterr().out)]
    assert all(c["spec"]["dataset"].endswith(", reversed") for c in cells)
    assert {b["role"] for c in cells for b in c["behaviours"]} == {"target"}
    audit = json.loads(Path("out/audit/audit.json").read_text())
    lean = {h["concept"]: h["direction"] for h in audit["hypotheses"] if h["view"] == "overall"}
    assert lean["surface:markdown"] == "rejected"
    assert call([*base, "--set", "roles={verbosity: target}"]) == 2
    assert "roles names 'verbosity', which is not among the behaviours" in capsys.readouterr().err


def test_null_adapters_are_measured_beside_each_policy(grid: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    grid += ["--set", "protocols=[dpo]", "--set", "null_adapters={dpo: 2}"]
    assert call(grid) == 0
    said = capsys.readouterr().out
    assert "What a change of this size does" in said
    cells = {c["spec"]["protocol"]: c for c in (json.loads(p.read_text()) for p in Path("out/cells").rglob("*.json"))}
    assert cells["start"]["floor"] is None
    floor = cells["dpo"]["floor"]
    assert floor["draws"] == 2 and floor["start"] == cells["start"]["manifest"]["model_identity"]
    assert floor["matrices"] == 14 and floor["norm"] > 0  # seven in each of the upper two of four layers
    assert all(len(n["shifts"]) == 2 for n in floor["behaviours"].values()) and len(floor["behaviours"]) == 2
    assert call([*grid, "--set", "training.method=last_layers"]) == 2
    assert "null_adapters" in capsys.readouterr().err
