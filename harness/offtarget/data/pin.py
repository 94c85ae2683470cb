"""`offtarget data pin`: write the revision of a hub dataset into its card, once it was really read."""

import itertools
import re
from datetime import date
from pathlib import Path

from offtarget.data.adapters import Parts, adapt
from offtarget.data.cards import HubSource, load_card
from offtarget.data.hub import hub_rows, newest_revision
from offtarget.errors import ConfigError, DataError
from offtarget.store import write_atomic

SAMPLE = 50
"""Rows of each split that must be readable before a card is called verified."""


def pin(card_path: Path) -> str:
    """Pin a card to the newest revision of its source, after reading some rows of it with the adapter.

    Only the lines `revision:` and `verified:` change; the second says in a comment what was read.

    Args:
        card_path: the card of a hub dataset.

    Returns:
        The revision, a commit hash.

    Raises:
        UndecidedError: the hub is out of reach.
        ConfigError: the card is not of a hub dataset, or lacks one of the two lines.
        DataError: the rows are not what the card says.
    """
    card = load_card(card_path)
    if not isinstance(card.source, HubSource):
        raise ConfigError(f"{card_path}: its source is a file beside it; there is no revision to pin")
    text = card_path.read_text(encoding="utf-8")
    for key in ("revision", "verified"):
        if not re.search(rf"(?m)^{key}:", text):
            raise ConfigError(f"{card_path}: has no line '{key}:'; add '{key}: null' and pin again")
    revision = newest_revision(card.source.id)
    for split in card.splits or ("train",):
        usable = 0
        rows = hub_rows(card.source, split, revision, stream=True)
        for where, row in itertools.islice(rows, SAMPLE):
            try:
                usable += sum(isinstance(x, Parts) for x in adapt(row, card.adapter, strict=False))
            except DataError as e:
                raise DataError(f"{where}: {e}; the card is not pinned") from None
        if not usable:
            raise DataError(f"{card.name} {split}: no usable pair in {SAMPLE} rows; the card is not pinned")
    seen = f"{SAMPLE} rows of each split read on {date.today().isoformat()}"
    text = re.sub(r"(?m)^revision:.*$", f"revision: {revision}", text)
    text = re.sub(r"(?m)^verified:.*$", f"verified: true  # {seen}", text)
    write_atomic(card_path, text)
    return revision
