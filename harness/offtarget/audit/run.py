"""One audit, from features to hypotheses."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import vstack

from offtarget.audit.cautions import by_row, cautions, unreliable
from offtarget.audit.composition import compose
from offtarget.audit.concepts.contrast import Contrasts, contrasts, response_values
from offtarget.audit.concepts.labels import Rules, Told, tell
from offtarget.audit.concepts.spaces import By
from offtarget.audit.concepts.vocabulary import Vocabulary, lens_identity
from offtarget.audit.evidence import Concept, Evidence, Judged
from offtarget.audit.folder import NewAudit
from offtarget.audit.placing import columns_of, contexts, place_rows, why_no_topic
from offtarget.audit.prediction import predict
from offtarget.audit.records import Audit, DatasetInfo, Family, View
from offtarget.audit.statistics import means as st
from offtarget.audit.stock import find_stock
from offtarget.audit.units import find_units
from offtarget.audit.views.common import Rows, that_differ
from offtarget.audit.views.contexts import context_view
from offtarget.audit.views.overall import overall_view
from offtarget.audit.workings import Workings
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.errors import DataError
from offtarget.lens.features import FeatureMatrix
from offtarget.progress import Steps
from offtarget.store import hash_of

__all__ = ["audit"]

VERSION = 24
"""Rises when the same input would give other hypotheses."""


LABELLED_ROWS = 10_000
"""Rows, spread evenly, by which concepts of a model are labelled."""


class _Clock:
    """Seconds by stage, and the caller's progress bar."""

    def __init__(self, progress: Steps | None) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress
        self.done = 0

    @contextmanager
    def stage(self, name: str, of: int = 8) -> Any:
        if self.progress:
            self.progress(self.done, of)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
        self.done += 1
        if self.progress:
            self.progress(self.done, of)


