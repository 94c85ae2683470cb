"""Bad input: one readable line that says what, where and what to do, and the right exit code."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from offtarget.data.loading import load_pairs
from offtarget.errors import DataError, OfftargetError, UndecidedError

GOOD = {"prompt": "q", "chosen": "a", "rejected": "b"}


def failure(path: Path, content: str | bytes, **kw: Any) -> OfftargetError:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OfftargetError) as error:
        load_pairs(str(path), **kw)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)
    return error.value


def lines(*rows: Any) -> str:
    return "\n".join(json.dumps(r) for r in rows)


CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "no rows; the source is empty"),
        (lines(GOOD) + "\n{'prompt': 1}", "a.jsonl line 2: not JSON"),
        (lines(GOOD, [1, 2]), "a.jsonl line 2: not a JSON object but a list"),
        (b'{"prompt": "\xff"}', "a.jsonl line 1: not UTF-8 (byte 13)"),
        ("[" * 100_000, "a.jsonl line 1: nested too deeply"),
        (lines({"promt": "q", "chosen": "a", "rejected": "b"}), "no column 'prompt'; map it with --columns prompt=promt"),
        (lines(GOOD, {"prompt": "q", "chosen": "a"}), "a.jsonl line 2: no column 'rejected'"),
        (lines(GOOD, {**GOOD, "rejected": None}), "a.jsonl line 2: column 'rejected' is null"),
        (lines(GOOD, {**GOOD, "chosen": 3}), "a.jsonl line 2: column 'chosen' is a number, not text"),
        (lines({**GOOD, "chosen": True}), "line 1: column 'chosen' is true or false, not text"),
        (lines({**GOOD, "rejected": {"x": 1}}), "line 1: column 'rejected' is a mapping, not text"),
        (lines({**GOOD, "rejected": [1]}), "line 1: column 'rejected' is a list, not text"),
        (lines({**GOOD, "prompt": None}), "line 1: column 'prompt' (the prompt) is null"),
        (lines({**GOOD, "prompt": CHAT}), "line 1: the prompt ends in a turn of 'assistant'"),
        (lines({**GOOD, "prompt": [{"role": "user"}]}), "turn 1: a message needs the keys role and content"),
        (lines({**GOOD, "prompt": [{"role": "user", "content": 1}]}), "content that is a number, not text"),
    ],
)  # fmt: skip
def test_jsonl(tmp_path: Path, content: str | bytes, message: str) -> None:
    error = failure(tmp_path / "a.jsonl", content)
    assert isinstance(error, DataError)
    assert error.exit_code == 2
    assert message in str(error)


def test_missing_column_tells_the_option_that_mends_it(tmp_path: Path) -> None:
    error = failure(tmp_path / "a.jsonl", lines({"ask": "q", "chosen": "a", "rejected": "b"}))
    assert str(error) == (
        "a.jsonl: no column 'prompt'; map it with --columns prompt=ask, in a recipe with --set columns.prompt=ask "
        "(tried on 1 rows: it reads)"
    )
    error = failure(tmp_path / "a.jsonl", lines(GOOD), columns={"group": "topic"})
    assert "no column 'topic' for group; there are: prompt, chosen, rejected" in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prompt,chosen,rejected\n", "no rows"),
        ("prompt,chosen,rejected\nq,a,b\nq,a,b,c\n", "a.csv line 3: more cells than the header"),
        ("prompt,chosen,rejected\nq,a\n", "a.csv line 2: column 'rejected' is null"),
        ('prompt,chosen,rejected\nq,"a"x,b\n', "a.csv line 2: not CSV"),
        (b"prompt,chosen,rejected\nq,\xff,b\n", "not UTF-8"),
    ],
)
def test_csv(tmp_path: Path, content: str | bytes, message: str) -> None:
    error = failure(tmp_path / "a.csv", content)
    assert error.exit_code == 2
    assert message in str(error)


def test_damaged_archives(tmp_path: Path) -> None:
    rows = [{**GOOD, "prompt": f"question {i * i}"} for i in range(5000)]
    whole = gzip.compress(lines(*rows).encode())
    assert "damaged after line" in str(failure(tmp_path / "a.jsonl.gz", whole[: len(whole) // 2]))
    assert "damaged after line 0" in str(failure(tmp_path / "b.jsonl.gz", b"not gzip"))
    assert "not a parquet file" in str(failure(tmp_path / "a.parquet", b"PAR1 not really"))


@pytest.mark.parametrize(
    ("row", "why", "kind"),
    [
        ({**GOOD, "rejected": "a"}, "2 identical responses", UndecidedError),
        ({**GOOD, "rejected": " "}, "2 empty response", DataError),
    ],
)
def test_nothing_left_to_compare(tmp_path: Path, row: Any, why: str, kind: type[OfftargetError]) -> None:
    """Where all answers are equal nothing can be decided; where they are missing the file is at fault."""
    error = failure(tmp_path / "a.jsonl", lines(row, row))
    assert type(error) is kind
    assert why in str(error)


def test_an_adapter_that_fits_no_row_is_wrong_data(tmp_path: Path) -> None:
    other = [{"role": "user", "content": "else"}, CHAT[1]]
    error = failure(tmp_path / "a.jsonl", lines({"chosen": CHAT, "rejected": other}))
    assert isinstance(error, DataError)
    assert "1 prompts differ" in str(error)
