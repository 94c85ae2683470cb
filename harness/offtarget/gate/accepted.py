"""What a new baseline accepts, for the person who reviews it: a page of markdown beside it, and the same lines printed."""

import re
from contextlib import suppress
from pathlib import Path

from offtarget.errors import OfftargetError
from offtarget.gate.baseline import read_baseline
from offtarget.gate.baseline_file import says
from offtarget.gate.changes import beyond_chance, from_sums
from offtarget.gate.formats.github import cell
from offtarget.gate.judge import changed_by
from offtarget.gate.measure import Measured, is_finding, sums_from
from offtarget.gate.records import Baseline, Change, Entry, Settings
from offtarget.store import write_atomic

SHOWN = 20
"""Changes that are printed; the page has all."""


def page_path(baseline: Path) -> Path:
    """Where the page lies: `offtarget-baseline.md` beside `offtarget-baseline.json`."""
    page = baseline.with_suffix(".md")
    return page if page != baseline else baseline.with_name(f"{baseline.name}.md")


def before(path: Path) -> Baseline | None:
    """The baseline that is there now, where it can be read."""
    if path.is_file():
        with suppress(OfftargetError):
            return read_baseline(path)
    return None


def changes(was: Baseline | None, now: Baseline, settings: Settings) -> list[str]:
    """What a new baseline accepts that the one before it did not have, a sentence each; first what the two are of."""
    if was is None:
        found = sum(map(is_finding, now.entries))
        return [f"{now.dataset}, {now.rows} pairs: {found} findings are accepted as they are"]
    of = f"{now.dataset}, {now.rows} pairs, after {was.dataset}, {was.rows} pairs"
    if was.vocabulary != now.vocabulary:
        return [f"{of}: the vocabulary is another, so nothing can be compared"]
    moved = from_sums(was, Measured(now.entries, sums_from(now.entries)))
    known = {e.place for e in was.entries}
    lines = [
        *(_changed(e, moved[e.place]) for e in now.entries if beyond_chance(moved.get(e.place), e.unit, settings)),
        *(f"{_named(e)}: {says(e)}; it was not judged before" for e in now.entries if e.place not in known and is_finding(e)),
    ]  # fmt: skip
    n = len(lines)
    return [f"{of}: {n or 'no'} effect{'' if n == 1 else 's'} changed beyond chance and by as much as matters", *lines]


def page(was: Baseline | None, now: Baseline, settings: Settings) -> str:
    """The page: what changed, then every finding that is accepted."""
    head, *lines = changes(was, now, settings)
    found = sorted(
        (e for e in now.entries if is_finding(e)), key=lambda e: (e.view != "overall", e.view, e.where, e.concept)
    )
    rows = [f"| {_cell(e.label)} `{e.concept}` | {_cell(e.where)} | {_cell(_short(e))} |" for e in found]
    table = ["| concept | where | chosen less rejected, 95 % interval |", "| --- | --- | --- |", *rows]
    return "\n".join(
        [
            "# What the data may teach",
            "",
            f"{_cell(head)}.",
            "",
            *(f"- {_cell(text)}" for text in lines),
            *([""] if lines else []),
            "## All findings that are accepted",
            "",
            *(table if rows else ["None."]),
            "",
            "A decision in the verdicts file counts before this. Written with the baseline, for people; the gate does not read it.",
        ]
    ) + "\n"  # fmt: skip


def write_page(path: Path, was: Baseline | None, now: Baseline, settings: Settings) -> list[str]:
    """Write the page beside a baseline.

    Returns:
        What it says of changes, for the terminal.
    """
    write_atomic(page_path(path), page(was, now, settings))
    head, *lines = changes(was, now, settings)
    more = [f"... and {len(lines) - SHOWN} more in {page_path(path)}"] if len(lines) > SHOWN else []
    return [f"accepted: {head}", *lines[:SHOWN], *more]


def _changed(e: Entry, change: Change) -> str:
    return f"{_named(e)}: {_short(e)}; {changed_by(change, e.unit)}".replace("−", "-")


def _named(e: Entry) -> str:
    return e.label if e.context is None else f"{e.label} in {e.where}"


def _short(e: Entry) -> str:
    return says(e).split(", finding (")[0].removesuffix(f", {e.n} pairs")


def _cell(text: str) -> str:
    """As `cell`, with the brackets of intervals as they are; no text becomes a link."""
    return re.sub(r"&#91;(?=[+\-0-9])", "[", cell(text)).replace("](", "]&#40;")
