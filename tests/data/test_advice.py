"""What is said of a file that nothing fits: true of its values, tried where it is offered, never the opposite labels."""

import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.errors import OfftargetError

N = 40


def message(path: Path, rows: list[dict[str, Any]], **kw: Any) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows))
    with pytest.raises(OfftargetError) as error:
        load_pairs(str(path), **kw)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    return str(error.value)


def row(i: int) -> tuple[str, str, str]:
    return f"What is the use of item {i}?", f"It is used for {i} things.", f"Nobody knows about {i}."


def test_no_side_is_ever_proposed_by_a_name_alone(tmp_path: Path) -> None:
    rows = [
        {"question": p, "loser": r, "best_answer": c, "confidence": i, "chosen_score": 3}
        for i, (p, c, r) in enumerate(map(row, range(N)))
    ]
    text = message(tmp_path / "a.jsonl", rows)
    assert "chosen=NAME,rejected=NAME" in text
    assert "loser (text, 22 characters)" in text and "confidence (number)" in text
    assert "=loser" not in text and "=confidence" not in text and "=chosen_score" not in text


def test_a_prompt_is_offered_only_if_it_reads(tmp_path: Path) -> None:
    rows = [
        {"ask": p, "id": f"x{i}", "topic": "t", "chosen": c, "rejected": r}
        for i, (p, c, r) in enumerate(map(row, range(N)))
    ]
    text = message(tmp_path / "a.jsonl", rows)
    assert (
        "map it with --columns prompt=ask, in a recipe with --set columns.prompt=ask (tried on 40 rows: it reads)"
        in text
    )
    path = str(tmp_path / "a.jsonl")
    assert len(load_pairs(path, columns={"prompt": "ask"})) == N
    two = [{**r, "asked_of": r["ask"] + " Really?"} for r in rows]
    assert "which of ask, asked_of holds it" in message(tmp_path / "b.jsonl", two)
    none = [{k: v for k, v in r.items() if k != "ask"} for r in rows]
    text = message(tmp_path / "c.jsonl", none)
    assert "which column holds it" in text and "prompt=id" not in text and "prompt=topic" not in text


def test_two_answers_without_a_winner_name_the_adapter(tmp_path: Path) -> None:
    rows = [{"question": p, "answer_a": c, "answer_b": r, "vendor": "v"} for p, c, r in map(row, range(N))]
    text = message(tmp_path / "a.jsonl", rows)
    assert "two answers to each prompt (answer_a, answer_b) and no column that says who won" in text
    assert "--columns a=answer_a,b=answer_b,label=NAME (adapter two_responses)" in text


@pytest.mark.parametrize("label", [(True, False), (1, 0), (1.0, 0.0), ("True", "False")])
def test_answers_with_a_label_are_named_as_kto(tmp_path: Path, label: tuple[Any, Any]) -> None:
    rows = [
        {"prompt": p, "completion": text, "label": label[k]}
        for p, c, r in map(row, range(N))
        for k, text in enumerate((c, r))
    ]
    text = message(tmp_path / "a.jsonl", rows)
    assert "one answer a row (completion) with a label (label): this is the format of KTO" in text
    assert "of 40 prompts among the rows looked at, 40 have both" in text
    turns = [{**r, "prompt": [{"role": "user", "content": r["prompt"]}], "completion": [{"role": "assistant", "content": "x"}]}
             for r in rows]  # fmt: skip
    assert "format of KTO" in message(tmp_path / "b.jsonl", turns)


def test_one_answer_and_nothing_to_prefer_it_to(tmp_path: Path) -> None:
    talks = [
        {"messages": [{"role": "user", "content": p}, {"role": "assistant", "content": c}]}
        for p, c, _ in map(row, range(N))
    ]
    assert "one answer to each prompt (messages) and nothing it is preferred to" in message(tmp_path / "a.jsonl", talks)
    rows = [{"instruction": p, "output": c} for p, c, _ in map(row, range(N))]
    assert "one answer to each prompt (output) and nothing it is preferred to" in message(tmp_path / "b.jsonl", rows)


def test_lists_of_mappings_say_how_an_entry_is_named(tmp_path: Path) -> None:
    rows = [
        {"instruction": p, "completions": [{"response": c, "score": 8}, {"response": r, "score": 2}]}
        for p, c, r in map(row, range(N))
    ]
    text = message(tmp_path / "a.jsonl", rows)
    assert "completions (list of mappings: response, score; one is named completions.0.response)" in text
    columns = {
        "prompt": "instruction", "a": "completions.0.response", "b": "completions.1.response",
        "votes_a": "completions.0.score", "votes_b": "completions.1.score",
    }  # fmt: skip
    assert load_pairs(str(tmp_path / "a.jsonl"), columns=columns).pairs[0].chosen[0]["content"] == row(0)[1]


def test_a_table_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join(f'"{p}","{c}","{r}"' for p, c, r in map(row, range(N))))
    with pytest.raises(
        OfftargetError, match="the first line is read as the names of the columns, and looks like a row"
    ):
        load_pairs(str(tmp_path / "a.csv"))


