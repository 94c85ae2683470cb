"""Pairs from rows: ids, groups, metadata, and what was dropped on the way."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from offtarget.data.adapters import Parts, adapt
from offtarget.data.cards import RowColumns
from offtarget.data.cells import cell_of, has, is_empty
from offtarget.data.decoding import Decoder
from offtarget.data.drawing import Draw
from offtarget.data.guessing import Layout, Shapes
from offtarget.data.identity import PromptGroups, text_key
from offtarget.data.located import BadRow, HeaderAgain, LocatedRow
from offtarget.data.messages import BROKEN, HEADER, Drop, clean
from offtarget.data.pairs import DroppedRow, Pair
from offtarget.data.row_roles import BY_PROMPT, extended_prompt
from offtarget.data.sides import SideReader
from offtarget.data.sources import ALL_SPLITS
from offtarget.errors import ConfigError, DataError

_LINE = re.compile(r" line (\d+)$")
"""Of the place of a row, in files of lines."""


@dataclass(frozen=True)
class Rules:
    """How the rows of one source are read."""

    shapes: Shapes
    columns: RowColumns
    decoder: Decoder
    own: bool
    """Whether a bad row is an error its owner can fix."""
    skip_bad_rows: bool = False
    split_column: bool = True
    """Whether the split column holds splits."""


@dataclass
class Collector:
    """Pairs so far, over the splits of one source."""

    rules: Rules
    head: int | None = None
    limit: int | None = None
    seed: int = 0
    pairs: list[Pair] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)
    by_shape: Counter[int] = field(default_factory=Counter)
    """Identity of a layout -> rows."""
    seen_splits: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    """Ids that got a suffix."""
    read: int = 0
    usable: int = 0
    groups_usable: int = 0
    grouped: int = 0
    """Usable pairs whose group is that of a column."""
    _used: dict[int, set[str]] = field(default_factory=dict)
    """Identity of a layout -> the columns that it reads, and those of the row as a whole."""
    _sides: SideReader = field(default_factory=SideReader)
    _groups: PromptGroups = field(default_factory=PromptGroups)
    _taken: dict[str, int] = field(default_factory=dict)
    """Id -> how often it came."""
    lines: dict[str, int] = field(default_factory=dict)
    """Id of a pair -> the line of its row, in files of lines."""

    def collect(self, rows: Iterable[LocatedRow], *, split: str | None, filter_by: str | None) -> None:
        """Take the rows of one part.

        Args:
            rows: where each is, and its cells.
            split: the split of all of them, or None.
            filter_by: take only rows whose split column says this.

        Raises:
            ConfigError: no split column to filter by.
            DataError: a row that its owner can fix, unless such rows are skipped.
        """
        drawing = Draw(self.limit, self.seed) if self.limit is not None else None
        start = len(self.pairs)
        for where, row in rows:
            if isinstance(row, HeaderAgain):
                self.dropped.append(DroppedRow(where, HEADER))
                continue
            if isinstance(row, BadRow):
                self._broken(where, row.message)
                continue
            self.read += 1
            if filter_by not in (None, ALL_SPLITS) and not self._in_split(row, str(filter_by), where):
                continue
            line = _LINE.search(where)
            for pair in self._pairs_of(where, row, split):
                self.usable += 1
                if line is not None:
                    self.lines[pair.id] = int(line[1])
                if drawing is not None:
                    drawing.add(pair, self._unit(pair, row))
                else:
                    self.pairs.append(pair)
                    if self.head is not None and len(self.pairs) - start >= self.head:
                        return
        if drawing is not None:
            self.pairs += drawing.drawn()
            self.groups_usable += drawing.n_groups

    def _broken(self, where: str, message: str) -> None:
        """A row that its owner can fix: the end, or one more that is left out."""
        if self.rules.skip_bad_rows:
            self.dropped.append(DroppedRow(where, BROKEN, message))
            return
        others = self.usable or self.rules.shapes.main.share > 0
        message = "; ".join((message, *self.rules.shapes.unread[:1]))
        raise DataError(f"{where}: {message}{'; --skip-bad-rows goes on without such rows' if others else ''}")

    def _in_split(self, row: Mapping[str, Any], split: str, where: str) -> bool:
        column = self.rules.columns.split
        if not has(row, column):
            raise ConfigError(
                f"{where}: split '{split}' was asked for but there is no column '{column}'; "
                "name it with --columns split=NAME, or ask for no split"
            )
        self.seen_splits.add(str(cell_of(row, column)))
        return str(cell_of(row, column)) == split

    def _pairs_of(self, where: str, row: Mapping[str, Any], split: str | None) -> Iterable[Pair]:
        layout = self.rules.shapes.of(row)
        try:
            found = adapt(row, layout.adapter, strict=self.rules.own, decoder=self.rules.decoder)
            extended = [x if isinstance(x, Drop) else self._extended(x, row) for x in found]
        except Drop as drop:
            found = extended = [drop]
        except DataError as e:
            self._broken(where, str(e))
            return
        self.by_shape[id(layout)] += 1
        meta: dict[str, Any] | None = None
        for parts in extended:
            if isinstance(parts, Drop):
                self.dropped.append(DroppedRow(where, parts.reason, parts.detail))
                continue
            meta = self._meta(row, layout, split) if meta is None else meta
            yield self._pair(parts, row, meta, several=len(found) > 1)

    def _extended(self, parts: Parts, row: Mapping[str, Any]) -> Parts:
        """The pair with what other columns add to its prompt."""
        columns = self.rules.columns
        if not (columns.system or columns.context or columns.input or columns.earlier):
            return parts
        prompt = extended_prompt(parts.prompt, row, self.rules.columns, strict=self.rules.own)
        return replace(parts, prompt=prompt)

    def _meta(self, row: Mapping[str, Any], layout: Layout, split: str | None) -> dict[str, Any]:
        columns = self.rules.columns
        used = self._used.get(id(layout))
        if used is None:
            more = (columns.system, columns.context, columns.input, columns.earlier)
            used = {*layout.adapter.used_columns(), columns.id, columns.group, *(c for c in more if c)}
            self._used[id(layout)] = used
        meta = _scalars(row, used)
        if split is not None:
            meta["split"] = split
        elif columns.split != "split" and has(row, columns.split):
            meta["split"] = str(cell_of(row, columns.split))
        return meta

    def _pair(self, parts: Parts, row: Mapping[str, Any], meta: dict[str, Any], *, several: bool) -> Pair:
        columns = self.rules.columns
        given = _scalar(row, columns.id)
        base = content_id(parts) if given is None else clean(str(given))
        if given is not None and parts.tag and several:
            base = f"{base}:{parts.tag}"
        name = self._unique(base)
        if name != base and given is not None:
            self.renamed.add(name)
        group = self._group(row)
        self.grouped += group is not None
        return Pair(
            id=name,
            group=self._groups.of(parts.prompt) if group is None else clean(str(group)),
            prompt=parts.prompt,
            chosen=parts.chosen,
            rejected=parts.rejected,
            meta=dict(meta),
            sides=self._sides.read(row, parts.candidate) if parts.candidate else {},
        )

    def _group(self, row: Mapping[str, Any]) -> Any:
        """What the group column says; None where prompts are the groups."""
        column = self.rules.columns.group
        return None if column == BY_PROMPT else _scalar(row, column)

    def _unit(self, pair: Pair, row: Mapping[str, Any]) -> str:
        """What a pair is drawn by: its group, or what its prompt says, whichever pair of it came first."""
        return pair.group if self._group(row) is not None else text_key(pair.prompt)

    def _unique(self, base: str) -> str:
        name = base
        while name in self._taken:
            self._taken[base] += 1
            name = f"{base}-{self._taken[base]}"
        self._taken[name] = 1
        return name


def _scalar(row: Mapping[str, Any], column: str) -> Any:
    """A cell that can name something; None where it is empty or no name."""
    value = cell_of(row, column) if has(row, column) else None
    return value if isinstance(value, str | int | float | bool) and value != "" else None


def content_id(parts: Parts) -> str:
    """An id that depends on what the pair says alone, not on where it is."""
    blob = json.dumps([parts.prompt, parts.chosen, parts.rejected], sort_keys=True)
    return hashlib.sha256(blob.encode()).hexdigest()[:16]


def _scalars(row: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for k, v in row.items():
        if k in used or not k or not isinstance(v, str | int | float | bool) or is_empty(v):
            continue
        out[k] = clean(v) if isinstance(v, str) else v
    return out
