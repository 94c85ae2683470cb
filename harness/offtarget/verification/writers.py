"""What rows say of who wrote each response, and what follows for a concept: writers bring their habits with them.

DPO between a writer that is chosen and one that is rejected moves a policy towards the first in all that tells the two apart,
also in what one row does not show (arXiv 2507.14805 finds traits that pass in texts without a trace of them).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import Pair
from offtarget.verification.concepts import Concepts
from offtarget.verification.sides import Side
from offtarget.verification.sums import GroupSums

WORDS = frozenset({"model", "models", "writer", "author", "generator", "llm", "policy", "source", "system"})
"""A column with one of these in its name may name who wrote the responses."""
LEAST = 2
"""Responses to other prompts from which a writer's mean is taken; with fewer, it is the mean of all writers."""
MOST = 0.5
"""More different names than this share of responses name rows, not writers."""


@dataclass(frozen=True, eq=False)
class Writers:
    """Who wrote what."""

    column: str
    names: tuple[str, ...]
    of: Ints
    """`(n_rows, 2)` number of the writer of chosen and of rejected; -1 where the row does not say."""


def writers_of(pairs: list[Pair]) -> Writers | None:
    """Who wrote each response, by the first column that names at least two writers; None without one."""
    for stem in dict.fromkeys(stem for p in pairs for stem in p.sides):
        if not WORDS.intersection(stem.split("_")):
            continue
        cells = [p.sides.get(stem, (None, None)) for p in pairs]
        said = [str(x) for both in cells for x in both if isinstance(x, str) and x.strip()]
        names = tuple(sorted(Counter(said)))
        if len(names) >= 2 and len(names) <= MOST * len(said):
            at = {name: k for k, name in enumerate(names)}
            of = [[at.get(x, -1) if isinstance(x, str) else -1 for x in both] for both in cells]
            return Writers(stem, names, np.array(of, dtype=np.int64).reshape(-1, 2))
    return None


def from_writers(concepts: Concepts, side: Side, known: Side | None = None) -> GroupSums | None:
    """Per row, the mean of the concept over the other prompts' responses of chosen's writer, less that of rejected's.

    How sure their mean is does not follow from these rows, which share the writers' means: `resampled` says it.

    Args:
        concepts: what is predicted.
        side: the rows.
        known: rows from which the writers' means are taken, the same prompts under the same groups; None: the same rows.

    Returns:
        Contributions of the rows that name both writers, 0 of the others; None where writers are not named.
    """
    found = _Named.of(concepts, side, known or side)
    if found is None:
        return None
    means = _OtherPrompts(found.values, found.theirs, found.known_groups, found.n_writers, found.n_groups)
    apart = np.zeros((len(side.pairs), found.values.shape[2]))
    for i in np.flatnonzero((found.mine >= 0).all(axis=1)):
        a, b = found.mine[i]
        if a != b:
            apart[i] = means.of(a, found.own_groups[i]) - means.of(b, found.own_groups[i])
    return side.sums(apart)


def resampled(concepts: Concepts, side: Side, known: Side, draws: int, seed: int = 0) -> Floats | None:
    """Draws of the mean over rows, `(draws, n_concepts)`: prompts are drawn with replacement, and the writers' means with them.

    None where writers are not named.
    """
    found = _Named.of(concepts, side, known)
    if found is None:
        return None
    rng = np.random.default_rng(seed)
    who, flat = found.theirs.ravel(), found.values.reshape(-1, found.values.shape[2])
    there = who >= 0
    prompts = np.repeat(found.known_groups, 2)[there]
    who, flat = who[there], flat[there]
    both = (found.mine >= 0).all(axis=1)
    out = np.zeros((draws, flat.shape[1]))
    for d in range(draws):
        weights = rng.multinomial(found.n_groups, np.full(found.n_groups, 1 / found.n_groups)).astype(np.float64)
        counts = np.bincount(who, weights[prompts], minlength=found.n_writers)
        means = csr_matrix((weights[prompts], (who, np.arange(len(who)))), shape=(found.n_writers, len(who))) @ flat
        means = np.where(counts[:, None] > 0, means / np.maximum(counts, 1e-12)[:, None], flat.mean(axis=0))
        of_rows = weights[found.own_groups]
        lean = np.bincount(found.mine[both, 0], of_rows[both], minlength=found.n_writers) - np.bincount(
            found.mine[both, 1], of_rows[both], minlength=found.n_writers
        )
        out[d] = lean @ means / max(of_rows.sum(), 1.0)
    return out


@dataclass(frozen=True, eq=False)
class _Named:
    """Writers of the rows and of those that their means are taken from."""

    mine: Ints
    theirs: Ints
    own_groups: Ints
    known_groups: Ints
    n_groups: int
    n_writers: int
    values: Floats
    """`(n_known, 2, n_concepts)`"""

    @classmethod
    def of(cls, concepts: Concepts, side: Side, known: Side) -> "_Named | None":
        whole = writers_of([*side.pairs.pairs, *known.pairs.pairs])
        if whole is None:
            return None
        mine, theirs = np.split(whole.of, [len(side.pairs)])
        groups, codes = np.unique([p.group for s in (side, known) for p in s.pairs.pairs], return_inverse=True)
        own, others = np.split(codes, [len(side.pairs)])
        values = np.stack([concepts.of_responses(known, span) for span in ("chosen", "rejected")], axis=1)
        return cls(mine, theirs, own, others, len(groups), len(whole.names), values)


class _OtherPrompts:
    """Means of each writer's responses without those to one prompt."""

    def __init__(self, values: Floats, of: Ints, groups: Ints, n_writers: int, n_groups: int) -> None:
        who, flat = of.ravel(), values.reshape(-1, values.shape[2])
        there = who >= 0
        prompts = np.repeat(groups, 2)
        self._sums = _summed(flat[there], who[there], n_writers)
        self._counts = np.bincount(who[there], minlength=n_writers).astype(np.float64)
        key = who * n_groups + prompts
        self._keys, at = np.unique(key[there], return_inverse=True)
        self._of_prompt = _summed(flat[there], at, len(self._keys))
        self._counts_of_prompt = np.bincount(at, minlength=len(self._keys)).astype(np.float64)
        self._n_groups = n_groups
        self._all = flat.mean(axis=0)

    def of(self, writer: int, group: int) -> Floats:
        """(n_concepts,) the mean without the prompt's responses."""
        total, count = self._sums[writer], self._counts[writer]
        at = int(np.searchsorted(self._keys, writer * self._n_groups + group))
        if at < len(self._keys) and self._keys[at] == writer * self._n_groups + group:
            total, count = total - self._of_prompt[at], count - self._counts_of_prompt[at]
        return np.asarray(total / count if count >= LEAST else self._all)


def _summed(values: NDArray[np.floating], codes: Ints, n: int) -> Floats:
    out = np.zeros((n, values.shape[1]))
    np.add.at(out, codes, values)
    return out