def audit(
    pairs: PairSet,
    features: Sequence[FeatureMatrix],
    *,
    seed: int = 0,
    like: Path | None = None,
    topics: By = "latents",
    by: Sequence[str] | None = None,
    model_info: Mapping[str, Any] | None = None,
    progress: Steps | None = None,
) -> NewAudit:
    """Test what a preference set leans to, overall and topic by topic.

    Args:
        pairs: the rows.
        features: one matrix per lens, over exactly these rows.
        seed: of clustering and resampling.
        like: directory of an audit whose vocabulary (concepts and topics) to use.
        topics: what rows are clustered by: single latents, clusters of them (arXiv 2606.12360), or words; words too
            where no lens has latents.
        by: columns of metadata whose values are compared; None: those of the audit that `like` names.
        model_info: what to say of the model behind the lenses.
        progress: called with stages done and stages in all.

    Returns:
        The audit, the rows behind it and its vocabulary.

    Raises:
        UndecidedError: with fewer than 30 pairs or 10 prompts, or if `like` was made with other lenses.
        DataError: if features and pairs do not go together.
        ConfigError: if `like` holds no vocabulary, or no row has a column of `by`.
    """
    clock = _Clock(progress)
    _check_rows(pairs, features)
    rows = Rows.of(pairs.pairs, features)
    codes, length = rows.codes, rows.lengths.difference
    st.require_enough(codes, pairs.unit)

    with clock.stage("vocabulary"):
        columns, told = columns_of(pairs, by, like)
        vocabulary, placed = place_rows(pairs, features, like, topics, columns, seed=seed)
    names = [c.id for c in vocabulary.concepts]
    with clock.stage("contrasts"):
        c = contrasts(features, vocabulary.concepts)
        units = find_units(pairs, c.u, seed=seed)
        codes = st.group_codes(units.names)
        stock = find_stock(pairs.pairs, codes)
        rows = rows.by(units.names, stock, units.noun(pairs))
    with clock.stage("overall view"):
        everywhere = np.flatnonzero([not s.local for s in vocabulary.concepts])
        overall = overall_view(rows, names, c, everywhere, seed=seed)
    with clock.stage("global view"):
        topical, topic_family = context_view(
            "global", rows, names, c, placed.topics, placed.pool, placed.topic_ids, overall.tested, seed=seed
        )
    with clock.stage("local view"):
        # the lens's own columns, and the response clusters R_m instead of the clusters that fire together
        latent = {f.lens for f in features if f.kind == "latent"}
        among = np.flatnonzero([s.local or s.lens not in latent for s in vocabulary.concepts])
        responses = that_differ(c, among)
        everyone = np.arange(len(pairs))
        local, kind_family = context_view(
            "local", rows, names, c, placed.kinds, everyone, placed.kind_ids, responses, seed=seed
        )
    with clock.stage("metadata view"):
        by_value, value_family = context_view(
            "metadata", rows, names, c, placed.values, everyone, placed.value_ids, overall.tested, seed=seed
        )
    with clock.stage("prediction"):
        tested = overall.tested
        prediction = predict(
            c.of_all(tested), overall.test, overall.ci, [names[j] for j in tested], codes, overall.equal, seed=seed
        )
    with clock.stage("labels"):
        concepts = _concepts(pairs, features, vocabulary, c)
    families: dict[View, Family] = {"overall": overall.result.family, "global": topical.family, "local": local.family}
    if columns:
        families["metadata"] = by_value.family
    notes = [*unreliable(families), *cautions(pairs, features, codes, rows.unit, stock.records), *units.notes, *told]
    notes += by_row(features, [x.name for x in columns])
    if topical.family.tested == 0:
        why = why_no_topic(vocabulary, placed, codes, reused=like is not None, unit=rows.unit)
        notes.append(f"nothing was tested by topic: {why}")
    made_by = vocabulary.topics.space.by if vocabulary.topics else None
    if (
        like is None
        and made_by not in (None, topics)
        and (topics != "latents" or any(f.kind == "latent" for f in features))
    ):
        notes.append(f"topics go by {made_by}: no lens has {topics} to go by")
    lenses = {f.lens: lens_identity(f) for f in features}
    result = Audit(
        offtarget_version=version("offtarget"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        key=hash_of(
            {
                "version": VERSION,
                "rows": pairs.rows_sha256,
                "lenses": lenses,
                "vocabulary": vocabulary.key,
                "contexts": [*placed.topic_ids, *placed.kind_ids],
                **({"unit": "given"} if pairs.unit_given else {}),
                **({"beside": beside} if (beside := _beside(features)) else {}),
                **({"metadata": [[x.name, x.values, x.codes.tolist()] for x in columns]} if columns else {}),
                "seed": seed,
            }
        ),
        seed=seed,
        dataset=DatasetInfo(
            name=pairs.name,
            revision=pairs.revision,
            rows_sha256=pairs.rows_sha256,
            n_pairs=len(pairs),
            n_groups=int(codes.max()) + 1,
            unit=units.noun(pairs),
            n_dropped=dict(pairs.dropped),
            splits=dict(Counter(str(p.meta["split"]) for p in pairs.pairs if "split" in p.meta and pairs.split_column)),
            read_as=pairs.read_as,
            notes=pairs.notes,
            redistribution=pairs.redistribution,
            chosen_longer=float((length > 0).mean()),
            chosen_shorter=float((length < 0).mean()),
            longer_p=float(st.mean_test(np.sign(length)[:, None], codes).p[0]) if length.any() else None,
            median_characters=(medians := rows.lengths.medians),
            median_as_they_stand=stand if (stand := median_characters(pairs.pairs)) != medians else None,
        ),
        model=dict(model_info) if model_info is not None else None,
        lens=tuple({**f.info, "name": f.lens, "columns": len(f.columns), "key": lenses[f.lens]} for f in features),
        concepts=concepts,
        contexts=contexts(pairs, vocabulary, placed, codes),
        families=families,
        hypotheses=overall.result.hypotheses + topical.hypotheses + local.hypotheses + by_value.hypotheses,
        prediction=prediction,
        vocabulary=vocabulary.key,
        metadata=compose(
            columns,
            names,
            c,
            codes,
            length,
            overall.result.hypotheses,
            by_value.hypotheses,
            _q_of(names, placed.value_ids, value_family),
            frozenset(s.id for s in vocabulary.concepts if s.lens not in latent),
        ),
        offered=tuple(x.name for x in placed.offered),
        topics_by=made_by,
        stock=stock.records,
        warnings=tuple(notes),
        timing=clock.seconds,
    )
    workings = Workings(
        rows.pair_ids,
        units.names,
        tuple(names),
        c.u,
        placed.topic_ids + placed.kind_ids + placed.value_ids,
        vstack([placed.topics, placed.kinds, *([placed.values] if columns else [])], format="csr"),
        {"global": topic_family, "local": kind_family, "metadata": value_family},
        c.read,
    )
    return NewAudit(result, workings, vocabulary)


def _beside(features: Sequence[FeatureMatrix]) -> dict[str, str]:
    """Hash of what lenses read beside the texts, which the hash of the rows does not hold."""
    return {f.lens: str(f.info.get("values_sha256")) for f in features if not f.of_text}


def _check_rows(pairs: PairSet, features: Sequence[FeatureMatrix]) -> None:
    if not features:
        raise DataError("no features to audit; name at least one lens")
    if len({f.lens for f in features}) < len(features):
        raise DataError("a lens was given twice; give each lens once")
    ids, groups = tuple(p.id for p in pairs.pairs), tuple(p.group for p in pairs.pairs)
    for part in features:
        if part.pair_ids != ids or part.groups != groups:
            raise DataError(
                f"the features of lens '{part.lens}' were read from other rows than those of '{pairs.name}'; "
                "build them again"
            )


def median_characters(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Of the chosen and of the rejected responses, as the texts are."""
    chosen, rejected = (
        [len(text_of(side)) for side in sides] for sides in zip(*((p.chosen, p.rejected) for p in pairs), strict=True)
    )
    return float(np.median(chosen)), float(np.median(rejected))


def _concepts(
    pairs: PairSet, features: Sequence[FeatureMatrix], vocabulary: Vocabulary, c: Contrasts
) -> tuple[Concept, ...]:
    """The concepts with label and evidence."""
    specs = vocabulary.concepts
    column = {col.id: col for part in features for col in part.columns}
    deep = {part.lens: part for part in features if part.reads_model}
    of_text = {part.lens for part in features if part.of_text and part.lens not in deep}
    plain = [j for j, s in enumerate(specs) if s.lens in of_text]
    rules = Rules(
        tuple(specs[j].id for j in plain),
        tuple(column[specs[j].id].label for j in plain),
        response_values(features, [specs[j] for j in plain]),
    )
    judged = _judged(features)
    told: dict[int, Told] = {}
    rows = np.arange(0, len(pairs), -(-len(pairs) // LABELLED_ROWS))
    some = [pairs.pairs[i] for i in rows]
    rules = replace(rules, values=rules.values[np.concatenate([rows, rows + len(pairs)])])
    for lens, part in deep.items():
        mine = [j for j, s in enumerate(specs) if s.lens == lens]
        answers = replace(part, values={k: x for k, x in part.values.items() if k[0] != "prompt"}).select(rows)
        u = c.u[np.ix_(rows, np.array(mine, dtype=np.int64))]
        told.update(zip(mine, tell(answers, [specs[j] for j in mine], u, rules, some), strict=True))
    out = []
    read = np.maximum(c.read, 1 / len(c.u))
    more, less = (c.u > 0).mean(axis=0) / read, (c.u < 0).mean(axis=0) / read
    for j, spec in enumerate(specs):
        of = told.get(j)
        out.append(
            Concept(
                id=spec.id,
                label=of.label if of else column[spec.members[0]].label,
                name=of.name if of else "lens",
                kind=spec.kind,
                lens=spec.lens,
                members=spec.members,
                evidence=Evidence(
                    unit=c.units[j],
                    contrast=c.contrasts[j],
                    chosen_mean=float(c.chosen_mean[j]),
                    rejected_mean=float(c.rejected_mean[j]),
                    chosen_rate=float(c.chosen_rate[j]),
                    rejected_rate=float(c.rejected_rate[j]),
                    more_in_chosen=float(more[j]),
                    more_in_rejected=float(less[j]),
                    read=float(c.read[j]),
                    correlate=of.correlate if of else None,
                    words=of.words if of else (),
                    words_against=of.words_against if of else (),
                    tokens=of.tokens if of else (),
                    promotes=of.promotes if of else (),
                    peaks=of.peaks if of else (),
                    stability=spec.stability,
                    word_fit=of.word_fit if of else None,
                    judged=judged.get(spec.id),
                ),
            )
        )
    return tuple(out)


def _judged(features: Sequence[FeatureMatrix]) -> dict[str, Judged]:
    """By concept what `info` says of answers of a language model, for lenses that ask one."""
    out = {}
    for part in features:
        for name, facts in part.info.get("judged", {}).items():
            known = {k: v for k, v in facts.items() if k in Judged.model_fields}
            out[name] = Judged(**known, left_out=part.info["left_out"].get(name))
    return out


def _q_of(concepts: Sequence[str], contexts: Sequence[str], family: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """The q of every tested cell of a view, by concept and context."""
    if not family:
        return {}
    return {(concepts[j], contexts[k]): float(family["q"][k, j]) for k, j in np.argwhere(family["tested"]).tolist()}
