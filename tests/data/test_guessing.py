"""The shape is decided from all rows: whatever their order, nothing is half read, and nothing is taken in silence."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, DataError

N = 60


def triple(i: int) -> tuple[str, str, str]:
    return f"How do I mend item {i}?", f"Take tool {i} and turn it.", f"No idea about {i}, sorry."


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def bot(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def plain(i: int) -> dict[str, Any]:
    p, c, r = triple(i)
    return {"prompt": p, "chosen": c, "rejected": r}


def hh(i: int) -> dict[str, Any]:
    p, c, r = triple(i)
    return {"chosen": f"\n\nHuman: {p}\n\nAssistant: {c}", "rejected": f"\n\nHuman: {p}\n\nAssistant: {r}"}


def labelled(i: int) -> dict[str, Any]:
    p, c, r = triple(i)
    return {"question": p, "answer_a": r if i % 2 else c, "answer_b": c if i % 2 else r, "label": "ba"[i % 2 - 1]}


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return str(path)


def said(loaded: PairSet) -> set[tuple[str, str, str]]:
    return {(p.prompt[-1]["content"], p.chosen[-1]["content"], p.rejected[-1]["content"]) for p in loaded.pairs}


ALL = {triple(i) for i in range(N)}
ORDERS = ["as they are", "backwards", "mixed"]


def ordered(rows: list[Any], order: str) -> list[Any]:
    if order == "mixed":
        random.Random(0).shuffle(rows)
    return rows[::-1] if order == "backwards" else rows


@pytest.mark.parametrize("order", ORDERS)
def test_a_file_of_two_shapes_is_read_by_both_with_both_counts(tmp_path: Path, order: str) -> None:
    rows = ordered([hh(i) if i < 24 else plain(i) for i in range(N)], order)
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert said(loaded) == ALL
    assert not loaded.dropped
    assert loaded.read_as == (
        "chosen_rejected (guessed from all 60 rows, 36 of them): prompt=prompt, chosen=chosen, rejected=rejected; "
        "transcript (guessed from all 60 rows, 24 of them): chosen=chosen, rejected=rejected"
    )
    assert (
        "rows of 2 shapes: 36 rows as chosen_rejected and 24 rows as transcript; each was read by its own"
        in loaded.notes
    )


@pytest.mark.parametrize("order", ORDERS)
def test_shapes_of_other_columns_in_one_file(tmp_path: Path, order: str) -> None:
    rows = ordered([labelled(i) if i % 3 else plain(i) for i in range(N)], order)
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert said(loaded) == ALL
    assert not loaded.cautions


def tables(tmp_path: Path, rows: list[dict[str, Any]]) -> list[str]:
    """The rows as kinds of file in which every row has all columns: those of other rows are empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    header = list(dict.fromkeys(k for r in rows for k in r))
    whole = [{k: r.get(k) for k in header} for r in rows]
    with (tmp_path / "a.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, header)
        writer.writeheader()
        writer.writerows(whole)
    pq.write_table(pa.Table.from_pylist(whole), tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text(json.dumps(whole))
    (tmp_path / "nan.jsonl").write_text(
        "\n".join(json.dumps({k: r.get(k, float("nan")) for k in header}) for r in rows)
    )
    (tmp_path / "blank.jsonl").write_text("\n".join(json.dumps({k: r.get(k, " ") for k in header}) for r in rows))
    return [str(tmp_path / n) for n in ("a.csv", "a.parquet", "a.json", "nan.jsonl", "blank.jsonl")]


def other_names(i: int) -> dict[str, Any]:
    p, c, r = triple(i)
    return {"instruction": p, "preferred": c, "dispreferred": r}


@pytest.mark.parametrize("of_other", [labelled, other_names])
@pytest.mark.parametrize("n_other", [10, 30, 50])
def test_sources_that_were_put_together_in_one_table(tmp_path: Path, of_other: Any, n_other: int) -> None:
    rows = [{**plain(i), "source": "A"} if i >= n_other else of_other(i) for i in range(N)]
    for path in tables(tmp_path, rows):
        loaded = load_pairs(path)
        assert said(loaded) == ALL, path
        assert not loaded.dropped
        assert any(n.startswith("rows of 2 shapes: ") and f"{n_other} rows as" in n for n in loaded.notes)
        assert {k for p in loaded.pairs for k in p.meta} == {"source"}
        assert sum("source" in p.meta for p in loaded.pairs) == N - n_other


def test_rows_of_another_shape_that_lack_a_label_are_named(tmp_path: Path) -> None:
    odd = [{**{k: v for k, v in labelled(i).items() if k != "label"}, "shown_first": "a"} for i in range(30)]
    rows = [*odd, *(plain(i) for i in range(30, N))]
    for path in tables(tmp_path, rows)[:2]:
        with pytest.raises(DataError, match=r"30 of 60 pairs|is null.*30 rows are not read by their own shape"):
            load_pairs(path)
        loaded = load_pairs(path, columns={"label": "shown_first"})
        assert len(loaded) == N
        assert sum(p.chosen[0]["content"].startswith("Take tool") for p in loaded.pairs) == 45
    told = load_pairs(str(tmp_path / "a.csv"), allow_drops=True).cautions
    assert any(t.startswith("30 rows are not read by their own shape: no column says by its name") for t in told)


def test_other_columns_count_filled_cells(tmp_path: Path) -> None:
    from offtarget.data.check import check

    rows = [{**plain(i), "note": "x" if i < 15 else None, "empty": None} for i in range(N)]
    for path in tables(tmp_path, rows):
        assert check(path).fields == {"note": "str, 25% of pairs"}


def test_an_empty_answer_in_a_table_is_an_empty_answer(tmp_path: Path) -> None:
    rows = [plain(i) for i in range(N)]
    rows[3]["rejected"] = rows[5]["prompt"] = ""
    rows[7]["chosen"] = "  "
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.dropped == {"empty response": 2, "empty prompt": 1}


@pytest.mark.parametrize("order", ORDERS)
def test_a_row_of_no_shape_is_named_and_can_be_left_out(tmp_path: Path, order: str) -> None:
    kto = {"prompt": "How?", "completion": "So.", "label": True}
    rows = ordered([plain(i) for i in range(N)] + [kto] * 3, order)
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match=r"line \d+: no column 'chosen' .*--skip-bad-rows goes on"):
        load_pairs(path)
    loaded = load_pairs(path, skip_bad_rows=True)
    assert said(loaded) == ALL
    assert loaded.dropped == {"broken row": 3}


def test_metadata_that_comes_and_goes_makes_no_other_shape(tmp_path: Path) -> None:
    rows = [plain(i) | {f"note{k}": "x" for k in range(10) if (i >> k) % 2} for i in range(N)]
    rows = [{**r, "source": None if i % 2 else "web", "score": i} for i, r in enumerate(rows)]
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert said(loaded) == ALL
    assert ";" not in loaded.read_as and not loaded.notes


def test_one_encoding_of_several_in_the_same_columns(tmp_path: Path) -> None:
    rows = []
    for i in range(N):
        p, c, r = triple(i)
        rows.append(
            [
                {"prompt": p, "chosen": c, "rejected": r},
                {"prompt": f"\n\nHuman: {p}\n\nAssistant:", "chosen": f" {c}", "rejected": f" {r}"},
                {"prompt": p, "chosen": [user(p), bot(c)], "rejected": [user(p), bot(r)]},
                {"prompt": p, "chosen": f"{p}\n\n{c}", "rejected": f"{p}\n\n{r}"},
            ][i % 4]
        )
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert said(loaded) == ALL
    assert any("15 cells hold a conversation as running text" in n for n in loaded.notes)
    assert any("both answers begin with their prompt in 15 pairs: it was cut off" in n for n in loaded.notes)


def test_an_echo_on_one_side_is_no_encoding(tmp_path: Path) -> None:
    rows = [{**plain(i), "rejected": f"{triple(i)[0]}\n{triple(i)[2]}"} for i in range(N)]
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert all(p.rejected[0]["content"].startswith("How do I mend") for p in loaded.pairs)


def test_a_few_answers_that_repeat_the_prompt_are_left_and_said(tmp_path: Path) -> None:
    rows = [plain(i) for i in range(N)]
    for row in rows[:6]:
        row |= {side: f"{row['prompt']}\n{row[side]}" for side in ("chosen", "rejected")}
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.pairs[0].chosen[0]["content"].startswith("How do I mend")
    assert loaded.cautions == (
        "both answers begin with their prompt in 10% of the rows looked at: they are read as they are",
    )


def test_plain_words_for_who_speaks_need_the_whole_column(tmp_path: Path) -> None:
    rows = [plain(i) for i in range(N)]
    for row in rows[::2]:
        row["prompt"] = f"User: {row['prompt']}\nAssistant:"
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.pairs[0].prompt == [user("User: How do I mend item 0?\nAssistant:")]
    assert loaded.cautions == (
        "column prompt: 30 of 60 texts looked at are written as a conversation (User: / Assistant:), the others are not; "
        "all are read as plain text",
    )


def test_answers_in_json_or_with_marks_at_their_end_stay_what_they_are(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"Give me user {i} as JSON",
            "chosen": json.dumps({"name": f"u{i}", "tags": ["a", "b"]}),
            "rejected": f"Assistant: user {i}</s>",
        }
        for i in range(N)
    ]
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.pairs[3].chosen == [bot(rows[3]["chosen"])]
    assert loaded.pairs[3].rejected == [bot(rows[3]["rejected"])]


