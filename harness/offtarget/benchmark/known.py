"""What an audit found of that which is known to be in a set: the planted concepts, and the nulls.

A finding is about a concept if its u goes with the concept's presence over rows (chosen has it minus rejected has it)
at 0.2 or more, and with no other concept more (`engine.audits.scoring`, the measure of the audit benchmark). A planted
concept is found if a finding about it names the right side; what was planted in one topic needs a finding on rows that
pick the topic out. A null is reported if a finding on the whole set is about it and its lean is not that of what was
planted: where no planted concept differs, it would still be a finding. (A latent that fires on brackets goes with a null
of asides in brackets, and leans because the planted links have brackets too.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.folder import AuditWithRows
from offtarget.audit.method import Claim
from offtarget.audit.statistics.means import Ints, group_codes
from offtarget.audit.truth_records import KnownTruth, Planted
from offtarget.benchmark.planting import Truth
from offtarget.benchmark.scoring import match
from offtarget.data.pairs import PairSet
from offtarget.data.truth import Truth as TruthFile
from offtarget.data.truth import read_truth

SIGN = {"chosen": 1, "rejected": -1, None: 0}


def known_truth(audited: AuditWithRows, pairs: PairSet) -> KnownTruth | None:
    """What the findings of an audit are about, of what the set's truth file says is in its rows.

    Args:
        audited: the audit, with the rows behind it.
        pairs: the rows; `truth` names the file. None without one, or where it does not know every row.

    Raises:
        ConfigError: the file cannot be read.
    """
    if pairs.truth is None:
        return None
    truth = read_truth(pairs.truth)
    if any(p.id not in truth.rows for p in pairs.pairs):
        return None
    truths = [_truth(key, truth, pairs) for key in truth.concepts]
    audit, workings = audited.audit, audited.workings
    found = [h for h in audit.findings if h.concept in workings.concepts]
    claims = [
        Claim(
            h.id,
            h.concept,
            h.z,
            workings.column(h.concept),
            h.q,
            None if h.context is None else workings.inside(h.context),
        )
        for h in found
    ]
    matching = match(claims, truths)
    planted: list[Planted] = []
    nulls: list[Planted] = []
    named = {c.id: c.named for c in audit.concepts}
    of_planted = np.array([t.presence for t in truths if t.sign]).reshape(-1, len(pairs)).T
    codes = group_codes([p.group for p in pairs.pairs])
    weakest = max((h.p for h in found if h.context is None), default=0.0)
    for k, (key, concept) in enumerate(truth.concepts.items()):
        about = [int(i) for i in np.flatnonzero(matching.about == k)]
        if concept.direction is None:
            about = [i for i in about if p_beside(claims[i].u, of_planted, codes) <= weakest]
        else:
            about = [i for i in about if matching.covers[i]]
        best = max(about, key=lambda i: (named[found[i].concept], abs(matching.r[i]), found[i].id), default=None)
        rates = _rates(truths[k], truth, concept.concept, pairs)
        record = Planted(
            key=key,
            label=concept.label + (f", in {concept.topic}" if concept.topic else ""),
            direction=concept.direction,
            chosen_rate=rates[0],
            rejected_rate=rates[1],
            found_by=None if best is None else found[best].id,
            r=None if best is None else round(float(matching.r[best]), 4),
        )
        (nulls if concept.direction is None else planted).append(record)
    return KnownTruth(planted=tuple(planted), nulls=tuple(nulls))


def p_beside(u: NDArray[Any], others: NDArray[Any], codes: Ints) -> float:
    """P of a lean where none of some other concepts differ: of the intercept of u on them, clustered by prompt.

    Args:
        u: `(n_pairs,)`.
        others: presence in chosen minus in rejected, `(n_pairs, n_others)`.
        codes: prompt of each row.

    Returns:
        Of t = a / se(a) with G - 1 degrees of freedom, se the sandwich G/(G-1) · Σ_g (Σ_{i∈g} w_i e_i)²,
        w the row of (D'D)⁻¹D' for the intercept.
    """
    from scipy import stats

    design = np.column_stack([np.ones(len(u)), others]).astype(np.float64)
    inverse = np.linalg.pinv(design)
    fit = inverse @ u.astype(np.float64)
    scores = inverse[0] * (u - design @ fit)
    n_groups = int(codes.max()) + 1
    summed = np.bincount(codes, weights=scores, minlength=n_groups)
    se = float(np.sqrt(n_groups / (n_groups - 1) * (summed**2).sum()))
    return 1.0 if se == 0 else float(2 * stats.t.sf(abs(fit[0]) / se, n_groups - 1))


def _truth(key: str, truth: TruthFile, pairs: PairSet) -> Truth:
    concept = truth.concepts[key]
    inside = None
    if concept.topic is not None:
        inside = np.array([p.meta.get("topic") == concept.topic for p in pairs.pairs], dtype=bool)
    sides = [truth.rows[p.id] for p in pairs.pairs]
    presence = np.array([(concept.concept in c) * 1 - (concept.concept in r) for c, r in sides], dtype=np.int8)
    if inside is not None:
        presence = presence * inside
    return Truth(key, SIGN[concept.direction], False, presence, inside)


def _rates(truth: Truth, file: TruthFile, concept: str, pairs: PairSet) -> tuple[float, float]:
    """Shares of the rows in question with a concept in chosen and in rejected."""
    rows = [file.rows[p.id] for i, p in enumerate(pairs.pairs) if truth.inside is None or truth.inside[i]]
    if not rows:
        return 0.0, 0.0
    chosen, rejected = (float(np.mean([concept in row[k] for row in rows])) for k in (0, 1))
    return chosen, rejected
