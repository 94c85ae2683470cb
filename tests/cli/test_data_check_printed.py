"""`data check` as a person reads it: about a dozen lines, the verdict first, and what is wrong in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def sound(n: int = 40) -> list[dict[str, Any]]:
    """Rows with nothing wrong."""
    text = "the of and to that it for with are this you your have not from can will they which but"
    words = text.split()
    rows = []
    for i in range(n):
        turned = words[i % 20 :] + words[: i % 20]
        mine = " ".join([*turned[:12], f"a{i}"])
        rows.append(
            {"id": f"r{i}", "prompt": f"{i} {mine}?", "chosen": f"It is {mine}.", "rejected": f"No, {mine} is."}
        )
    return rows


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[str, dict[str, str], str]:
    """The verdict, the other lines by label (faults with their mark), and what went to stderr."""
    assert call(["data", "check", *args]) == 0
    said = capsys.readouterr()
    head, *rest = said.out.splitlines()
    lines: dict[str, str] = {}
    for line in rest:
        label = line[:19].strip()
        assert label not in lines or label.endswith(("debris", "stock answers")), f"two lines of {label}"
        lines[label] = lines.get(label, "") + line[19:]
    return head, lines, said.err


def test_a_sound_set_is_fit_in_a_dozen_lines_without_a_mark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, lines, err = printed(capsys, write(tmp_path / "mine.jsonl", sound()))
    assert head == "mine: fit to audit: yes"
    assert len(lines) <= 12
    assert not [label for label in lines if label.startswith("!")]
    assert lines["rows"] == "40 pairs from 40 prompts"
    assert lines["length"].startswith("median characters: prompt ")
    assert lines["language"] == "English"
    assert lines["card"] == "none: licence and source of the preferences are unknown"
    assert err == ""


def test_the_verdict_names_what_weighs_and_each_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = sound()
    rows += [{**rows[0], "id": "again", "prompt": rows[0]["prompt"].upper()}]
    rows += [{**rows[1], "id": "against", "chosen": rows[1]["rejected"], "rejected": rows[1]["chosen"]}]
    for r in rows:
        r["chosen"] += "</s>"
        r |= {"chosen_score": 2, "rejected_score": 1 + (r["id"] in ("r7", "r9")) * 2}
    head, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    assert head == (
        "mine: fit to audit: yes, but 2 of 42 rows have chosen_score < rejected_score, "
        "end of a turn or text (</s>) in 100 % of chosen and 0 % of rejected, 1 repeat"
    )  # the opposite label is none once one side has an end of text
    assert lines["! scores"] == "2 of 42 rows have chosen_score < rejected_score (r7, r9)"
    assert lines["! repeats"] == "1 row repeats an earlier one but for case and spaces (r0=again)"
    assert lines["! debris"].startswith("end of a turn or text (</s>): in 100 % of chosen, 0 % of rejected")
    assert lines["other columns"] == "chosen_score (int, 100% of pairs); rejected_score (int, 100% of pairs)"


def test_single_answers_that_are_none_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = sound(60)
    rows[3]["chosen"], rows[7]["rejected"] = "N/A", "null"
    rows[9]["rejected"] = "😀😀"
    rows[11]["chosen"] = "It isn\ufffdt so."
    rows[12]["chosen"] = " ".join(f"word{i}" for i in range(20_000))
    head, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    assert head == "mine: fit to audit: yes"
    told = lines["! odd answers"].split("; ")
    assert set(told) == {
        "2 answers with nothing but N/A, null, an error or the like (r3, r7)",
        "1 answer with no letter or digit, signs or emoji alone (r9)",
        "1 answer with lost or control signs (\ufffd) (r11)",
        "1 row with an answer longer than 100 times the median (r12)",
    }


@pytest.mark.parametrize(
    ("side", "change", "told"),
    [
        ("rejected", lambda t: t.rstrip(".") + ". And so it goes on with the", "ends in the middle of a sentence"),
        ("chosen", lambda t: f"<p>{t}</p><br>", "HTML tags or entities (<p>, <br>)"),
        ("rejected", lambda t: t + " Itâ€™s so.", "signs read in a wrong encoding (â€™)"),
        ("rejected", lambda t: t + "\nUser: Thanks!\nAssistant: Bye.", "goes on with a turn of the user (User:)"),
        ("chosen", lambda t: "Assistant: " + t, "a speaker's name (Assistant:)"),
        ("chosen", lambda t: t + "<|im_end|>", "end of a turn or text (<|im_end|>)"),
        ("rejected", lambda _: "[deleted]", "nothing but N/A, null, an error or the like"),
    ],
)
def test_debris_on_one_side_is_in_the_verdict_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], side: str, change: Callable[[str], str], told: str
) -> None:
    rows = sound(60)
    for r in rows[::2]:
        r[side] = change(r[side])
    head, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    shares = {s: "50 %" if s == side else "0 %" for s in ("chosen", "rejected")}
    assert f"{told} in {shares['chosen']} of chosen and {shares['rejected']} of rejected" in head
    assert any(text.startswith(f"{told}: in {shares['chosen']} of chosen") for text in lines.values())


def test_too_few_rows_are_not_fit_and_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, _ = printed(capsys, write(tmp_path / "mine.jsonl", sound(12)))
    assert head == (
        "mine: fit to audit: no: 12 pairs from 12 prompts, and at least 30 pairs from 10 prompts are needed"
    )
    few = [{**r, "prompt": "What is it?" if i < 35 else r["prompt"]} for i, r in enumerate(sound(60))]
    head, _, _ = printed(capsys, write(tmp_path / "mine.jsonl", few))
    # 60² / (35² + 25) = 2.88
    assert head.startswith("mine: fit to audit: no: 60 pairs from 26 prompts, as good as 2.9 of equal size, and")


def test_prompts_of_another_set_are_found_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test, train = sound(40), sound(60)[30:]
    train[0]["prompt"] = train[0]["prompt"].upper()
    paths = [write(tmp_path / f"{name}.jsonl", rows) for name, rows in (("mine", test), ("seen", train))]
    head, lines, _ = printed(capsys, paths[0], "--against", paths[1])
    assert head == "mine: fit to audit: yes, but 10 of 40 rows share their prompt with seen.jsonl"
    assert lines["! against"].startswith(
        "10 of 40 rows have a prompt of seen.jsonl (30 pairs), 0 more nearly; 10 are there with both answers (r30 = r30,"
    )
    assert call(["data", "check", paths[0], "--against", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    assert call(["data", "check", "planted-style", "--against", "planted-style", "--limit", "40", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["against"]
    assert (found["n_rows"], found["n_against"]) == (40, 2092)


def test_templates_stock_answers_and_another_language_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"id": f"r{i}", "prompt": f"Schreibe mir ein Gedicht über Sache{i}", "chosen": f"Das ist nicht möglich, Grund {i % 2}.",
         "rejected": f"Die Antwort {i} ist und das wird nicht mit dem {i} für uns auch sein."}
        for i in range(40)
    ]  # fmt: skip
    head, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    assert "2 texts make all of chosen" in head
    assert "the prompts of all 40 rows fill one template" in head
    assert lines["! templates"].endswith("fill one template: “schreibe mir ein gedicht über …” 40")
    assert lines["! stock answers"].startswith("2 texts make 100 % of chosen, which is as good as 2 different texts")
    assert "! language" in lines


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "told"),
    [
        ("Wie heißt die größte Stadt Nummer {}?", "Möglicherweise Köln oder München, {}.", "Das weiß ich nicht, {}.",
         "not English (German): rules for English phrases do not apply to most rows"),
        ("What is the capital of land {}?", "It is the city of {}.", "It was the town of {}.", "English"),
        ("{} + 1 = ?", "{}1", "{}", "unknown: the texts are too short to tell, or numbers, names or code"),
        ("What is {} in that language?", "二十{}", "三十{}",
         "prompt English; chosen not English (Han 100 %); rejected not English (Han 100 %): rules for English phrases do not "
         "apply to most rows"),
    ],
)  # fmt: skip
def test_the_language_of_short_texts_is_what_they_say_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prompt: str, chosen: str, rejected: str, told: str
) -> None:
    texts = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    rows = [{"id": f"r{i}", **{k: v.format(i) for k, v in texts.items()}} for i in range(40)]
    _, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    assert lines["! language" if "rules" in told else "language"] == told


def test_code_blocks_have_a_clause_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = sound()
    for i, row in enumerate(rows):
        row["chosen"] = f"```python\r\nprint({i})\r\n```"
        if i % 2:
            row["rejected"] = f"So:\n\n~~~\nprint({i})\n~~~\n"
    _, lines, _ = printed(capsys, write(tmp_path / "mine.jsonl", rows))
    assert lines["form"] == (
        "markdown in 0 % of chosen, 0 % of rejected; code blocks in 100 % of chosen, 50 % of rejected"
    )


def test_a_file_called_pairs_goes_by_the_folder_it_was_asked_for_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pairs.jsonl` alone is pairs: the folder one works in may be called anything, offtarget for one."""
    from offtarget.engine.auditing import set_name

    (tmp_path / "drop").mkdir()
    for name in ("pairs.jsonl", "drop/pairs.jsonl", "drop/week.jsonl"):
        (tmp_path / name).write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    assert [set_name(n) for n in ("pairs.jsonl", "drop/pairs.jsonl", "drop/week.jsonl")] == ["pairs", "drop", "week"]
