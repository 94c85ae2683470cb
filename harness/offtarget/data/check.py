"""`offtarget data check`: what is known of a dataset, and what is wrong with it, before any audit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from offtarget.data.cards import DatasetCard
from offtarget.data.cycles import cycles
from offtarget.data.describe import Description, describe
from offtarget.data.drops import (
    REFUSED,
    WARNED,
    alarming_share,
    drop_cautions,
    lost_told,
    require_usable,
    ties_told,
    write_dropped,
)
from offtarget.data.fit import Fit, counted, debris_told, needs, stock_told, templates_told
from offtarget.data.identity import letters_of, pair_keys
from offtarget.data.linked import linked
from offtarget.data.loading import ALL_SPLITS, Names, load_pairs, read_pairs, resolve
from offtarget.data.nearly import Near, Overlap, find_near, find_overlap
from offtarget.data.pairs import DroppedRow, Pair, PairSet
from offtarget.data.repeats import (
    Contradiction,
    Cycle,
    Leak,
    contradictions,
    duplicates,
    leaks,
    n_contradicted,
    n_repeats,
    same_sides,
)
from offtarget.data.scores import ScoreColumns, score_columns
from offtarget.data.scores import told as scores_told
from offtarget.data.sources import require_apart
from offtarget.data.templates import MIN_SHARE
from offtarget.data.texts import Texts, find_texts
from offtarget.errors import DataError
from offtarget.records import Record

SHOWN = 50
"""Examples of each finding that a report lists; the counts are of all."""
NO_CARD = "no card: licence and source of the preferences are unknown"


class CardFacts(Record):
    """What the card claims; nothing here was measured."""

    title: str
    licence: str
    redistribution: str
    preference_source: str
    language: str
    documented_rows: int | None
    verified: bool
    evidence: str


class DataReport(Record):
    """All that `check` found."""

    name: str
    revision: str | None
    card: CardFacts | None
    read_as: str
    """Shape and columns by which the rows were read, and whether the card said so or they were guessed."""
    notes: tuple[str, ...]
    """What was taken for what on reading."""
    unit: str
    """The column whose values are the groups, in words; empty where prompts are."""
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
    """Pairs that repeat an earlier one, but for case, white space and Unicode form (`identity.normalise`); so are all
    other texts compared."""
    n_duplicates_exact: int
    """Pairs that repeat an earlier one to the letter."""
    duplicates: tuple[tuple[str, ...], ...]
    """Ids that say the same, at most 50 sets of them."""
    n_same_sides: int
    """Pairs whose chosen and rejected say the same."""
    same_sides: tuple[str, ...]
    n_contradictions: int
    """Pairs that another pair contradicts."""
    n_contradictions_exact: int
    """The same where texts are compared to the letter."""
    contradictions: tuple[Contradiction, ...]
    """Pairs of responses that are preferred both ways."""
    n_cycles: int
    """Circles of preferences over three responses or more."""
    cycles: tuple[Cycle, ...]
    n_leaks: int
    """Prompts and groups that are in more than one split."""
    leaks: tuple[Leak, ...]
    n_answers: int
    """Different pairs of answers, in either order."""
    n_units: int
    """Units of an audit's statistics: rows that share a prompt, or their answers under several prompts (`linked`), are one."""
    answers_told: str
    """That answers are under several prompts, in one line; empty where hardly any do."""
    near: Near
    against: Overlap | None
    """What it shares with another set, where one was named."""
    scores: tuple[ScoreColumns, ...]
    """Columns that score the two sides, held against the label."""
    texts: Texts
    stats: Description
    fit: Fit
    warnings: tuple[str, ...]
    """What `fit` weighs, and what is to be said of the source."""


