"""References, files of every kind, ids, groups, splits and limits."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from offtarget.data import sources
from offtarget.data.loading import load_pairs
from offtarget.data.pairs import prompt_group
from offtarget.data.reading import read_rows
from offtarget.errors import ConfigError, unknown_name

ROWS = [
    {"prompt": "q1", "chosen": "good", "rejected": "bad", "topic": "t", "tags": ["x"], "n": 3, "none": None},
    {
        "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q2"}],
        "chosen": [{"role": "assistant", "content": "fine"}],
        "rejected": "poor",
    },
]


def jsonl(path: Path, rows: Iterable[Any]) -> str:
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n")
    return str(path)


def triples(ref: str, **kw: Any) -> list[tuple[str, str, str]]:
    return [
        (p.prompt[-1]["content"], p.chosen[0]["content"], p.rejected[0]["content"]) for p in load_pairs(ref, **kw).pairs
    ]


class Cards:
    """A registry of cards in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self, kind: str) -> list[Any]:
        found = [(p, yaml.safe_load(p.read_text())) for p in self.folder.glob("*.yaml")]
        return [SimpleNamespace(path=p, card=c, name=c["name"]) for p, c in found]

    def get(self, kind: str, name: str) -> Any:
        by_name = {e.name: e for e in self.entries(kind)}
        if name not in by_name:
            raise unknown_name(kind, name, by_name)
        return by_name[name]


def card(folder: Path, **change: Any) -> Cards:
    base = {
        "name": "toy", "title": "t", "evidence": "e", "licence": "CC0", "redistribution": "yes",
        "preference_source": "human", "language": "en",
        "source": {"kind": "path", "path": "toy.jsonl"}, "adapter": {"name": "chosen_rejected"},
    }  # fmt: skip
    (folder / "toy.yaml").write_text(yaml.safe_dump({**base, **change}))
    return Cards(folder)


def test_mixed_strings_and_lists_in_one_file(tmp_path: Path) -> None:
    first, second = load_pairs(jsonl(tmp_path / "a.jsonl", ROWS)).pairs
    assert first.prompt == [{"role": "user", "content": "q1"}]
    assert first.chosen == [{"role": "assistant", "content": "good"}]
    assert second.prompt == ROWS[1]["prompt"]  # the system turn is kept
    assert second.rejected == [{"role": "assistant", "content": "poor"}]
    assert first.meta == {"topic": "t", "n": 3}  # scalars alone
    assert first.group == prompt_group(first.prompt)


def test_every_kind_of_file_says_the_same(tmp_path: Path) -> None:
    rows = [{"id": f"r{i}", "prompt": f"q{i}, é", "chosen": f'a "{i}"\nb', "rejected": "c"} for i in range(600)]
    plain = jsonl(tmp_path / "a.jsonl", rows)
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as f:
        f.write(Path(plain).read_text())
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    expected = load_pairs(plain)
    assert expected.pairs[599].id == "r599"
    for name in ("a.jsonl.gz", "a.csv", "a.parquet"):
        assert load_pairs(str(tmp_path / name)).rows_sha256 == expected.rows_sha256, name


def test_message_lists_in_csv_cells_and_nested_in_parquet(tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]
    row = {"prompt": json.dumps(prompt), "chosen": "[{not json}]", "rejected": "x" * 200_000}
    pd.DataFrame([row]).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame([{**row, "prompt": prompt}]).to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        (pair,) = load_pairs(str(tmp_path / name)).pairs
        assert pair.prompt == prompt
        assert pair.chosen[0]["content"] == "[{not json}]"
        assert len(pair.rejected[0]["content"]) == 200_000


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    line = json.dumps(ROWS[0]).encode()
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\n  \n" + line)
    assert len(load_pairs(str(tmp_path / "a.jsonl"))) == 2
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfprompt,chosen,rejected\nq,a,b\n")
    assert triples(str(tmp_path / "a.csv")) == [("q", "a", "b")]


def test_ids_from_content_survive_reordering_and_duplicates_get_a_number(tmp_path: Path) -> None:
    rows = [{"prompt": "q", "chosen": f"c{i}", "rejected": "r"} for i in (1, 2, 1, 1)]
    forth = load_pairs(jsonl(tmp_path / "a.jsonl", rows)).pairs
    back = load_pairs(jsonl(tmp_path / "b.jsonl", rows[::-1])).pairs
    one, two = forth[0].id, forth[1].id
    assert [p.id for p in forth] == [one, two, f"{one}-2", f"{one}-3"]
    assert [p.id for p in back] == [one, f"{one}-2", two, f"{one}-3"]


