"""`offtarget data check`: what is known of a dataset, and what is wrong with it, before any audit."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from offtarget.data.cards import DatasetCard
from offtarget.data.describe import Description, describe
from offtarget.data.drops import drop_cautions, require_usable, write_dropped
from offtarget.data.loading import ALL_SPLITS, Names, read_pairs, resolve
from offtarget.data.pairs import DroppedRow, Message, Pair, PairSet
from offtarget.errors import DataError

SHOWN = 50
"""Examples of each finding that a report lists; the counts are of all."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CardFacts(_Record):
    """What the card claims; nothing here was measured."""

    title: str
    licence: str
    redistribution: str
    preference_source: str
    language: str
    documented_rows: int | None
    verified: bool
    evidence: str


class Contradiction(_Record):
    """The same two responses to the same prompt, preferred one way and the other."""

    one_way: tuple[str, ...]
    """Ids."""
    other_way: tuple[str, ...]


class Leak(_Record):
    """One prompt, or one group, with rows in more than one split."""

    kind: str
    """prompt or group."""
    ids: dict[str, tuple[str, ...]]
    """Split -> ids of its rows with that prompt or group."""


class DataReport(_Record):
    """All that `check` found."""

    name: str
    revision: str | None
    card: CardFacts | None
    read_as: str
    """Shape and columns by which the rows were read, and whether the card said so or they were guessed."""
    rows_sha256: str
    n_pairs: int
    n_dropped: dict[str, int]
    dropped: tuple[DroppedRow, ...]
    """At most 50 of the rows that were left out; `--dropped FILE` lists all."""
    splits: dict[str, int]
    """Split -> pairs; empty where the set has none."""
    fields: dict[str, str]
    """Column that went to `meta` -> its type and the share of pairs that have it."""
    n_renamed: int
    """Pairs whose id stood in the source before, and got a suffix."""
    n_duplicates: int
    """Pairs that repeat an earlier one word for word."""
    duplicates: tuple[tuple[str, ...], ...]
    """Ids that say the same, at most 50 sets of them."""
    n_contradictions: int
    """Pairs that another pair contradicts."""
    contradictions: tuple[Contradiction, ...]
    n_leaks: int
    """Prompts and groups that stand in more than one split."""
    leaks: tuple[Leak, ...]
    stats: Description
    warnings: tuple[str, ...]


def check(
    data: str | PairSet,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
    dropped: Path | None = None,
) -> DataReport:
    """Check a dataset: a reference as `load_pairs` takes it, or pairs already at hand.

    Args:
        data: what to check.
        columns: as for `load_pairs`.
        split: as for `load_pairs`, but without it all splits are read, to find leaks between them.
        limit: first so many pairs of each split.
        registry: where names are looked up.
        skip_bad_rows: as for `load_pairs`.
        dropped: list here all that was left out, also where nothing else is left to report on.

    Raises:
        ConfigError, DataError, UndecidedError: as `load_pairs`, but a large share of dropped rows is no error here;
            DataError also for an empty `PairSet`.
    """
    card: DatasetCard | None = None
    if isinstance(data, PairSet):
        pairs = data
    else:
        source = resolve(data, columns=columns, registry=registry)
        card = source.card
        wanted = split or (ALL_SPLITS if source.splits else None)
        pairs = read_pairs(
            data, columns=columns, split=wanted, limit=limit, registry=registry, skip_bad_rows=skip_bad_rows
        )
    if dropped is not None:
        write_dropped(pairs.dropped_rows, dropped)
    if pairs.dropped:
        require_usable(pairs, allow_drops=True)
    if not pairs.pairs:
        raise DataError(f"{pairs.name}: no pairs to check")
    splits = Counter(str(p.meta["split"]) for p in pairs.pairs if "split" in p.meta)
    repeated = _duplicates(pairs.pairs)
    opposed = _contradictions(pairs.pairs)
    leaks = _leaks(pairs.pairs) if len(splits) > 1 else []
    n_duplicates = sum(len(ids) - 1 for ids in repeated)
    n_opposed = sum(len(c.one_way) + len(c.other_way) for c in opposed)
    return DataReport(
        name=pairs.name,
        revision=pairs.revision,
        card=_facts(card),
        read_as=pairs.read_as,
        rows_sha256=pairs.rows_sha256,
        n_pairs=len(pairs),
        n_dropped=dict(pairs.dropped),
        dropped=pairs.dropped_rows[:SHOWN],
        splits=dict(splits),
        fields=_fields(pairs.pairs),
        n_renamed=pairs.n_renamed,
        n_duplicates=n_duplicates,
        duplicates=tuple(repeated[:SHOWN]),
        n_contradictions=n_opposed,
        contradictions=tuple(opposed[:SHOWN]),
        n_leaks=len(leaks),
        leaks=tuple(leaks[:SHOWN]),
        stats=describe(pairs.pairs),
        warnings=tuple(_warnings(card, pairs, n_duplicates, n_opposed, len(leaks))),
    )


