"""Kinds of prompt: the contexts of the prompt-conditioned (local) view.

A kind is a cluster A_k of prompt latents (arXiv 2606.12360): a row's score is the mean, over the members, of
the strongest activation in its prompt, and the rows with the highest scores above zero are inside. A rule of
the surface lens makes a kind too: all prompts that show it, or for a length or a rate those with most of it.
Kinds overlap, and know nothing of the choice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from offtarget.audit.concepts.clusters import MAX_SHARE, min_firing
from offtarget.audit.concepts.embedding import Moments, cluster_columns, sample_rows, see
from offtarget.audit.concepts.words import prompt_words
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import Pair
from offtarget.lens.features import FeatureMatrix, Stat
from offtarget.lens.storage import row_blocks

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
            seen = see((block for _, (block,) in row_blocks(x)), len(ids))
            keep = np.flatnonzero((seen.fired >= min_firing(x.shape[0])) & (seen.fired <= MAX_SHARE * x.shape[0]))
            of = Moments(seen.moments.mean[keep], seen.moments.sd[keep])
            rows = sample_rows(np.diff(x.indptr), seed)
            groups = cluster_columns((x if rows is None else x[rows])[:, keep], of, seed=seed)
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

    n = len(features[0])
    inside: list[Ints] = [np.zeros(0, dtype=np.int64)] * len(kinds)
    for part in features:
        mine = [k for k, kind in enumerate(kinds) if kind.lens == part.lens]
        if not mine:
            continue
        scores = _scores([kinds[k] for k in mine], part)
        prompts = _Prompts.of(part.groups)
        for j, k in enumerate(mine):
            inside[k] = _rows(kinds[k], part, scores[:, j], prompts)
    cells = np.concatenate(inside) if inside else np.zeros(0, dtype=np.int64)
    indptr = np.cumsum([0, *(len(rows) for rows in inside)])
    return csr_matrix((np.ones(len(cells), dtype=bool), cells, indptr), shape=(len(kinds), n))


def _scores(kinds: Sequence[PromptKind], part: FeatureMatrix) -> Floats:
    """The score of every prompt for each kind of one lens, `(n_rows, n_kinds)`: one pass over the rows for all of them."""
    from scipy.sparse import csr_matrix

    position = {c.id: k for k, c in enumerate(part.columns)}
    at = [[position[m] for m in kind.members] for kind in kinds]
    weights = np.concatenate([np.full(len(a), 1 / len(a)) for a in at])
    which = np.repeat(np.arange(len(kinds)), [len(a) for a in at])
    means = csr_matrix((weights, (np.concatenate(at), which)), shape=(len(position), len(kinds)))
    stat: Stat = "value" if kinds[0].rule else "max"
    out = np.zeros((len(part), len(kinds)))
    for rows, (block,) in part.row_blocks(("prompt", stat)):
        out[rows] = (block.astype(np.float64) @ means).toarray()
    return out


def _rows(kind: PromptKind, part: FeatureMatrix, score: Floats, prompts: "_Prompts") -> Ints:
    n = len(part)
    if kind.rule:
        column = part.columns[part.position(kind.members[0])]
        if column.contrast == "presence":
            rows = np.flatnonzero(score > column.tau)
            return rows if len(rows) <= COMMON * n else rows[:0]
    return prompts.top(score, n_top(n))


@dataclass(frozen=True, eq=False)
class _Prompts:
    """Rows in the order of their prompts, and prompts in the order in which they come."""

    order: Ints
    starts: Ints
    sizes: Ints

    @classmethod
    def of(cls, groups: Sequence[str]) -> "_Prompts":
        """Of the prompt of each row."""
        number: dict[str, int] = {}
        codes = np.fromiter((number.setdefault(g, len(number)) for g in groups), np.int64, len(groups))
        sizes = np.bincount(codes)
        return cls(np.argsort(codes, kind="stable"), np.cumsum(sizes) - sizes, sizes)

    def top(self, score: Floats, most: int) -> Ints:
        """The rows of the highest scores above zero, prompt by prompt: a prompt is inside whole or not at all.

        Of prompts with one score all are inside or none, so that the order of the rows decides nothing: where those at the
        edge are too many, it is the ones above them.
        """
        best = np.maximum.reduceat(score[self.order], self.starts)
        above = np.flatnonzero(best > 0)
        if len(above) == 0:
            return above
        above = above[np.argsort(-best[above], kind="stable")]
        first = np.flatnonzero(np.concatenate([[True], np.diff(best[above]) != 0]))  # of each level of one score
        rows = np.add.reduceat(self.sizes[above], first)
        largest = np.maximum.reduceat(self.sizes[above], first)
        before = np.cumsum(rows) - rows
        # whole prompts: the last may go over the edge, as one alone would
        over = (before >= most) | (before + rows >= most + largest)
        n_levels = int(np.argmax(over)) if over.any() else len(first)
        taken = above[: first[n_levels] if n_levels < len(first) else len(above)]
        inside = np.zeros(len(self.sizes), dtype=bool)
        inside[taken] = True
        return np.sort(self.order[np.repeat(inside, self.sizes)])


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
