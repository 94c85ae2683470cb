"""What a dry run of a recipe checks, and what it says it cannot."""

import json
import math
import random
import re
from pathlib import Path

import pytest

from offtarget.cli.main import call
from offtarget.engine.as_audited import recipe_as_audited
from offtarget.engine.estimate import estimate
from offtarget.engine.recipe import Recipe, read_parts, read_recipe
from offtarget.errors import ConfigError
from offtarget.lens import surface

MINIMAL = {"title": "x", "data": "mixed.jsonl", "protocols": ["filter"], "behaviours": ["verbosity"]}
BOLD = {"concept": "surface:bold", "decision": "suppress"}


@pytest.fixture(autouse=True)
def here(store_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"Question {i}?", "chosen": f"**Yes** {i}.", "rejected": f"No {i}."} for i in range(40)]
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
def test_a_verdict_that_cannot_hold_is_refused(verdict: object, says: str, capsys: pytest.CaptureFixture[str]) -> None:
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
    capsys.readouterr()
    assert dry("first/verdicts.template.yaml", audit={"like": "first"}) == 0
    n = Path("first/verdicts.template.yaml").read_text().count("\n  - {")
    assert n and f"note: {n} of {n} verdicts are undecided: they change nothing" in capsys.readouterr().err


def test_a_file_and_a_template_that_are_not_there_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert dry("nowhere.yaml") == 2
    assert "no verdicts to read" in capsys.readouterr().err
    assert dry([BOLD], chat_template="nosuch") == 2
    assert "chat template nosuch: cannot be read" in capsys.readouterr().err


def sizes() -> list[tuple[str, str | None]]:
    """Every recipe that ships, as it is and in each of its sizes."""
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
    parts, path = read_parts(name, [], size)
    for recipe in parts.values():
        if size is None or recipe.data.endswith(".gz"):  # a file that the user names
            recipe = recipe.model_copy(update={"data": "planted-style"})
        assert recipe.budget == (size or recipe.budget)
        expected = estimate(recipe, path.parent)
        trained = len(recipe.seeds) * (len(recipe.protocols) + 1)
        assert len([c for c in expected["cells"] if not c.startswith("(")]) == trained
        known = expected["not_at_hand"] is None and recipe.model == "smollm2-135m"
        assert (expected["hours"] is not None) == (expected["gigabytes"] is not None) == known
        if size is None:
            assert expected["hours"] > 0


