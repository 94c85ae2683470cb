"""The judge lens from the command line: audit, concepts, page, plan, diff, verify, and its errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import modelapi
from tests.judges import NAMED, Judge, answer_by, more_signs, response

from offtarget import registry
from offtarget.audit.folder import AuditFolder
from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.evals.scripted import ScriptedAPI
from offtarget.lens.table import check_lenses, split_lenses

MARKS, ASKS = "judge:exclamation-marks", "judge:questions"
LENS = "judge:judgetest/model"


class API(ScriptedAPI):
    """The provider `judgetest`, which answers as the judge of the test that is running."""

    judge: Judge

    def __init__(self, model_name: str, *_: Any, **__: Any) -> None:
        super().__init__(model_name, answer=lambda messages: API.judge._answer(messages))


@modelapi(name="judgetest")
def judgetest() -> type[API]:
    return API


@pytest.fixture()
def judge(store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    API.judge = Judge()
    write("rows.jsonl", range(120))
    yield API.judge


def write(name: str, numbers: Any, marks: tuple[int, int] = (6, 1)) -> None:
    """Of ten rows chosen has more exclamation marks in the first number, rejected in the second; no length goes with it."""
    rows = []
    for i in numbers:
        sides = [f"Answer {i} of one kind.", f"Answer {i} of some kind."]
        k = 0 if i % 10 < marks[0] else 1 if i % 10 < sum(marks) else None
        if k is not None:
            sides[k] = sides[k][:-1] + "!"
        if i % 3 == 0:
            sides[i % 2] += " Is it?"
        rows.append({"id": f"r{i}", "prompt": f"What about subject {i}?", "chosen": sides[0], "rejected": sides[1]})
    Path(name).write_text("".join(json.dumps(r) + "\n" for r in rows))


def test_an_audit_states_the_share_difference_with_the_judge_s_fidelity(
    judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["audit", "rows.jsonl", "--lens", f"{LENS},swapped=0.5", "--out", "a"]) == 0
    out, err = capsys.readouterr()
    assert "judgetest/model is sent text of the set: 8 requests" in err
    said = "Exclamation marks (judged, kappa 1.00): more in chosen in 60.0 % of pairs, in rejected in 10.0 %, in neither in 30.0 %."
    assert said in out
    audit = AuditFolder(Path("a")).audit
    (h,) = [h for h in audit.hypotheses if h.view == "overall" and h.concept == MARKS]
    assert h.finding and h.effect == pytest.approx(0.5)
    evidence = {c.id: c.evidence for c in audit.concepts}[MARKS]
    assert evidence.effect_unit == "share of pairs"
    assert evidence.judged is not None and evidence.judged.kappa == 1.0 and evidence.judged.both == 60
    page = Path("a/report.html").read_text()
    assert "60 were asked in both orders, and their answers agree with kappa 1.00" in page
    assert "It has more exclamation marks." in page
    asked = len(judge.requests)
    assert call(["concepts", "a", "--lens", "judge"]) == 0
    assert "exclamation marks (judged, kappa 1.00)" in capsys.readouterr().out
    assert call(["audit", "rows.jsonl", "--lens", f"{LENS},swapped=0.5", "--out", "b"]) == 0
    assert len(judge.requests) == asked


def test_a_statement_is_over_the_pairs_that_were_answered(judge: Judge, capsys: pytest.CaptureFixture[str]) -> None:
    judge.judging = lambda _, r: "?" if "Answer 1" in response(r, "A") else answer_by(more_signs, r)
    assert call(["audit", "rows.jsonl", "--lens", LENS, "--out", "a"]) == 0
    rows = [i for i in range(120) if str(i)[0] != "1"]
    chosen, rejected = (sum(i % 10 in side for i in rows) / len(rows) for side in (range(6), [6]))
    said = (
        f"more in chosen in {chosen:.1%} of the {len(rows)} pairs answered, in rejected in {rejected:.1%}, in neither"
    )
    assert said.replace("%", " %") in capsys.readouterr().out.replace("\u202f", " ")
    (h,) = [h for h in AuditFolder(Path("a")).audit.hypotheses if h.view == "overall" and h.concept == MARKS]
    assert h.effect == pytest.approx(chosen - rejected)


def test_a_judge_that_goes_by_position_states_nothing(judge: Judge, capsys: pytest.CaptureFixture[str]) -> None:
    judge.rule = lambda *_: "A"
    assert call(["audit", "rows.jsonl", "--lens", LENS, "--out", "a"]) == 0
    out, err = capsys.readouterr()
    assert "warning: judge judgetest/model goes by position: 100% of its answers for a side are for A" in err
    assert "nothing leans at q < 0.05 over the whole set" in out
    assert not AuditFolder(Path("a")).audit.findings


def test_an_audit_says_what_its_own_judge_was_worth_though_the_values_are_the_same(
    judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer, tokens, says in (("A", 64, "by position"), ("perhaps", 65, "no answer could be read for 108 of 120")):
        judge.rule = lambda name, a, b, answer=answer: "neither" if int(a.split()[1]) % 10 == 0 else answer
        assert call(["audit", "rows.jsonl", "--lens", f"{LENS},tokens={tokens}", "--out", str(tokens)]) == 0
        assert says in capsys.readouterr().err
    assert AuditFolder(Path("64")).audit.vocabulary == AuditFolder(Path("65")).audit.vocabulary


def test_a_plan_weighs_pairs_by_what_the_judge_said_and_asks_nothing(
    judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["audit", "rows.jsonl", "--lens", f"surface,{LENS}", "--out", "a"]) == 0
    asked = len(judge.requests)
    capsys.readouterr()
    plan = ["plan", "rows.jsonl", "--like", "a", "--protocol", "reward_shaping", "-P", f"concept={MARKS}"]
    assert call([*plan, "-P", "strength=-2", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert len(judge.requests) == asked
    (target,) = [s for s in summary["predicted_shift"] if s["target"]]
    assert (target["concept"], target["unit"]) == (MARKS, "share of pairs")
    assert target["plain"] == pytest.approx(0.5)
    assert abs(target["planned"]) < target["plain"]


def test_a_later_audit_uses_the_same_concepts_and_diff_compares_them(
    judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["audit", "rows.jsonl", "--lens", LENS, "--out", "old"]) == 0
    judge.named = [{"name": "something else", "definition": "Other."}]
    write("later.jsonl", range(1000, 1120), marks=(1, 6))
    assert call(["audit", "later.jsonl", "--lens", LENS, "--like", "old", "--out", "new"]) == 0
    assert [c.id for c in AuditFolder(Path("new")).audit.concepts] == [MARKS, ASKS]
    capsys.readouterr()
    assert call(["diff", "old", "new", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (change,) = [e for e in found["effects"] if e["view"] == "overall" and e["concept"] == MARKS]
    assert (change["old"], change["new"]) == (pytest.approx(0.5), pytest.approx(-0.5))
    assert change["q"] < 0.05
    judge.named = NAMED
    assert call(["audit", "later.jsonl", "--lens", "judge:judgetest/other", "--like", "old", "--out", "x"]) == 3
    assert "lens 'judge' was asked with another model before" in capsys.readouterr().err


def test_a_run_is_verified_with_answers_that_the_same_judge_compares(
    judge: Judge, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def longer(name: str, a: str, b: str) -> str:
        """A rule that an untrained model's answers differ by, too."""
        x, y = (len(t) if "exclamation" in name else t.count("e") for t in (a, b))
        return "A" if x > y else "B" if y > x else "neither"

    judge.rule = longer
    recipe = {
        "title": "a test", "data": "rows.jsonl", "model": str(tiny_model), "audit": {"lens": ["surface", LENS]},
        "train": {"pairs": 24}, "protocols": ["dpo"], "behaviours": ["over_stylization"],
        "training": {"max_steps": 3, "batch_size": 4, "max_length": 128, "lora_rank": 4, "lora_alpha": 8},
        "evaluation": {"limit": 2, "max_tokens": 4}, "verification": {"prompts": 40, "max_tokens": 12},
        "seeds": [0], "budget": "test",
    }  # fmt: skip
    Path("recipe.yaml").write_text(json.dumps(recipe))
    assert call(["run", "recipe.yaml", "--out", "out"]) == 0
    before = len(judge.judgings)
    assert call(["verify", "out", "--json"]) == 0
    assert 0 < len(judge.judgings) - before <= 40 + 30
    assert not any("Name up to" in r for r in judge.requests[before + 9 :])


@pytest.mark.parametrize(
    ("lens", "code", "says"),
    [
        ("judge", 2, "names none: write it as judge:PROVIDER/MODEL"),
        ("judge:judgetest/m,mots=3", 2, "did you mean most"),
        ("judge:nosuch/model", 3, "judge 'nosuch/model' is not available"),
        ("judge:openai/none", 3, "judge 'openai/none' is not available"),
        ("judge:judgetest/m,concepts=none.yaml", 2, "none.yaml: cannot be read"),
        ("surface,most=3", 2, "unknown lens 'most=3'"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lens: str, code: int, says: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert call(["audit", "rows.jsonl", "--lens", lens, "--out", "x"]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.strip().splitlines()[-1].startswith("offtarget: ")


def test_a_part_with_an_equals_sign_belongs_to_the_lens_before_it() -> None:
    names = split_lenses("surface, judge:a/b,most=3,concepts=x.yaml,sae:folder")
    assert names == ["surface", "judge:a/b,most=3,concepts=x.yaml", "sae:folder"]
    check_lenses(names, "--lens")
    with pytest.raises(ConfigError, match="twice"):
        check_lenses(["judge:a/b", "judge:c/d"], "--lens")
