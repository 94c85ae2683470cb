"""Regular expressions match the same in every Python that the project supports."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
POSSESSIVE_GROUP = re.compile(r"\)(?:[+*?]|\{[0-9,]+\})\+")


def test_no_group_is_possessive() -> None:
    """Before 3.11.5 Python misses matches of `(...)*+` (CPython issue 106052); an atomic group is right in all."""
    found = [
        f"{path.relative_to(REPO)}:{number}: {line.strip()}"
        for room in ("harness", "tasks", "baselines", "datasets_registry")
        for path in sorted((REPO / room).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if not line.lstrip().startswith("#") and POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
