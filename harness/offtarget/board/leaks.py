"""Whether a cell's file holds what may not be passed on: text of a dataset, or paths of somebody's machine."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from offtarget.board.cell import id_or_hash

WORDS, LETTERS = 14, 160
"""From this many words, or letters, on a text is no name any more."""
ROOMY = {"warnings", "notes", "failure", "metric", "title", "why"}
"""Keys under which offtarget itself writes sentences."""
LONGEST = 600
"""Letters of such a sentence."""
_HOME = re.compile(r"(^|[\s=:'\"])(/home/|/Users/|/root/|[A-Z]:\\Users\\)")


def leaks(raw: Any) -> Iterator[str]:
    """One line for each text that may not be passed on.

    Args:
        raw: the JSON of a cell, as it is in its file.
    """
    for s in raw.get("behaviours", ()) if isinstance(raw, Mapping) else ():
        ids = s.get("samples") if isinstance(s, Mapping) else None
        if isinstance(ids, Mapping) and (odd := [i for i in ids if id_or_hash(i) != i]):
            yield f"behaviours.{s.get('behaviour')}: {len(odd)} sample ids read like text; give ids, not prompts"
    yield from _texts("", raw)


def _texts(at: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for k, v in value.items():
            if at.endswith("samples"):
                continue
            yield from _texts(f"{at}.{k}" if at else str(k), v)
    elif isinstance(value, list):
        for v in value:
            yield from _texts(at, v)
    elif isinstance(value, str):
        roomy = any(part in ROOMY for part in at.split("."))
        if len(value) > LONGEST if roomy else len(value) > LETTERS or len(value.split()) >= WORDS:
            yield f"{at}: a text of {len(value.split())} words; cells hold ids and numbers, no text of a dataset"
        elif _HOME.search(value):
            yield f"{at}: a path of somebody's machine; name the data by id or a relative path"