def check(
    data: str | Sequence[str] | PairSet,
    *,
    columns: Mapping[str, str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    limit_seed: int = 0,
    head: int | None = None,
    card: Path | None = None,
    registry: Names | None = None,
    skip_bad_rows: bool = False,
    dropped: Path | None = None,
    against: str | PairSet | None = None,
    against_split: str | None = None,
    allow_drops: bool = False,
) -> DataReport:
    """Check a dataset: a reference as `load_pairs` takes it, or pairs already loaded.

    Args:
        data: what to check.
        columns: as for `load_pairs`.
        split: as for `load_pairs`, but without it all splits are read, to find leaks between them.
        limit: at most this many pairs of each split, whole prompts drawn by `limit_seed`.
        limit_seed: which prompts the limit draws.
        head: the first N pairs of each split.
        card: as for `load_pairs`.
        registry: where names are looked up.
        skip_bad_rows: as for `load_pairs`.
        dropped: list here all that was left out, also where nothing else is left to report on.
        against: another dataset, such as the training set of this test set: which of its prompts are here too.
        against_split: a split of that; without it all are read.
        allow_drops: call a set fit though over 20 % of its pairs cannot be used.

    Raises:
        ConfigError, DataError, UndecidedError: as `load_pairs`, but a large share of dropped rows is no error here;
            DataError also for an empty `PairSet`.
    """
    described: DatasetCard | None = None
    if isinstance(data, PairSet):
        pairs = data
    else:
        if dropped is not None:
            require_apart(dropped, data)
        source = resolve(data, columns=columns, registry=registry, card=card)
        described = source.card
        wanted = split or (ALL_SPLITS if source.splits else None)
        pairs = read_pairs(
            data,
            columns=columns,
            split=wanted,
            limit=limit,
            limit_seed=limit_seed,
            head=head,
            card=card,
            registry=registry,
            skip_bad_rows=skip_bad_rows,
        )
    if dropped is not None:
        write_dropped(pairs.dropped_rows, dropped)
    if pairs.dropped:
        require_usable(pairs, allow_drops=True)
    if not pairs.pairs:
        raise DataError(f"{pairs.name}: no pairs to check")
    splits = Counter(str(p.meta["split"]) for p in pairs.pairs if "split" in p.meta and pairs.split_column)
    keys, letters = pair_keys(pairs.pairs), letters_of(pairs.pairs)
    repeated = duplicates(pairs.pairs, keys)
    same = same_sides(pairs.pairs, keys)
    opposed = contradictions(pairs.pairs, keys)
    circles = cycles(pairs.pairs, keys)
    leaked = leaks(pairs.pairs) if len(splits) > 1 else []
    link = linked(pairs.pairs, "groups" if pairs.unit else "prompts")
    found = DataReport(
        name=pairs.name,
        revision=pairs.revision,
        card=_facts(described),
        read_as=pairs.read_as,
        notes=pairs.notes,
        unit=pairs.unit,
        rows_sha256=pairs.rows_sha256,
        n_pairs=len(pairs),
        n_dropped=dict(pairs.dropped),
        dropped=pairs.dropped_rows[:SHOWN],
        splits=dict(splits),
        fields=_fields(pairs.pairs),
        n_renamed=pairs.n_renamed,
        n_duplicates=sum(len(ids) - 1 for ids in repeated),
        n_duplicates_exact=n_repeats(pairs.pairs, letters),
        duplicates=tuple(repeated[:SHOWN]),
        n_same_sides=len(same),
        same_sides=tuple(same[:SHOWN]),
        n_contradictions=sum(len(c.one_way) + len(c.other_way) for c in opposed),
        n_contradictions_exact=n_contradicted(pairs.pairs, letters),
        contradictions=tuple(opposed[:SHOWN]),
        n_cycles=len(circles),
        cycles=tuple(circles[:SHOWN]),
        n_leaks=len(leaked),
        leaks=tuple(leaked[:SHOWN]),
        n_answers=link.n_answers,
        n_units=link.n_prompts if pairs.unit_given else link.n_units,
        answers_told="" if pairs.unit_given else link.told,
        near=find_near(pairs.pairs),
        against=find_overlap(pairs, _other(against, columns, against_split, registry)) if against else None,
        scores=tuple(score_columns(pairs.pairs)),
        texts=find_texts(pairs.pairs),
        stats=describe(pairs.pairs),
        fit=Fit(audit=True),
        warnings=(),
    )
    missing = needs(pairs.pairs, pairs.unit, None if pairs.unit_given else link)
    lost = alarming_share(pairs.n_usable, pairs.dropped)
    told = [lost_told(pairs.n_usable, pairs.dropped)] if lost > WARNED else []
    if not missing and lost > REFUSED and not allow_drops:
        missing, told = told[0], []
    weighs = tuple(_weighs(found))
    if ties := ties_told(pairs.n_usable, pairs.dropped):
        told = [*told, ties]
    fit = Fit(audit=not missing, needs=missing, weighs=(*told, *weighs))
    warnings = (*_of_the_source(described, pairs), *weighs)
    return found.model_copy(update={"fit": fit, "warnings": warnings})


def _other(
    against: str | PairSet, columns: Mapping[str, str] | None, split: str | None, registry: Names | None
) -> PairSet:
    """The set to compare with, read by the same columns where it has them."""
    if isinstance(against, PairSet):
        return against
    wanted = split or (ALL_SPLITS if resolve(against, registry=registry).splits else None)
    if columns:
        try:
            return load_pairs(against, columns=columns, split=wanted, registry=registry)
        except DataError:
            pass
    return load_pairs(against, split=wanted, registry=registry)


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


def _fields(pairs: Sequence[Pair]) -> dict[str, str]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for p in pairs:
        for k, v in p.meta.items():
            kinds[k][type(v).__name__] += 1
    return {k: f"{' or '.join(sorted(c))}, {c.total() / len(pairs):.0%} of pairs" for k, c in sorted(kinds.items())}


def _of_the_source(card: DatasetCard | None, pairs: PairSet) -> Iterable[str]:
    """What is to be said of where the rows come from and how they were read."""
    if card is None:
        yield NO_CARD
    elif card.source.kind == "hub" and not card.verified:
        yield (
            "the revision is not pinned and the columns were not checked against the hub; "
            f"`offtarget data pin {card.name}` pins it where the hub answers"
        )
    if card is not None and card.redistribution != "yes":
        yield f"redistribution is '{card.redistribution}': committed results hold ids and numbers, no text"
    yield from drop_cautions(pairs)
    yield from pairs.cautions
    if pairs.n_renamed:
        yield f"{pairs.n_renamed} ids are in the source more than once; all but the first got a suffix (-2, -3, ...)"


def _weighs(found: DataReport) -> Iterable[str]:
    """What weighs on the rows themselves, the gravest first."""
    n, texts = found.n_pairs, found.texts
    if (o := found.against) and (o.n_rows or o.n_near_rows):
        nearly = f", and {o.n_near_rows} nearly," if o.n_near_rows else ""
        yield f"{o.n_rows} of {n} rows share their prompt{nearly} with {o.against}"
    if found.n_contradictions:
        yield f"{counted(found.n_contradictions, 'row')} contradicted by an opposite label"
    if found.n_cycles:
        yield counted(found.n_cycles, "circle") + " of preferences"
    yield from (scores_told(c) for c in found.scores if c.n_lower)
    if found.n_leaks:
        yield f"{counted(found.n_leaks, 'prompt or group')} in more than one split"
    yield from debris_told(texts.debris, n)
    if found.answers_told:
        yield f"{found.n_answers:,} different pairs of answers in {n:,} rows"
    yield from stock_told(texts.stock, n)
    if texts.n_filled >= MIN_SHARE * n:
        yield templates_told(texts, n)
    if found.n_duplicates:
        yield counted(found.n_duplicates, "repeat")
    if found.n_same_sides:
        yield f"{counted(found.n_same_sides, 'row')} with the same text on both sides but for case and spaces"
    if max(texts.language[side].other for side in ("chosen", "rejected")) > 0.5:
        yield "most text is not English"
