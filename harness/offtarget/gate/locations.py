"""Where in the repository a finding is: the lines of its rows in a plain file, else the line that the gate was set up by."""

import os
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from offtarget.audit.folder import AuditFolder
from offtarget.data.pairs import PairSet
from offtarget.engine.as_audited import audited_set
from offtarget.gate.config import line_of_rule
from offtarget.gate.records import GateReport, Outcome

Located = tuple[str, int, str]
"""Path from the repository's root as a URI, line, and id of the row (empty where it is no row)."""
PLAIN = {".jsonl", ".ndjson", ".csv", ".tsv"}


class Locations:
    """Places of outcomes, from the root of the repository.

    Args:
        folder: the audit that was judged.
        report: what the gate said.
        config: offtarget.toml, where there is one.
        others: files to point at where there is none, the best first.
        root: of the repository; what lies outside of it has no place.
        pairs: the audited rows, where they were read already; they know their lines.
    """

    def __init__(
        self,
        folder: AuditFolder,
        report: GateReport,
        config: Path | None = None,
        others: tuple[Path | None, ...] = (),
        root: Path | None = None,
        pairs: PairSet | None = None,
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
        pairs = audited_set(self._folder)[0] if self._pairs is None else self._pairs
        lines = pairs.lines if pairs is not None else {}
        return {row: (uri, lines[row]) for row in self._wanted if row in lines}