def test_ids_and_groups_of_the_file_are_used_and_ids_stay_unique(tmp_path: Path) -> None:
    rows = [
        {"id": i, "group": g, "prompt": "q", "chosen": f"c{n}", "rejected": "r"}
        for n, (i, g) in enumerate([(7, "g"), ("7", None), ("7-2", 5), (None, "")])
    ]
    pairs = load_pairs(jsonl(tmp_path / "a.jsonl", rows)).pairs
    assert [p.id for p in pairs[:3]] == ["7", "7-2", "7-2-2"]
    assert len({p.id for p in pairs}) == 4
    assert [p.group for p in pairs] == ["g", pairs[1].group, "5", pairs[1].group]
    assert pairs[1].group == prompt_group(pairs[1].prompt)
    assert "id" not in pairs[0].meta and "group" not in pairs[0].meta


def test_columns_by_name(tmp_path: Path) -> None:
    rows = [{"question": "q", "a": "x", "b": "y", "key": "k1", "debate": "d"}]
    ref = jsonl(tmp_path / "a.jsonl", rows)
    columns = {"prompt": "question", "chosen": "a", "rejected": "b", "id": "key", "group": "debate"}
    (pair,) = load_pairs(ref, columns=columns).pairs
    assert (pair.id, pair.group, pair.chosen[0]["content"]) == ("k1", "d", "x")
    assert pair.meta == {}
    with pytest.raises(ConfigError, match="unknown column role 'promt': did you mean prompt"):
        load_pairs(ref, columns={"promt": "question"})


def test_split_column(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{i}", "chosen": "a", "rejected": "b", "split": s} for i, s in enumerate("xyx")]
    ref = jsonl(tmp_path / "a.jsonl", rows)
    assert [t[0] for t in triples(ref, split="x")] == ["q0", "q2"]
    assert [p.meta["split"] for p in load_pairs(ref).pairs] == ["x", "y", "x"]
    with pytest.raises(ConfigError, match="'z': there are: x, y"):
        load_pairs(ref, split="z")
    with pytest.raises(ConfigError, match="there is no column 'split'"):
        load_pairs(jsonl(tmp_path / "b.jsonl", ROWS), split="x")


def test_head_reads_no_further(tmp_path: Path) -> None:
    usable = [json.dumps({"prompt": f"q{i}", "chosen": "a", "rejected": "b"}) for i in range(3)]
    same = json.dumps({"prompt": "s", "chosen": "a", "rejected": "a"})
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([usable[0], same, usable[1], usable[2], "{this is not JSON"]))
    loaded = load_pairs(str(path), head=3, allow_drops=True)
    assert [p.prompt[0]["content"] for p in loaded.pairs] == ["q0", "q1", "q2"]  # usable rows are counted
    assert loaded.dropped == {"identical responses": 1}
    assert loaded.drawn == "the first 3 pairs (--head)"
    for wrong in ({"head": 0}, {"limit": 0}):
        with pytest.raises(ConfigError, match="is 0; it must be at least 1"):
            load_pairs(str(path), **wrong)
    with pytest.raises(ConfigError, match="give one of them"):
        load_pairs(str(path), head=1, limit=1)


def test_head_pulls_no_more_rows_than_it_looks_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = 0

    def endless(path: Path, tell: Any) -> Any:
        nonlocal pulled
        while True:
            pulled += 1
            yield f"row {pulled}", {"prompt": f"q{pulled}", "chosen": "a", "rejected": "b"}

    monkeypatch.setattr(sources, "read_rows", endless)
    assert len(load_pairs("a.jsonl", head=5)) == 5
    assert pulled == 200  # what the shape is decided from
    assert len(load_pairs("a.jsonl", head=300)) == 300
    assert pulled == 500


