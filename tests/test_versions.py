"""What counts as other code: what a file does, not how it is written."""

from pathlib import Path

from offtarget.versions import source_sha256

CODE = '''"""What it is for."""

LIMIT = 3
"""Rows."""


def f(x: int) -> str:
    """Say it."""
    # why
    return "a" * min(x, LIMIT)
'''


def version(folder: Path, text: str) -> str:
    (folder / "a.py").write_text(text)
    return source_sha256(folder, [folder / "a.py"])


def test_comments_docstrings_and_layout_are_no_other_code(tmp_path: Path) -> None:
    before = version(tmp_path, CODE)
    reworded = CODE.replace("What it is for", "Reworded").replace("Say it", "Other words").replace("# why", "# how")
    laid_out = reworded.replace('"a" * min(x, LIMIT)', "(\n        'a'\n        * min(x, LIMIT)\n    )")
    assert version(tmp_path, laid_out.replace('"""Rows."""', "")) == before


def test_another_number_text_or_name_is_other_code(tmp_path: Path) -> None:
    before = version(tmp_path, CODE)
    for old, new in (("LIMIT = 3", "LIMIT = 4"), ('"a"', '"b"'), ("min(", "max("), ("x: int", "x: float")):
        assert version(tmp_path, CODE.replace(old, new)) != before
