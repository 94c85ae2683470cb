"""Names of splits: what tells a split from a label, and the split that a file's name says."""

import re
from pathlib import Path

_NAMES = "train|training|test|testing|valid|validation|val|dev|development|eval|evaluation|held[-_]?out|holdout"
_SPLIT = re.compile(rf"(?:{_NAMES})(?:[-_.]\w+|\d+)*", re.IGNORECASE)
_IN_FILE = re.compile(rf"(?:^|[-_.])({_NAMES})(?=[-_.]|\d|$)", re.IGNORECASE)


def is_split_name(value: str) -> bool:
    """Whether a value reads as the name of a split: train, test_prefs, validation and the like."""
    return _SPLIT.fullmatch(value.strip()) is not None


def split_of_file(path: Path) -> str | None:
    """The split that the name of a file or of its folder says ("train-00000-of-00002.parquet"), or None."""
    found = _IN_FILE.search(path.name.split(".")[0]) or _IN_FILE.fullmatch(path.parent.name)
    return found[1].lower() if found else None
