"""The page as one file: it works from a disk, and gives a verdicts file back."""

from pathlib import Path
from typing import Any

from offtarget.report.html import visible
from offtarget.review.desk import Desk
from offtarget.review.file import entry_of
from offtarget.review.journal import as_written
from offtarget.review.merge import Conflict
from offtarget.review.page import shell
from offtarget.review.server import Review
from offtarget.store import write_atomic

NO_TEXT = "The page was written where the data could not be read, so texts and metadata are not shown."
"""Said by a page that others get, without the path of the data."""


def exported(review: Review) -> str:
    """The text of the page, with every finding and its card."""
    found = review.listed({}, {})
    items = found["items"]
    cards = {}
    for item in items:
        card = review.cards.card(item["id"])
        cards[item["id"]] = {k: v for k, v in card.items() if k not in item or k == "id"}
        if card["no_text"]:
            cards[item["id"]]["no_text"] = NO_TEXT
    desk = review.desk
    data: dict[str, Any] = {
        "list": {**found, "merge": [], "read_only": "", "undo": 0, "file": desk.path.name},
        "cards": cards,
        "verdicts": [[*place, as_written(_signed(desk, entry))] for place, entry in desk.file.entries().items()],
        "conflicts": [_conflict(review, c) for c in desk.merge.read().conflicts],
    }
    return shell(data, f"{found['dataset']}: review")


def _conflict(review: Review, c: Conflict) -> dict[str, Any]:
    """A conflict, settled or not, with the entry that each side is."""
    found = review.cards.conflict(c)
    entries = [as_written(entry_of(s.verdict)) for s in c.sides]
    names = [Path(s.file).name for s in c.sides]
    sides = zip(found["sides"], names, entries, strict=True)
    return {**found, "sides": [{**s, "file": visible(name, 200), "entry": e} for s, name, e in sides]}


def _signed(desk: Desk, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry that says who and when, where the file says it once for all."""
    head = desk.file.read()
    named = {"by": head.by, "date": head.date} if entry.get("decision") != "undecided" else {}
    return {**{k: v for k, v in named.items() if v}, **entry}


def export(review: Review, path: Path) -> Path:
    """Write the page."""
    return write_atomic(path, exported(review))