def test_a_prompt_by_a_doubtful_name_must_hold_prompts(tmp_path: Path) -> None:
    rows = [{"task": "grammar", "good": c, "bad": r} for _, c, r in map(row, range(N))]
    assert "no column 'prompt'" in message(tmp_path / "a.jsonl", rows)
    rows = [{"task": p, "good": c, "bad": r} for p, c, r in map(row, range(N))]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert len(load_pairs(str(tmp_path / "b.jsonl"))) == N


def test_rows_within_one_object_are_placed(tmp_path: Path) -> None:
    rows = [{"row_idx": i, "row": dict(zip(("prompt", "chosen", "rejected"), row(i), strict=True))} for i in range(N)]
    path = tmp_path / "a.json"
    text = message(path, [{"version": 2, "meta": {"team": "x"}, "data": {"rows": rows}}])
    assert "nested in data.rows[].row (40 of them, with prompt, chosen, rejected)" in text
    assert "jq -c '.data.rows[].row'" in text


def test_a_label_within_annotations_is_placed(tmp_path: Path) -> None:
    def task(i: int, results: int) -> dict[str, Any]:
        p, c, r = row(i)
        result = {"type": "pairwise", "value": {"selected": ["left", "right"][i % 2]}}
        return {
            "id": i,
            "data": {"prompt": p, "answer1": c, "answer2": r},
            "annotations": [{"completed_by": 3, "result": [result] * results}],
        }

    path = tmp_path / "a.jsonl"
    text = message(path, [task(i, 1) for i in range(N)])
    way = text.rpartition("--columns ")[2]
    assert way.endswith("label=annotations.0.result.0.value.selected")
    loaded = load_pairs(str(path), columns=dict(x.split("=") for x in way.split(",")))
    assert [p.chosen[0]["content"] == row(i)[1] for i, p in enumerate(loaded.pairs)] == [True, False] * 20
    several = message(tmp_path / "b.jsonl", [task(i, 2) for i in range(N)])
    assert "annotations.0" not in several.partition("There are")[0]  # which of several counts is not known


def test_answers_within_mappings_are_named_whole(tmp_path: Path) -> None:
    rows = [
        {
            "input": {"system": "Be brief.", "prompt": p},
            "chosen": {"text": c, "model": "big"},
            "rejected": {"text": r, "model": "small"},
        }
        for p, c, r in map(row, range(N))
    ]
    path = tmp_path / "a.jsonl"
    text = message(path, rows)
    assert "--columns prompt=input.prompt,chosen=chosen.text,rejected=rejected.text" in text
    columns = {"prompt": "input.prompt", "chosen": "chosen.text", "rejected": "rejected.text"}
    assert load_pairs(str(path), columns=columns).pairs[3].chosen[0]["content"] == row(3)[1]


@pytest.mark.parametrize("above", [["Export of Q3"], ["Export,,,", ",Question,Answers,"], ["Export", ""]])
def test_lines_above_the_header_of_a_table(tmp_path: Path, above: list[str]) -> None:
    lines = ["No.,prompt,chosen,rejected", *(f"{i},{','.join(row(i))}" for i in range(N))]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*above, *lines]))
    with pytest.raises(OfftargetError) as error:
        load_pairs(str(path))
    assert str(error.value) == (
        f"a.csv: line {len(above) + 1} looks like the header (No., prompt, chosen, rejected); delete the lines above it"
    )
    path.write_text("\n".join(lines))
    assert len(load_pairs(str(path))) == N


def test_a_text_file_says_how_it_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("prompt\tchosen\trejected\nq\ta\tb\n")
    with pytest.raises(OfftargetError, match=r"a .txt file is read once its name says what it holds \(.tsv"):
        load_pairs(str(tmp_path / "a.txt"))


@pytest.mark.parametrize("talk", [True, False])
def test_odd_names_are_told_apart_by_what_they_hold(tmp_path: Path, talk: bool) -> None:
    """A prompt is no answer, whatever the columns are called; which of the two answers is better nobody but a person knows."""
    rows = [
        {"q": [{"role": "user", "content": p}] if talk else p, "x": c, "y": r, "tag": "ok"}
        for p, c, r in map(row, range(N))
    ]
    text = message(tmp_path / "a.jsonl", rows)
    assert "--columns prompt=q,chosen=NAME,rejected=NAME it reads" in text
    assert "where the two NAMEs are x and y, the better one first" in text
    assert "one answer to each prompt" not in text


def test_a_conversation_that_ends_in_an_answer_is_one_answer(tmp_path: Path) -> None:
    rows = [
        {"q": [{"role": "user", "content": p}, {"role": "assistant", "content": c}]} for p, c, _ in map(row, range(N))
    ]
    assert "one answer to each prompt (q)" in message(tmp_path / "a.jsonl", rows)


def test_prompts_alone_are_no_answers(tmp_path: Path) -> None:
    rows = [{"q": [{"role": "user", "content": p}], "n": 1} for p, _, _ in map(row, range(N))]
    text = message(tmp_path / "a.jsonl", rows)
    assert "one answer" not in text and "no columns for the chosen and the rejected answer" in text
