"""What `import offtarget` gives: every name in any order of imports, at no cost until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import offtarget

NAMES = {
    "load_pairs", "audit", "plan", "run", "evaluate", "verify", "compare", "board", "protocol", "audit_method",
    "ShapingContext", "ShapingPlan", "Steer", "Ablate", "ShapedDPOTrainer",
}  # fmt: skip


def fresh(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_offtarget_loads_nothing_else() -> None:
    code = (
        "import sys, offtarget; dir(offtarget); "
        "print([m for m in sys.modules if m.startswith('offtarget.')], "
        "[m for m in ('torch', 'pandas', 'pydantic', 'numpy', 'typer') if m in sys.modules])"
    )
    assert fresh(code) == "[] []"


def test_every_name_is_exported_and_has_help() -> None:
    assert {*offtarget.__all__} >= NAMES and {*dir(offtarget)} >= NAMES
    for name in NAMES - {"ShapedDPOTrainer"}:  # whose import takes long; `test_examples` has it
        found = getattr(offtarget, name)
        assert callable(found) and found.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'gait'"):
        _ = offtarget.gait  # type: ignore[attr-defined]


CALL = (
    "try: offtarget.{0}()\n"
    "except TypeError as e: print('called', e)\n"
    "except offtarget.errors.ConfigError as e: print('called', e)\n"
)


FORKS = """import os, sys
import jinja2, numpy, pandas, pydantic, scipy.stats, yaml
assert "offtarget" not in sys.modules
for code in {!r}:
    if (child := os.fork()) == 0:
        exec(code, {{"__name__": "__main__"}})
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


BELOW = {
    "audit": "audit.records",
    "board": "board.rank",
    "curve": "curve.records",
    "forecast": "forecast.records",
    "gate": "gate.records",
}
"""Packages that are called, and a module in each."""


@pytest.fixture(scope="module")
def called() -> dict[str, list[str]]:
    """What each package says, twice called, in each of four orders of imports.

    Each order is a fork of one new process, in which the libraries below are imported and nothing of offtarget is.
    """
    codes = []
    for name, below in BELOW.items():
        orders = (  # all four of one package, which a fork each are half a second; of the others the two that differ most
            f"import offtarget, offtarget.errors\nofftarget.{name}\nimport offtarget.{below}\n",
            f"import offtarget.{below}, offtarget.errors\nimport offtarget\n",
            f"import offtarget.errors, offtarget.{name}\nimport offtarget\n",
            f"from offtarget import {name}\nimport offtarget.errors, offtarget\nassert offtarget.{name} is {name}\n",
        )
        mine = orders if name == "audit" else orders[:2]
        codes.append([code + CALL.format(name) + f"import offtarget.{below}\n" + CALL.format(name) for code in mine])
    lines = iter(fresh(FORKS.format([code for mine in codes for code in mine])).split("\n"))
    found = {name: [next(lines) for _ in range(2 * len(mine))] for name, mine in zip(BELOW, codes, strict=True)}
    assert next(lines, None) is None
    return found


@pytest.mark.parametrize("name", BELOW)
def test_a_package_of_that_name_is_called_whatever_was_imported_first(name: str, called: dict[str, list[str]]) -> None:
    """`offtarget.audit` is both a package and what people call; either order of imports gives the same."""
    assert len({*called[name]}) == 1, "each order, twice called, says the same"
    missing = "missing 1 required positional argument: '{}'"
    says = {
        "audit": missing.format("pairs"),
        "board": "holds no cells",
        "curve": missing.format("policies"),
        "forecast": missing.format("dataset"),
        "gate": missing.format("data"),
    }[name]
    assert says in called[name][0]


def test_the_signature_of_a_called_package_is_that_of_its_function() -> None:
    from inspect import signature

    from offtarget.api.audit import audit

    assert signature(offtarget.audit) == signature(audit)
    assert next(iter(signature(offtarget.audit).parameters)) == "pairs"


def test_a_called_package_is_pickled_by_name_and_has_the_help_of_its_function() -> None:
    import pickle
    import pydoc
    from copy import deepcopy

    from offtarget.api import audit as audits
    from offtarget.api import runs

    for package, function in ((offtarget.audit, audits.audit), (offtarget.board, runs.board)):
        assert pickle.loads(pickle.dumps(package)) is package
        assert deepcopy(package) is package
        assert package.__doc__ == function.__doc__
        assert (function.__doc__ or "?").splitlines()[0] in pydoc.render_doc(package)


def test_a_pool_of_processes_calls_a_package() -> None:
    """Each worker raises the error that the call raises here."""
    code = (
        "import offtarget\nfrom multiprocessing import get_context\n"
        "if __name__ == '__main__':\n"
        "    with get_context('fork').Pool(2) as pool:\n"
        "        try: pool.map(offtarget.board, ['nowhere', 'nowhere'])\n"
        "        except Exception as e: print(type(e).__name__, 'nowhere' in str(e))\n"
    )
    assert fresh(code) == "ConfigError True"


def test_a_function_behind_a_package_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offtarget.api.audit.audit", lambda pairs: f"stub of {pairs}")
    assert offtarget.audit("x") == "stub of x"
    monkeypatch.setattr("offtarget.audit.records.Q_FINDING", 0.5)
    assert sys.modules["offtarget.audit.records"].Q_FINDING == 0.5


@pytest.mark.slow
def test_a_type_checker_sees_the_functions(tmp_path: Path) -> None:
    """mypy takes `offtarget.audit` for the function, whether or not the package below is imported too."""
    script = tmp_path / "script.py"
    script.write_text(
        "import offtarget\nimport offtarget.board.rank\n"
        "def f() -> None:\n"
        "    reveal_type(offtarget.audit([]))\n"
        "    reveal_type(offtarget.board('x'))\n"
        "    reveal_type(offtarget.plan([], 'filter').weights)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--follow-imports=silent", str(script)],
        capture_output=True, text=True, cwd=tmp_path,
        env={"MYPYPATH": str(Path(offtarget.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    told = [line.partition("note: ")[2] for line in done.stdout.splitlines() if "Revealed type" in line]
    assert ["AuditResult" in told[0], "Boards" in told[1], "ndarray" in told[2]] == [True] * 3, done.stdout
