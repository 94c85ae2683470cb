"""What random adapters of a policy's size do, beside what the policy does."""

import json
from pathlib import Path

import pytest
from tests.adapters import random_adapter

from offtarget.cli.main import call
from offtarget.evals.floor import Floor, NullShifts, floor_of
from offtarget.evals.scores import BehaviourScore
from offtarget.evals.scoring import make_score
from offtarget.models import ModelRef, resolve
from offtarget.store import Store


def scores(*, style: float, odds: float) -> dict[str, BehaviourScore]:
    """A share with `style` of ten answers, and log-odds that are the same on two items."""
    share = {f"p{i}": float(i < round(10 * style)) for i in range(10)}
    return {
        "style": make_score(
            share, behaviour="style", task_version="1-A", direction="lower", role="target", unit="share"
        ),
        "odds": make_score(
            {"a": odds, "b": odds},
            behaviour="odds",
            task_version="1-A",
            direction="lower",
            role="off-target",
            unit="nats",
        ),
    }


def test_the_floor_is_the_mean_size_and_the_range_of_the_nulls(
    tiny_model: Path, tmp_path: Path, store_home: Path
) -> None:
    store = Store()
    policy = resolve(str(random_adapter(tmp_path / "policy", tiny_model)), store)
    asked: list[ModelRef] = []

    def measure(model: ModelRef, _what: str) -> dict[str, BehaviourScore]:
        asked.append(model)
        return scores(style=(0.3, 0.6, 0.5)[len(asked) - 1], odds=(2.0, 1.5, 0.5)[len(asked) - 1])

    found = floor_of(policy, scores(style=0.5, odds=1.0), measure, 3, store)
    assert len({m.identity for m in asked} | {policy.identity}) == 4
    assert found.start == resolve(str(tiny_model), store).identity
    style, odds = found.behaviours["style"], found.behaviours["odds"]
    assert style.shifts == pytest.approx((-0.2, 0.1, 0.0)) and style.size == pytest.approx(0.1)
    assert style.range == pytest.approx((-0.2, 0.1))
    assert odds.shifts == pytest.approx((1.0, 0.5, -0.5)) and odds.size == pytest.approx(2 / 3)
    assert odds.within(-1.0) and not odds.within(1.1)


def test_a_behaviour_that_a_null_has_no_score_of_has_no_floor(
    tiny_model: Path, tmp_path: Path, store_home: Path
) -> None:
    store = Store()
    policy = resolve(str(random_adapter(tmp_path / "policy", tiny_model)), store)
    nulls = iter([scores(style=0.5, odds=1.0), {"style": scores(style=0.6, odds=0.0)["style"]}])
    found = floor_of(policy, scores(style=0.5, odds=1.0), lambda *_: next(nulls), 2, store)
    assert set(found.behaviours) == {"style"}


def test_eval_and_compare_show_what_any_change_of_that_size_does(
    tiny_model: Path, tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = random_adapter(tmp_path / "policy", tiny_model)
    options = ["--behaviours", "arithmetic,choice", "--limit", "12"]
    assert call(["eval", str(policy), *options, "--null-adapters", "2", "--out", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    assert "null adapters" in said and "2 matrices" in said
    assert call(["eval", str(tiny_model), *options, "--out", str(tmp_path / "a")]) == 0
    capsys.readouterr()
    assert call(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    one = json.loads(capsys.readouterr().out)["comparisons"][0]
    written = json.loads((tmp_path / "b" / "scores.json").read_text())
    assert one["nulls"] == written["floor"]["behaviours"]
    assert all(len(n["shifts"]) == 2 and any(n["shifts"]) for n in one["nulls"].values())
    page = tmp_path / "page.html"
    assert call(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(page)]) == 0
    assert "2 random adapters of b's size" in capsys.readouterr().out and ">null adapters<" in page.read_text()
    assert call(["compare", str(tmp_path / "b"), str(tmp_path / "a"), "--json"]) == 0
    turned = json.loads(capsys.readouterr().out)["comparisons"][0]
    assert turned["nulls"] == {}, "the first of the two is not the model that the second began as"


def test_what_is_no_adapter_has_no_floor(
    tiny_model: Path, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["eval", str(tiny_model), "--behaviours", "choice", "--limit", "4", "--null-adapters", "2"]) == 2
    assert "no LoRA adapter" in capsys.readouterr().err


def test_a_floor_reads_as_it_was_written() -> None:
    found = Floor(draws=2, start="x", matrices=3, norm=1.5, behaviours={"style": NullShifts(shifts=(0.1, -0.2))})
    assert Floor.model_validate_json(found.model_dump_json()) == found
