"""Claims against the truth: which claim is about which planted concept, and how good the ranking is.

A claim covers a concept if its u correlates with the concept's presence over the rows, and with that of no
other concept more. How closely: the correlation of u with (chosen has it - rejected has it) in which the
rows that differ in the concept weigh as much, taken together, as all others. A plain correlation would ask
more of a rare concept than of a frequent one: a concept of two points fills 2 % of the rows, and a rule
that finds every one of them among naturally occurring cases could not pass. A rule that sees the share φ of
a concept's phrasings and nothing else has r = sqrt((φ/2)/(1 - φ/2)): 0.58 for a half, which is what all
rules of the surface lens together see of a concept, and 0.30 for a sixth, which is what one of them sees where
three rules share that half (lists, disclaimers). `COVERS` is below the latter; it asks for a thirteenth of
the phrasings, or 4 % of the variance. Against chance with few rows, the plain correlation must also lie
three standard errors from zero.

A claim and its opposite are no claim. A method that says of one thing that chosen has more, and that rejected has more,
would otherwise be right about everything; so both are void (`void`): they cover nothing and each takes a place.

A small difference is no small presence: over a rate of 30 % every claim about the concept has hundreds of
rows that differ in it, whichever side leads. The direction is then the only thing that the difference decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.method import Claim
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.benchmark.planting import Truth

COVERS = 0.2
STRICTLY = 0.3
"""The same, asking for half of what a perfect rule for half of the phrasings has; shown beside it."""
STANDARD_ERRORS = 3.0
SAME = 0.9
"""From this correlation of their u on, two claims are about one thing: small enough for two readings of one, and too large
for claims that merely share noise to pass for one."""
MIN_DIFFERING = 5
"""A concept in which fewer rows differ correlates with nothing."""
INSIDE, TIMES = 0.5, 3.0
"""A claim speaks of a topic if half of the topic's rows lie in its context, and they are there three times as frequent
as in the whole set."""


@dataclass(frozen=True, eq=False)
class Matching:
    """Which claims are about which concepts."""

    about: Ints
    """Number of the concept that a claim is about, or -1: `(n_claims,)`."""
    r: Floats
    """The balanced correlation with it: `(n_claims,)`."""
    covers: NDArray[np.bool_]
    """It is a planted concept, and the claim names the right side: `(n_claims,)`."""


def association(u: NDArray[Any], presence: NDArray[np.int8]) -> Floats:
    """Balanced correlation of each column of u with the presence of each concept; zero where none can be given.

    Args:
        u: `(n_rows, n_claims)`.
        presence: in {-1, 0, 1}, `(n_rows, n_concepts)`.

    Returns:
        `(n_claims, n_concepts)`.
    """
    n, differs = len(u), presence != 0
    few = differs.sum(axis=0)
    weight = np.where(differs, 0.5 / np.maximum(few, 1), 0.5 / np.maximum(n - few, 1))
    values, squares = u.astype(np.float64), np.square(u, dtype=np.float64)
    balanced = _weighted(values, squares, presence, weight / weight.sum(axis=0))
    plain = _weighted(values, squares, presence, np.full(presence.shape, 1 / n))
    certain = (np.abs(plain) * np.sqrt(n) >= STANDARD_ERRORS) & (few >= MIN_DIFFERING)
    return np.asarray(np.where(certain, balanced, 0.0))


def _weighted(u: Floats, squares: Floats, x: NDArray[np.int8], weight: Floats) -> Floats:
    """Pearson correlation of each column of u with each of x, under row weights of that column of x."""
    at = (weight * x).sum(axis=0)
    centred = x - at
    variance = squares.T @ weight - (u.T @ weight) ** 2
    spread = (weight * centred**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (u.T @ (weight * centred)) / np.sqrt(np.maximum(variance, 0.0) * spread)
    return np.asarray(np.nan_to_num(r, posinf=0.0, neginf=0.0))


def match(claims: Sequence[Claim], truths: Sequence[Truth], covers: float = COVERS) -> Matching:
    """Match claims with what was put into the set, planted or on both sides equally.

    A claim on the whole set is about a concept of the whole set. A claim in a context is about a concept of a
    topic, if the context picks that topic out (`INSIDE`, `TIMES`), and correlates with it on the rows inside.
    """
    r = np.zeros((len(claims), len(truths)))
    everywhere = [i for i, c in enumerate(claims) if c.context is None]
    whole = [k for k, t in enumerate(truths) if t.inside is None]
    if everywhere and whole:
        u = np.stack([claims[i].u for i in everywhere], axis=1)
        r[np.ix_(everywhere, whole)] = association(u, np.stack([truths[k].presence for k in whole], axis=1))
    for i, claim in enumerate(claims):
        if claim.context is None:
            continue
        for k, truth in enumerate(truths):
            if truth.inside is not None and _picks(claim.context, truth.inside):
                rows = claim.context
                r[i, k] = association(claim.u[rows, None], truth.presence[rows, None])[0, 0]
    if not truths:
        return Matching(np.full(len(claims), -1), np.zeros(len(claims)), np.zeros(len(claims), dtype=bool))
    best = np.abs(r).argmax(axis=1)
    size = r[np.arange(len(claims)), best]
    about = np.where(np.abs(size) >= covers, best, -1)
    said = np.sign([c.score for c in claims]) * np.sign(size)
    true = np.array([t.sign for t in truths])[best]
    return Matching(about, size, (about >= 0) & (true != 0) & (said == true) & ~void(claims))


def void(claims: Sequence[Claim]) -> NDArray[np.bool_]:
    """Which claims another one of the same method contradicts: same context, same thing, the other side: `(n_claims,)`.

    Claims without a score say nothing and contradict nothing.
    """
    out = np.zeros(len(claims), dtype=bool)
    for rows in _by_context(claims):
        said = [i for i in rows if claims[i].score != 0]
        r = _signed_correlations([claims[i] for i in said])
        out[said] = (r <= -SAME).any(axis=1) if len(said) else False
    return out


def _by_context(claims: Sequence[Claim]) -> list[list[int]]:
    """Numbers of the claims that speak of the same rows."""
    groups: dict[bytes | None, list[int]] = {}
    for i, c in enumerate(claims):
        groups.setdefault(None if c.context is None else np.packbits(c.context).tobytes(), []).append(i)
    return list(groups.values())


def _signed_correlations(claims: Sequence[Claim]) -> Floats:
    """Correlations of what claims say: of u, turned to the side that each names; 0 where u is constant."""
    if not claims:
        return np.zeros((0, 0))
    u = np.stack([c.u.astype(np.float64) * np.sign(c.score) for c in claims])
    u -= u.mean(axis=1, keepdims=True)
    size = np.sqrt((u**2).sum(axis=1))
    u /= np.where(size > 0, size, 1.0)[:, None]
    return np.asarray(u @ u.T)


def merged(claims: Sequence[Claim]) -> Ints:
    """For each claim the number of the claim that speaks for it: the first one by q, then |score|, that says the same.

    Padding a list with copies of one claim so adds nothing to what is counted.
    """
    out = np.arange(len(claims))
    for rows in _by_context(claims):
        order = sorted(rows, key=lambda i: (1.0 if claims[i].q is None else claims[i].q, -abs(claims[i].score), i))
        r = _signed_correlations([claims[i] for i in order])
        spoken = np.full(len(order), -1)
        for a in range(len(order)):
            if spoken[a] < 0:
                spoken[(spoken < 0) & (r[a] >= SAME)] = a
                spoken[a] = a
            out[order[a]] = order[spoken[a]]
    return out


def _picks(context: NDArray[np.bool_], topic: NDArray[np.bool_]) -> bool:
    if not context.any() or not topic.any():
        return False
    return bool(context[topic].mean() >= INSIDE and topic[context].mean() >= TIMES * topic.mean())


def found_at_k(claims: Sequence[Claim], matching: Matching, truths: Sequence[Truth]) -> set[int]:
    """The planted concepts that are in the first K places of the ranking, K being how many were planted.

    Claims are ranked by |score|. A claim that covers a concept takes a place, the first time; further claims
    that cover it take none. Of the others, each takes a place unless it says the same as one that did before (`SAME`,
    same context, same side).
    """
    k = sum(t.sign != 0 for t in truths)
    found: set[int] = set()
    wrong: list[Claim] = []
    for i in sorted(range(len(claims)), key=lambda i: -abs(claims[i].score)):
        if len(found) + len(wrong) >= k or claims[i].score == 0:
            break
        if matching.covers[i]:
            found.add(int(matching.about[i]))
        elif not any(_same(claims[i], other) for other in wrong):
            wrong.append(claims[i])
    return found


def _same(a: Claim, b: Claim) -> bool:
    if (a.context is None) != (b.context is None):
        return False
    if a.context is not None and b.context is not None and (a.context != b.context).any():
        return False
    return bool(_signed_correlations([a, b])[0, 1] >= SAME)


def auroc(claims: Sequence[Claim], matching: Matching, truths: Sequence[Truth]) -> float | None:
    """Probability that a claim about a planted concept has a larger |score| than another; ties count half.

    The direction plays no part: it asks whether what was planted is above the rest. None without both kinds.
    """
    from scipy.stats import mannwhitneyu

    score = np.abs([c.score for c in claims])
    planted = np.array([k >= 0 and truths[k].sign != 0 for k in matching.about], dtype=bool)
    if planted.all() or not planted.any():
        return None
    u = mannwhitneyu(score[planted], score[~planted]).statistic
    return float(u / (planted.sum() * (~planted).sum()))
