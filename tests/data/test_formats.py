"""The same 350 pairs, written in each format of this trade, come out the same without a card."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from offtarget.data.loading import load_pairs
from offtarget.data.pairs import PairSet

N = 350
Asked = list[tuple[str, str, str]]


def pairs() -> Asked:
    """(prompt, chosen, rejected): quotes, commas, line breaks, letters beyond ASCII."""
    return [
        (
            f'Which of these is right, "{i}" or {i * i}; and why?',
            f"Number {i}: it's right — naïve as it is,\nand {'so ' * (i % 5)}on.",
            f"No; not {i}\tof them [{i}] {{x}}.",
        )
        for i in range(N)
    ]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def bot(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def human(text: str) -> dict[str, str]:
    return {"from": "human", "value": text}


def gpt(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


def said(loaded: PairSet) -> list[tuple[Any, Any, Any]]:
    return [(p.prompt, p.chosen, p.rejected) for p in loaded.pairs]


EXPECTED = [([user(p)], [bot(c)], [bot(r)]) for p, c, r in pairs()]
Row = Callable[[str, str, str, int], dict[str, Any]]

ROWS: dict[str, Row] = {
    "strings": lambda p, c, r, i: {"prompt": p, "chosen": c, "rejected": r},
    "trl, explicit prompt": lambda p, c, r, i: {"prompt": [user(p)], "chosen": [bot(c)], "rejected": [bot(r)]},
    "trl, implicit prompt": lambda p, c, r, i: {"chosen": [user(p), bot(c)], "rejected": [user(p), bot(r)]},
    "hub, whole conversations": lambda p, c, r, i: {
        "prompt": p, "prompt_id": str(i), "chosen": [user(p), bot(c)], "rejected": [user(p), bot(r)],
        "messages": [user(p), bot(c)], "score_chosen": 8.0, "score_rejected": 3.5,
    },
    "orca": lambda p, c, r, i: {"system": "", "question": p, "chosen": c, "rejected": r},
    "axolotl": lambda p, c, r, i: {"messages": [user(p)], "chosen": bot(c), "rejected": bot(r)},
    "sharegpt": lambda p, c, r, i: {"conversations": [human(p)], "chosen": gpt(c), "rejected": gpt(r)},
    "alpaca": lambda p, c, r, i: {"instruction": p, "input": "", "chosen": c, "rejected": r},
    "alpaca, lists of turns before": lambda p, c, r, i: {
        "instruction": p, "input": "", "history": [], "chosen": c, "rejected": r,
    },
    "openai": lambda p, c, r, i: {
        "input": {"messages": [user(p)], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [bot(c)],
        "non_preferred_output": [bot(r)],
    },
    "typed parts": lambda p, c, r, i: {
        "prompt": [{"role": "user", "content": [{"type": "text", "text": p}]}],
        "chosen": [{"role": "assistant", "content": [{"type": "text", "text": c}]}],
        "rejected": [{"role": "assistant", "content": [{"type": "text", "text": r}]}],
    },
    "winner and loser": lambda p, c, r, i: {"question": p, "winner": c, "loser": r, "confidence": i % 5},
    "preferred and dispreferred": lambda p, c, r, i: {"query": p, "dispreferred": r, "preferred": c},
    "better and worse": lambda p, c, r, i: {"instruction": p, "better_response": c, "worse_response": r},
    "accepted and rejected": lambda p, c, r, i: {"Prompt": p, "Accepted": c, "Rejected": r},
    "chosen_response": lambda p, c, r, i: {"Prompt": p, "ChosenResponse": c, "RejectedResponse": r, "chosen_model": "m"},
    "lists of one": lambda p, c, r, i: {"prompt": p, "chosen": [c], "rejected": [r]},
    "JSON in cells": lambda p, c, r, i: {
        "prompt": p, "chosen": json.dumps([user(p), bot(c)]), "rejected": json.dumps([user(p), bot(r)]),
    },
    "JSON objects in cells": lambda p, c, r, i: {
        "chosen": json.dumps({"messages": [user(p), bot(c)], "tools": []}),
        "rejected": json.dumps({"messages": [user(p), bot(r)], "tools": []}),
    },
    "Python in cells": lambda p, c, r, i: {
        "prompt": p, "chosen": repr([user(p), bot(c)]), "rejected": repr([user(p), bot(r)]),
    },
    "what numpy prints": lambda p, c, r, i: {
        "prompt": p, "chosen": f"[{user(p)}\n {bot(c)}]", "rejected": f"[{user(p)}\n {bot(r)}]",
    },
    "hh": lambda p, c, r, i: {
        "chosen": f"\n\nHuman: {p}\n\nAssistant: {c}", "rejected": f"\n\nHuman: {p}\n\nAssistant: {r}",
    },
    "hh with a prompt": lambda p, c, r, i: {
        "prompt": f"\n\nHuman: {p}\n\nAssistant:",
        "chosen": f"\n\nHuman: {p}\n\nAssistant: {c}",
        "rejected": f"\n\nHuman: {p}\n\nAssistant: {r}",
    },
    "hh prompt, bare answers": lambda p, c, r, i: {
        "prompt": f"\n\nHuman: {p}\n\nAssistant:", "chosen": f" {c}", "rejected": f" {r}",
    },
    "prompt repeated": lambda p, c, r, i: {"prompt": p, "chosen": f"{p}\n{c}", "rejected": f"{p}\n{r}"},
    "user and assistant": lambda p, c, r, i: {
        "prompt": f"User: {p}\nAssistant:", "chosen": f" {c}", "rejected": f" {r}",
    },
    "vicuna": lambda p, c, r, i: {"prompt": f"USER: {p} ASSISTANT:", "chosen": f" {c}", "rejected": f" {r}"},
    "chatml": lambda p, c, r, i: {
        "prompt": f"<|im_start|>user\n{p}<|im_end|>\n<|im_start|>assistant\n",
        "chosen": f"{c}<|im_end|>", "rejected": f"{r}<|im_end|>",
    },
    "chatml, whole": lambda p, c, r, i: {
        "chosen": f"<|im_start|>user\n{p}<|im_end|>\n<|im_start|>assistant\n{c}<|im_end|>\n",
        "rejected": f"<|im_start|>user\n{p}<|im_end|>\n<|im_start|>assistant\n{r}<|im_end|>\n",
    },
    "zephyr": lambda p, c, r, i: {
        "prompt": f"<|user|>\n{p}</s>\n<|assistant|>\n", "chosen": f"{c}</s>", "rejected": f"{r}</s>",
    },
    "llama 3": lambda p, c, r, i: {
        "prompt": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{p}<|eot_id|>",
        "chosen": f"<|start_header_id|>assistant<|end_header_id|>\n\n{c}<|eot_id|>",
        "rejected": f"<|start_header_id|>assistant<|end_header_id|>\n\n{r}<|eot_id|>",
    },
    "llama 2": lambda p, c, r, i: {"prompt": f"<s>[INST] {p} [/INST]", "chosen": f" {c} </s>", "rejected": f" {r} </s>"},
    "gemma": lambda p, c, r, i: {
        "prompt": f"<bos><start_of_turn>user\n{p}<end_of_turn>\n<start_of_turn>model\n", "chosen": c, "rejected": r,
    },
    "instruction and response": lambda p, c, r, i: {
        "prompt": f"### Instruction:\n{p}\n\n### Response:\n",
        "chosen": c, "rejected": r,
    },
    "a beats b": lambda p, c, r, i: {
        "question": p, "answer_a": c if i % 3 else r, "answer_b": r if i % 3 else c, "preferred": "a" if i % 3 else "b",
        "annotator": f"n{i % 7}",
    },
    "A>B": lambda p, c, r, i: {
        "question": p, "response_A": c if i % 3 else r, "response_B": r if i % 3 else c, "label": "A>B" if i % 3 else "B>A",
    },
    "model_a": lambda p, c, r, i: {
        "model_a": "x", "model_b": "y", "prompt": p, "response_a": c if i % 2 else r, "response_b": r if i % 2 else c,
        "winner": "model_a" if i % 2 else "model_b",
    },
    "names of models": lambda p, c, r, i: {
        "model_a": f"x{i % 3}", "model_b": f"y{i % 3}", "prompt": p,
        "response_a": c if i % 2 else r, "response_b": r if i % 2 else c,
        "winner": f"{'x' if i % 2 else 'y'}{i % 3}",
    },
    "better_response_id": lambda p, c, r, i: {
        "prompt": p, "response_0": r if i % 2 else c, "response_1": c if i % 2 else r, "better_response_id": i % 2,
    },
    "1 and 2": lambda p, c, r, i: {
        "instruction": p, "output_1": r if i % 2 else c, "output_2": c if i % 2 else r, "preference": float(1 + i % 2),
    },
    "left and right": lambda p, c, r, i: {
        "prompt": p, "left": r if i % 2 else c, "right": c if i % 2 else r, "choice": "Right" if i % 2 else "Left",
    },
    "the winner's column": lambda p, c, r, i: {
        "prompt": p, "answer_a": r if i % 2 else c, "answer_b": c if i % 2 else r,
        "chosen": "answer_b" if i % 2 else "answer_a",
    },
    "the winner's text": lambda p, c, r, i: {
        "prompt": p, "answer_a": r if i % 2 else c, "answer_b": c if i % 2 else r, "better": c,
    },
    "a_is_better": lambda p, c, r, i: {
        "prompt": p, "answer_a": r if i % 2 else c, "answer_b": c if i % 2 else r, "a_is_better": not i % 2,
    },
    "arena": lambda p, c, r, i: {
        "conversation_a": [user(p), bot(r if i % 2 else c)], "conversation_b": [user(p), bot(c if i % 2 else r)],
        "winner": "model_b" if i % 2 else "model_a", "model_a": "x", "model_b": "y", "turn": 1,
    },
}  # fmt: skip


def rows_of(form: str) -> list[dict[str, Any]]:
    return [ROWS[form](p, c, r, i) for i, (p, c, r) in enumerate(pairs())]


@pytest.mark.parametrize("form", ROWS)
def test_rows_of_each_shape(tmp_path: Path, form: str) -> None:
    path = tmp_path / "drop.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows_of(form)), encoding="utf-8")
    loaded = load_pairs(str(path))
    assert said(loaded) == EXPECTED, loaded.read_as
    assert not loaded.dropped
    assert not loaded.cautions


CELLS = [
    "strings",
    "JSON in cells",
    "Python in cells",
    "what numpy prints",
    "A>B",
    "better_response_id",
    "hh",
    "chatml",
]


@pytest.mark.parametrize("form", CELLS)
def test_shapes_in_a_table_of_text(tmp_path: Path, form: str) -> None:
    pd.DataFrame(rows_of(form)).to_csv(tmp_path / "drop.csv")  # with an index column, as pandas writes it
    assert said(load_pairs(str(tmp_path / "drop.csv"))) == EXPECTED


@pytest.mark.parametrize(
    "form", ["trl, implicit prompt", "axolotl", "sharegpt", "openai", "typed parts", "lists of one"]
)
def test_nested_shapes_in_parquet(tmp_path: Path, form: str) -> None:
    pd.DataFrame(rows_of(form)).to_parquet(tmp_path / "drop.parquet")
    assert said(load_pairs(str(tmp_path / "drop.parquet"))) == EXPECTED


def lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n"


def saved(folder: Path, rows: list[dict[str, Any]]) -> Path:
    import datasets

    datasets.Dataset.from_list(rows).save_to_disk(folder / "saved")
    return folder / "saved"


def shards(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / "README.md").write_text("x")
    for k in range(3):
        frame = pd.DataFrame(rows[k * 120 : (k + 1) * 120])
        frame.to_parquet(folder / "data" / f"train-{k:05d}-of-00003.parquet")
    return folder / "data"


def text(folder: Path, name: str, content: str, encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(content.encode(encoding))
    return folder / name


def packed(path: Path, content: str) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as f:
        f.write(content)
    return path


def zst(path: Path, content: str) -> Path:
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(content.encode())
    return path


def table(folder: Path, name: str, rows: list[dict[str, Any]], sep: str, **more: Any) -> Path:
    pd.DataFrame(rows).to_csv(folder / name, sep=sep, index=False, **more)
    return folder / name


FILES: dict[str, Callable[[Path, list[dict[str, Any]]], Path]] = {
    "array": lambda d, rows: text(d, "a.json", json.dumps(rows)),
    "array, indented": lambda d, rows: text(d, "a.json", json.dumps(rows, indent=2)),
    "array called lines": lambda d, rows: text(d, "a.jsonl", json.dumps(rows)),
    "array called lines, indented": lambda d, rows: text(d, "a.jsonl", json.dumps(rows, indent=1)),
    "array, a row a line": lambda d, rows: text(d, "a.json", "[" + ",\n".join(json.dumps(r) for r in rows) + "]\n"),
    "data": lambda d, rows: text(d, "a.json", json.dumps({"version": "1", "data": rows})),
    "data, indented": lambda d, rows: text(d, "a.json", json.dumps({"data": rows}, indent=1)),
    "lines called json": lambda d, rows: text(d, "a.json", lines(rows)),
    "ndjson": lambda d, rows: text(d, "a.ndjson", lines(rows)),
    "columns of pandas": lambda d, rows: text(d, "a.json", pd.DataFrame(rows).to_json()),
    "columns of lists": lambda d, rows: text(d, "a.json", json.dumps(pd.DataFrame(rows).to_dict("list"))),
    "rows by number": lambda d, rows: text(d, "a.json", pd.DataFrame(rows).to_json(orient="index")),
    "names apart": lambda d, rows: text(d, "a.json", pd.DataFrame(rows).to_json(orient="split")),
    "row viewer": lambda d, rows: text(
        d, "a.json", json.dumps({"features": [], "rows": [{"row_idx": i, "row": r} for i, r in enumerate(rows)]})
    ),
    "byte order mark": lambda d, rows: text(d, "a.jsonl", lines(rows), "utf-8-sig"),
    "UTF-16": lambda d, rows: text(d, "a.jsonl", lines(rows), "utf-16"),
    "UTF-16 without mark": lambda d, rows: text(d, "a.jsonl", lines(rows), "utf-16-le"),
    "UTF-16 array": lambda d, rows: text(d, "a.json", json.dumps(rows, indent=1), "utf-16"),
    "windows lines": lambda d, rows: text(d, "a.jsonl", lines(rows).replace("\n", "\r\n")),
    "jsonl.gz": lambda d, rows: packed(d / "a.jsonl.gz", lines(rows)),
    "json.gz": lambda d, rows: packed(d / "a.json.gz", json.dumps(rows)),
    "jsonl.zst": lambda d, rows: zst(d / "a.jsonl.zst", lines(rows)),
    "csv": lambda d, rows: table(d, "a.csv", rows, ","),
    "csv.gz": lambda d, rows: table(d, "a.csv.gz", rows, ","),
    "tsv": lambda d, rows: table(d, "a.tsv", rows, "\t"),
    "csv with tabs": lambda d, rows: table(d, "a.csv", rows, "\t"),
    "csv with semicolons": lambda d, rows: table(d, "a.csv", rows, ";"),
    "csv with bars": lambda d, rows: table(d, "a.csv", rows, "|"),
    "csv of a spreadsheet": lambda d, rows: table(d, "a.csv", rows, ";", encoding="utf-16", lineterminator="\r\n"),
    "csv with a mark": lambda d, rows: table(d, "a.csv", rows, ",", encoding="utf-8-sig"),
    "csv, spaces in the header": lambda d, rows: text(
        d,
        "a.csv",
        pd.DataFrame(rows).to_csv(index=False).replace("prompt,chosen,rejected", "Prompt, chosen,rejected ", 1),
    ),
    "arrow": lambda d, rows: next(saved(d, rows).glob("*.arrow")),
    "save_to_disk": saved,
    "shards in a folder": shards,
    "pattern": lambda d, rows: shards(d, rows) / "*.parquet",
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_each_kind(tmp_path: Path, kind: str) -> None:
    path = FILES[kind](tmp_path, rows_of("strings"))
    loaded = load_pairs(str(path))
    assert said(loaded) == EXPECTED
    assert not loaded.dropped


def test_several_files_at_once_and_the_splits_of_a_folder(tmp_path: Path) -> None:
    rows = rows_of("strings")
    first, second = (text(tmp_path, "one.jsonl", lines(rows[:200])), text(tmp_path, "two.jsonl", lines(rows[200:])))
    loaded = load_pairs([str(first), str(second)])
    assert said(loaded) == EXPECTED
    assert loaded.notes[0] == "2 files: one.jsonl to two.jsonl"
    folder = tmp_path / "set"
    folder.mkdir()
    text(folder, "test.jsonl", lines(rows[200:]))
    text(folder, "train.jsonl", lines(rows[:200]))
    assert said(load_pairs(str(folder))) == EXPECTED[:200]  # the first split, as of a card
    assert said(load_pairs(str(folder), split="test")) == EXPECTED[200:]
    both = load_pairs(str(folder), split="all")
    assert (said(both), both.split_column) == (EXPECTED, True)
    assert {p.meta["split"] for p in both.pairs[:200]} == {"train"}


def test_splits_that_datasets_saved(tmp_path: Path) -> None:
    import datasets

    rows = rows_of("trl, explicit prompt")
    parts = {"train": rows[:300], "test": rows[300:]}
    datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in parts.items()}).save_to_disk(tmp_path / "d")
    assert said(load_pairs(str(tmp_path / "d"))) == EXPECTED[:300]
    assert said(load_pairs(str(tmp_path / "d"), split="all")) == EXPECTED


def test_a_folder_of_several_kinds_is_refused_with_a_way_on(tmp_path: Path) -> None:
    from offtarget.errors import ConfigError

    rows = rows_of("strings")
    text(tmp_path, "a.jsonl", lines(rows))
    table(tmp_path, "a.csv", rows, ",")
    with pytest.raises(ConfigError, match=r"several kinds \(\.csv, \.jsonl\), perhaps of the same rows; name one kind"):
        load_pairs(str(tmp_path))
    assert said(load_pairs(str(tmp_path / "*.csv"))) == EXPECTED


def test_a_system_turn_and_turns_before(tmp_path: Path) -> None:
    p, c, r = pairs()[0]
    row = {
        "instruction": p, "input": "42", "system": "Be brief.", "history": [["hi", "hello"]], "chosen": c, "rejected": r,
    }  # fmt: skip
    (pair,) = load_pairs(str(text(tmp_path, "a.jsonl", lines([row])))).pairs
    assert pair.prompt == [
        {"role": "system", "content": "Be brief."}, user("hi"), bot("hello"), user(f"{p}\n42"),
    ]  # fmt: skip
    assert pair.meta == {}


@pytest.mark.parametrize(
    ("before", "form"),
    [
        ("Below is an instruction that describes a task.", "{}\n\n### Instruction:\n{}\n\n### Response:\n"),
        ("A chat between a curious user and an AI assistant.", "{} USER: {} ASSISTANT:"),
    ],
)
def test_what_stands_before_the_first_mark_is_a_system_turn(tmp_path: Path, before: str, form: str) -> None:
    rows = [{"prompt": form.format(before, p), "chosen": f" {c}", "rejected": f" {r}"} for p, c, r in pairs()]
    loaded = load_pairs(str(text(tmp_path, "a.jsonl", lines(rows))))
    assert [p.prompt for p in loaded.pairs] == [[{"role": "system", "content": before}, user(p)] for p, _, _ in pairs()]
    assert [p.chosen for p in loaded.pairs] == [[bot(c)] for _, c, _ in pairs()]
