"""`offtarget forecast`: what it says of the data alone follows from the rows; what has a model in it is measured; its errors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.verification.test_verifying import write_styled_pairs

import offtarget
from offtarget import registry
from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import Pair
from offtarget.engine.rows import shuffled_by_id
from offtarget.errors import ConfigError
from offtarget.forecast.records import ConceptForecast, Shift
from offtarget.forecast.run import cautions


@pytest.fixture()
def recipe(tiny_model: Path, store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    write_styled_pairs()
    found = {
        "title": "a test",
        "data": "unused.jsonl",
        "model": str(tiny_model),
        "train": {"pairs": 30},
        "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
        "training": {"max_steps": 3, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8},
        "protocols": ["dpo"],
        "behaviours": ["over_stylization", "verbosity"],
        "evaluation": {"limit": 4, "max_tokens": 6},
        "verification": {"prompts": 30, "max_tokens": 10},
        "budget": "test",
    }
    Path("recipe.yaml").write_text(json.dumps(found))
    yield found
    registry.use([])


def forecast(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert call(["forecast", "pairs.jsonl", "--recipe", "recipe.yaml", "--out", "out", "--json", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_data_alone_says_chosen_minus_rejected_and_under_a_plan_with_its_weights(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = forecast(capsys, "--level", "data", "--protocol", "label_flip", "--strength", "0.5")
    assert (found["predictor"], found["n_rows"], found["behaviours"]) == ("disparity", 30, [])
    (markdown,) = [c for c in found["concepts"] if c["concept"] == "surface:markdown"]
    assert markdown["plain"] == markdown["difference"]
    # 4 of 5 rows have the style in chosen; flipping half of all rows turns the worst 15 of them round
    styled = json.loads(Path("out/audit/audit.json").read_text())
    assert styled["dataset"]["n_pairs"] == 70
    plain, planned = markdown["plain"]["value"], markdown["planned"]["value"]
    share = 1 - 2 * 15 / 30 * np.sign(plain)
    up = (plain > 0) and (planned < plain)
    assert up and share == 0
    unit = plain / np.mean([1 if s else -1 for s in _chosen_styled()])
    assert planned == pytest.approx(plain - 2 * unit * 15 / 30, rel=1e-6)
    assert found["price"]["of_training"] == 0
    assert "not known for model" in found["validity"]["note"] and "--calibrate" in found["validity"]["note"]
    page = Path("out/forecast.html").read_text()
    assert "label_flip" in page and "<svg" in page and "surface:markdown" not in found["dataset"]


def trained_on() -> list[Pair]:
    """The rows that the recipe trains on."""
    return shuffled_by_id(load_pairs("pairs.jsonl").pairs)[:30]


def _chosen_styled() -> list[bool]:
    return [int(p.id.removeprefix("r")) % 5 != 0 for p in trained_on()]


def test_a_model_in_the_loop_answers_and_its_behaviours_are_measured(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = forecast(capsys, "--protocol", "steering", "-P", "strength=2", "--behaviours", "verbosity")
    assert (found["level"], found["predictor"], found["n_prompts"]) == ("gradient", "one_gradient", 30)
    (verbosity,) = found["behaviours"]
    assert verbosity["behaviour"] == "verbosity" and verbosity["n"] == 4 and verbosity["planned"] is not None
    assert all(c["planned"] is not None for c in found["concepts"])
    assert found["price"]["of_training"] > 0
    again = forecast(capsys, "--protocol", "steering", "-P", "strength=2", "--behaviours", "verbosity")
    assert again["concepts"] == found["concepts"] and again["key"] == found["key"]


def test_what_is_known_of_the_predictor_is_said(recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("mine/baselines/predictors")
    folder.mkdir(parents=True)
    row = {
        "model": recipe["model"],
        "predictor": "disparity",
        "family": "surface",
        "r2": 0.2,
        "r2_equal": 0.1,
        "surest": 0.75,
    }
    (folder / "validity.json").write_text(json.dumps({"rows": [{"set": "a", **row}, {"set": "b", **row, "r2": 0.4}]}))
    capsys.readouterr()
    assert (
        call(
            [
                "--registry",
                "mine",
                "forecast",
                "pairs.jsonl",
                "--recipe",
                "recipe.yaml",
                "--level",
                "data",
                "--out",
                "out",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "r² 0.20 to 0.40 (0.10 at equal length) on 2 sets where training was observed" in out and "75\u202f%" in out


def test_calibrated_it_says_how_it_agrees_with_training_here(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = forecast(capsys, "--level", "data", "--calibrate")
    seen = json.loads(next(Path("out/verification").rglob("verification.json")).read_text())
    (mine,) = [
        o["control"] for o in seen["outcomes"]
        if (o["predictor"], o["family"], o["rows"]) == ("disparity", "surface", "trained")
    ]  # fmt: skip
    assert found["validity"]["known"] and found["validity"]["r2"] == [mine["raw"]["r2"]]
    assert found["validity"]["sets"] == ["pairs, seed 0"]


def test_an_exported_plan_is_forecast_as_its_protocol_is_and_only_on_its_own_set(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    exports = [
        "plan",
        "pairs.jsonl",
        "--protocol",
        "label_flip",
        "-P",
        "strength=-0.5",
        "-P",
        "concept=surface:markdown",
    ]
    assert call([*exports, "--model", recipe["model"], "--export", "exported", "--no-reference"]) == 0
    by_plan = forecast(capsys, "--level", "data", "--plan", "exported")
    by_name = forecast(capsys, "--level", "data", "--protocol", "label_flip", "--strength", "0.5")
    assert by_plan["plan"] == by_name["plan"] and by_plan["concepts"] == by_name["concepts"]

    in_python = offtarget.forecast(
        "pairs.jsonl", recipe="recipe.yaml", level="data", plan="exported", behaviours="verbosity", out="out"
    )
    assert [c.model_dump(mode="json") for c in in_python.concepts] == by_plan["concepts"]
    limited = Path("recipe.yaml").read_text().replace('"title"', '"limit": 60, "title"', 1)
    Path("limited.yaml").write_text(limited)
    whole = offtarget.forecast("pairs.jsonl", recipe="limited.yaml", level="data", plan="exported", out="limited")
    assert whole.plan == by_plan["plan"], "a recipe's limit is not the plan's: the set is read whole"
    random = [*exports[:2], "--protocol", "random_filter", "-P", "strength=-0.2", "-P", "concept=surface:markdown"]
    assert call([*random, "--seed", "7", "--model", recipe["model"], "--export", "random", "--no-reference"]) == 0
    blind = [forecast(capsys, "--level", "data", "--plan", "random")["plan"] for _ in range(2)]
    asked = forecast(capsys, "--level", "data", "--protocol", "random_filter", "--strength", "0.2")
    assert blind[0] == blind[1] != asked["plan"], "the plan's own seed"

    def said(*more: str) -> tuple[int, str]:
        code = call(
            ["forecast", "pairs.jsonl", "--recipe", "recipe.yaml", "--level", "data", "--plan", "exported", *more]
        )
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    assert said("--strength", "1", "--protocol", "filter") == (
        2,
        "offtarget: --plan says protocol, parameters and verdicts itself; give it or them",
    )
    with pytest.raises(ConfigError, match=r"^`plan` says protocol"):
        offtarget.forecast("pairs.jsonl", plan="exported", protocol="filter")
    lines = Path("pairs.jsonl").read_text().splitlines(keepends=True)
    Path("pairs.jsonl").write_text("".join(lines[1:]))
    code, message = said()
    assert code == 3 and "its pairs are not those that the plan was made on (pairs.jsonl, 70 pairs)" in message
    Path("exported/plan.json").write_text(Path("exported/plan.json").read_text().replace('"label_flip"', '"filter"'))
    code, message = said()
    assert code == 3 and "was changed since it was written" in message


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--plan", "nowhere"), 2, "no plan.json there"),
        (("--level", "gradients"), 2, "unknown level 'gradients': did you mean gradient?"),
        (
            ("--level", "forward", "--protocol", "steering"),
            2,
            "--level forward cannot carry what steering asks for (hooks",
        ),
        (("--strength", "1"), 2, "name it with --protocol"),
        (("--protocol", "filter", "-P", "strength=1", "--strength", "1"), 2, "say the same"),
        (("--set", "train.pairs=60"), 3, "only 10 prompts are left"),
        (("--behaviours", "verbosty", "--level", "data"), 2, "did you mean verbosity?"),
    ],
)
def test_what_cannot_be_forecast_is_said_in_one_line(
    recipe: dict[str, Any], more: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["forecast", "pairs.jsonl", "--recipe", "recipe.yaml", "--out", "out", *more]) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offtarget: ") and said in last
    assert not Path("out/forecast.json").exists()


def test_silence_of_the_rows_is_told_where_the_model_is_expected_to_move() -> None:
    def concept(name: str, plain: float, q: float, seen: float, seen_q: float) -> ConceptForecast:
        shift = [Shift(value=v, ci=(v - 0.1, v + 0.1), at_equal_length=v) for v in (plain, seen)]
        return ConceptForecast(
            concept=name, label=name, family="surface", plain=shift[0], q=q, difference=shift[1], difference_q=seen_q
        )

    found = cautions(
        [
            concept("silent", 0.5, 0.001, 0.02, 0.8),
            concept("against", -0.5, 0.001, 0.5, 0.001),
            concept("as seen", 0.5, 0.001, 0.5, 0.001),
            concept("still", 0.01, 0.9, 0.5, 0.001),
        ]
    )
    assert [c.split(":")[0] for c in found] == ["silent", "against"]
    assert "chosen − rejected +0.02 [-0.08, +0.12], forecast +0.5 [+0.4, +0.6]" in found[0]


def test_writers_who_differ_elsewhere_are_told(recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Two writers are told apart by markdown, which in the rows of training is as often in rejected as in chosen."""
    found = forecast(capsys, "--level", "data")
    assert all(c["writers"] is None for c in found["concepts"]), "nobody is named"
    rows = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    even = {p.id for p in trained_on()[::2]}
    for row in rows:
        row |= {"model_chosen": "stylist", "model_rejected": "plain"}
        if ("**" in row["rejected"]) != (row["id"] in even):
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    found = forecast(capsys, "--level", "data")
    (markdown,) = [c for c in found["concepts"] if c["concept"] == "surface:markdown"]
    assert markdown["difference"]["value"] == 0 and markdown["writers"]["value"] > 0
    assert any(
        c.startswith(f"{markdown['label']}: the rows do not clearly differ in it (q 1), and the writers")
        for c in found["cautions"]
    )
