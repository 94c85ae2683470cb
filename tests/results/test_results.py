"""The committed results folder: every cell in it is whole, in its place, and free of text."""

import json
from pathlib import Path

import pytest

from offtarget.board.cell import id_or_hash
from offtarget.board.folder import cell_path, load_cell, read_cells
from offtarget.board.rank import rank
from offtarget.board.render import board_command, render

RESULTS = Path(__file__).resolve().parents[2] / "results"
CELLS = RESULTS / "cells"
FOLDERS = (CELLS, RESULTS / "reference" / "cells", RESULTS / "reference" / "earlier")
FILES = sorted(file for folder in FOLDERS for file in folder.rglob("*.json"))
REPO = RESULTS.parent


@pytest.fixture(params=FILES or [None], ids=lambda p: p.stem[:12] if p else "none")
def path(request):
    if request.param is None:
        pytest.skip("no cell is committed yet")
    return request.param


def test_cell_is_whole_and_where_it_belongs(path):
    cell = load_cell(path)  # refuses a key that does not match the content
    assert path == cell_path(next(folder for folder in FOLDERS if folder in path.parents), cell)
    for s in cell.behaviours:
        assert cell.manifest.task_versions[s.behaviour] == s.task_version
        assert s.n == sum(v is not None for v in s.samples.values())
    assert {s.behaviour for s in cell.behaviours} <= set(cell.spec.behaviours)


def test_cell_holds_no_text_of_samples(path):
    data = json.loads(path.read_text())
    for s in data["behaviours"]:
        for sample, value in s["samples"].items():
            assert id_or_hash(sample) == sample, "a sample id that reads like text"
            assert value is None or isinstance(value, int | float)


def test_no_two_files_speak_for_one_run():
    for folder in FOLDERS:
        assert read_cells(folder).problems == ()


@pytest.mark.parametrize("folder", ["results", "results/reference"])
def test_the_committed_board_is_made_of_the_committed_cells(folder):
    if not FILES:
        pytest.skip("no cell is committed yet")
    found = read_cells(REPO / folder / "cells")
    command = board_command(f"{folder}/cells", ["md"], folder)
    board = (REPO / folder / "board.md").read_text()
    assert board == render(rank(found.cells, found.problems), "md", command=command)


def test_the_planted_recipe_is_a_result():
    """What its recipe asks for: three seeds of every protocol, and plain DPO teaches the trait in each of them."""
    from offtarget.board.taught import untaught
    from offtarget.engine.recipe import read_recipe

    recipe, _ = read_recipe("planted_traits")
    boards = rank(read_cells(CELLS / "planted-style").cells).boards
    # a board of chosen strengths, measured on other prompts, is beside it
    own = [b for b in boards if b.budget == recipe.budget and [*b.signal] == ["over_stylization"]]
    board = max(own, key=lambda b: len(b.taught))
    assert untaught(board.taught, recipe.must_teach) == [] and len(board.taught) == len(recipe.seeds)
    asked = {(v.concept, v.decision) for v in recipe.verdicts}
    for item in recipe.protocols:
        (row,) = (
            r
            for r in board.rows
            if r.protocol == item.protocol
            and {(v.concept, v.decision) for v in r.verdicts} == asked
            and item.parameters.items() <= r.parameters.items()
            and r.parameters.get("readout", "feature") == "feature"
        )
        assert row.seeds == recipe.seeds and not row.provisional, item.protocol
