"""The examples for other trainers, and what the how-to page says of protocols."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.conftest import REPO
from tests.elsewhere.test_trl import CASES, Case
from tests.training.conftest import Bench

from offtarget.elsewhere.card import SCRIPT
from offtarget.elsewhere.folder import read_export

PAGE = REPO / "docs" / "how-to" / "train-elsewhere.md"
EXAMPLES = REPO / "docs" / "examples"


@pytest.mark.parametrize("name", ["axolotl.yaml", "open_instruct.sh"])
def test_the_page_shows_the_files(name: str) -> None:
    assert (EXAMPLES / name).read_text() in PAGE.read_text()
    assert SCRIPT in PAGE.read_text()


def place(case: Case) -> int:
    """Which line of the page's table a protocol belongs to, by what the tests of trl say of it."""
    if case.refused:
        return 3
    if case.ignored:
        return 2
    return 0 if case.protocol in {"dpo", "filter", "random_filter", "label_flip", "counterfactual"} else 1


def test_the_page_says_of_every_protocol_what_the_tests_of_trl_say() -> None:
    table = PAGE.read_text().partition("| protocols | trainer |\n| --- | --- |\n")[2].partition("\n\n")[0]
    lines = [line.split("|")[1] for line in table.splitlines()]
    said = {(name, k) for k, line in enumerate(lines) for name in re.findall(r"`(\w+)`", line)}
    assert said == {(case.protocol, place(case)) for case in CASES}


def test_axolotl_reads_columns_that_are_there(bench: Bench, exported: Callable[..., Path]) -> None:
    config = yaml.safe_load((EXAMPLES / "axolotl.yaml").read_text())
    (data,) = config["datasets"]
    columns = read_export(exported("shaped")).columns
    assert {data["field_messages"], data["field_chosen"], data["field_rejected"]} <= {*columns}
    assert config["rl"] == "dpo" and data["type"] == "chat_template.default"


def test_what_open_instruct_reads_has_the_prompt_in_both_answers(
    bench: Bench, exported: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported("shaped")
    code = re.search(r"<<'PY'\n(.*?)\nPY\n", (EXAMPLES / "open_instruct.sh").read_text(), re.S)
    assert code
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    exec(code[1], {})
    rows = [json.loads(line) for line in (tmp_path / "shaped.jsonl").read_text().splitlines()]
    first = bench.set.pairs[0]
    assert rows[0] == {"chosen": first.prompt + first.chosen, "rejected": first.prompt + first.rejected}
    assert len(rows) == len(bench.set.pairs)