def _facts(card: DatasetCard | None) -> CardFacts | None:
    if card is None:
        return None
    return CardFacts(
        title=card.title,
        licence=card.licence,
        redistribution=card.redistribution,
        preference_source=card.preference_source,
        language=card.language,
        documented_rows=card.rows,
        verified=card.verified,
        evidence=card.evidence,
    )


def _key(*sides: Sequence[Message]) -> str:
    return json.dumps([[(m["role"], m["content"]) for m in side] for side in sides])


def _duplicates(pairs: Iterable[Pair]) -> list[tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for p in pairs:
        found[_key(p.prompt, p.chosen, p.rejected)].append(p.id)
    return [tuple(ids) for ids in found.values() if len(ids) > 1]


def _contradictions(pairs: Iterable[Pair]) -> list[Contradiction]:
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for p in pairs:
        one, other = _key(p.chosen), _key(p.rejected)
        ways = found.setdefault((_key(p.prompt), min(one, other) + max(one, other)), ([], []))
        ways[one > other].append(p.id)
    return [Contradiction(one_way=tuple(a), other_way=tuple(b)) for a, b in found.values() if a and b]


def _leaks(pairs: Iterable[Pair]) -> list[Leak]:
    """Prompts (compared without case and white space) and groups with rows in several splits."""
    by_prompt: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    by_group: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for p in pairs:
        split = str(p.meta.get("split", ""))
        prompt = "\n".join(m["role"] + " ".join(m["content"].split()).casefold() for m in p.prompt)
        by_prompt[prompt][split].append(p.id)
        by_group[p.group][split].append(p.id)
    leaks, told = [], set()
    for kind, table in (("prompt", by_prompt), ("group", by_group)):
        for homes in table.values():
            ids = {s: tuple(v) for s, v in homes.items()}
            rows = frozenset(i for v in ids.values() for i in v)
            if len(ids) > 1 and rows not in told:
                told.add(rows)
                leaks.append(Leak(kind=kind, ids=ids))
    return leaks


def _fields(pairs: Sequence[Pair]) -> dict[str, str]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for p in pairs:
        for k, v in p.meta.items():
            kinds[k][type(v).__name__] += 1
    return {
        k: f"{' or '.join(sorted(c))}, {c.total() / len(pairs):.0%} of pairs"
        for k, c in sorted(kinds.items())
    }


def _warnings(
    card: DatasetCard | None, pairs: PairSet, n_duplicates: int, n_opposed: int, n_leaks: int
) -> Iterable[str]:
    if card is None:
        yield "no card: licence and source of the preferences are unknown"
    elif card.source.kind == "hub" and not card.verified:
        yield (
            "the revision is not pinned and the columns were not checked against the hub; "
            f"`offtarget data pin {card.name}` pins it where the hub answers"
        )
    if card is not None and card.redistribution != "yes":
        yield f"redistribution is '{card.redistribution}': committed results hold ids and numbers, no text"
    yield from drop_cautions(pairs)
    if pairs.n_renamed:
        yield f"{pairs.n_renamed} ids stand in the source more than once; all but the first got a suffix (-2, -3, ...)"
    if n_duplicates:
        yield f"{n_duplicates} pairs repeat an earlier one"
    if n_opposed:
        yield f"{n_opposed} pairs are contradicted by the same pair with the opposite label"
    if n_leaks:
        yield f"{n_leaks} prompts or groups stand in more than one split"
