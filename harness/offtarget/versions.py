"""Which code made a result: offtarget's own, by a hash, and the packages it is on."""

import ast
import hashlib
import json
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
    return hashlib.sha256(json.dumps(_syntax(tree)).encode()).hexdigest()


def _syntax(node: Any) -> Any:
    """A syntax tree as plain JSON, without texts that do nothing.

    Fields that are empty are left out, since which of these there are differs between versions of Python; so the hash is
    the same under all that can read the file.
    """
    if isinstance(node, ast.AST):
        fields = {
            name: _syntax(
                [stmt for stmt in value if not _is_text(stmt)] if name == "body" and isinstance(value, list) else value
            )
            for name, value in ast.iter_fields(node)
            if value is not None and value != []
        }
        return [type(node).__name__, *sorted(fields.items())]
    if isinstance(node, list):
        return [_syntax(item) for item in node]
    return node if isinstance(node, str | int) and not isinstance(node, bool) else repr(node)


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
        if (installed := _installed(name)) is not None:
            found[name] = installed
    return found


@cache
def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


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
