"""The page as one file: it works from a disk, and gives a verdicts file back."""

from pathlib import Path
from typing import Any

from offtarget.review.desk import Desk
from offtarget.review.journal import as_written
from offtarget.review.page import shell
from offtarget.review.server import Review
from offtarget.store import write_atomic


def exported(review: Review) -> str:
    """The text of the page, with every finding and its card."""
    found = review.listed({}, {})
    items = found["items"]
    cards = {}
    for item in items:
        card = review.cards.card(item["id"])
        cards[item["id"]] = {k: v for k, v in card.items() if k not in item or k == "id"}
    data: dict[str, Any] = {
        "list": {**found, "read_only": "", "undo": 0},
        "cards": cards,
        "verdicts": _entries(review.desk),
    }
    return shell(data, f"{found['dataset']}: review")


def _entries(desk: Desk) -> list[dict[str, Any]]:
    """What is decided, as the file that the page gives back begins with."""
    return [e for entry in desk.file.entries().values() if (e := as_written(_signed(desk, entry))) is not None]


def _signed(desk: Desk, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry that says who and when, where the file says it once for all."""
    head = desk.file.read()
    named = {"by": head.by, "date": head.date} if entry.get("decision") != "undecided" else {}
    return {**{k: v for k, v in named.items() if v}, **entry}


def export(review: Review, path: Path) -> Path:
    """Write the page."""
    return write_atomic(path, exported(review))
