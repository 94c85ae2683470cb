"""What a person calls a dataset, and the rows that it stands for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from offtarget.data.cards import DatasetCard, HubSource, load_card, source_files
from offtarget.data.files import Files, find_files
from offtarget.data.hub import hub_rows, parse_ref
from offtarget.data.located import LocatedRow
from offtarget.data.reading import KNOWN, is_data_file, read_rows
from offtarget.errors import ConfigError, OfftargetError, unknown_name

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
    files: Files | None = None
    """Files that the person named."""
    hub: HubSource | None = None
    revision: str | None = None
    anywhere: bool = False
    """Whether the card was given by its path, so that its data may be anywhere."""
    rows: Callable[[], Iterator[LocatedRow]] | None = None
    """Opens rows that a program holds."""
    told: dict[str, None] = field(default_factory=dict, compare=False)
    """What is to be said of the files that were read, one line each."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that its card lists, or that its files say."""
        if self.files is not None:
            return self.files.splits
        return self.card.splits if self.card else ()

    @property
    def own(self) -> bool:
        """Whether the rows are local files, where a bad row is an error its owner can fix."""
        return self.hub is None


def resolve(
    ref: str | Sequence[str],
    *,
    columns: Mapping[str, str] | None = None,
    registry: Names | None = None,
    card: Path | None = None,
) -> Source:
    """What a dataset reference means: a registry name, files, a folder of files, a card, or `hf:org/name[@revision]`.

    A hub id that a card of the registry names is read by that card, unless `columns` says how.

    Args:
        ref: the reference; several only for files.
        columns: role -> column.
        registry: where names are looked up.
        card: a card that says how to read the files, wherever they are; its own source is not read.

    Raises:
        ConfigError: nothing of that name; the message offers the nearest.
    """
    refs = [ref] if isinstance(ref, str) else list(ref)
    if not refs:
        raise ConfigError("name a dataset: a registry name, a file or folder, or hf:org/name")
    if card is not None:
        found = _resolve(refs, columns, registry)
        if found.files is None:
            raise ConfigError(f"--card {card}: it says how to read files; '{refs[0]}' is none")
        return replace(found, card=load_card(card, anywhere=True, reading_only=True), card_path=card, anywhere=True)
    return _resolve(refs, columns, registry)


def require_apart(out: Path, data: str | Sequence[str] | None) -> None:
    """Check that a file that is written is none of those that a dataset is read from.

    Args:
        out: what is to be written.
        data: the dataset; None of rows that a program holds. One that is not there any more is none to write over.

    Raises:
        ConfigError: it is one of them.
    """
    if data is None or not out.exists():
        return
    try:
        files = resolve(data).files
    except OfftargetError:
        return
    if files is not None and any(path.samefile(out) for _, paths in files.parts for path in paths):
        raise ConfigError(f"{out}: the rows are read from this file; name another one to write")


def _resolve(refs: Sequence[str], columns: Mapping[str, str] | None, registry: Names | None) -> Source:
    if len(refs) > 1:
        for ref in refs:
            if ref.startswith("hf:") or not (_is_path(ref) or Path(ref).exists()):
                raise ConfigError(f"{ref}: several datasets at once must all be files or folders")
        files = find_files(refs)
        return Source(files.name, files=files)
    (ref,) = refs
    if ref.startswith("hf:"):
        return _on_hub(ref, columns, registry)
    if ref.endswith((".yaml", ".yml")):
        return _carded(Path(ref).expanduser(), anywhere=True)
    path = Path(ref).expanduser()
    if _is_path(ref) or path.is_dir():
        if not is_data_file(ref) and not path.exists() and re.fullmatch(r"[\w.-]+/[\w.-]+", ref):
            raise ConfigError(f"{ref}: no such file; for the dataset of that name on the hub write hf:{ref}")
        if path.is_dir() and "/" not in ref and ref in {e.name for e in _names(registry).entries("dataset")}:
            return _carded(_names(registry).get("dataset", ref).path)
        files = find_files([ref])
        return Source(files.name, files=files)
    if path.exists() and ref not in {e.name for e in _names(registry).entries("dataset")}:
        raise ConfigError(f"{ref}: no kind of file that is read ({KNOWN}, or a card's .yaml)")
    return _carded(_names(registry).get("dataset", ref).path)


def _is_path(ref: str) -> bool:
    return is_data_file(ref) or any(c in ref for c in "/\\*?[")


def _on_hub(ref: str, columns: Mapping[str, str] | None, registry: Names | None) -> Source:
    hub_id, revision = parse_ref(ref)
    for entry in () if columns else _names(registry).entries("dataset"):
        source = entry.card.get("source")
        if isinstance(source, dict) and source.get("id") == hub_id:
            card = load_card(entry.path)
            assert isinstance(card.source, HubSource)
            return Source(hub_id, card, entry.path, hub=card.source, revision=revision or card.revision)
    return Source(hub_id, hub=HubSource(id=hub_id), revision=revision)


def _names(registry: Names | None) -> Names:
    if registry is not None:
        return registry
    from offtarget.registry import default

    return default()


def _carded(path: Path, *, anywhere: bool = False) -> Source:
    card = load_card(path, anywhere=anywhere)
    hub = card.source if isinstance(card.source, HubSource) else None
    return Source(card.name, card, path, hub=hub, revision=card.revision, anywhere=anywhere)


@dataclass(frozen=True)
class Part:
    """Rows of one split, or of files that mix them."""

    split: str | None
    """None where the files do not say it."""
    rows: Callable[[], Iterator[LocatedRow]]
    """Opens them again."""


def parts_of(source: Source, split: str | None, *, stream: bool) -> list[Part]:
    """The rows that were asked for.

    Args:
        source: where from.
        split: one split, `all`, or None for the first that a card or a folder lists.
        stream: whether only the first rows are wanted, of which no more than those should be fetched.

    Raises:
        ConfigError: a split that the source does not have, or files that are not there.
    """
    if source.hub is not None:
        hub = source.hub
        return [
            Part(s, lambda s=s: hub_rows(hub, s, source.revision, stream=stream))  # type: ignore[misc]
            for s in _wanted(source, split) or (split or "train",)
        ]
    if source.rows is not None:
        return [Part(None, source.rows)]
    if source.files is not None:
        files = source.files
        wanted = files.splits if files.named and split is None else _wanted(source, split)
        return [Part(s, _reader(paths, source.told)) for s, paths in files.parts if s is None or s in wanted]
    assert source.card is not None and source.card_path is not None
    path = source.card.source.path  # type: ignore[union-attr]
    if isinstance(path, str):
        return [Part(None, _reader(source_files(source.card_path, path, anywhere=source.anywhere), source.told))]
    return [
        Part(s, _reader(source_files(source.card_path, path[s], anywhere=source.anywhere), source.told))
        for s in _wanted(source, split)
    ]


def _reader(paths: Sequence[Path], told: dict[str, None]) -> Callable[[], Iterator[LocatedRow]]:
    def rows() -> Iterator[LocatedRow]:
        for path in paths:
            yield from read_rows(path, told.setdefault)

    return rows


def _wanted(source: Source, split: str | None) -> tuple[str, ...]:
    known = source.splits
    if split is None:
        return known[:1]
    if split == ALL_SPLITS:
        return known
    if known and split not in known:
        raise unknown_name(f"split of {source.name}", split, [*known, ALL_SPLITS])
    return (split,)
