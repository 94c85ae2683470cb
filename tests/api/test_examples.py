"""The examples in the docstrings of exported names, and the code of the notebook, run and say what they say."""

import doctest
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import offtarget

REPO = Path(__file__).resolve().parents[2]
NOTEBOOK = REPO / "docs" / "tutorials" / "notebook.ipynb"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run in the repository, with one store for all examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPO)
        patch.setenv("OFFTARGET_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def exported(name: str) -> Any:
    """What is behind a name, also behind one that is a package."""
    return getattr(import_module(f"offtarget.{offtarget._WHERE[name]}"), name)


@pytest.mark.parametrize(
    "name", [n for n in offtarget.__all__ if n not in ("__version__", "AuditResult", "PlanResult")]
)
def test_the_example_of_every_exported_name_runs(name: str) -> None:
    thing = exported(name)
    tests = [t for t in doctest.DocTestFinder(recurse=False).find(thing, name, globs={}) if t.examples]
    assert tests, f"the docstring of {name} has no example"
    said: list[str] = []
    for test in tests:
        doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=said.append, clear_globs=True)
    assert not said, "".join(said)


def test_the_notebook_is_valid_and_without_output() -> None:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len({*ids}) == len(ids)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert {cell["cell_type"] for cell in book["cells"]} == {"code", "markdown"}


def test_the_code_of_the_notebook_runs_in_its_order() -> None:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    scope: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), scope)
    assert "surface:markdown" in set(scope["found"].concept), "what was planted is found"
    plain, planned = scope["shift"]["surface:markdown"]
    assert 0 <= planned < plain, "the plan takes markdown out of the signal"
    assert len(scope["shaped"]) == len(scope["pairs"])
    assert "matplotlib" in sys.modules
