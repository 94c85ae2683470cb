"""Files that people complained of, each through the command line: what is read, what is said, and with which exit code.

The inputs lie in the folder `trials` beside the real data; the right values were worked out from them by hand.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Path:
    path = shared_data.parent / "trials" / "cases"
    if not path.is_dir():
        pytest.skip(f"the trials are not available ({path})")
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = call([str(a) for a in argv])
    found = capsys.readouterr()
    return code, found.out, found.err


def checked(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, Any]:
    code, out, _ = run(capsys, "data", "check", *argv, "--json")
    assert code == 0
    return json.loads(out)


SOUND = {
    "02-system-column.jsonl": (120, 120, "column system, a turn before the prompt"),
    "03-json-string.jsonl": (
        60,
        60,
        "60 cells each hold a conversation as a text of JSON or Python; parsed into turns",
    ),
    "04-json-list-string.jsonl": (60, 60, "60 cells each hold a conversation as a text of JSON or Python"),
    "05-pandas-repr.csv": (60, 60, "60 cells each hold a conversation as a text of JSON or Python"),
    "06-axolotl-tool.jsonl": (60, 60, "prompt=messages"),
    "07-tool-turn.jsonl": (60, 60, "prompt=prompt"),
    "08-tool-answer.jsonl": (60, 60, "prompt=prompt"),
    "09-array.json": (60, 60, "prompt=prompt"),
    "09b-array-named.jsonl": (60, 60, "prompt=prompt"),
    "09c-array-indented.jsonl": (60, 60, "prompt=prompt"),
    "10-sharegpt.jsonl": (60, 60, "prompt=conversations"),
    "21c-hh-only.jsonl": (120, 120, "transcript"),
    "24-group.jsonl": (200, 2, "unit: column group, 2 values (200 prompts); `--columns group=prompt` for prompts"),
    "26-ab.jsonl": (100, 100, "response_A won in 50 rows (A>B), response_B in 50 rows (B>A)"),
    "28-semicolon.csv": (60, 60, "prompt=prompt, chosen=chosen, rejected=rejected"),
    "28b-cp1252.csv": (60, 60, "prompt=prompt, chosen=chosen, rejected=rejected"),
    "28c-utf16.jsonl": (60, 60, "prompt=prompt"),
    "28d-tabs.tsv": (60, 60, "prompt=prompt"),
    "28e-spaces.csv": (60, 60, "prompt=Prompt, chosen=chosen, rejected=rejected"),
    "36-mirror.jsonl": (120, 120, "prompt=prompt"),
    "39a-hh-transcripts.jsonl": (200, 200, "transcript"),
    "39b-hh-prompt-column.jsonl": (200, 200, "Human: / Assistant:; parsed into turns"),
    "39c-prompt-transcript.jsonl": (200, 200, "Human: / Assistant:; parsed into turns"),
    "40a-transcripts-first.jsonl": (240, 240, "120 rows as transcript and 120 rows as chosen_rejected"),
    "40b-prompts-first.jsonl": (240, 240, "120 rows as transcript and 120 rows as chosen_rejected"),
    "41-few-images.jsonl": (115, 115, "prompt=prompt"),
}
"""File: pairs, groups, and what is said of the reading."""


@pytest.mark.parametrize(("name", "want"), SOUND.items(), ids=SOUND.keys())
def test_it_is_read_and_the_reading_is_said(
    cases: Path, capsys: pytest.CaptureFixture[str], name: str, want: tuple[int, int, str]
) -> None:
    found = checked(capsys, cases / name)
    assert (found["n_pairs"], found["stats"]["n_groups"]) == want[:2]
    assert want[2] in "\n".join([found["read_as"], *found["notes"]])


REFUSED = {
    "01-wrong-role.jsonl": "column 'rejected', turn 1 has role user where an assistant turn should be",
    "11-lists.jsonl": "40 of 80 pairs (50.0%) cannot be used: 40 response without a counterpart; lists of unequal length: "
    "`--columns pairing=all`",
    "19-one-null.jsonl": "line 41: column 'rejected' is null; --skip-bad-rows goes on without such rows",
    "19b-one-broken.jsonl": "line 41: not JSON",
    "25-kto.jsonl": "this is the format of KTO, and there are no pairs in it",
    "33-images.jsonl": "no pair is left to compare (60 images in the row",
}


@pytest.mark.parametrize(("name", "why"), REFUSED.items(), ids=REFUSED.keys())
def test_it_is_refused_in_one_line(cases: Path, capsys: pytest.CaptureFixture[str], name: str, why: str) -> None:
    code, _, err = run(capsys, "data", "check", cases / name)
    assert code == 2
    (line,) = [x for x in err.splitlines() if x.startswith("offtarget: ")]
    assert why in line
    assert "Traceback" not in err


def test_bad_rows_are_left_out_on_request(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("19-one-null.jsonl", "19b-one-broken.jsonl"):
        found = checked(capsys, cases / name, "--skip-bad-rows")
        assert (found["n_pairs"], sum(found["n_dropped"].values())) == (59, 1)


def test_what_was_dropped_is_counted_placed_and_in_the_verdict(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = checked(capsys, cases / "19c-drops.jsonl", "--dropped", tmp_path / "d.jsonl")
    assert found["n_dropped"] == {"empty response": 2, "identical responses": 1, "empty prompt": 1}
    assert found["fit"]["weighs"][0] == "4 of 60 pairs (6.7%) cannot be used"
    rows = [json.loads(x) for x in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert [r["where"] for r in rows[:2]] == ["19c-drops.jsonl line 4", "19c-drops.jsonl line 8"]
    images = checked(capsys, cases / "41-few-images.jsonl")
    assert images["n_dropped"] == {"images in the row": 5}


def test_all_pairings_of_lists(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(x) for x in (cases / "11-lists.jsonl").read_text().splitlines()]
    want = sum(len(r["chosen"]) * len(r["rejected"]) for r in rows)
    assert checked(capsys, cases / "11-lists.jsonl", "--columns", "pairing=all")["n_pairs"] == want


def test_a_verdict_on_groups_names_the_way_out(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, cases / "24-group.jsonl")
    assert not found["fit"]["audit"] and "--columns group=prompt makes prompts the groups" in found["fit"]["needs"]
    code, _, err = run(capsys, "audit", cases / "24-group.jsonl", "--lens", "surface")
    assert code == 3 and "--columns group=prompt" in err
    prompts = checked(capsys, cases / "24-group.jsonl", "--columns", "group=prompt")
    assert prompts["stats"]["n_groups"] == 200 and prompts["fit"]["audit"]


def test_contradictions_circles_and_scores(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, cases / "12-contradictions.jsonl")
    # five pairs of rows are equal to the letter, five up to white space, five up to case
    assert (found["n_contradictions"], found["n_cycles"]) == (2 * 15, 5)
    (scores,) = checked(capsys, cases / "13-scores.jsonl")["scores"]
    assert (scores["n_lower"], scores["n_equal"], scores["n"]) == (12, 8, 100)


def test_prompts_that_train_and_test_share(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, cases / "30-test.jsonl", "--against", cases / "30-train.jsonl")
    assert found["against"]["n_prompts"] == 50


def test_roles_the_wrong_way_round_are_not_advised_and_not_taken_in_silence(
    cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(
        capsys,
        "data",
        "check",
        cases / "26-ab.jsonl",
        "--columns",
        "prompt=question,chosen=response_A,rejected=response_B",
    )
    assert code == 2 and "column label says who won" in err


def test_text_in_other_scripts_is_not_read_by_english_rules(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("34-arabic.jsonl", "35-chinese.jsonl"):
        assert "most text is not English" in checked(capsys, cases / name)["fit"]["weighs"]


def audited(capsys: pytest.CaptureFixture[str], out: Path, path: Path, *more: object) -> tuple[str, dict[str, float]]:
    code, told, err = run(capsys, "audit", path, "--lens", "surface", "--out", out, *more)
    assert code == 0, err
    record = json.loads((out / "audit.json").read_text())
    return told + err, {h["concept"]: h["effect"] for h in record["hypotheses"] if h["view"] == "overall"}


def test_one_set_in_three_encodings_has_one_effect(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, store_home: Path
) -> None:
    found = []
    for name in ("39a-hh-transcripts", "39b-hh-prompt-column", "39c-prompt-transcript"):
        said, effects = audited(capsys, tmp_path / name, cases / f"{name}.jsonl")
        assert "Bold text: in 40.0\u202f% of chosen, 0.0\u202f% of rejected" in said or "in 40.0 % of chosen" in said
        found.append(effects)
    assert found[0]["surface:bold"] == pytest.approx(0.4)
    assert found[0] == found[1] == found[2]


def test_of_two_shapes_all_rows_count(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, store_home: Path
) -> None:
    """Bold text in half of the 120 chosen of the second shape, in none of the first: a quarter of all."""
    said, effects = audited(capsys, tmp_path / "a", cases / "40a-transcripts-first.jsonl")
    assert effects["surface:bold"] == pytest.approx(0.25)
    assert "120 rows as transcript and 120 rows as chosen_rejected" in said
    assert audited(capsys, tmp_path / "b", cases / "40b-prompts-first.jsonl")[1]["surface:bold"] == pytest.approx(0.25)


def test_columns_the_other_way_round_negate_every_effect(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, store_home: Path
) -> None:
    path = cases / "36-mirror.jsonl"
    _, ways = audited(capsys, tmp_path / "a", path)
    _, back = audited(capsys, tmp_path / "b", path, "--columns", "chosen=rejected,rejected=chosen")
    assert ways.keys() == back.keys() and any(ways.values())
    assert max(abs(ways[c] + back[c]) for c in ways) == 0.0


@pytest.mark.parametrize(
    ("name", "what", "share"),
    [("15-eos-one-side", "end of a turn or text (</s>)", 1.0), ("14-think", "think block (<think>)", 0.32)],
)
def test_a_marker_on_one_side_is_a_finding_of_its_own_name_and_the_only_one(
    cases: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    store_home: Path,
    name: str,
    what: str,
    share: float,
) -> None:
    said, effects = audited(capsys, tmp_path / name, cases / f"{name}.jsonl")
    (marker,) = [c for c, effect in effects.items() if abs(effect - share) < 1e-6]
    record = json.loads((tmp_path / name / "audit.json").read_text())
    assert [h["concept"] for h in record["hypotheses"] if h["view"] == "overall" and h["q"] < 0.05] == [marker]
    assert f"looks like a template marker: {what}" in said


def test_chinese_answers_carry_one_caution_and_no_phrase_rule(
    cases: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, store_home: Path
) -> None:
    said, effects = audited(capsys, tmp_path / "zh", cases / "35-chinese.jsonl")
    assert said.count("which look for English phrases, do not apply") == 1
    assert "surface:refusal" not in effects and "surface:apology" not in effects
