"""Columns as concepts, from the file to the sentences: planted differences are found, dealt labels are not."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from offtarget import registry
from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit
from offtarget.cli.main import call
from offtarget.report.statements import state

WORDS = ["river", "stone", "lamp", "paper", "garden", "winter", "letter", "bridge", "morning", "table", "window"]


@pytest.fixture(autouse=True)
def own_store(store_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "_default", None)
    monkeypatch.chdir(tmp_path)


def rows(n: int = 300, seed: int = 0, dealt: bool = False) -> list[dict[str, Any]]:
    """Pairs of random words. Seven in ten chosen answers are of `gpt`, three in ten rejected ones; scores are 1 to 5.

    The chosen one's score is 2 higher in rows of source `web`, and the same in the others. `tokens` is the length.
    With `dealt` the sides are swapped by a coin, so that nothing leans.
    """
    draw = random.Random(seed)
    out = []
    for i in range(n):
        web, styled = i % 3 == 0, i % 4 == 0
        low = draw.randint(1, 3)
        side = []
        for chosen in (True, False):
            words = [draw.choice(WORDS) for _ in range(draw.randint(8, 20) + (6 if chosen else 0))]
            side.append(
                {
                    "text": " ".join(words).capitalize() + ".",
                    "model": "gpt" if draw.random() < (0.7 if chosen else 0.3) else "llama",
                    "score": low + 2 * (web and chosen),
                    "tokens": 10 * len(words),
                }
            )
        if dealt and draw.random() < 0.5:
            side.reverse()
        out.append(
            {"prompt": f"Say {'**something**' if styled else 'something'} on {i}.", "source": "web" if web else "book"}
            | {f"{name}_{k}": v for name, s in zip(("chosen", "rejected"), side, strict=True) for k, v in s.items()}
        )
    return out


def audited(name: str, found: list[dict[str, Any]], *options: str, lens: str = "surface,columns") -> Audit:
    Path(f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in found))
    columns = ["--columns", "prompt=prompt,chosen=chosen_text,rejected=rejected_text"]
    assert call(["audit", f"{name}.jsonl", *columns, "--lens", lens, "--out", name, *options]) == 0
    return AuditFolder(Path(name)).audit


def overall(audit: Audit) -> dict[str, Any]:
    return {h.concept: h for h in audit.hypotheses if h.view == "overall"}


def test_a_planted_difference_is_found_in_every_view_that_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    made = rows()
    audit = audited("planted", made, "--by", "source")
    found = overall(audit)
    gpt = [(r["chosen_model"] == "gpt") - (r["rejected_model"] == "gpt") for r in made]
    assert found["columns:model=gpt"].effect == pytest.approx(sum(gpt) / len(gpt), abs=1e-6)
    assert found["columns:model=llama"].effect == pytest.approx(-sum(gpt) / len(gpt), abs=1e-6)
    assert found["columns:score"].effect == pytest.approx(2 / 3, abs=1e-6), "2 in a third of the rows"
    assert all(found[c].q < 1e-6 for c in ("columns:model=gpt", "columns:model=llama", "columns:score"))
    inside = [h for h in audit.hypotheses if h.context == "meta:source=web" and h.concept == "columns:score"]
    assert inside[0].effect == pytest.approx(2, abs=1e-6) and inside[0].q < 1e-6

    printed = capsys.readouterr().out
    assert "Model is gpt: in " in printed and "% of chosen, " in printed
    assert "Score: " in printed and "units of score in chosen" in printed
    page = Path("planted/report.html").read_text()
    assert "chosen score" in page, "the card of a score shows the scores of its rows"
    shifts = page.partition('id="prediction"')[2].partition('id="method"')[0]
    assert "characters" in shifts and "score" not in shifts, "a policy has no score that training could move"


def test_the_local_view_sees_what_holds_for_some_prompts() -> None:
    made = [{**r, "chosen_score": r["rejected_score"] + 3 * ("**" in r["prompt"])} for r in rows()]
    audit = audited("local", made)
    bold = {c.id for c in audit.contexts if c.label == "prompt: bold text"}
    (h,) = (h for h in audit.hypotheses if h.concept == "columns:score" and h.context in bold)
    assert h.view == "local" and h.q < 1e-6 and h.inside_mean == pytest.approx(3) and h.outside_mean == 0


def test_dealt_labels_lean_to_nothing() -> None:
    found = overall(audited("dealt", rows(dealt=True)))
    assert {"columns:model=gpt", "columns:score", "columns:tokens"} <= set(found)
    assert all(h.q > 0.05 for c, h in found.items() if c.startswith("columns:"))


def test_at_equal_length_what_is_length_is_gone() -> None:
    draw = random.Random(1)
    made = [
        {**r, "chosen_score": r["chosen_tokens"] + draw.gauss(0, 60), "rejected_score": r["rejected_tokens"]}
        for r in rows()
    ]
    audit = audited("length", made)
    score = overall(audit)["columns:score"]
    assert score.q < 1e-6 and score.length_controlled is not None
    assert abs(score.length_controlled.effect) < 0.25 * score.effect and score.length_controlled.q > 0.05
    length = state(audit).length
    assert length is not None
    assert "columns:score" in [h.concept for h in length.explained], "the head says that length explains it"


def test_columns_make_statements_of_their_own() -> None:
    """A score from which the label was made goes with every lean, and must not speak for the texts."""
    draw = random.Random(2)
    made = []
    for r in rows():
        praise = draw.random() < 0.6
        made.append(
            {
                **r,
                "chosen_text": r["chosen_text"] + (" Wonderful! Amazing!" if praise else ""),
                "chosen_score": 5 + 3 * praise,
                "rejected_score": 4,
            }
        )
    stated = [s for s in state(audited("apart", made)).statements if not s.is_length]
    leads = {s.lead.concept: [h.concept for h in s.along] for s in stated}
    assert {"columns:score", "surface:enthusiasm"} <= set(leads), "though they go together in every row"
    for lead, along in leads.items():
        assert {c.partition(":")[0] for c in along} <= {lead.partition(":")[0]}, f"{lead} speaks for {along}"
    of_model = [c for c in leads if c.startswith("columns:model")]
    assert len(of_model) == 1 and len(leads[of_model[0]]) >= 1, "values of one column are one statement"


def test_a_score_that_is_the_label_and_columns_of_the_pair_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    made = [{**r, "chosen_score": 9} for r in rows(60)]
    audited("label", made)
    err = capsys.readouterr().err
    assert "score is higher in chosen in 100.0% of the 60 rows that have it" in err
    assert "source holds for the whole pair, so nothing can lean by it alone: use --by source" in err
    audited("by", made, "--by", "source")
    assert "use --by source" not in capsys.readouterr().err


def test_an_audit_by_rules_says_which_columns_it_did_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    audited("rules", rows(60), lens="surface")
    said = "columns that speak of one side: model, score, tokens; --lens surface,columns tests them too"
    assert said in capsys.readouterr().err


def test_after_a_label_the_side_follows_the_winner() -> None:
    draw = random.Random(3)
    made = []
    for r in rows():
        swap = draw.random() < 0.5
        a, b = ("rejected", "chosen") if swap else ("chosen", "rejected")
        made.append(
            {"prompt": r["prompt"], "winner": "model_b" if swap else "model_a"}
            | {f"response_{m}": r[f"{s}_text"] for m, s in (("a", a), ("b", b))}
            | {f"model_{m}": r[f"{s}_model"] for m, s in (("a", a), ("b", b))}
        )
    Path("ab.jsonl").write_text("".join(json.dumps(r) + "\n" for r in made))
    assert call(["audit", "ab.jsonl", "--lens", "columns", "--out", "ab"]) == 0
    gpt = [(r["chosen_model"] == "gpt") - (r["rejected_model"] == "gpt") for r in rows()]
    found = overall(AuditFolder(Path("ab")).audit)
    assert found["columns:model=gpt"].effect == pytest.approx(sum(gpt) / len(gpt), abs=1e-6)


def test_a_later_set_is_compared_by_the_same_columns(capsys: pytest.CaptureFixture[str]) -> None:
    audited("old", rows())
    later = [
        {**r, "chosen_score": r["chosen_score"] + 2, "chosen_model": "new" if r["chosen_model"] == "gpt" else "llama"}
        for r in rows(seed=9)
    ]
    audit = audited("new", later, "--like", "old")
    assert "columns:model=gpt" in overall(audit) and "columns:model=new" not in overall(audit)
    capsys.readouterr()
    assert call(["diff", "old", "new"]) == 0
    out = capsys.readouterr().out
    assert "score" in out and "model is gpt" in out and "values_sha256" not in out


def test_plans_on_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    made = rows()
    audited("plans", made)
    for protocol, strength in (("filter", "0.2"), ("reward_shaping", "-2"), ("reweight", "-2"), ("label_flip", "0.1")):
        given = [
            "plan",
            "plans",
            "--protocol",
            protocol,
            "-P",
            "concept=columns:model=gpt",
            "-P",
            f"strength={strength}",
        ]
        capsys.readouterr()
        assert call([*given, "--json"]) == 0, protocol
        shift = {r["concept"]: r for r in json.loads(capsys.readouterr().out)["predicted_shift"]}
        gpt = [(r["chosen_model"] == "gpt") - (r["rejected_model"] == "gpt") for r in made]
        assert shift["columns:model=gpt"]["plain"] == pytest.approx(sum(gpt) / len(gpt), abs=1e-6)
        away = shift["columns:model=gpt"]["planned"] - shift["columns:model=gpt"]["plain"]
        assert (away < -0.1) if float(strength) < 0 else (away > 0.1), protocol
    left_out = [
        "plan",
        "plans",
        "--protocol",
        "filter",
        "-P",
        "concept=columns:model=gpt",
        "-P",
        "strength=1",
        "--json",
    ]
    assert call(left_out) == 0
    n = json.loads(capsys.readouterr().out)["left_out"]
    assert n == sum(g < 0 for g in gpt), "the pairs that prefer llama to gpt, and no other"


@pytest.mark.parametrize(
    ("protocol", "lacks"),
    [
        ("token_filter", "no word that shows it"),
        ("counterfactual", "no way to rewrite an answer without it"),
        ("steering", "no direction of it in a model"),
        ("preventative_steering", "no direction of it in a model"),
        ("ablation", "no direction of it in a model"),
    ],
)
def test_protocols_that_need_a_text_refuse_a_column(
    protocol: str, lacks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    audited("texts", rows(60))
    given = ["plan", "texts", "--protocol", protocol, "-P", "concept=columns:model=gpt", "-P", "strength=-0.5"]
    capsys.readouterr()
    assert call(given) == 2
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("offtarget: "))
    assert lacks in line and "filter, label_flip, reweight and reward_shaping take it" in line


def test_a_readout_of_activations_refuses_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    audited("readout", rows(60))
    given = [
        "plan",
        "readout",
        "--protocol",
        "reward_shaping",
        "-P",
        "concept=columns:score",
        "-P",
        "readout=direction",
    ]
    assert call(given) == 2
    assert "there is no readout direction of it" in capsys.readouterr().err


def test_names_that_nobody_knows_offer_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    audited("names", rows(60))
    for argv, says in (
        (["plan", "names", "--protocol", "filter", "-P", "concept=columns:scroe"], "did you mean columns:score"),
        (["concepts", "names", "--find", "lama"], "columns:model=llama"),
        (["audit", "names.jsonl", "--columns", "chosen=chosen_text,rejected=rejected_text", "--lens", "columns:modle,score"],
         "did you mean model"),
    ):  # fmt: skip
        capsys.readouterr()
        call(argv)
        said = capsys.readouterr()
        assert says in said.out + said.err


def test_one_lens_takes_several_columns() -> None:
    audit = audited("some", rows(60), lens="columns:score,tokens,surface")
    assert {c.id for c in audit.concepts if c.lens == "columns"} == {"columns:score", "columns:tokens"}
    assert any(c.lens == "surface" for c in audit.concepts)
    assert audit.reading is not None and audit.reading.lens == ("columns:score,tokens", "surface")


def test_a_file_without_columns_of_a_side_is_refused_with_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    made = [
        {"prompt": f"Q {i}?", "chosen": f"Yes {i}.", "rejected": f"No {i}.", "source": "ab"[i % 2]} for i in range(40)
    ]
    Path("bare.jsonl").write_text("".join(json.dumps(r) + "\n" for r in made))
    assert call(["audit", "bare.jsonl", "--lens", "surface,columns"]) == 2
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("offtarget: "))
    assert "no column of bare says something of each side" in line and "use --by source" in line
