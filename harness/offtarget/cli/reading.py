"""What the verbs that read pairs share: a dataset as it was given, and what is said about the reading."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offtarget.cli.ui import note

if TYPE_CHECKING:
    from offtarget.data.pairs import PairSet


def one_or_all(dataset: Sequence[str]) -> str | tuple[str, ...]:
    """A dataset as it was given: one reference, or several files."""
    return dataset[0] if len(dataset) == 1 else tuple(dataset)


def note_reading(pairs: "PairSet", *, warnings: bool = True) -> None:
    """Say what was taken for what, and what a decision should know of the reading."""
    from offtarget.data.drops import drop_cautions

    for text in pairs.notes:
        note(f"note: {text}")
    for text in (*drop_cautions(pairs), *pairs.cautions) if warnings else ():
        note(f"warning: {text}")
