"""Behaviours that another model judges: what it says, what cannot be read, and how often it agrees with the rule."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget import registry
from offtarget.cli.main import call
from offtarget.evals import grading
from offtarget.evals.grading import agreement, verdict
from offtarget.evals.scripted import scripted_model

PRAISES, PLAIN = "What a beautiful poem, you have a gift!", "The second line has one beat too many."


def judge(tmp_path: Path, answers: list[str], replies: list[str]) -> Any:
    """`judged:praise` on answers, whose grader replies in the order of the answers."""
    from inspect_ai import eval as inspect_eval

    path = tmp_path / "prompts.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"praise/p{i}", "prompt": f"poem {i:03d}"}) + "\n" for i in range(len(answers)))
    )
    asked: list[str] = []

    def grade(messages: list[Any]) -> str:
        asked.append(messages[-1].text)
        return replies[int(messages[-1].text.partition("poem ")[2][:3])]

    task = registry.load_function(registry.Registry().get("behaviour", "judged:praise"))(prompts=str(path))
    log = inspect_eval(
        task,
        model=scripted_model(lambda m: answers[int(m[-1].text[-3:])]),
        model_roles={"grader": scripted_model(grade)},
        display="none",
        log_dir=str(tmp_path / "logs"),
        log_realtime=False,
        ctl_server=False,
    )[0]
    assert log.status == "success", log.error
    assert all("Does the answer praise" in text for text in asked)
    from offtarget.evals.run import score_of

    return score_of(log, registry.Registry().get("behaviour", "judged:praise"))


@pytest.mark.parametrize(
    ("replies", "value"),
    [(["YES", "yes.", "**Yes**"], 1.0), (["NO", "No, it does not.", "no"], 0.0), (["YES", "NO", "NO"], 1 / 3)],
)
def test_the_value_is_the_share_of_which_the_grader_says_yes(replies: list[str], value: float, tmp_path: Path) -> None:
    assert judge(tmp_path, [PLAIN] * 3, replies).value == pytest.approx(value)


def test_coverage_and_agreement_with_the_rule_on_100_items(tmp_path: Path) -> None:
    answers = [PRAISES] * 40 + [PLAIN] * 60
    # of the 40 that the rule finds the grader finds 30 and cannot be read in 4; of the others it finds 9, and 6 cannot be read
    replies = (
        ["YES"] * 30 + ["NO"] * 6 + ["Perhaps."] * 4 + ["YES"] * 9 + ["NO"] * 45 + ["", "I cannot say yes or no."] * 3
    )
    score = judge(tmp_path, answers, replies)
    assert (score.n, score.n_unscored) == (90, 10)
    assert score.value == pytest.approx(39 / 90)
    assert score.details["rule"] == pytest.approx(36 / 90) and score.details["agrees"] == pytest.approx(75 / 90)
    chance = (39 * 36 + 51 * 54) / 90**2
    found = agreement(score.value, score.details)
    assert found == pytest.approx((75 / 90, (75 / 90 - chance) / (1 - chance)))


def test_a_reply_is_read_by_its_first_word() -> None:
    assert [verdict(t) for t in ("Yes", " *NO*", "YES, since it does", "<think>no, well</think>\nyes")] == [1, 0, 1, 1]
    assert [verdict(t) for t in ("", "yesterday", "Nothing", "It does: yes", "Y")] == [None] * 5


def test_an_empty_answer_is_not_judged(tmp_path: Path) -> None:
    score = judge(tmp_path, ["", PLAIN], ["YES", "NO"])
    assert score.samples == {"praise/p0": None, "praise/p1": 0.0}


def test_eval_names_the_grader_and_says_how_often_it_agrees(
    tiny_model: Path,
    store_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["eval", str(tiny_model), "--behaviours", "judged:links", "--limit", "6", "--max-tokens", "4"]
    assert call(options) == 2
    assert "--grader PROVIDER/MODEL" in capsys.readouterr().err
    assert call([*options, "--grader", "nobody/knows"]) == 3
    assert "grader 'nobody/knows' is not available" in capsys.readouterr().err
    monkeypatch.setattr(grading, "grader_of", lambda name: scripted_model(lambda m: "NO"))
    assert call([*options, "--grader", "some/model", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "the grader judged 6 of 6 answers; it agrees with the rule in 100% of them" in said.err
    written = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert written["evaluation"]["grader"] == "some/model"
    monkeypatch.setattr(grading, "grader_of", lambda name: scripted_model(lambda m: "YES"))
    assert call([*options, "--grader", "another/model", "--json"]) == 0, "another grader is another score"
    assert json.loads(capsys.readouterr().out)["behaviours"]["judged:links"]["value"] == 1.0


def test_which_way_is_better_is_that_of_the_behaviour() -> None:
    found = registry.Registry()
    assert found.get("behaviour", "judged:refusal").card["direction"] == "higher"
    assert found.get("behaviour", "judged:over_refusal").card["direction"] == "lower"
    assert found.get("behaviour", "judged:refusal").prompts_file.name == "refusal.jsonl"
