"""What a dry run of a recipe checks, and what it says it cannot."""

import json
import math
from pathlib import Path

import pytest
from offtarget.cli.main import call
from offtarget.engine.estimate import estimate
from offtarget.engine.recipe import read_recipe
from offtarget.errors import ConfigError
from offtarget.lens import surface

BOLD = {"concept": "surface:bold", "decision": "suppress"}


@pytest.fixture(autouse=True)
def here(store_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"prompt": f"Question {i}?", "chosen": f"**Yes** {i}.", "rejected": f"No {i}."} for i in range(40)
    ]
    Path("good.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


def dry(verdicts: object, *more: str, **keys: object) -> int:
    recipe = {"title": "x", "data": "good.jsonl", "protocols": ["filter"], "behaviours": ["verbosity"]}
    Path("recipe.yaml").write_text(json.dumps({**recipe, "verdicts": verdicts, **keys}))
    return call(["run", "recipe.yaml", "--dry-run", *more])


def test_verdicts_on_rules_are_checked_without_an_audit(capsys: pytest.CaptureFixture[str]) -> None:
    assert dry([BOLD], "--json") == 0
    assert json.loads(capsys.readouterr().out)["unchecked"] == []
    assert dry([{**BOLD, "concept": surface.COLUMNS[-1].id}]) == 0


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ({**BOLD, "concept": "surface:bolt"}, "did you mean surface:bold"),
        ({**BOLD, "concept": "bold"}, "unknown concept 'bold': did you mean surface:bold"),
        ({**BOLD, "decision": "remove"}, "key 'decision'"),
        ({**BOLD, "concept": "sae:12"}, "needs lens 'sae', but audit.lens is surface"),
    ],
)
def test_a_verdict_that_cannot_hold_is_refused(
    verdict: object, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dry([verdict]) == 2
    err = capsys.readouterr().err
    assert says in err and "the recipe's verdicts" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"model": "hf:"}, "a hub model is written hf:org/name"),
        ({"model": "hf:a/b@"}, "a hub model is written hf:org/name"),
        ({"model": "."}, "has no config.json or adapter_config.json"),
        ({"protocols": ["filter", {"filter": {}}]}, "protocols names 'filter' twice"),
        ({"behaviours": ["verbosity", "verbosity"]}, "behaviours names verbosity twice"),
        ({"seeds": [True]}, "seeds.0: Input should be a valid integer"),
        ({"seeds": [0, 0]}, "seeds names 0 twice"),
        ({"seeds": ["1"]}, "seeds.0: Input should be a valid integer"),
        ({"training": {"learning_rate": "1e-4"}}, "training.learning_rate: Input should be a valid number"),
        ({"training": {"wpo": "yes"}}, "training.wpo: Input should be a valid boolean"),
        ({"evaluation": {"limit": 2.5}}, "evaluation.limit: Input should be a valid integer"),
        ({"audit": {"lens": ["surface", "surface"]}}, "audit.lens names lens 'surface' twice"),
        ({"audit": {"lens": []}}, "audit.lens names no lens"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str], keys: dict[str, object], says: str
) -> None:
    assert dry([BOLD], **keys) == 2
    assert says in capsys.readouterr().err


def test_a_rate_as_people_write_it_is_a_number() -> None:
    dry([BOLD])
    recipe = Path("recipe.yaml")
    recipe.write_text(recipe.read_text()[:-1] + ', "training": {learning_rate: 1e-4}}')
    assert read_recipe("recipe.yaml")[0].training.learning_rate == 1e-4


def test_what_only_the_audit_can_tell_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = [{**BOLD, "context": "topic:0123456789ab"}, {**BOLD, "concept": "sae:cluster-0123456789ab"}]
    assert dry(verdicts, audit={"lens": ["surface", "sae"]}) == 0
    err = capsys.readouterr().err
    assert "not checked: topic:0123456789ab, sae:cluster-0123456789ab" in err


