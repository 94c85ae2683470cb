"""Which code made a result: offtarget's own, by a hash, and the packages it is on."""

import ast
import hashlib
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import offtarget
from offtarget.store import hash_of

PACKAGES = ("torch", "transformers", "trl", "peft", "sae-lens", "inspect-ai", "datasets", "scipy", "numpy")
"""The packages that decide a result."""
DECISIVE = (
    "data",
    "lens",
    "audit",
    "shaping",
    "training",
    "evals",
    "engine",
    "asking.py",
    "machine.py",
    "models.py",
    "verdicts.py",
)
"""The rooms and files whose code decides a result."""


def code_version() -> str:
    """Version of offtarget, and a hash of the code that decides results: other code, another key."""
    return f"{offtarget.__version__}+{code_sha256(*DECISIVE)[:10]}"


@cache
def code_sha256(*places: str) -> str:
    """Hash of the code in some rooms and files of the engine, named by their place in it."""
    here = Path(offtarget.__file__).resolve().parent
    paths = [here / name for name in places]
    return source_sha256(here, (f for p in paths for f in ([p] if p.suffix else p.rglob("*.py"))))


def source_sha256(folder: Path, files: Iterable[Path]) -> str:
    """Hash of what Python files of a folder do: comments, docstrings and layout are not in it.

    So a reworded comment leaves every key as it is.
    """
    return hash_of([[p.relative_to(folder).as_posix(), _syntax_sha256(p)] for p in sorted(set(files))])


def _syntax_sha256(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [stmt for stmt in body if not _is_text(stmt)]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(stmt: ast.AST) -> bool:
    """A docstring, or a text under a constant that says what it holds."""
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant) and isinstance(stmt.value.value, str)


def package_versions(*names: str) -> dict[str, str]:
    """Installed versions of some packages (of all `PACKAGES`, if none is named); those not installed are left out.

    A stage whose numbers depend on a package puts its version among its inputs, so that an artifact is never
    older than what a cell says it was made with.
    """
    found = {}
    for name in names or PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str | None:
    """The commit of the checkout that this code is in; None outside one."""
    here = Path(offtarget.__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    said = subprocess.run(
        ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() if said.returncode == 0 else None
