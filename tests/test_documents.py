"""Hostile and broken YAML and JSON end in one line, quickly, and sound documents read as the libraries read them."""

import datetime as dt
import io
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from offtarget.documents import MAX_DEPTH, UNREADABLE, parse_json, parse_yaml, read_json, read_yaml
from offtarget.errors import ConfigError, DataError
from offtarget.gate.config import read_config

REPO = Path(__file__).resolve().parents[1]

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 50_000, "nested too deeply"),
        ("[" * 900 + "]" * 900, "nested too deeply"),
        ("\n".join("  " * i + "a:" for i in range(2_000)), "nested too deeply"),
        (BOMB, "more than 500,000 values"),
        ("a: &a {b: *a}", "within what it names"),
        ("a: *nothing", "names nothing"),
        ("n: " + "9" * 5_000, "number of 5,000 digits"),
        ("date: 2026-02-30", "cannot be read"),
        ("at: 2026-01-01 25:99:00", "cannot be read"),
        ("a: 1\nb: 2\na: 3", "line 3: key 'a' occurs twice"),
        ("a: [1, 2", "not YAML"),
        ("a: !!python/object/apply:os.system [echo]", "not YAML"),
        ("a: \x00", "not YAML"),
        ("? [a, b]\n: 1", "not YAML"),
    ],
)
def test_yaml_that_is_broken_or_a_trap_is_one_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        parse_yaml(text, "file.yaml")
    assert str(error.value).startswith("file.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ('{"a": NaN}', "'a' is nan, not a finite"),
        ('{"a": -Infinity}', "'a' is -inf, not a finite"),
        ('{"a": [1, {"b": 1e999}]}', "'a.1.b' is inf"),
        ('{"a": ' + "7" * 5_000 + "}", "number of 5,000 digits"),
        ('{"a": 1', "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_that_is_broken_or_a_trap_is_one_line(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as error:
        parse_json(text, "file.json", DataError)
    assert str(error.value).startswith("file.json")
    assert "\n" not in str(error.value)


def test_sound_documents_read_as_the_library_reads_them() -> None:
    cards = [*(REPO / "datasets_registry").glob("*.yaml"), *(REPO / "baselines").rglob("*.yaml")]
    assert len(cards) > 20
    for card in cards:
        assert read_yaml(card) == yaml.safe_load(card.read_text(encoding="utf-8"))
    text = "a: &x {p: 1}\nb: *x\nc: {<<: *x, q: 2}\nd: 2026-01-31\ne: 1e-4\nf: '2026-02-30'\ng: '1e-4'"
    assert parse_yaml(text, "t") == {
        "a": {"p": 1}, "b": {"p": 1}, "c": {"p": 1, "q": 2}, "d": dt.date(2026, 1, 31), "e": 1e-4, "f": "2026-02-30",
        "g": "1e-4",
    }  # fmt: skip
    deep: object = "bottom"
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert parse_json(json.dumps(deep), "t") == parse_yaml(json.dumps(deep), "t") == deep


def test_files_that_are_absent_or_in_another_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "latin.json").write_bytes('{"a": "é"}'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.json: not UTF-8 \(byte 8\)"):
        read_json(tmp_path / "latin.json")


def test_a_merge_conflict_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "offtarget.toml"
    text = "a = 0\n<<<<<<< HEAD\nrows = 1\n=======\nrows = 2\n>>>>>>> theirs\n"
    path.write_text(text)
    for read in (read_json, read_yaml, read_config):
        with pytest.raises(ConfigError, match=r"offtarget.toml, line 2: a merge conflict .*git checkout --ours"):
            read(path)
    path.write_text('{"text": "a <<<<<<< b"}')
    assert read_json(path) == {"text": "a <<<<<<< b"}


def test_a_hash_that_begins_like_a_number_is_text() -> None:
    found = parse_yaml("key: 0e5a2ec2fe9ad65d\nrate: 1e-4\nother: 12e3x", "a.yaml", ConfigError)
    assert found == {"key": "0e5a2ec2fe9ad65d", "rate": 1e-4, "other": "12e3x"}


def test_what_numpy_raises_for_a_header_with_a_flipped_bit_is_unreadable() -> None:
    """Python's tokenizer reads the header of an array, and its error is none of ValueError's kind."""
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    raw = file.getvalue()
    for damaged in (raw.replace(b"(3,)", b"((3,"), raw.replace(b"False,", b"False(")):
        with pytest.raises(UNREADABLE):
            np.load(io.BytesIO(damaged))