def test_with_the_vocabulary_of_an_audit_all_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["audit", "good.jsonl", "--out", "first"]) == 0
    capsys.readouterr()
    assert dry([BOLD], audit={"like": "first"}) == 0
    assert dry([{**BOLD, "context": "topic:0123456789ab"}], audit={"like": "first"}) == 2
    assert "unknown context 'topic:0123456789ab'" in capsys.readouterr().err
    Path("other.yaml").write_text("schema_version: 1\nvocabulary: abc\nverdicts: []\n")
    assert dry("other.yaml", audit={"like": "first"}) == 3
    assert dry("first/verdicts.template.yaml", audit={"like": "first"}) == 0


def test_a_file_and_a_template_that_are_not_there_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert dry("nowhere.yaml") == 2
    assert "no verdicts to read" in capsys.readouterr().err
    assert dry([BOLD], chat_template="nosuch") == 2
    assert "chat template nosuch: cannot be read" in capsys.readouterr().err


def sizes() -> list[tuple[str, str | None]]:
    """Every recipe that ships, as it stands and in each of its sizes."""
    import yaml
    from offtarget.registry import Registry

    out: list[tuple[str, str | None]] = []
    for entry in Registry().entries("recipe"):
        found = yaml.safe_load(entry.path.read_text()).get("sizes") or {}
        out += [(entry.name, None), *((entry.name, size) for size in found)]
    return out


@pytest.mark.parametrize(("name", "size"), sizes())
def test_every_recipe_that_ships_resolves_in_every_size(
    name: str, size: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but what must be downloaded: names, options, verdicts; a hub out of reach is said, and no error."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recipe, path = read_recipe(name, [], size)
    if size is None or recipe.data.endswith(".gz"):  # a file that the user names
        recipe = recipe.model_copy(update={"data": "planted-style"})
    assert recipe.budget == (size or recipe.budget)
    expected = estimate(recipe, path.parent)
    trained = len(recipe.seeds) * (len(recipe.protocols) + 1)
    assert len([c for c in expected["cells"] if not c.startswith("(")]) == trained
    assert (expected["not_at_hand"] is None) == (expected["hours"] is not None)
    if size is None:
        assert expected["hours"] > 0


def test_a_size_is_laid_over_the_recipe_and_the_command_line_over_both(tmp_path: Path) -> None:
    text = {
        "title": "t", "data": "planted-style", "protocols": ["dpo"], "behaviours": ["capability"],
        "training": {"beta": 0.2, "max_steps": 5}, "sizes": {"large": {"training": {"max_steps": 50}, "seeds": [0, 1]}},
    }  # fmt: skip
    (tmp_path / "r.yaml").write_text(json.dumps(text))
    small, _ = read_recipe(str(tmp_path / "r.yaml"))
    large, _ = read_recipe(str(tmp_path / "r.yaml"), ["training.beta=0.3"], "large")
    assert (small.training.max_steps, small.seeds, small.budget) == (5, (0,), "cpu")
    assert (large.training.max_steps, large.training.beta, large.seeds, large.budget) == (
        50,
        0.3,
        (0, 1),
        "large",
    )
    with pytest.raises(ConfigError, match=r"unknown size 'larg'.*did you mean large"):
        read_recipe(str(tmp_path / "r.yaml"), [], "larg")
    (tmp_path / "r.yaml").write_text(json.dumps({**text, "sizes": ["large"]}))
    with pytest.raises(ConfigError, match="sizes should be a mapping"):
        read_recipe(str(tmp_path / "r.yaml"))


def test_a_plan_shows_what_training_would_then_teach(capsys: pytest.CaptureFixture[str]) -> None:
    """40 pairs with bold in chosen only: one point of a rate of one half, over its standard deviation of one half.

    Suppressing at strength 1 leaves each pair the weight 2σ(−2), since both sides lie one standard deviation out.
    """
    plan = [
        "plan",
        "good.jsonl",
        "--protocol",
        "reward_shaping",
        "-P",
        "concept=surface:bold",
        "-P",
        "strength=-1",
    ]
    assert call([*plan, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    target = summary["predicted_shift"][0]
    value = math.log(2)  # a count enters as log(1 + x)
    sd = value / 2
    assert target["concept"] == "surface:bold" and target["target"]
    assert target["plain"] == pytest.approx(value / sd)
    assert target["planned"] == pytest.approx(value / sd * 2 / (1 + math.exp(2)))
    assert call(plan) == 0
    said = capsys.readouterr().out
    assert "surface:bold (target)" in said and "+2.000     +0.477" in said
