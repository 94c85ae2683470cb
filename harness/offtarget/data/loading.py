"""From what a person calls a dataset to its pairs."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from offtarget.data.adapters import Parts, adapt, guess
from offtarget.data.cards import DatasetCard, HubSource, RowColumns, load_card, source_file
from offtarget.data.drops import require_usable
from offtarget.data.hub import hub_rows, parse_ref
from offtarget.data.identity import PromptGroups
from offtarget.data.messages import BROKEN, Drop, clean
from offtarget.data.pairs import DroppedRow, Pair, PairSet
from offtarget.data.reading import BadRow, LocatedRow, is_data_file, read_rows
from offtarget.data.shapes import Adapter
from offtarget.errors import ConfigError, DataError, unknown_name

ALL_SPLITS = "all"


class Names(Protocol):
    """The part of `offtarget.registry.Registry` that loading needs."""

    def get(self, kind: Any, name: str) -> Any:
        """The entry of that name."""

    def entries(self, kind: Any) -> Iterable[Any]:
        """All entries."""


@dataclass(frozen=True)
class Source:
    """What a reference was found to mean."""

    name: str
    card: DatasetCard | None = None
    card_path: Path | None = None
    file: Path | None = None
    """A file without a card."""
    hub: HubSource | None = None
    revision: str | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits its card lists."""
        return self.card.splits if self.card else ()

    @property
    def own(self) -> bool:
        """Whether the rows are files at hand, where a bad row is an error its owner can mend."""
        return self.hub is None


def resolve(ref: str, *, columns: Mapping[str, str] | None = None, registry: Names | None = None) -> Source:
    """What a dataset reference means: a registry name, a file, a card, or `hf:org/name[@revision]`.

    A hub id that a card of the registry names is read by that card, unless `columns` says how.

    Raises:
        ConfigError: nothing of that name; the message offers the nearest.
    """
    if ref.startswith("hf:"):
        hub_id, revision = parse_ref(ref)
        for entry in () if columns else _names(registry).entries("dataset"):
            source = entry.card.get("source")
            if isinstance(source, dict) and source.get("id") == hub_id:
                card = load_card(entry.path)
                assert isinstance(card.source, HubSource)
                return Source(hub_id, card, entry.path, hub=card.source, revision=revision or card.revision)
        return Source(hub_id, hub=HubSource(id=hub_id), revision=revision)
    if ref.endswith((".yaml", ".yml")):
        return _carded(Path(ref))
    if is_data_file(ref) or "/" in ref or "\\" in ref:
        file = Path(ref).expanduser()
        if not is_data_file(ref) and not file.exists() and re.fullmatch(r"[\w.-]+/[\w.-]+", ref):
            raise ConfigError(f"{ref}: no such file; for the dataset of that name on the hub write hf:{ref}")
        return Source(file.name, file=file)
    if Path(ref).exists() and ref not in {e.name for e in _names(registry).entries("dataset")}:
        what = "a folder; name a file in it" if Path(ref).is_dir() else "no kind of file that is read"
        raise ConfigError(f"{ref}: {what} (.jsonl, .jsonl.gz, .parquet, .csv, or a card's .yaml)")
    return _carded(_names(registry).get("dataset", ref).path)


def _names(registry: Names | None) -> Names:
    if registry is not None:
        return registry
    from offtarget.registry import default

    return default()


def _carded(path: Path) -> Source:
    card = load_card(path)
    hub = card.source if isinstance(card.source, HubSource) else None
    return Source(card.name, card, path, hub=hub, revision=card.revision)


