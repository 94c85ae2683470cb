"""The vocabulary of an audit, and where its contexts and the metadata are in the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from offtarget.audit.concepts import metadata
from offtarget.audit.concepts.contrast import symmetric_activity
from offtarget.audit.concepts.kinds import find_kinds, place
from offtarget.audit.concepts.metadata import Column
from offtarget.audit.concepts.same_prompts import merge_same
from offtarget.audit.concepts.spaces import By
from offtarget.audit.concepts.topics import MIN_MEAN_SIZE, SILENT, Topics, find_topics
from offtarget.audit.concepts.typical import typical_rows
from offtarget.audit.concepts.vocabulary import ConceptSpec, Vocabulary, find_concepts, lens_identity
from offtarget.audit.context_records import Context
from offtarget.audit.folder import AuditFolder
from offtarget.audit.statistics.inside import MIN_ROWS, partition
from offtarget.audit.statistics.means import MIN_GROUPS, Ints
from offtarget.data.pairs import PairSet
from offtarget.data.templates import of_weight
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix


@dataclass(frozen=True, eq=False)
class Placed:
    """The rows among contexts; memberships are sparse `(n_contexts, n_rows)`."""

    topic_ids: tuple[str, ...]
    topics: Any
    pool: Ints
    """Rows that have a topic."""
    kind_ids: tuple[str, ...]
    kinds: Any
    columns: tuple[Column, ...]
    """The metadata that was asked for."""
    offered: tuple[Column, ...]
    """Other columns of few values."""
    value_ids: tuple[str, ...]
    value_labels: tuple[str, ...]
    values: Any


def place_rows(
    pairs: PairSet,
    features: Sequence[FeatureMatrix],
    like: Path | None,
    topics: By,
    columns: tuple[Column, ...],
    *,
    seed: int,
) -> tuple[Vocabulary, Placed]:
    """The vocabulary, made of these rows or that of an earlier audit, and where all contexts are in the rows."""
    if like is not None:
        vocabulary = Vocabulary.read(like)
        vocabulary.require(features)
        codes = np.full(len(pairs), SILENT, dtype=np.int64)
        if vocabulary.topics is not None:
            source = _source(vocabulary.topics.space.by, pairs, features, vocabulary.concepts)
            codes = vocabulary.topics.assign(source)
    else:
        concepts, left_out = find_concepts(features, seed=seed)
        found, codes = topics_of(pairs, features, concepts, topics, seed=seed)
        kinds = find_kinds(features, pairs.pairs, seed=seed)
        identities = {f.lens: lens_identity(f) for f in features}
        vocabulary = Vocabulary(identities, concepts, found, kinds, left_out)
    if vocabulary.topics:
        codes = merge_same(codes, [p.group for p in pairs.pairs], of_weight(pairs.pairs))
    topic_ids = vocabulary.topics.ids if vocabulary.topics else ()
    value_ids, value_labels, values = metadata.place(columns)
    return vocabulary, Placed(
        topic_ids,
        partition(codes, len(topic_ids)),
        np.flatnonzero(codes != SILENT),
        tuple(k.id for k in vocabulary.kinds),
        place(vocabulary.kinds, features),
        columns,
        metadata.offered(pairs.pairs, (c.name for c in columns)),
        value_ids,
        value_labels,
        values,
    )


def columns_of(pairs: PairSet, by: Iterable[str] | None, like: Path | None) -> tuple[tuple[Column, ...], list[str]]:
    """The metadata columns that are tested, with the bins of the earlier audit, and what there is to say of them.

    Args:
        pairs: the rows.
        by: their names; None: those of the earlier audit, as far as these rows have them.
        like: folder of the earlier audit.

    Raises:
        ConfigError: a name that no row has.
    """
    earlier: dict[str, tuple[float, ...]] = {}
    notes: list[str] = []
    if like is not None and (there := AuditFolder(like)).exists:
        earlier = {c.name: c.cuts for c in there.audit.metadata}
    if by is not None:
        columns = metadata.read_columns(pairs.pairs, by, earlier)
    else:
        columns = ()
        for name in earlier:
            try:
                columns += metadata.read_columns(pairs.pairs, [name], earlier)
            except ConfigError:
                notes.append(f"column '{name}' was tested in the audit that --like names, but these rows lack it")
    notes += [w for c in columns if (w := c.why_not())]
    notes += [
        f"column '{c.name}' speaks of one side of the pair: where it depends on the choice, so do the findings by it"
        for c in columns
        if c.of_one_side
    ]
    return columns, notes


def topics_of(
    pairs: PairSet, features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec], by: By = "latents", *, seed: int
) -> tuple[Topics | None, Ints]:
    """The topics of a set: by its words where no lens has latents, or not enough of them to go by.

    Returns:
        The topics (None of too few rows), and the topic number of each row.
    """
    source = _source(by, pairs, features, concepts)
    found = None if source is None else find_topics(pairs.pairs, by, source, seed=seed)
    found = found or find_topics(pairs.pairs, "words", pairs.pairs, seed=seed)
    return found if found else (None, np.full(len(pairs), SILENT, dtype=np.int64))


def _source(by: By, pairs: PairSet, features: Sequence[FeatureMatrix], concepts: Sequence[ConceptSpec]) -> Any | None:
    """What a space of topics reads of these rows: the first lens that has it; None where none has."""
    if by == "words":
        return pairs.pairs
    for part in features:
        if part.kind != "latent":
            continue
        if by == "latents":
            return part
        clusters = [c for c in concepts if c.lens == part.lens and c.kind == "cluster" and not c.local]
        if len(clusters) >= 2:
            return symmetric_activity(part, clusters)
    return None


def contexts(pairs: PairSet, vocabulary: Vocabulary, placed: Placed, codes: Ints) -> tuple[Context, ...]:
    """The records of all contexts: topics, kinds of prompt, values of metadata."""
    columns = (*placed.columns, *placed.offered)

    def named(kind: Literal["topic", "prompt", "metadata"], names: Any, membership: Any) -> list[Context]:
        out = []
        found = kind != "metadata"
        typical = typical_rows(pairs.pairs, membership) if found and membership.shape[0] else []
        for k, (context_id, label, words) in enumerate(names):
            rows = membership[k].indices
            out.append(
                Context(
                    id=context_id,
                    kind=kind,
                    label=label,
                    keywords=words,
                    n=len(rows),
                    n_groups=len(np.unique(codes[rows])),
                    typical=typical[k] if found else (),
                    mostly=metadata.mostly(rows, columns) if found else None,
                )
            )
        return out

    topics = vocabulary.topics
    about = list(zip(topics.ids, topics.labels, topics.keywords, strict=True)) if topics else []
    kinds = [(k.id, k.label, k.keywords) for k in vocabulary.kinds]
    values = [(i, label, ()) for i, label in zip(placed.value_ids, placed.value_labels, strict=True)]
    return (
        *named("topic", about, placed.topics),
        *named("prompt", kinds, placed.kinds),
        *named("metadata", values, placed.values),
    )


def why_no_topic(vocabulary: Vocabulary, placed: Placed, codes: Ints, *, reused: bool, unit: str) -> str:
    """Why nothing was tested by topic, where nothing was.

    Args:
        vocabulary: with its topics, if it has any.
        placed: the rows among them.
        codes: unit of each row.
        reused: whether the vocabulary is that of an earlier audit.
        unit: what to call units, in the plural.
    """
    n = len(codes)
    if vocabulary.topics is None:
        if reused:
            return "the audit that --like names has no topics"
        if n < 2 * MIN_MEAN_SIZE:
            return f"{n} rows are too few for two topics of {MIN_MEAN_SIZE}"
        return "too few words or latents tell the rows apart (each must be in 3 rows and in no more than half of them)"
    sizes = np.diff(placed.topics.indptr)
    filled = np.flatnonzero(sizes)
    if len(placed.pool) < 2 * MIN_ROWS:
        return f"only {len(placed.pool)} of {n} rows show anything to place them in a topic by"
    if len(filled) == 1:
        return f"all {len(placed.pool)} rows that could be placed lie in one topic, so there are none to compare with"
    if sizes.max() < MIN_ROWS:
        return f"the largest of {len(filled)} topics has {sizes.max()} rows, and {MIN_ROWS} are needed"
    prompts = [len(np.unique(codes[placed.topics[k].indices])) for k in filled if sizes[k] >= MIN_ROWS]
    if max(prompts) < MIN_GROUPS:
        return f"no topic has {MIN_ROWS} rows from {MIN_GROUPS} {unit}: the one of most {unit} has {max(prompts)}"
    return "no concept differs in enough rows of any topic"
