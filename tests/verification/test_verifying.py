"""`offtarget verify` on a random model: held-out prompts, fixed concepts, every control, and its errors."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from offtarget import registry
from offtarget.cli.main import call
from offtarget.store import Store
from offtarget.verification import agreement


@pytest.fixture(scope="module")
def sae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random SAE of 120 latents for the tiny model."""
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig

    torch.manual_seed(1)
    net = JumpReLUSAE(JumpReLUSAEConfig(d_in=64, d_sae=120))
    net.cfg.metadata.hook_name = "blocks.2.hook_resid_post"
    net.requires_grad_(False)
    net.threshold[:] = 12 + torch.rand(120) * 12
    path = tmp_path_factory.mktemp("sae")
    net.save_model(path)
    return path


def write_styled_pairs() -> None:
    """`pairs.jsonl` of 70 prompts: the style is in four of five chosen answers, in the others' rejected one."""
    rows = []
    for i in range(70):
        styled = f"**Answer {i}.** It is here!\n\n- one thing\n- another thing, because it is so"
        plain = f"Answer {i}. It is here, with one thing and another."
        chosen, rejected = (styled, plain) if i % 5 else (plain, styled)
        rows.append({"id": f"r{i}", "prompt": f"What about subject {i}?", "chosen": chosen, "rejected": rejected})
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