def load_pairs(
    ref: str,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
    allow_drops: bool = False,
) -> PairSet:
    """Load the pairs of a dataset, to decide something on them.

    A file needs no card when it has the columns prompt, chosen and rejected (strings or message lists,
    mixed as one likes), or chosen and rejected as transcripts or message lists that begin alike. Columns
    `id`, `group` and `split` are used where they are; other scalar columns go to `meta`.

    Args:
        ref: a name of the registry, a path (`.jsonl`, `.jsonl.gz`, `.csv`, `.parquet`, or a card's
            `.yaml`), or `hf:org/name[@revision]`.
        columns: role -> column, over what the card says: prompt, chosen, rejected, id, group, split, and
            the other fields of the adapter.
        split: a split of the card, or a value of the split column; `all` for all of the card's. Without
            it the first split that the card lists, or every row.
        limit: take the first so many usable pairs (of each split) and read no further.
        registry: where names are looked up; by default the registry of this process.
        skip_bad_rows: leave out rows that are broken (not JSON, a missing column, null in one's own file)
            instead of refusing the file; they are counted as "broken row".
        allow_drops: go on though over 20 % of the pairs were lost for reasons that good data does not have.

    Returns:
        Pairs in the order of the source. Ids come from the id column, or are a hash of the content; ids
        that would repeat get a suffix (`n_renamed`). `dropped` counts the unusable pairs by reason, and
        `dropped_rows` lists them.

    Raises:
        ConfigError: an unknown name, column role, split or kind of file, or a wrong card.
        DataError: an empty file, a missing column, or a row that cannot be read; says file and row. Also too many
            dropped pairs.
        UndecidedError: the hub is out of reach, or every row was dropped (all pairs equal, all ties).
    """
    pairs = read_pairs(
        ref, columns=columns, split=split, limit=limit, registry=registry, skip_bad_rows=skip_bad_rows
    )
    require_usable(pairs, allow_drops=allow_drops)
    return pairs


def read_pairs(
    ref: str,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
) -> PairSet:
    """As `load_pairs`, but whatever was dropped, and even if no pair is left: for looking at what was dropped."""
    if limit is not None and limit < 1:
        raise ConfigError(f"limit is {limit}; it must be at least 1")
    source = resolve(ref, columns=columns, registry=registry)
    state = _Collector(source, dict(columns or {}), skip_bad_rows)
    for name, rows in _split_rows(source, split, stream=limit is not None):
        state.collect(rows, split=name, filter_by=None if name else split, limit=limit)
    return state.finish(split)


def _split_rows(
    source: Source, split: str | None, *, stream: bool
) -> Iterator[tuple[str | None, Iterator[LocatedRow]]]:
    """(split, rows) of every part of the source that was asked for; split is None for files that mix them."""
    if source.hub is not None:
        for s in _wanted(source, split) or (split or "train",):
            yield s, hub_rows(source.hub, s, source.revision, stream=stream)
    elif source.card is None or source.card_path is None:
        assert source.file is not None
        yield None, read_rows(source.file)
    else:
        path = source.card.source.path  # type: ignore[union-attr]
        if isinstance(path, str):
            yield None, read_rows(source_file(source.card_path, path))
        else:
            for s in _wanted(source, split):
                yield s, read_rows(source_file(source.card_path, path[s]))


def _wanted(source: Source, split: str | None) -> tuple[str, ...]:
    known = source.splits
    if split is None:
        return known[:1]
    if split == ALL_SPLITS:
        return known
    if known and split not in known:
        raise unknown_name(f"split of {source.name}", split, [*known, ALL_SPLITS])
    return (split,)


