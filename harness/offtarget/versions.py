"""Which code made a result: offtarget's own, by a hash, and the packages it stands on."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import offtarget
from offtarget.store import file_sha256, hash_of

PACKAGES = ("torch", "transformers", "trl", "peft", "sae-lens", "inspect-ai", "datasets", "scipy", "numpy")
"""The packages that decide a result."""
DECISIVE = ("data", "lens", "audit", "shaping", "training", "evals", "engine", "models.py", "verdicts.py")
"""The rooms and files whose code decides a result."""


@cache
def code_version() -> str:
    """Version of offtarget, and a hash of the code that decides results: other code, another key."""
    here = Path(offtarget.__file__).resolve().parent
    places = [here / name for name in DECISIVE]
    files = sorted(f for p in places for f in ([p] if p.suffix else p.rglob("*.py")))
    return (
        f"{offtarget.__version__}+{hash_of([[str(p.relative_to(here)), file_sha256(p)] for p in files])[:10]}"
    )


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
    """The commit of the checkout that this code lies in; None outside one."""
    here = Path(offtarget.__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    said = subprocess.run(
        ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() if said.returncode == 0 else None
