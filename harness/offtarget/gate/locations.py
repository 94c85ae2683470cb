"""Where in the repository a finding is: the lines of its rows in a plain file, else the line that the gate was set up by."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from offtarget.audit.folder import AuditFolder
from offtarget.data.pairs import Pair
from offtarget.engine.as_audited import audited_pairs
from offtarget.gate.config import line_of_rule
from offtarget.gate.records import GateReport, Outcome

Located = tuple[str, int, str]
"""Path from the repository's root as a URI, line, and id of the row (empty where it is no row)."""
PLAIN = {".jsonl": "json", ".ndjson": "json", ".csv": ",", ".tsv": "\t"}


class Locations:
    """Places of outcomes, from the root of the repository.

    Args:
        folder: the audit that was judged.
        report: what the gate said.
        config: offtarget.toml, where there is one.
        others: files to point at where there is none, the best first.
        root: of the repository; what lies outside of it has no place.
        pairs: the audited rows, where they were read already.
    """

    def __init__(
        self,
        folder: AuditFolder,
        report: GateReport,
        config: Path | None = None,
        others: tuple[Path | None, ...] = (),
        root: Path | None = None,
        pairs: Sequence[Pair] | None = None,
    ) -> None:
        self._folder, self._pairs = folder, pairs
        self._wanted = {row for o in report.outcomes if o.severity != "pass" for row in o.rows}
        self._root = (root or Path()).resolve()
        self._config = config if config and self._uri(config) else None
        named = next((p for p in (*others, folder.path / "audit.json") if p is not None and self._uri(p)), None)
        self._other = (self._uri(named) if named else None) or "offtarget.toml"

    def of(self, o: Outcome) -> list[Located]:
        """At least one place: the rows of a plain file, else the rule, else the file that the gate was given."""
        rows = [(*self._rows[row], row) for row in o.rows if row in self._rows]
        if rows:
            return rows
        if self._config:
            return [(self._uri(self._config) or self._other, line_of_rule(self._config, o.rule or 0), "")]
        return [(self._other, 1, "")]

    def _uri(self, path: Path) -> str | None:
        """The path from the root, escaped; None of what is outside, or is no file."""
        whole = path.resolve()
        if not whole.is_file() or not whole.is_relative_to(self._root):
            return None
        return quote(str(PurePosixPath(*whole.relative_to(self._root).parts)))

    @cached_property
    def _rows(self) -> dict[str, tuple[str, int]]:
        """Path and line of the rows that some outcome names; found when first asked for, as not every format asks."""
        reading = self._folder.audit.reading
        data = reading.data if reading else None
        file = Path(os.fspath(data)) if isinstance(data, str) else Path()
        uri = self._uri(file) if isinstance(data, str) else None
        if not self._wanted or uri is None or file.suffix.lower() not in PLAIN:
            return {}
        pairs = audited_pairs(self._folder)[0] if self._pairs is None else {p.id: p for p in self._pairs}
        lines: dict[str, set[int]] = {}
        for number, strings in _rows_of(file, PLAIN[file.suffix.lower()]):
            for text in strings:
                lines.setdefault(text, set()).add(number)
        out = {}
        for row in self._wanted & pairs.keys():
            at = _shared(pairs[row], lines)
            if at is not None:
                out[row] = (uri, at)
        return out


def _shared(pair: Pair, lines: dict[str, set[int]]) -> int | None:
    """The first line that holds the prompt's end and both answers."""
    texts = [side[-1]["content"] for side in (pair.prompt, pair.chosen, pair.rejected)]
    found = [lines.get(t.strip(), set()) for t in texts]
    both = found[1] & found[2]
    return min(both & found[0], default=min(both, default=None))


def _rows_of(file: Path, kind: str) -> Iterator[tuple[int, list[str]]]:
    """Line and texts of each row; rows that cannot be read have none."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as source:
        if kind == "json":
            for number, line in enumerate(source, 1):
                try:
                    yield number, list(_strings(json.loads(line)))
                except (ValueError, RecursionError):
                    continue
            return
        reader = csv.reader(source, delimiter=kind)
        start = 1
        try:
            for row in reader:
                yield start, [cell.strip() for cell in row]
                start = reader.line_num + 1
        except csv.Error:
            return


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, dict):
        for x in value.values():
            yield from _strings(x)
    elif isinstance(value, list):
        for x in value:
            yield from _strings(x)