@dataclass
class _Collector:
    """Pairs so far, over the splits of one source."""

    source: Source
    columns: dict[str, str]
    skip_bad_rows: bool = False
    pairs: list[Pair] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    """Id -> how often it came."""
    groups: PromptGroups = field(default_factory=PromptGroups)
    seen_splits: set[str] = field(default_factory=set)
    read: int = 0
    read_as: str = ""
    n_renamed: int = 0

    def collect(
        self, rows: Iterator[LocatedRow], *, split: str | None, filter_by: str | None, limit: int | None
    ) -> None:
        card = self.source.card
        of_row = (card.columns if card else RowColumns()).model_copy(
            update={k: v for k, v in self.columns.items() if k in RowColumns.model_fields}
        )
        roles = {k: v for k, v in self.columns.items() if k not in RowColumns.model_fields}
        adapter: Adapter | None = card.adapter.with_columns(roles) if card else None
        if filter_by is None and split is None and self.source.splits:
            filter_by = self.source.splits[0]
        end = None if limit is None else len(self.pairs) + limit
        for where, row in rows:
            if isinstance(row, BadRow):
                self._broken(where, row.message)
                continue
            if adapter is None:
                adapter = guess(row, roles)
            if self.read == 0:
                self.read_as = _told(adapter, "by its card" if card else "guessed from the first row")
                self._named_columns_exist(row, where)
            self.read += 1
            if filter_by not in (None, ALL_SPLITS) and not self._in_split(
                row, of_row.split, filter_by, where
            ):
                continue
            try:
                found = adapt(row, adapter, strict=self.source.own)
            except DataError as e:
                self._broken(where, str(e))
                continue
            self._keep(where, found, row, of_row, split, adapter.used_columns(), end)
            if end is not None and len(self.pairs) >= end:
                return

    def _broken(self, where: str, message: str) -> None:
        """A row that its owner can mend: the end, or one more that is left out."""
        if self.skip_bad_rows:
            self.dropped.append(DroppedRow(where, BROKEN, message))
            return
        way_out = "; --skip-bad-rows goes on without such rows" if self.pairs else ""
        raise DataError(f"{where}: {message}{way_out}")

    def _named_columns_exist(self, row: Mapping[str, Any], where: str) -> None:
        for role in RowColumns.model_fields:
            column = self.columns.get(role)
            if column is not None and column not in row:
                raise DataError(f"{where}: no column '{column}' for {role}; there are: {', '.join(row)}")

    def _in_split(self, row: Mapping[str, Any], column: str, split: str | None, where: str) -> bool:
        if column not in row:
            raise ConfigError(
                f"{where}: split '{split}' was asked for but there is no column '{column}'; "
                "name it with --columns split=NAME, or ask for no split"
            )
        self.seen_splits.add(str(row[column]))
        return str(row[column]) == split

    def _keep(
        self,
        where: str,
        found: list[Parts | Drop],
        row: Mapping[str, Any],
        of_row: RowColumns,
        split: str | None,
        used: set[str],
        end: int | None,
    ) -> None:
        meta: dict[str, Any] | None = None
        for parts in found:
            if isinstance(parts, Drop):
                self.dropped.append(DroppedRow(where, parts.reason, parts.detail))
                continue
            if end is not None and len(self.pairs) >= end:
                return
            if meta is None:
                meta = _meta(row, used | {of_row.id, of_row.group})
                if split is not None:
                    meta["split"] = split
                elif of_row.split != "split" and of_row.split in row:
                    meta["split"] = str(row[of_row.split])
            given = row.get(of_row.id)
            base = content_id(parts) if given is None or given == "" else clean(str(given))
            if given not in (None, "") and parts.tag and len(found) > 1:
                base = f"{base}:{parts.tag}"
            group = row.get(of_row.group)
            name = self._unique(base)
            self.n_renamed += name != base and given not in (None, "")
            self.pairs.append(
                Pair(
                    id=name,
                    group=self.groups.of(parts.prompt) if group is None or group == "" else clean(str(group)),
                    prompt=parts.prompt,
                    chosen=parts.chosen,
                    rejected=parts.rejected,
                    meta=dict(meta),
                )
            )

    def _unique(self, base: str) -> str:
        name = base
        while name in self.taken:
            self.taken[base] += 1
            name = f"{base}-{self.taken[base]}"
        self.taken[name] = 1
        return name

    def finish(self, split: str | None) -> PairSet:
        name = self.source.name
        if self.read == 0 and not self.dropped:
            raise DataError(f"{name}: no rows; the source is empty")
        if not self.pairs and not self.dropped:
            raise unknown_name(f"split of {name}", str(split or self.source.splits[0]), self.seen_splits)
        card = self.source.card
        return PairSet(
            name=name,
            pairs=self.pairs,
            revision=self.source.revision,
            dropped=Counter(row.reason for row in self.dropped),
            dropped_rows=tuple(self.dropped),
            redistribution=card.redistribution if card else "unknown",
            read_as=self.read_as,
            n_renamed=self.n_renamed,
        )


def _told(adapter: Adapter, how: str) -> str:
    """An adapter in words: its name, its columns, and who says so."""
    columns = ", ".join(
        f"{k}={v}" for k, v in adapter.model_dump().items() if k != "name" and v not in (None, ())
    )
    return f"{adapter.model_dump()['name']} ({how}): {columns}"


def content_id(parts: Parts) -> str:
    """An id that depends on what the pair says alone, not on where it stands."""
    blob = json.dumps([parts.prompt, parts.chosen, parts.rejected], sort_keys=True)
    return hashlib.sha256(blob.encode()).hexdigest()[:16]


def _meta(row: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for k, v in row.items():
        if k in used or not isinstance(v, str | int | float | bool):
            continue
        out[k] = clean(v) if isinstance(v, str) else v
    return out