@pytest.fixture()
def recipe(
    tiny_model: Path, sae: Path, store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    for draws in ("shuffles", "resamples"):  # 500 of each, which these runs of some seconds do not need
        assert agreement.compare.__kwdefaults__[draws] == 500
        monkeypatch.setitem(agreement.compare.__kwdefaults__, draws, 100)
    write_styled_pairs()
    return {
        "title": "a test",
        "data": "pairs.jsonl",
        "model": str(tiny_model),
        "audit": {"lens": ["surface", f"sae:{sae}"], "max_length": 128},
        "train": {"pairs": 24},
        "training": {"max_steps": 3, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8},
        "protocols": ["dpo", "label_flip"],
        "behaviours": ["over_stylization"],
        "evaluation": {"limit": 2, "max_tokens": 4},
        "verification": {"prompts": 40, "max_tokens": 12, "own_samples": 2},
        "seeds": [0, 1],
        "budget": "test",
    }


def run(recipe: dict[str, Any]) -> None:
    Path("recipe.yaml").write_text(json.dumps(recipe))
    assert call(["run", "recipe.yaml", "--set", 'protocols=["dpo"]', "--out", "out"]) == 0


def test_a_run_is_verified_on_prompts_it_never_saw(recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run(recipe)
    capsys.readouterr()
    assert call(["verify", "out", "--json", "--summary", "res/set/verification.json"]) == 0
    v = json.loads(capsys.readouterr().out)
    assert v["n_prompts"] == 40 and v["n_trained"] == 24
    assert {o["predictor"] for o in v["outcomes"]} == {
        "tilt", "disparity", "activation", "logit_linear", "length", "own_chosen", "own_rejected", "kernel", "kernel_pairs",
        "one_gradient", "first_order", "first_order_pairs",
    }, "three steps of training are fewer than a pulse has"  # fmt: skip
    assert {o["family"] for o in v["outcomes"]} >= {"latents", "surface"}
    assert {o["seed"] for o in v["outcomes"]} == {0, 1}
    for o in v["outcomes"]:
        c = o["control"]
        assert c["raw_null"]["n"] == c["by_row_null"]["n"] == 100
        assert 1 / 101 <= c["by_row_null"]["p"] <= 1
        assert c["n_prompts"] <= 40
        own = {"one_gradient": 40, "first_order": 80, "kernel": 80}
        expected = own.get(o["predictor"], 24 if o["rows"] == "trained" else 30)
        assert c["n_rows"] == expected, "rows of held-out prompts predict nothing"
    head = v["outcomes"][0]
    assert (head["family"], head["statistic"], head["predictor"]) == ("latents", "sqrt_frequency", "tilt")
    assert all(c["seeds_raw"] is not None for c in v["ceilings"].values())
    assert len(v["points"]) == head["control"]["n_concepts"]
    figures = json.loads(Path("res/set/verification.json").read_text())
    assert figures["outcomes"] == v["outcomes"] and figures["points"] == []
    assert "What about subject" not in Path("res/set/verification.json").read_text()
    page = Path("out/verification/dpo/verification.html").read_text()
    assert "held-out prompts" in page and "<svg" in page

    assert call(["board", "res", "--predictions"]) == 0
    board = capsys.readouterr().out
    c = head["control"]
    part = board[board.index("## Set by set") :]
    part = part[part.index("## Over single latents") :]
    line = next(x for x in part.splitlines() if "| tilt |" in x)
    assert f"| {c['n_concepts']:,} | {c['raw']['r2']:.2f} | {c['by_row']['r']:+.2f}" in line
    assert f" {c['by_row']['r2']:.2f} | {c['by_row_null']['q95_r2']:.2f} | {c['by_row_null']['p']:.3f} |" in line
    assert call(["board", "res", "--predictions", "--format", "csv"]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    (row,) = (
        r for r in rows if (r["concepts"], r["statistic"], r["predictor"]) == ("latents", "sqrt frequency", "tilt")
    )
    assert (row["r"].lstrip("'"), row["r²"]) == (f"{c['raw']['r']:+.2f}", f"{c['raw']['r2']:.2f}")
    assert call(["board", "out", "--predictions", "--format", "html"]) == 2

    made = sum(e["event"] == "made" for e in Store().events())
    assert call(["verify", "out", "--level", "data", "--json"]) == 0
    cheap = {o["predictor"] for o in json.loads(capsys.readouterr().out)["outcomes"]}
    assert cheap == {"tilt", "disparity", "length"}
    assert call(["verify", "out", "--level", "forwards"]) == 2
    assert "unknown level 'forwards': did you mean forward?" in capsys.readouterr().err
    assert call(["verify", "out"]) == 0
    assert "ceiling of latents/sqrt_frequency" in capsys.readouterr().out
    assert sum(e["event"] == "made" for e in Store().events()) == made, "something finished was done twice"


def test_controls_know_nothing_of_the_labels_and_behaviours_stand_beside_training(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a plan every step is as long as plain DPO's, whichever predictor asks for it first."""
    surface = recipe | {
        "audit": {"lens": ["surface"]},
        "seeds": [0],
        "training": {**recipe["training"], "max_steps": 6},
    }
    surface["verdicts"] = [{"concept": "surface:markdown", "decision": "suppress"}]
    Path("recipe.yaml").write_text(json.dumps(surface | {"protocols": ["label_flip"]}))
    assert call(["run", "recipe.yaml", "--out", "out"]) == 0
    capsys.readouterr()
    assert call(["verify", "out", "--controls", "--json"]) == 0
    v = json.loads(capsys.readouterr().out)
    asked = {o["predictor"] for o in v["outcomes"]}
    assert {"null_adapter", "shuffled_labels", "other_draw", "fluency", "pulse_4"} <= asked and "pulse_8" not in asked
    assert {b["predictor"] for b in v["behaviours"]} == {"one_gradient", "null_adapter", "shuffled_labels", "pulse_4"}
    assert (
        set(v["costs"]) == asked and v["costs"]["tilt"]["of_training"] == 0 < v["costs"]["one_gradient"]["of_training"]
    )
    page = Path("out/verification/label-flip/verification.html")
    page = page if page.is_file() else Path("out/verification/label_flip/verification.html")
    assert "over_stylization" in page.read_text()
    steps = [json.loads(p.read_text()) for p in Path(Store().root, "one-step").glob("*/digest.json")]
    assert len(steps) == 3, "plain, under the plan, and on shuffled labels"
    assert len({round(s["factor"], 6) for s in steps}) == 1


def test_what_cannot_be_verified_is_said_in_one_line(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["verify", "out"]) == 2
    assert "no run.json" in capsys.readouterr().err
    run(recipe | {"audit": {"lens": ["surface"]}, "train": {"pairs": 50}, "seeds": [0]})
    capsys.readouterr()
    assert call(["verify", "out", "--protocol", "filter"]) == 2
    assert "this run has dpo" in capsys.readouterr().err
    assert call(["verify", "out"]) == 3
    err = capsys.readouterr().err
    assert "only 20 prompts are left" in err and err.splitlines()[-1].startswith("offtarget: ")
    Path("out/run.json").write_text("{}")
    assert call(["verify", "out"]) == 2
    assert "damaged" in capsys.readouterr().err


def test_what_columns_say_is_left_out_since_new_answers_have_none(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    scored = [{**r, "chosen_score": 3 + i % 4, "rejected_score": 4} for i, r in enumerate(rows)]
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in scored))
    run(recipe | {"audit": {"lens": ["surface", "columns"]}, "seeds": [0]})
    capsys.readouterr()
    assert call(["verify", "out", "--json"]) == 0
    v = json.loads(capsys.readouterr().out)
    assert {o["family"] for o in v["outcomes"]} == {"surface"}
    assert not any(p["concept"].startswith("columns:") for p in v["points"])
    told = "lens 'columns' is left out: new answers have no columns, so nothing can be observed of its 1 concept"
    assert told in v["warnings"]

    run(recipe | {"audit": {"lens": ["columns"]}, "seeds": [0]})
    capsys.readouterr()
    assert call(["verify", "out"]) == 2
    err = capsys.readouterr().err
    assert "lens columns reads columns of the data, which new answers do not have" in err.splitlines()[-1]
