"""What a board says, as tables: every board makes them, and there is one writer for each format."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from markupsafe import Markup

from offtarget.report.html import environment, fixed, visible

NUMBER = re.compile(r"[+-]\d+(\.\d+)?(e[-+]?\d+)?")
LONGEST, WIDE = 400, 28
"""Characters of a cell; what is longer is cut, with a mark."""


@dataclass(frozen=True)
class Entry:
    """A cell that a page shows with more than its text."""

    text: str
    """All of it in words, for markdown, CSV and JSON."""
    lines: tuple[str, ...] = ()
    """What a page shows: the first large, the others small below it; () means the text."""
    key: float | str | None = None
    """What a page sorts by; "" where a number is missing; None: the text."""
    lead: str = ""
    """A number before the first line on a page."""
    tag: str = ""
    """A mark below the lines on a page."""
    tone: str = ""
    """Of the tag (mark, warn); muted: the lines are grey."""
    links: tuple[tuple[str, str], ...] = ()
    """Words and addresses of links below the lines on a page."""
    ours: bool = False
    """Whether the text is our own Markdown; else signs that Markdown would read are escaped."""

    @property
    def plain(self) -> bool:
        """Whether a page shows the text and nothing else."""
        return not (self.lines or self.lead or self.tag or self.links)


@dataclass(frozen=True)
class _Column:
    numeric: bool
    label: str | None
    """What a narrow page puts before each value; None for the first column."""


Value = str | int | float | None | Entry


@dataclass(frozen=True)
class Table:
    """One table of a board."""

    title: str
    """In our own words; empty for none."""
    about: str
    """A sentence below the title, in our own words; empty for none."""
    head: tuple[str | Entry, ...]
    rows: tuple[tuple[Value, ...], ...]
    words: frozenset[str] = frozenset()
    """Heads of the columns that hold words; the others hold numbers."""
    falling: frozenset[str] = frozenset()
    """Heads of the columns that a page first sorts from the largest down."""
    aside: frozenset[str] = frozenset()
    """Heads of the columns that a page leaves out, since it says them elsewhere."""
    tones: tuple[str, ...] = ()
    """Of each row on a page: ref for a reference, front for one on the front; empty: of none."""
    ids: tuple[str, ...] = ()
    """Of each row on a page, to link to; empty: of none."""

    @property
    def names(self) -> list[str]:
        """The heads as text."""
        return [entry(h).text for h in self.head]


def table(
    title: str,
    head: Sequence[str | Entry],
    rows: Iterable[Sequence[Value]],
    *,
    about: str = "",
    words: Iterable[str] = (),
) -> Table:
    """A table from lists."""
    return Table(title, about, tuple(head), tuple(map(tuple, rows)), frozenset(words))


def ours(text: str) -> Entry:
    """A cell of our own Markdown: figures with brackets, a hash set as code."""
    return Entry(text, ours=True)


def shift_entry(value: float, ci: tuple[float, float] | None) -> Entry:
    """A change with its sign and, where there is one, its interval."""
    text = fixed(value, 3, sign=True)
    if ci is None:
        return Entry(text, key=value)
    low, high = (fixed(x, 3, sign=True) for x in ci)
    return Entry(f"{text} [{low}, {high}]", (text, f"{low} … {high}"), key=value, ours=True)


def entry(value: Value) -> Entry:
    """Any cell as an `Entry`."""
    if isinstance(value, Entry):
        return value
    return Entry("–" if value is None else str(value))


def as_markdown(of: Table, level: int = 2) -> list[str]:
    """The lines of a table with its title, and an empty one after it."""
    lines = [f"{'#' * level} {of.title}", ""] if of.title else []
    lines += [of.about, ""] if of.about else []
    rule = ["---" if name in of.words else "---:" for name in of.names]
    cells = [[_escaped(v) for v in of.head], rule, *([_escaped(v) for v in row] for row in of.rows)]
    return [*lines, *("| " + " | ".join(line) + " |" for line in cells), ""]


def as_html(of: Table) -> Markup:
    """The table alone, for a page of `report.html`; it can be sorted."""
    env = environment(Path(__file__).parent / "templates")
    shown = [k for k, name in enumerate(of.names) if name not in of.aside]
    head = [entry(of.head[k]) for k in shown]
    columns = [
        _Column(h.text not in of.words, visible((h.lines or (h.text,))[0].rstrip(","), 40) if place else None)
        for place, h in enumerate(head)
    ]
    rows = []
    for row, id_, tone in zip(of.rows, of.ids or repeat(""), of.tones or repeat(""), strict=False):
        entries = [entry(row[k]) for k in shown]
        wide = [max(map(len, e.lines or (e.text,))) > WIDE for e in entries]
        rows.append((list(zip(entries, columns, wide, strict=True)), id_, tone))
    text = env.get_template("table.html.j2").render(table=of, head=head, rows=rows, longest=LONGEST)
    return Markup(text)  # noqa: S704 - the template escapes every value


def as_csv(of: Table) -> str:
    """The rows below the heads; empty for what is missing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(of.names)
    writer.writerows([_spreadsheet(v) for v in row] for row in of.rows)
    return out.getvalue()


def as_json(of: Sequence[Table]) -> str:
    """Tables for programs: each row by the heads, null for what is missing."""
    found = [
        {"title": t.title, "about": t.about, "head": t.names, "rows": [[_plain(v) for v in row] for row in t.rows]}
        for t in of
    ]
    return printable_json(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)) + "\n"


def printable_json(text: str) -> str:
    """The same JSON with the controls that it may hold as they are (DEL and C1) escaped: a terminal would carry them out."""
    return text.translate({code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)})


def escape_cell(text: str, limit: int = 120) -> str:
    """Text of others as one cell of Markdown: signs that would end it or be read as markup are escaped."""
    flat = visible(" ".join(text.split()), limit)
    for sign in "\\|<>`*_[]":
        flat = flat.replace(sign, "\\" + sign)
    return flat


def _escaped(value: Value) -> str:
    found = entry(value)
    return found.text if found.ours else escape_cell(found.text, LONGEST)


def _plain(value: Value) -> str | int | float | None:
    return value.text if isinstance(value, Entry) else value


def _spreadsheet(value: Value) -> Any:
    """A value no spreadsheet takes for a formula: text that begins like one, and is no number, is set in quotes.

    Signs that a terminal would carry out are made visible.
    """
    text = _plain(value)
    if isinstance(text, str):
        begins = text[:1]
        text = visible(text)
        if begins in {"\t", "\r"}:
            return "'" + text
    if isinstance(text, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not NUMBER.fullmatch(text):
        return "'" + text
    return "" if text is None else text
