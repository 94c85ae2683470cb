"""Preference pairs from a file, a name, or rows that a program holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from offtarget.api.wording import speaks_python
from offtarget.data.loading import load_pairs as load
from offtarget.data.pairs import PairSet


@speaks_python
def load_pairs(
    data: Any,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    limit_seed: int = 0,
    head: int | None = None,
    card: str | PathLike[str] | None = None,
    skip_bad_rows: bool = False,
    allow_drops: bool = False,
    name: str | None = None,
) -> PairSet:
    """Read preference pairs; the shape of the rows is found from the rows.

    Args:
        data: a file or folder, a name of the registry, `hf:org/name`; a list of mappings, a pandas DataFrame or a
            `datasets.Dataset`.
        columns: role -> column, where the names are unusual: `{"prompt": "question", "chosen": "good", "rejected": "bad"}`,
            or `{"a": ..., "b": ..., "label": ...}`.
        split: one split of the dataset.
        limit: at most N pairs: whole prompts, drawn by `limit_seed` from all rows.
        limit_seed: which prompts `limit` draws.
        head: the first N pairs instead.
        card: a file that says how to read `data`.
        skip_bad_rows: go on without rows that are broken; they are counted.
        allow_drops: go on though over 20 % of the pairs cannot be used.
        name: what to call the set in reports.

    Returns:
        The pairs; `dropped`, `notes` and `cautions` say how they were read.

    Raises:
        ConfigError: an unknown name, column role or split.
        DataError: rows that cannot be read; says which.
        UndecidedError: no usable pair is left.

    Example:
        >>> import offtarget
        >>> rows = [{"question": "Red or blue?", "good": "Blue.", "bad": "I cannot say."}]
        >>> pairs = offtarget.load_pairs(rows, columns={"prompt": "question", "chosen": "good", "rejected": "bad"})
        >>> len(pairs), pairs.pairs[0].chosen
        (1, [{'role': 'assistant', 'content': 'Blue.'}])
    """
    if isinstance(data, PathLike):
        data = fspath(data)
    elif isinstance(data, Sequence) and not isinstance(data, str) and any(isinstance(d, PathLike) for d in data):
        data = [fspath(d) for d in data]
    found = load(
        data,
        columns=columns,
        split=split,
        limit=limit,
        limit_seed=limit_seed,
        head=head,
        card=None if card is None else Path(card),
        skip_bad_rows=skip_bad_rows,
        allow_drops=allow_drops,
    )
    return replace(found, name=name) if name else found


def as_pairs(data: Any) -> PairSet:
    """A loaded set as it is; anything else is loaded."""
    return data if isinstance(data, PairSet) else load_pairs(data)
