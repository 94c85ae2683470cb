"""Files as they come: damaged, in other encodings, with odd names; and cards that read files lying anywhere."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from offtarget.cli.main import call
from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError, DataError

N = 40
P = [f"What is {i} for?" for i in range(N)]
C = [f"It is for {i}, naïvely." for i in range(N)]
R = [f"Not {i}." for i in range(N)]


def rows() -> list[dict[str, str]]:
    return [{"prompt": p, "chosen": c, "rejected": r} for p, c, r in zip(P, C, R, strict=True)]


def lines(content: list[Any]) -> str:
    return "\n".join(json.dumps(r, ensure_ascii=False) for r in content) + "\n"


def parquet(path: Path, *columns: Any, names: tuple[str, ...] = ("prompt", "chosen", "rejected", "when")) -> str:
    pq.write_table(pa.table(list(columns), names=list(names[: len(columns)])), path)
    return str(path)


def message(path: Path | str, **kw: Any) -> str:
    with pytest.raises(DataError) as error:
        load_pairs(str(path), **kw)
    return str(error.value)


class Cards:
    """A registry with one card."""

    def __init__(self, folder: Path, **change: Any) -> None:
        base = {
            "name": "toy", "title": "t", "evidence": "e", "licence": "CC0", "preference_source": "human", "language": "en",
            "source": {"kind": "path", "path": "toy.jsonl"}, "adapter": {"name": "chosen_rejected"},
        }  # fmt: skip
        self.path = folder / "toy.yaml"
        self.path.write_text(yaml.safe_dump({**base, **change}))

    def entries(self, kind: str) -> list[Any]:
        return [SimpleNamespace(path=self.path, card=yaml.safe_load(self.path.read_text()), name="toy")]

    def get(self, kind: str, name: str) -> Any:
        return self.entries(kind)[0]


def test_parquet_with_two_columns_of_one_name(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", P, C, R, C, names=("prompt", "chosen", "rejected", "chosen"))
    assert message(path) == "a.parquet: there are two columns 'chosen'; rename one, so that it is clear which is meant"


def test_parquet_cells_that_cannot_be_read_name_their_row(tmp_path: Path) -> None:
    raw = [c.encode() for c in C]
    raw[3] = b"caf\xe9"
    binary = pa.array(raw, type=pa.binary())
    text = pa.Array.from_buffers(pa.string(), N, binary.buffers())
    path = parquet(tmp_path / "a.parquet", P, text, R)
    assert message(path).startswith("a.parquet row 4: column 'chosen' is not UTF-8 (byte 4); --skip-bad-rows goes on")
    assert len(load_pairs(path, skip_bad_rows=True)) == N - 1

    late = pa.array([10**18 if i == 5 else i for i in range(N)], type=pa.int64()).cast(pa.timestamp("us"))
    path = parquet(tmp_path / "b.parquet", P, C, R, late)
    assert message(path).startswith("b.parquet row 6: column 'when' holds a value that cannot be read")
    zone = pa.array(list(range(N)), type=pa.int64()).cast(pa.timestamp("us", tz="Mars/Phobos"))
    path = parquet(tmp_path / "c.parquet", P, C, R, zone)
    assert message(path).startswith("c.parquet row 1: column 'when' has times of an unknown zone (Mars/Phobos)")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "prompt,chosen,rejected,chosen\nq,a,b,c\n", "the header names column 'chosen' twice"),
        ("a.csv", 'prompt,chosen,rejected\nq,a,b\n"open,a,b\nq,a,b\n', "line 3: not CSV (unexpected end of data); a quote that"),
        ("a.csv", 'prompt,chosen,rejected\n"q\nq",a,b\nq,a,b,c\n', "a.csv line 4: more cells than the header"),
        ("a.json", '[{"prompt": "q", "chosen": "a"}, {"prom', "a.json: not JSON (Unterminated string"),
        ("a.json", '[\n{"prompt": "q"},\n{"prom', "a.json: not JSON (Unterminated string starting at: line 3 column 2"),
        ("a.json", "[]", "no rows; the source is empty"),
        ("a.json", '{"one": [{"a": 1}], "data": [{"a": 1}], "rows": [{"a": 1}]}', "an object with several arrays (data, rows)"),
        ("a.jsonl", '{"prompt": "q", "chosen": "a", "chosen": "b", "rejected": "c"}', "the key 'chosen' is there twice"),
        ("a.jsonl", '{"prompt": "q", "n": ' + "9" * 6000 + "}", "a number has more digits than are read"),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_place(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    assert says in message(tmp_path / name)


def test_json_in_another_encoding_is_named_with_what_mends_it(tmp_path: Path) -> None:
    content = lines([{**rows()[0], "chosen": "plain"}, *rows()[1:]])
    (tmp_path / "a.jsonl").write_bytes(content.encode("cp1252"))
    text = message(tmp_path / "a.jsonl")
    assert text.startswith("a.jsonl line 2: not UTF-8")
    assert "probably Windows-1252" in text and "naïvely" in text
    assert "iconv -f WINDOWS-1252 -t UTF-8" in text


def test_file_names_that_are_not_utf8_or_begin_with_a_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(b"caf\xe9.jsonl")
    Path(odd).write_text(lines([*rows(), {**rows()[0], "chosen": ""}]))
    assert load_pairs(odd).name == "caf\ufffd.jsonl"
    assert call(["audit", odd, "--out", "x"]) == 0
    assert json.loads(Path("x/audit.json").read_text())["reading"]["data"] == "caf\ufffd.jsonl"
    assert call(["data", "check", odd, "--dropped", "left.jsonl"]) == 0
    assert json.loads(Path("left.jsonl").read_text())["where"] == "caf\ufffd.jsonl line 41"
    Path("-x.jsonl").write_text(lines(rows()))
    capsys.readouterr()
    assert call(["data", "check", "-x.jsonl"]) == 2
    assert "for the file of that name write ./-x.jsonl" in capsys.readouterr().err
    assert call(["data", "check", "--", "-x.jsonl"]) == 0
    assert call(["data", "check", "./-x.jsonl"]) == 0


def test_the_folder_of_an_audit_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("{}")
    with pytest.raises(ConfigError, match="the folder of an audit, not of data"):
        load_pairs(str(tmp_path))


def test_a_card_on_the_command_line_reads_files_that_lie_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "drops").mkdir()
    (tmp_path / "cards").mkdir()
    week = tmp_path / "drops" / "w1.jsonl"
    week.write_text(
        lines([{"ask": p, "x": c, "y": r, "best": i % 2} for i, (p, c, r) in enumerate(zip(P, C, R, strict=True))])
    )
    adapter = {
        "name": "two_responses", "prompt": "ask", "response_a": "x", "response_b": "y", "label": "best",
        "a_wins": [1], "b_wins": [0],
    }  # fmt: skip
    short = tmp_path / "cards" / "weekly.yaml"
    short.write_text(yaml.safe_dump({"adapter": adapter}))
    loaded = load_pairs(str(week), card=short)
    assert [p.chosen[0]["content"] for p in loaded.pairs[:2]] == [R[0], C[1]]
    assert loaded.read_as.startswith("two_responses (by its card): prompt=ask")
    assert call(["data", "check", str(week), "--card", str(short)]) == 0
    whole = {
        "name": "weekly", "title": "t", "evidence": "e", "licence": "CC0", "preference_source": "human", "language": "en",
        "source": {"kind": "path", "path": "../drops/w1.jsonl"}, "adapter": adapter,
    }  # fmt: skip
    card = tmp_path / "cards" / "whole.yaml"
    card.write_text(yaml.safe_dump(whole))
    assert len(load_pairs(str(card))) == N  # named by its path: the person says where it is
    card.write_text(yaml.safe_dump({**whole, "source": {"kind": "path", "path": str(tmp_path / "drops")}}))
    assert len(load_pairs(str(card))) == N
    with pytest.raises(ConfigError, match="it says how to read files; 'planted-null' is none"):
        load_pairs("planted-null", card=short)


def test_a_card_of_a_registry_stays_inside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text(lines(rows()))
    folder = tmp_path / "registry"
    folder.mkdir()
    registry = Cards(folder, source={"kind": "path", "path": "../out.jsonl"})
    with pytest.raises(ConfigError, match="must be relative to the card's folder and inside it"):
        load_pairs("toy", registry=registry)
    (folder / "toy.jsonl").symlink_to(tmp_path / "out.jsonl")
    registry = Cards(folder)
    with pytest.raises(ConfigError, match="leads out of"):
        load_pairs("toy", registry=registry)
    assert len(load_pairs(str(folder / "toy.yaml"))) == N


def test_roles_of_the_row_in_a_Cards(tmp_path: Path) -> None:
    content = [{**r, "rules": f"Rule {i % 3}.", "facts": "It rains."} for i, r in enumerate(rows())]
    (tmp_path / "toy.jsonl").write_text(lines(content))
    registry = Cards(tmp_path, columns={"system": "rules", "context": "facts", "group": "rules"})
    loaded = load_pairs("toy", registry=registry)
    assert loaded.pairs[4].prompt == [
        {"role": "system", "content": "Rule 1."},
        {"role": "user", "content": f"It rains.\n\n{P[4]}"},
    ]
    assert {p.group for p in loaded.pairs} == {"Rule 0.", "Rule 1.", "Rule 2."}
    assert loaded.notes[:2] == (
        "system: column rules, a turn before the prompt",
        "context: column facts, put before the prompt",
    )


def test_roles_in_a_recipe(tmp_path: Path, store_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines([{"rules": "Be brief.", "ask": r["prompt"], **{k: r[k] for k in ("chosen", "rejected")}} for r in rows()])
    )
    given = ["--set", f"data={path}", "--set", "columns.prompt=ask", "--set", "columns.system=rules"]
    assert call(["run", "style", *given, "--dry-run"]) == 0
    assert "note: system: column rules, a turn before the prompt" in capsys.readouterr().err
