"""From what a person calls a dataset to its pairs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from offtarget.data import remarks
from offtarget.data.adapter_base import ALIASES, ROW_ROLES
from offtarget.data.advice import explain, missing_columns
from offtarget.data.asked import RowsAsked
from offtarget.data.cards import RowColumns, truth_file
from offtarget.data.collecting import Collector, Rules
from offtarget.data.decoding import Decoder
from offtarget.data.drops import require_usable
from offtarget.data.evidence import Census, census, require_one_scale
from offtarget.data.guessing import Layout, NoShape, Shapes, decide
from offtarget.data.in_memory import is_reference, rows_of
from offtarget.data.located import LocatedRow
from offtarget.data.pairs import PairSet
from offtarget.data.rated_rows import asked_for, by_prompt, rated_rows
from offtarget.data.row_roles import holds_splits, row_columns
from offtarget.data.several_answers import ScoredRows
from offtarget.data.shapes import ADAPTERS
from offtarget.data.sources import ALL_SPLITS, Names, Part, Source, parts_of, resolve
from offtarget.data.text_forms import decoder_of
from offtarget.data.unread import cautions as cautions_of
from offtarget.errors import ConfigError, DataError, unknown_name

__all__ = ["ALL_SPLITS", "Names", "load_asked", "load_pairs", "read_pairs", "resolve"]

_NO_COLUMN = frozenset(
    {"a_wins", "b_wins", "ties", "scale", "label_is", "label_says", "options", "pairs", "pairing", "ignore"}
)
"""Roles whose value is no column."""
Data = Any
"""A reference to a dataset (text, or several files), or its rows: a list of mappings, a DataFrame, a `datasets.Dataset`."""
IN_MEMORY = "rows in memory"
"""What a set is called whose rows a program holds."""
_GLANCE = 200
"""Rows that are looked at where not all are: only the first are wanted, or the card of a hub dataset says what they are."""
_MAY_SHARE = frozenset({"group", "id", "split"})
"""Roles that may be given a column which has another role too."""


def load_pairs(
    ref: Data,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    limit_seed: int = 0,
    head: int | None = None,
    card: Path | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
    allow_drops: bool = False,
) -> PairSet:
    """Load the pairs of a dataset, to decide something on them.

    A file needs no card where its columns have usual names: a prompt with chosen and rejected (strings, messages,
    conversations, lists of answers), or with two answers and a column that says who won, or chosen and rejected as
    whole conversations. The shape is decided from all rows. Columns `id`, `group`, `split` and `system` are used where
    they are; other scalar columns go to `meta`.

    Args:
        ref: a name of the registry, files (also a folder or a pattern, or several), a card's `.yaml`,
            `hf:org/name[@revision]`; or rows that a program holds (`in_memory.rows_of`).
        columns: role -> column, over what the card says: prompt, chosen, rejected, a, b, label, id, group, split,
            system, and the other fields of the adapters.
        split: a split of the card, or a value of the split column; `all` for all of the card's. Without
            it the first split that the card lists, or every row.
        limit: at most this many pairs (of each split): whole groups (prompts), drawn by `limit_seed` from all rows.
        limit_seed: which groups the limit draws; not the seed of any statistic.
        head: the first N usable pairs (of each split); no more is read than they need.
        card: a card that says how to read the files of `ref`, wherever they are.
        registry: where names are looked up; by default the registry of this process.
        skip_bad_rows: leave out rows that are broken (not JSON, a missing column, null in one's own file)
            instead of refusing the file; they are counted as "broken row".
        allow_drops: go on though over 20 % of the pairs were lost for reasons that good data does not have.

    Returns:
        Pairs in the order of the source. Ids come from the id column, or are a hash of the content; ids
        that would repeat get a suffix (`n_renamed`). `dropped` counts the unusable pairs by reason, and
        `dropped_rows` lists them; `notes` and `cautions` say how the rows were read.

    Raises:
        ConfigError: an unknown name, column role, split or kind of file, or a wrong card.
        DataError: an empty file, a missing column, or a row that cannot be read; says file and row. Also too many
            dropped pairs.
        UndecidedError: the hub is out of reach, or every row was dropped (all pairs equal, all ties).
    """
    pairs = read_pairs(
        ref,
        columns=columns,
        split=split,
        limit=limit,
        limit_seed=limit_seed,
        head=head,
        card=card,
        registry=registry,
        skip_bad_rows=skip_bad_rows,
    )
    require_usable(pairs, allow_drops=allow_drops)
    asked = RowsAsked(
        data=(ref if isinstance(ref, str) else tuple(ref)) if is_reference(ref) else None,
        columns=None if columns is None else dict(columns),
        split=split,
        limit=limit,
        limit_seed=limit_seed,
        head=head,
        card=None if card is None else str(card),
        skip_bad_rows=skip_bad_rows,
        allow_drops=allow_drops,
    )
    return replace(pairs, asked=asked)


def load_asked(asked: RowsAsked) -> PairSet:
    """The rows that were asked for, as `load_pairs` reads them."""
    return load_pairs(
        asked.data,
        columns=asked.columns,
        split=asked.split,
        limit=asked.limit,
        limit_seed=asked.limit_seed,
        head=asked.head,
        card=Path(asked.card) if asked.card else None,
        skip_bad_rows=asked.skip_bad_rows,
        allow_drops=asked.allow_drops,
    )


def read_pairs(
    ref: Data,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    limit_seed: int = 0,
    head: int | None = None,
    card: Path | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
) -> PairSet:
    """As `load_pairs`, but whatever was dropped, and even if no pair is left: for looking at what was dropped."""
    for name, number in (("limit", limit), ("head", head)):
        if number is not None and number < 1:
            raise ConfigError(f"{name} is {number}; it must be at least 1")
    if limit is not None and head is not None:
        raise ConfigError("--limit draws prompts from all rows and --head takes the first rows; give one of them")
    given = dict(columns or {})
    _require_roles(given)
    source = _source(ref, columns, registry, card)
    parts = parts_of(source, split, stream=head is not None)
    openings, seen = _look(source, parts, head)
    cautions: list[str] = []
    rules = _rules(source, given, seen, split, cautions, skip_bad_rows, parts)
    collector = Collector(rules, head, limit, limit_seed)
    for part, opened in zip(parts, openings, strict=True):
        # files that mix the splits of a card: the one that was asked for, or the first that it lists
        mixed = (split or next(iter(source.splits), None)) if part.split is None else None
        collector.collect(_whole_rows(opened(), rules, given), split=part.split, filter_by=mixed)
    return _finished(source, collector, given, seen, split, cautions)


def _source(ref: Data, columns: Mapping[str, str] | None, registry: Names | None, card: Path | None) -> Source:
    if is_reference(ref):
        return resolve(ref, columns=columns, registry=registry, card=card)
    if card is not None:
        raise ConfigError(f"card {card}: it says how to read files; of rows in memory say it with columns")
    return Source(IN_MEMORY, rows=rows_of(ref))


def _require_roles(given: Mapping[str, str]) -> None:
    """Refuse roles that nothing has, and one column for two roles.

    Raises:
        ConfigError: naming it.
    """
    known = {k for adapter in ADAPTERS.values() for k in adapter.model_fields if k != "name"}
    known |= {*ALIASES, *ROW_ROLES}
    roles: dict[str, str] = {}
    for role, column in given.items():
        if role not in known:
            raise unknown_name("column role", role, known)
        if role in _NO_COLUMN or role in _MAY_SHARE:
            continue
        for one in column.split("|"):
            if one in roles:
                raise ConfigError(
                    f"--columns: column '{one}' is given two roles, {roles[one]} and {role}; each needs its own column"
                )
            roles[one] = role


def _look(
    source: Source, parts: Sequence[Part], head: int | None
) -> tuple[list[Callable[[], Iterator[LocatedRow]]], Census]:
    """All rows are looked at before any is read; where only the first are wanted, few more than those.

    Returns:
        for each part how to open it for reading, and what was seen; of a hub dataset with a card, only some rows.
    """
    described = source.hub is not None and source.card is not None
    if head is None and not described:
        return [p.rows for p in parts], census(chain.from_iterable(p.rows() for p in parts))
    glance = head if described and head is not None else max(head or 0, _GLANCE)
    openings: list[Callable[[], Iterator[LocatedRow]]] = []
    first: list[LocatedRow] = []
    for part in parts:
        rows = part.rows()
        begun = list(islice(rows, glance))
        first += begun
        openings.append(lambda b=begun, r=rows: chain(b, r))  # type: ignore[misc]
    return openings, census(first)


def _whole_rows(rows: Iterator[LocatedRow], rules: Rules, given: Mapping[str, str]) -> Iterator[LocatedRow]:
    """The rows, those of one prompt put together where each holds one of its answers."""
    adapter = rules.shapes.main.adapter
    if not isinstance(adapter, ScoredRows):
        return rows
    c = rules.columns
    apart = (c.system, c.context, c.input, c.earlier, c.split, c.group if "group" in given else None)
    return by_prompt(rows, adapter, [x for x in apart if x])


def _shapes(name: str, roles: Mapping[str, str], seen: Census, parts: Sequence[Part]) -> Shapes | NoShape:
    """The shapes of a file without a card.

    Raises:
        DataError: naming the file.
    """

    def rated() -> Layout | None:
        try:
            return rated_rows(roles, seen, chain.from_iterable(p.rows() for p in parts))
        except DataError as e:
            raise DataError(f"{name}: {e}") from None

    if roles.keys() & {"responses", "pairs", "pairing"} and (asked_for(roles, seen) or "responses" not in roles):
        found = rated()
        if found is not None:
            return Shapes(found)
    decided = decide(seen, roles)
    if isinstance(decided, NoShape) and (found := rated()):
        return Shapes(found)
    return decided


def _rules(
    source: Source,
    given: Mapping[str, str],
    seen: Census,
    split: str | None,
    cautions: list[str],
    skip_bad_rows: bool,
    parts: Sequence[Part],
) -> Rules:
    """How the rows are read: as a card says, or as they look.

    Raises:
        ConfigError: a role that the card's adapter does not have.
        DataError: nothing fits, or a column that was named is not there.
    """
    of_row = {k: v for k, v in given.items() if k in RowColumns.model_fields}
    roles = {k: v for k, v in given.items() if k not in RowColumns.model_fields and k != "ignore"}
    card = source.card
    if seen.whole.n:
        named = {k: v for k, v in given.items() if k not in _NO_COLUMN and not (k == "group" and v == "prompt")}
        if text := missing_columns(seen, named):
            raise DataError(f"{source.name}: {text}")
    if card is not None:
        shapes = Shapes(Layout(card.adapter.with_columns(roles)))
    elif not seen.whole.n:
        shapes = Shapes(Layout(ADAPTERS["chosen_rejected"]()))
    else:
        found = _shapes(source.name, roles, seen, parts)
        if isinstance(found, NoShape):
            raise DataError(f"{source.name}: {explain(seen, found)}")
        shapes = found
        cautions += shapes.unread
    for layout in (shapes.main, *shapes.by_key.values()):
        try:
            require_one_scale(seen.whole, layout.adapter.compared_columns())
        except DataError as e:
            raise DataError(f"{source.name}: {e}") from None
    columns = row_columns(of_row, card.columns if card else None, shapes, seen)
    decoder = decoder_of(shapes, seen, cautions) if seen.whole.n else Decoder()
    return Rules(
        shapes,
        columns,
        decoder,
        own=source.own,
        skip_bad_rows=skip_bad_rows,
        split_column=card is not None or holds_splits(columns, given, seen, split),
    )


def _finished(
    source: Source, collector: Collector, given: Mapping[str, str], seen: Census, split: str | None, cautions: list[str]
) -> PairSet:
    name, rules = source.name, collector.rules
    if collector.read == 0 and not collector.dropped:
        raise DataError(f"{name}: no rows; the source is empty")
    if not collector.pairs and not collector.dropped:
        raise unknown_name(f"split of {name}", str(split or source.splits[0]), collector.seen_splits)
    card = source.card
    how = "by its card" if card else f"guessed from {'all ' if seen.whole.n > 1 else ''}{_count(seen.whole.n)}"
    ignored = given.get("ignore", "").split("|")
    notes = [source.files.told()] if source.files and source.files.told() else []
    notes += remarks.notes(collector, seen)
    if not card:
        try:
            cautions += cautions_of(collector, given, ignored, seen)
        except DataError as e:
            raise DataError(f"{name}: {e}") from None
    drawn = _drawn(collector)
    adapter = remarks.only_adapter(rules.shapes, collector)
    return PairSet(
        name=name,
        pairs=collector.pairs,
        revision=source.revision,
        dropped=Counter(row.reason for row in collector.dropped),
        dropped_rows=tuple(collector.dropped),
        redistribution=card.redistribution if card else "unknown",
        read_as=remarks.read_as(rules.shapes, collector, how),
        adapter=str(adapter.model_dump()["name"]) if adapter else "",
        columns=adapter.column_fields() if adapter else {},
        n_renamed=sum(p.id in collector.renamed for p in collector.pairs),
        usable=collector.usable,
        notes=(*notes, *([drawn] if drawn else [])),
        cautions=tuple(dict.fromkeys((*source.told, *cautions))),
        split_column=rules.split_column and any("split" in p.meta for p in collector.pairs),
        unit=remarks.unit_of(collector),
        unit_given="group" in given,
        drawn=drawn,
        truth=_truth(source, given),
        lines={p.id: collector.lines[p.id] for p in collector.pairs if p.id in collector.lines},
    )


def _truth(source: Source, given: Mapping[str, str]) -> Path | None:
    """The card's truth file; none where columns are read otherwise than the card says."""
    if source.card is None or source.card_path is None or source.card.truth is None or given:
        return None
    return truth_file(source.card_path, source.card.truth)


def _count(n: int) -> str:
    return f"{n} rows" if n != 1 else "1 row"


def _drawn(collector: Collector) -> str:
    if collector.head is not None:
        return f"the first {len(collector.pairs)} pairs (--head)"
    if collector.limit is None or len(collector.pairs) == collector.usable:
        return ""
    groups = len({p.group for p in collector.pairs})
    return (
        f"{len(collector.pairs)} of {collector.usable} pairs: {groups} of {collector.groups_usable} prompts, drawn whole "
        f"(--limit {collector.limit}, --limit-seed {collector.seed})"
    )