def test_parquet_and_csv_stop_early(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{i}", "chosen": "a", "rejected": "b"} for i in range(3000)]
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet", row_group_size=500)
    whole = (tmp_path / "a.parquet").read_bytes()
    hurt = bytearray(whole)
    hurt[len(whole) // 2 : len(whole) // 2 + 400] = b"\xff" * 400  # a row group in the middle
    (tmp_path / "hurt.parquet").write_bytes(bytes(hurt))
    assert len(load_pairs(str(tmp_path / "hurt.parquet"), head=10)) == 10
    (tmp_path / "a.csv").write_text("prompt,chosen,rejected\nq,a,b\nq2,a,b\ntoo,many,cells,here\n")
    assert len(load_pairs(str(tmp_path / "a.csv"), head=2)) == 2


def test_head_counts_pairs_of_rows_that_give_several(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{i}", "chosen": ["a", "b"], "rejected": ["x", "y"], "id": f"r{i}"} for i in range(2)]
    pairs = load_pairs(jsonl(tmp_path / "a.jsonl", rows), head=3).pairs
    assert [p.id for p in pairs] == ["r0:0-0", "r0:1-1", "r1:0-0"]


def test_odd_characters_reach_the_hashes_without_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": "\\ud800", "group": "\\udfff", "prompt": "q\\ud83d", "chosen": "\\u0000\\u001b[31m", '
        '"rejected": "b\\u2028c", "note": "\\udc00"}\n'
    )
    loaded = load_pairs(str(path))
    (pair,) = loaded.pairs
    assert (pair.id, pair.group, pair.meta["note"]) == ("\ufffd", "\ufffd", "\ufffd")
    assert pair.rejected[0]["content"] == "b\u2028c"
    assert len(loaded.rows_sha256) == 64


def test_registry_name_with_files_beside_the_card(tmp_path: Path) -> None:
    jsonl(tmp_path / "one.jsonl", [{"prompt": "q1", "chosen": "a", "rejected": "b"}])
    jsonl(tmp_path / "two.jsonl", [{"prompt": "q2", "chosen": "a", "rejected": "b"}])
    source = {"kind": "path", "path": {"train": "one.jsonl", "test": "two.jsonl"}}
    registry = card(tmp_path, source=source, splits=["train", "test"])
    first = load_pairs("toy", registry=registry)
    assert (first.name, first.redistribution) == ("toy", "yes")
    assert [p.prompt[0]["content"] for p in first.pairs] == ["q1"]  # the first split is the default
    assert triples("toy", split="test", registry=registry) == [("q2", "a", "b")]
    both = load_pairs("toy", split="all", registry=registry).pairs
    assert [p.meta["split"] for p in both] == ["train", "test"]
    with pytest.raises(ConfigError, match="unknown split of toy 'tset': did you mean test"):
        load_pairs("toy", split="tset", registry=registry)
    assert triples(str(tmp_path / "toy.yaml")) == [("q1", "a", "b")]  # a card by its path


def test_one_file_with_a_split_column_and_a_card(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{s}", "chosen": "a", "rejected": "b", "part": s} for s in ("train", "test")]
    jsonl(tmp_path / "toy.jsonl", rows)
    registry = card(tmp_path, splits=["train", "test"], columns={"split": "part"})
    assert triples("toy", registry=registry) == [("qtrain", "a", "b")]
    assert triples("toy", split="test", registry=registry) == [("qtest", "a", "b")]
    both = load_pairs("toy", split="all", registry=registry).pairs
    assert [p.meta["split"] for p in both] == ["train", "test"]


def test_ids_stay_unique_over_splits(tmp_path: Path) -> None:
    for name in ("one", "two"):
        jsonl(tmp_path / f"{name}.jsonl", [{"id": "x", "prompt": "q", "chosen": "a", "rejected": "b"}])
    source = {"kind": "path", "path": {"train": "one.jsonl", "test": "two.jsonl"}}
    registry = card(tmp_path, source=source, splits=["train", "test"])
    assert [p.id for p in load_pairs("toy", split="all", registry=registry).pairs] == ["x", "x-2"]


def test_unknown_names(tmp_path: Path) -> None:
    registry = card(tmp_path)
    with pytest.raises(ConfigError, match="unknown dataset 'tyo': did you mean toy"):
        load_pairs("tyo", registry=registry)
    jsonl(tmp_path / "pairs.jsonl", ROWS)
    with pytest.raises(ConfigError, match=r"no such file; did you mean .*pairs\.jsonl"):
        load_pairs(str(tmp_path / "pair.jsonl"))
    with pytest.raises(ConfigError, match="for the dataset of that name on the hub write hf:org/name"):
        load_pairs("org/name")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"unknown kind of file; known are \.jsonl"):
        next(iter(read_rows(tmp_path / "a.txt")))