def test_figures_are_of_the_model_that_is_asked_for(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tiny one has 4 layers of 36,864 weights, 64 wide, and shares embedding and head; the embedded one has 134,479,872."""

    def figures(**keys: object) -> dict[str, object]:
        capsys.readouterr()
        assert dry([BOLD], "--json", **keys) == 0
        return dict(json.loads(capsys.readouterr().out))

    head = 64 * json.loads((tiny_model / "config.json").read_text())["vocab_size"]
    embedded, tiny = figures(), figures(model=str(tiny_model))
    assert embedded["basis"] == "the embedded model's measured speed"
    ratio = (4 * 36_864 + head) / 134_479_872
    assert tiny["hours"] == pytest.approx(embedded["hours"] * ratio) and ratio < 0.01
    assert "scaled by parameters" in str(tiny["basis"])

    whole = figures(model=str(tiny_model), training={"method": "full"})
    exact = figures(model=str(tiny_model), training={"mode": "exact", "lora_rank": 2})
    total = 4 * (36_864 + 2 * 64) + 64 + head
    tokens = 2 * 40 * 30  # at least: the template
    assert 4e-9 * tokens < whole["gigabytes"] - 1e-9 * (total * 4 + 12e6) < 4e-9 * 3 * tokens
    # layers 2 and 3; a rank has in + out of seven matrices: 64+64, twice 64+32, 64+64, three times 64+128
    assert exact["gigabytes"] == pytest.approx(1e-9 * (2 * 2 * 1024 * 4 + 12e6))

    assert dry([BOLD], model="hf:org/nothing-here") == 0
    said = capsys.readouterr()
    assert "not estimated for hf:org/nothing-here: its size is not known here" in said.out
    assert "hours" not in said.out and "GB" not in said.out
    nothing = figures(model="hf:org/nothing-here")
    assert nothing["hours"] is None and nothing["gigabytes"] is None


def test_behaviours_that_share_prompts_cost_their_answers_once() -> None:
    def hours(*behaviours: str) -> float:
        recipe, path = read_recipe("tiny", [f"behaviours={json.dumps(behaviours)}", "data=planted-style"])
        return float(estimate(recipe, path.parent)["hours"])

    assert hours("over_stylization", "rule:bold", "rule:emoji") == hours("over_stylization")
    assert hours("over_stylization", "verbosity") > hours("over_stylization")


def test_a_size_is_laid_over_the_recipe_and_the_command_line_over_both(tmp_path: Path) -> None:
    text = {
        "title": "t", "data": "planted-style", "protocols": ["dpo"], "behaviours": ["capability"],
        "training": {"beta": 0.2, "max_steps": 5}, "sizes": {"large": {"training": {"max_steps": 50}, "seeds": [0, 1]}},
    }  # fmt: skip
    (tmp_path / "r.yaml").write_text(json.dumps(text))
    small, _ = read_recipe(str(tmp_path / "r.yaml"))
    large, _ = read_recipe(str(tmp_path / "r.yaml"), ["training.beta=0.3"], "large")
    assert (small.training.max_steps, small.seeds, small.budget) == (5, (0,), "cpu")
    assert (large.training.max_steps, large.training.beta, large.seeds, large.budget) == (50, 0.3, (0, 1), "large")
    with pytest.raises(ConfigError, match=r"unknown size 'larg'.*did you mean large"):
        read_recipe(str(tmp_path / "r.yaml"), [], "larg")
    (tmp_path / "r.yaml").write_text(json.dumps({**text, "sizes": ["large"]}))
    with pytest.raises(ConfigError, match="sizes should be a mapping"):
        read_recipe(str(tmp_path / "r.yaml"))


def test_a_plan_shows_what_training_would_then_teach(capsys: pytest.CaptureFixture[str]) -> None:
    """40 pairs with bold in chosen only: the whole share of rows, whose sd is 0, so that d is capped at 100.

    Suppressing at strength 1 leaves each pair the weight 2σ(−2), since both sides lie one standard deviation out.
    """
    plan = ["plan", "good.jsonl", "--protocol", "reward_shaping", "-P", "concept=surface:bold", "-P", "strength=-1"]
    assert call([*plan, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    target = summary["predicted_shift"][0]
    assert target["concept"] == "surface:bold" and target["target"]
    assert (target["unit"], target["plain"], target["plain_d"]) == ("share of rows", 1.0, 100.0)
    assert target["planned"] == pytest.approx(2 / (1 + math.exp(2)))
    assert call(plan) == 0
    said = capsys.readouterr().out
    assert re.search(r"surface:bold \(target\) +\+100\.0 points +\+23\.8 points", said)


def mixed_rows(path: str = "mixed.jsonl", n: int = 120) -> list[dict[str, str]]:
    """Pairs that differ in bold, in length and in hedging, most of them one way."""
    rng = random.Random(7)
    rows = []
    for i in range(n):
        chosen, rejected = (
            " ".join(rng.choices(["word", "maybe", "perhaps", "I", "fine", "and so on"], k=rng.randint(*span)))
            for span in ((6, 30), (4, 24))
        )
        if rng.random() < 0.6:
            chosen = f"**{chosen}**"
        if rng.random() < 0.2:
            rejected = f"**{rejected}**"
        vendor = "acme" if i % 2 else "bluebird"
        rows.append({"prompt": f"Q {i}?", "chosen": chosen, "rejected": rejected, "vendor": vendor})
    Path(path).write_text("".join(json.dumps(r) + "\n" for r in rows))
    return rows


def decided(audit: str, *verdicts: dict[str, object]) -> str:
    """A verdicts file beside an audit; its path."""
    key = json.loads(Path(audit, "audit.json").read_text())["vocabulary"]
    rows = [{"by": "me", "date": "2026-01-31", **v} for v in verdicts]
    path = Path(audit, "verdicts.yaml")
    path.write_text(json.dumps({"schema_version": 1, "vocabulary": key, "verdicts": rows}))
    return str(path)


def test_the_expected_shift_of_a_plan_is_the_audits_figure(capsys: pytest.CaptureFixture[str]) -> None:
    rows = mixed_rows()
    assert call(["audit", "mixed.jsonl", "--out", "a"]) == 0
    record = json.loads(Path("a/audit.json").read_text())
    predicted = {p["concept"]: p for p in record["prediction"]}
    held = 0
    for h in record["hypotheses"]:  # the audit's own figures under the same words are the same, too
        if h["view"] != "overall":
            continue
        of = predicted[h["concept"]]
        assert of["expected_shift"] == pytest.approx(h["effect"], rel=1e-6)
        assert of["standardised"] == pytest.approx(h["d"], rel=1e-6)
        if h["length_controlled"] and of["length_partialled"]:
            at_equal_length = of["length_partialled"]["expected_shift"]
            assert h["length_controlled"]["effect"] == pytest.approx(at_equal_length, rel=1e-6, abs=1e-9)
            held += 1
    assert held > 3
    verdicts = decided("a", BOLD)
    capsys.readouterr()
    for way, source in ((-1, ["--verdicts", verdicts]), (1, ["-P", "concept=surface:bold"])):
        assert call(["plan", "mixed.jsonl", "--protocol", "filter", "-P", "strength=0.5", *source, "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        shifts = summary["predicted_shift"]
        assert len(shifts) >= 8
        for s in shifts:
            audited = predicted[s["concept"]]
            assert s["plain"] == pytest.approx(audited["expected_shift"], rel=1e-5)
            assert s["plain_d"] == pytest.approx(audited["standardised"], rel=1e-5)
        bold = shifts[0]
        u = [r["chosen"].startswith("**") - r["rejected"].startswith("**") for r in rows]
        assert bold["plain"] == pytest.approx(sum(u) / len(u))
        kept = len(rows) - summary["left_out"]
        # suppressing leaves out rows with u = 1, amplifying those with u = −1, and the others fill the batches
        assert bold["planned"] == pytest.approx((sum(u) + way * summary["left_out"]) / kept)
        assert bold["planned_d"] / bold["plain_d"] == pytest.approx(bold["planned"] / bold["plain"])


def test_a_plan_reads_what_the_audit_beside_the_verdicts_read(capsys: pytest.CaptureFixture[str]) -> None:
    rows = mixed_rows()
    Path("odd.jsonl").write_text(
        "".join(json.dumps({"q": r["prompt"], "a": r["chosen"], "b": r["rejected"]}) + "\n" for r in rows)
    )
    names = "prompt=q,chosen=a,rejected=b"
    assert call(["audit", "odd.jsonl", "--columns", names, "--limit", "90", "--out", "a"]) == 0
    reading = json.loads(Path("a/audit.json").read_text())["reading"]
    assert (reading["data"], reading["limit"], reading["columns"]["chosen"]) == ("odd.jsonl", 90, "a")
    verdicts = decided("a", BOLD)
    plan = ["plan", "--protocol", "filter", "--verdicts", verdicts]
    capsys.readouterr()
    for data in ("odd.jsonl", "a"):  # the file, or the audit in its place
        assert call([*plan, data]) == 0
        out, err = capsys.readouterr()
        assert "pairs          90\n" in out
        assert "in the audit" not in err and "not the rows" not in out
        assert "note: 90 of 120 pairs: 90 of 120 prompts, drawn whole (--limit 90, --limit-seed 0)" in err
    assert call([*plan, "odd.jsonl", "--limit", "80"]) == 0
    out, err = capsys.readouterr()
    assert "--limit is 80 here and 90 in the audit a" in err
    assert "not the rows that a audited (80 pairs here, 90 there)" in out
    assert call([*plan, "odd.jsonl", "--lens", "surface,sae"]) == 2
    err = capsys.readouterr().err
    assert "--lens is surface,sae, but the audit a was made with surface" in err and err.count("\n") == 1


def test_a_verdict_on_a_value_of_metadata_is_carried_out_on_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    rows = mixed_rows()
    assert call(["audit", "mixed.jsonl", "--out", "a", "--by", "vendor"]) == 0
    verdicts = decided("a", {**BOLD, "context": "meta:vendor=acme"})
    elsewhere = Path("elsewhere.yaml")
    elsewhere.write_text(Path(verdicts).read_text())
    capsys.readouterr()
    for path in (verdicts, str(elsewhere)):
        plan = ["plan", "mixed.jsonl", "--protocol", "filter", "-P", "strength=1.0", "--verdicts", path]
        assert call([*plan, "--json"]) == 0
        (traced,) = json.loads(capsys.readouterr().out)["traced"]
        want = {
            i for i, r in enumerate(rows)
            if r["vendor"] == "acme" and r["chosen"].startswith("**") and not r["rejected"].startswith("**")
        }  # fmt: skip
        assert len(traced["more_in_chosen"]) == len(want)
    assert dry(verdicts, data="mixed.jsonl") == 0
    assert dry(str(elsewhere), data="mixed.jsonl") == 0


def test_a_recipe_reads_what_its_earlier_audit_read(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixed_rows()
    model = str(tiny_model)
    Path("mine.yaml").write_text(
        "concept: flattery\nlabel: flattery\nexamples:\n"
        + "".join(f"  - {{prompt: say {i}, positive: how clever {i}, negative: it is {i}}}\n" for i in range(10))
    )
    lenses = ("surface", "direction:mine.yaml")
    first = ["audit", "mixed.jsonl", "--out", "first", "--lens", ",".join(lenses), "--model", model]
    assert call([*first, "--max-length", "64"]) == 0
    like = {"like": "first"}
    recipe = Recipe.model_validate({**MINIMAL, "model": model, "audit": like})
    found = recipe_as_audited(recipe, Path())
    assert (found.audit.lens, found.audit.max_length) == (lenses, 64)
    assert recipe_as_audited(found, Path()) == found
    # also where only the verdicts of that audit are named
    beside = Recipe.model_validate({**MINIMAL, "model": model, "verdicts": decided("first", BOLD)})
    assert recipe_as_audited(beside, Path()).audit.max_length == 64
    capsys.readouterr()
    assert dry([BOLD], data="mixed.jsonl", model=model, audit={**like, "max_length": 128}) == 2
    err = capsys.readouterr().err
    assert "audit.max_length is 128, but the audit first was made with 64" in err and err.count("\n") == 1
    assert dry([BOLD], data="mixed.jsonl", model=model, audit={**like, "lens": ["surface"]}) == 2
    assert dry([BOLD], data="mixed.jsonl", model="smollm2-135m", audit=like) == 2
    assert dry([BOLD], data="mixed.jsonl", audit=like) == 0
    # and a plan: another length is refused, none is the audit's
    verdicts = decided("first", {**BOLD, "concept": "direction:flattery"})
    plan = ["plan", "mixed.jsonl", "--protocol", "filter", "--verdicts", verdicts]
    capsys.readouterr()
    assert call([*plan, "--max-length", "512"]) == 2
    assert "--max-length is 512, but the audit first was made with 64" in capsys.readouterr().err
    assert call([*plan, "--json"]) == 0
    shifts = {s["concept"]: s for s in json.loads(capsys.readouterr().out)["predicted_shift"]}
    audited = {p["concept"]: p for p in json.loads(Path("first/audit.json").read_text())["prediction"]}
    for name, s in shifts.items():
        assert s["plain"] == pytest.approx(audited[name]["expected_shift"], rel=1e-4)
    assert "direction:flattery" in shifts
    # an audit like another takes its length too, and says so where it is told otherwise
    again = ["audit", "mixed.jsonl", "--lens", ",".join(lenses), "--model", model, "--like", "first", "--out", "b"]
    assert call(again) == 0
    assert json.loads(Path("b/audit.json").read_text())["reading"]["max_length"] == 64
    capsys.readouterr()
    assert call([*again, "--max-length", "48"]) == 0
    assert "lenses read 48 tokens here and 64 in first" in capsys.readouterr().err


def test_a_negative_strength_is_said_to_turn_the_verdicts_round() -> None:
    from offtarget.engine.planning import turned_round
    from offtarget.shaping.context import Target

    targets = (Target("surface:bold", -1), Target("surface:emoji", 1))
    (said,) = turned_round("reweight", {"strength": -0.5}, targets)
    assert said == (
        "strength -0.5 turns the verdicts round: reweight amplifies what was decided to suppress (surface:bold) and suppresses "
        "what was decided to amplify (surface:emoji); a positive strength carries them out"
    )
    assert turned_round("reweight", {"strength": 0.5}, targets) == turned_round("reweight", {}, targets) == []
    assert turned_round("dpo", {}, targets) == []
