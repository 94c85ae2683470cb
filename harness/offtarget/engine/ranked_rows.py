"""Rows of an audited set by how much learning from each would make a concept grow: `offtarget why --by`."""

from pathlib import Path

import numpy as np
from scipy.stats import rankdata, spearmanr

from offtarget.audit.folder import AuditFolder
from offtarget.data.loading import load_asked
from offtarget.engine.as_audited import MODEL, Asked, as_audited
from offtarget.engine.influencing import Influencer
from offtarget.errors import ConfigError, unknown_name
from offtarget.influence.run import By
from offtarget.lens.reader import Reader
from offtarget.lens.table import earlier_readings, features_of
from offtarget.progress import Progress
from offtarget.records import Record
from offtarget.shaping.presence import raw_features
from offtarget.store import Store
from offtarget.training.spec import TrainingSpec


class RankedRow(Record):
    """One row, by its influence and by its own difference."""

    id: str
    share: float
    """Of the sum of |influence| over all rows; negative where training on the row makes the concept less."""
    rank: int
    """By influence, 1 for what makes the concept grow most."""
    u: float
    """Chosen minus rejected in the concept itself."""
    rank_by_score: int
    """By u; rows of equal u share the mean of their ranks, rounded."""


class RankedRows(Record):
    """Every row that can be trained on, the one that makes the concept grow most first."""

    concept: str
    by: By
    effective: float
    """Answers that the directions rest on."""
    agreement: float
    """Spearman's rank correlation of influence and u over rows."""
    shift: float
    """Sum of the influence over that of its absolute values: the set as a whole makes the concept grow where it is positive."""
    rows: tuple[RankedRow, ...]


def ranked_rows(folder: Path, concept: str, by: By, *, store: Store, progress: Progress | None = None) -> RankedRows:
    """Rank the rows of an audit by their influence on a concept.

    Args:
        folder: of the audit.
        concept: its id.
        by: as in `offtarget.influence.influence`.
        store: where everything is kept.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no audit, no such concept, or one that new answers cannot have.
        UndecidedError: too few answers differ in it.
    """
    audit = AuditFolder(folder).audit
    known = {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
    if concept not in known:
        raise unknown_name("concept", concept, known, hint=f"(of {folder})")
    reading = as_audited(Asked(str(folder)), like=None, verdicts=None).reading
    pairs = load_asked(reading)
    reader = Reader(reading.model or MODEL, store, reading.max_length, template=reading.template, progress=progress)
    features = features_of(pairs, reading.lens, reader, earlier_readings(folder, reading.lens))
    if not any(part.of_text and {c.id for c in part.columns} & set(known[concept]) for part in features):
        raise ConfigError(f"concept '{concept}' is what a column says: new answers of the model do not have it")
    spec = TrainingSpec(max_length=reading.max_length)
    found = Influencer(reader, pairs, features, known, spec, by).of(concept)
    rows = np.flatnonzero(found.changes.any(axis=1))
    chosen, rejected = raw_features(features, known[concept], "freq")
    u, margin = (chosen - rejected)[rows], found.margin[rows]
    total = float(np.abs(margin).sum()) or 1.0
    ranks, by_score = rankdata(-margin, "ordinal"), rankdata(-u)
    agree = float(spearmanr(margin, u).statistic) if np.ptp(u) and np.ptp(margin) else 0.0
    return RankedRows(
        concept=concept,
        by=by,
        effective=round(found.effective, 1),
        agreement=agree,
        shift=float(margin.sum() / total),
        rows=tuple(
            RankedRow(
                id=pairs.pairs[int(rows[k])].id,
                share=float(margin[k] / total),
                rank=int(ranks[k]),
                u=float(u[k]),
                rank_by_score=round(float(by_score[k])),
            )
            for k in np.argsort(ranks)
        ),
    )