def test_a_conversation_in_a_cell_that_was_cut_short_is_named(tmp_path: Path) -> None:
    rows = [
        {"prompt": p, "chosen": json.dumps([user(p), bot(c)]), "rejected": repr([user(p), bot(r)])}
        for p, c, r in map(triple, range(N))
    ]
    rows[4]["chosen"] = rows[4]["chosen"][:60]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(
        DataError, match="line 5: column 'chosen' begins as a conversation written as text but is not whole"
    ):
        load_pairs(path)
    loaded = load_pairs(path, skip_bad_rows=True)
    assert (len(loaded), [r.where for r in loaded.dropped_rows]) == (N - 1, ["a.jsonl line 5"])


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{'role': 'user', 'content': " + "(" * 3000, "[{'role': 'user', 'content': __import__('os')}]"]
)
def test_hostile_cells_are_text_or_named_and_never_run(tmp_path: Path, text: str) -> None:
    rows = [plain(i) for i in range(N)]
    rows[0]["chosen"] = text
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.pairs[0].chosen == [bot(text)]


def test_mistaken_roles_are_named_by_column_and_turn(tmp_path: Path) -> None:
    rows = [
        {"system": [user("Be brief.")], "prompt": [user(p)], "chosen": [bot(c)], "rejected": [user(r)]}
        for p, c, r in map(triple, range(N))
    ]
    with pytest.raises(DataError) as error:
        load_pairs(write(tmp_path / "a.jsonl", rows))
    assert str(error.value) == (
        "a.jsonl line 1: column 'rejected', turn 1 has role user where an assistant turn should be"
    )
    mended = [{**r, "rejected": [bot("x")]} for r in rows]
    with pytest.raises(DataError, match="column 'system', turn 1 has role user where a system turn should be"):
        load_pairs(write(tmp_path / "a.jsonl", mended))
    odd = [{**plain(i), "chosen": [{"role": "judge", "content": "x"}]} for i in range(N)]
    with pytest.raises(DataError, match="column 'chosen', turn 1 has the unknown role 'judge'"):
        load_pairs(write(tmp_path / "a.jsonl", odd))


def test_calls_of_tools_are_kept_as_stable_text(tmp_path: Path) -> None:
    def call(number: str, arguments: Any) -> dict[str, Any]:
        return {"id": number, "type": "function", "function": {"name": "search", "arguments": arguments}}

    rows = []
    for i in range(40):
        p, c, r = triple(i)
        asked = [
            user(p),
            {"role": "assistant", "content": None, "tool_calls": [call(f"call_{i}", '{"q": "x", "n": 2}')]},
            {"role": "tool", "name": "search", "tool_call_id": f"call_{i}", "content": "three results"},
        ]
        rows.append({"messages": asked, "chosen": bot(c), "rejected": {**bot(r), "content": None, "tool_calls": [
            call(f"other_{i}", {"n": 2, "q": "x"})]}})  # fmt: skip
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    text = '{"tool_call": {"arguments": {"n": 2, "q": "x"}, "name": "search"}}'
    assert loaded.pairs[7].prompt[1:] == [bot(text), {"role": "tool", "content": "three results"}]
    assert loaded.pairs[7].rejected == [bot(text)]
    lone = [{**r, "rejected": {"role": "assistant", "content": None}} for r in rows]
    with pytest.raises(DataError, match="column 'rejected', turn 1 has null content"):
        load_pairs(write(tmp_path / "a.jsonl", lone))


@pytest.mark.parametrize(
    "change",
    [
        {"images": [{"path": "0.png"}]},
        {"prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "q"}]}]},
        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    ],
)
def test_rows_with_images_are_left_out_and_counted(tmp_path: Path, change: dict[str, Any]) -> None:
    rows = [{**plain(i), "images": []} | (change if i % 20 == 0 else {}) for i in range(N)]
    loaded = load_pairs(write(tmp_path / "a.jsonl", rows))
    assert loaded.dropped == {"images in the row": 3}
    only = write(tmp_path / "b.jsonl", [{**plain(i), **change} for i in range(N)])
    with pytest.raises(DataError, match=r"no pair is left to compare .60 images in the row.*only text is read"):
        load_pairs(only)


def test_a_column_that_is_the_unit_or_no_split_is_said(tmp_path: Path) -> None:
    rows = [{**plain(i), "group": "AB"[i % 2], "split": ["harmful", "benign"][i % 2], "id": i % 10} for i in range(N)]
    path = write(tmp_path / "a.jsonl", rows)
    loaded = load_pairs(path)
    assert loaded.unit == "column group, 2 values (60 prompts)"
    assert loaded.notes == (
        "unit: column group, 2 values (60 prompts); `--columns group=prompt` for prompts",
        "ids: column id, 50 of which came before",
        "column split holds benign, harmful: taken as a label of rows, not as splits; `--columns split=split` for splits",
    )
    assert not loaded.split_column
    by_prompt = load_pairs(path, columns={"group": "prompt", "split": "split"})
    assert (len({p.group for p in by_prompt.pairs}), by_prompt.unit, by_prompt.split_column) == (60, "", True)


def test_too_few_groups_of_a_column_are_said_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.cli.main import call

    path = write(tmp_path / "a.jsonl", [{**plain(i), "group": "AB"[i % 2]} for i in range(N)])
    said_so = "60 pairs in 2 groups (column group, 2 values (60 prompts)) are too few to test anything"
    assert call(["audit", path, "--out", str(tmp_path / "x")]) == 3
    err = capsys.readouterr().err
    assert said_so in err and "--columns group=prompt makes prompts the groups" in err
    assert call(["run", "style", "--set", f"data={path}", "--dry-run"]) == 3
    assert said_so in capsys.readouterr().err


def test_a_system_column_goes_before_the_prompt_and_tells_prompts_apart(tmp_path: Path) -> None:
    kinds = ["You answer in one sentence.", "You answer for a child of five.", ""]
    rows = [{"system_prompt": kinds[i % 3], **plain(i // 3)} for i in range(N)]
    path = write(tmp_path / "a.jsonl", rows)
    loaded = load_pairs(path)
    assert loaded.pairs[1].prompt == [{"role": "system", "content": kinds[1]}, user("How do I mend item 0?")]
    assert loaded.pairs[2].prompt == [user("How do I mend item 0?")]
    assert len({p.group for p in loaded.pairs}) == N
    assert loaded.notes == ("system: column system_prompt, a turn before the prompt",)
    named = [{"rules": r["system_prompt"], **plain(i)} for i, r in enumerate(rows)]
    other = load_pairs(write(tmp_path / "b.jsonl", named), columns={"system": "rules"})
    assert other.pairs[1].prompt[0] == {"role": "system", "content": kinds[1]}
    clash = [{"system": "x", **plain(0), "prompt": [{"role": "system", "content": "y"}, user("q")]}]
    with pytest.raises(DataError, match="the prompt begins with a system turn, and column 'system' holds another one"):
        load_pairs(write(tmp_path / "c.jsonl", clash))


@pytest.mark.parametrize("column", ["persona", "for_whom"])
def test_a_context_that_changes_within_a_prompt_is_named(tmp_path: Path, column: str) -> None:
    kinds = ["You are a child of five.", "You are an old pilot.", "A very tired nurse speaks."]
    rows = [{column: kinds[i % 3], **plain(i), "prompt": f"How do I mend item {i // 3}?"} for i in range(N)]
    path = write(tmp_path / "a.jsonl", rows)
    (caution,) = load_pairs(path).cautions
    assert caution.startswith(f"column {column} changes within 20 of the 20 prompts that come more than once")
    assert f"--columns context={column} puts it before the prompt" in caution
    put = load_pairs(path, columns={"context": column})
    assert put.pairs[0].prompt == [user(f"{kinds[0]}\n\nHow do I mend item 0?")]
    assert (put.cautions, len({p.group for p in put.pairs})) == ((), N)


def test_one_column_has_one_role(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [plain(i) for i in range(N)])
    with pytest.raises(ConfigError, match="column 'chosen' is given two roles, chosen and rejected"):
        load_pairs(path, columns={"chosen": "chosen", "rejected": "chosen"})
    with pytest.raises(DataError, match="no column 'best' for chosen; there are: prompt, chosen, rejected"):
        load_pairs(path, columns={"chosen": "best"})


def test_columns_within_columns(tmp_path: Path) -> None:
    rows = [
        {"info": {"post": p}, "summaries": [{"text": r if i % 2 else c}, {"text": c if i % 2 else r}], "choice": i % 2}
        for i, (p, c, r) in enumerate(map(triple, range(N)))
    ]
    columns = {"prompt": "info.post", "a": "summaries.0.text", "b": "summaries.1.text", "label": "choice"}
    assert said(load_pairs(write(tmp_path / "a.jsonl", rows), columns=columns)) == ALL


def test_pairing_of_lists_on_the_command_line(tmp_path: Path) -> None:
    rows = [{**plain(i), "chosen": ["a", "b"], "rejected": ["x"] if i % 2 else ["x", "y"]} for i in range(N)]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError, match="`--columns pairing=all` compares each answer with each"):
        load_pairs(path)
    assert len(load_pairs(path, columns={"pairing": "all"})) == 30 * 2 + 30 * 4


@pytest.mark.parametrize(
    "leak",
    [
        "[INST] {}", "<|im_start|>user\n{}", "<|im_start|>assistant\n{}", "<|user|>{}", "[INST] {} [/INST] More.",
        "### Instruction:\n{}", "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\nMore.", "[/INST] {}",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("column", "every"), [("chosen", 12), ("rejected", 12), ("rejected", 1)])
def test_a_mark_that_leaked_into_answers_is_part_of_them(tmp_path: Path, leak: str, column: str, every: int) -> None:
    rows = [plain(i) for i in range(N)]
    for row in rows[::every]:
        row[column] = leak.format(row[column])
    path = write(tmp_path / "a.jsonl", rows)
    if every == 1 and "More." in leak:  # a whole column of conversations, and their prompts are others
        with pytest.raises(DataError, match="60 prompts differ"):
            load_pairs(path)
        return
    loaded = load_pairs(path)
    assert said(loaded) == {(r["prompt"], r["chosen"], r["rejected"]) for r in rows}
    assert not loaded.dropped and not loaded.notes


def test_leaked_marks_are_debris(tmp_path: Path) -> None:
    from offtarget.data.check import check

    rows = [plain(i) for i in range(N)]
    for row in rows[::10]:
        row["rejected"] = f"[INST] {row['rejected']}"
    found = check(write(tmp_path / "a.jsonl", rows)).texts.debris
    assert [(d.n_chosen, d.n_rejected) for d in found if "INST" in d.told] == [(0, 6)]


def test_a_part_of_answers_that_are_whole_conversations_is_parsed(tmp_path: Path) -> None:
    rows = [plain(i) for i in range(N)]
    for row in rows[::5]:
        row |= {side: f"[INST] {row['prompt']} [/INST] {row[side]}" for side in ("chosen", "rejected")}
    assert said(load_pairs(write(tmp_path / "a.jsonl", rows))) == ALL


@pytest.mark.parametrize("order", ORDERS)
def test_conversations_in_four_notations(tmp_path: Path, order: str) -> None:
    rows: list[dict[str, Any]] = []
    for i in range(N):
        p, c, r = triple(i)
        asked = [user(p), bot("Which one?"), user("The red one.")]
        marked = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in asked)
        text = f"\n\nHuman: {p}\n\nAssistant: Which one?\n\nHuman: The red one.\n\nAssistant: "
        rows.append(
            [
                {"chosen": text + c, "rejected": text + r},
                {"chosen": [*asked, bot(c)], "rejected": [*asked, bot(r)]},
                {
                    "conversations": [{"from": m["role"], "value": m["content"]} for m in asked],
                    "chosen": {"from": "gpt", "value": c},
                    "rejected": {"from": "gpt", "value": r},
                },
                {
                    "prompt": f"{marked}<|im_start|>assistant\n",
                    "chosen": f"{c}<|im_end|>",
                    "rejected": f"{r}<|im_end|>",
                },
            ][i % 4]
        )
    loaded = load_pairs(write(tmp_path / "a.jsonl", ordered(rows, order)))
    assert not loaded.dropped
    found = {(p.prompt[0]["content"], p.chosen[-1]["content"], p.rejected[-1]["content"]) for p in loaded.pairs}
    assert found == ALL
    assert {tuple(m["role"] for m in p.prompt) for p in loaded.pairs} == {("user", "assistant", "user")}
