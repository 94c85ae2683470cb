"""Kinds of prompt: the contexts of the prompt-conditioned (local) view.

A kind is a cluster A_k of prompt latents (arXiv 2606.12360): a row's score is the mean, over the members, of
the strongest activation in its prompt, and the rows with the highest scores above zero are inside. A rule of
the surface lens makes a kind too: all prompts that show it, or for a length or a rate those with most of it.
Kinds overlap, and know nothing of the choice.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from offtarget.audit.concepts.clusters import MAX_SHARE, min_firing
from offtarget.audit.concepts.embedding import cluster_columns, moments
from offtarget.audit.concepts.words import prompt_words
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import Pair
from offtarget.lens.features import FeatureMatrix, Stat

TOP_ROWS = 200
TOP_SHARE = 0.002
"""The paper's kinds hold about 0.1 % of its rows; at least 200."""
MOST = 0.2
"""Of all rows, in a kind found by score; so few rows that 200 would be more get smaller kinds."""
COMMON = 0.5
"""A rule that more prompts show than this makes no kind: outside would be the exception."""


@dataclass(frozen=True)
class PromptKind:
    """One kind of prompt."""

    id: str
    lens: str
    members: tuple[str, ...]
    """Column ids of the lens; one for a rule."""
    label: str = ""
    keywords: tuple[str, ...] = ()

    @property
    def rule(self) -> bool:
        """Whether it is one column of a lens of rules."""
        return len(self.members) == 1


def kind_id(lens: str, members: Sequence[str]) -> str:
    """The hash of the sorted members, whatever order they were found in."""
    digest = hashlib.sha256("\n".join([lens, *sorted(members)]).encode()).hexdigest()
    return f"prompt:{digest[:12]}"


def n_top(n_rows: int) -> int:
    """Rows inside a kind that is found by score."""
    return min(max(TOP_ROWS, int(np.ceil(TOP_SHARE * n_rows))), int(MOST * n_rows))


def find_kinds(features: Sequence[FeatureMatrix], pairs: Sequence[Pair], *, seed: int) -> tuple[PromptKind, ...]:
    """The kinds of prompt of one set, by every lens that reads prompts.

    Args:
        features: one matrix per lens, over these rows.
        pairs: the rows, for the kinds' words.
        seed: of SVD and k-means.
    """
    kinds: list[PromptKind] = []
    for part in features:
        ids = [c.id for c in part.columns]
        if ("prompt", "max") in part.values:
            x = part.values["prompt", "max"]
            fired = np.asarray((x > 0).sum(axis=0)).ravel()
            keep = np.flatnonzero((fired >= min_firing(x.shape[0])) & (fired <= MAX_SHARE * x.shape[0]))
            x = x[:, keep]
            groups = cluster_columns(x, moments(x), seed=seed)
            members = [tuple(sorted(ids[keep[j]] for j in g)) for g in groups if len(g) > 1]
        elif ("prompt", "value") in part.values:
            members = [(c.id,) for c in part.columns]
        else:
            continue
        kinds += [PromptKind(kind_id(part.lens, m), part.lens, m) for m in members]
    membership = place(kinds, features)
    kept = [k for k in range(len(kinds)) if membership[k].nnz]
    return _named([kinds[k] for k in kept], membership[kept], features, pairs)


def place(kinds: Sequence[PromptKind], features: Sequence[FeatureMatrix]) -> Any:
    """Which rows are inside each kind: sparse `(n_kinds, n_rows)`."""
    from scipy.sparse import csr_matrix

    by_lens = {f.lens: f for f in features}
    n = len(features[0])
    inside = [_rows(k, by_lens[k.lens]) for k in kinds]
    cells = np.concatenate(inside) if inside else np.zeros(0, dtype=np.int64)
    indptr = np.cumsum([0, *(len(rows) for rows in inside)])
    return csr_matrix((np.ones(len(cells), dtype=bool), cells, indptr), shape=(len(kinds), n))


def _rows(kind: PromptKind, part: FeatureMatrix) -> Ints:
    at = [part.position(m) for m in kind.members]
    n = len(part)
    stat: Stat = "value" if kind.rule else "max"
    score = np.asarray(part.values["prompt", stat][:, at].mean(axis=1), dtype=np.float64).ravel()
    if kind.rule and part.columns[at[0]].contrast == "presence":
        rows = np.flatnonzero(score > part.columns[at[0]].tau)
        return rows if len(rows) <= COMMON * n else rows[:0]
    return _top(score, part.groups, n_top(n))


def _top(score: Floats, groups: Sequence[str], most: int) -> Ints:
    """The rows of the highest scores above zero, prompt by prompt: a prompt is inside whole or not at all.

    Of prompts with one score all are inside or none, so that the order of the rows decides nothing: where those at the
    edge are too many, it is the ones above them.
    """
    rows_of: dict[str, list[int]] = {}
    best: dict[str, float] = {}
    for i, g in enumerate(groups):
        rows_of.setdefault(g, []).append(i)
        best[g] = max(best.get(g, 0.0), float(score[i]))
    taken: list[int] = []
    above = sorted((g for g in best if best[g] > 0), key=lambda g: -best[g])
    for _, tied in itertools.groupby(above, key=lambda g: best[g]):
        level = [rows_of[g] for g in tied]
        # whole prompts: the last may go over the edge, as one alone would
        if len(taken) >= most or len(taken) + sum(map(len, level)) >= most + max(map(len, level)):
            break
        taken += itertools.chain.from_iterable(level)
    return np.sort(np.array(taken, dtype=np.int64))


def _named(
    kinds: Sequence[PromptKind], membership: Any, features: Sequence[FeatureMatrix], pairs: Sequence[Pair]
) -> tuple[PromptKind, ...]:
    words = prompt_words(pairs, membership)
    column_of = {c.id: c for f in features for c in f.columns}
    out = []
    for kind, found in zip(kinds, words, strict=True):
        column = column_of[kind.members[0]]
        most = "" if column.contrast == "presence" else "most "
        label = f"prompt: {most}{column.label}" if kind.rule else ", ".join(found[:4])
        out.append(replace(kind, label=label or "no distinctive words", keywords=found))
    return tuple(out)
