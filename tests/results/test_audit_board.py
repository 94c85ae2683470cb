"""The committed audit boards: their forms say the same, and were made by the command that is on them."""

from pathlib import Path

import pytest

from offtarget.benchmark.board import audit_markdown
from offtarget.benchmark.recipe import read_bench
from offtarget.benchmark.records import AuditBoard

RESULTS = Path(__file__).resolve().parents[2] / "results"
FOLDERS = sorted(f.parent for f in (RESULTS / "benchmark").rglob("board.json"))


@pytest.fixture(params=FOLDERS or [None], ids=lambda p: p.name if p else "none")
def folder(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("no audit board is committed yet")
    return request.param


@pytest.fixture()
def board(folder: Path) -> AuditBoard:
    return AuditBoard.model_validate_json((folder / "board.json").read_text(encoding="utf-8"))


def test_every_form_is_rendered_from_the_same_numbers(folder: Path, board: AuditBoard) -> None:
    assert (folder / "board.md").read_text(encoding="utf-8") == audit_markdown(board)
    assert (folder / "board.json").read_text(encoding="utf-8") == board.model_dump_json(indent=1) + "\n"


def test_the_recipe_that_it_names_is_the_one_that_ships(board: AuditBoard) -> None:
    verb, name, *_ = board.command.removeprefix("offtarget ").split()
    assert verb == "bench-audits"
    assert read_bench(name)[0].model_dump(mode="json", exclude_none=True) == board.recipe
