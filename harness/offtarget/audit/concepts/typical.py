"""The prompts that are typical of a context: what a person needs to see to know what its keywords are about."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from offtarget.audit.concepts.words import WORD_PATTERN
from offtarget.data.pairs import Pair, text_of

TYPICAL = 2
MAX_TERMS = 20_000
APART = 0.4
"""Cosine of two typical prompts at the most, where there are such."""
CANDIDATES = 100
"""The nearest prompts of a context that are looked at."""
BEGINS = 40
"""Characters in which typical prompts differ."""


def typical_rows(pairs: Sequence[Pair], membership: Any, n: int = TYPICAL) -> list[tuple[str, ...]]:
    """Ids of rows whose prompts lie nearest to the mean of a context's prompts, by their words (TF-IDF, cosine).

    A prompt counts once in each context. Those after the first are the nearest that begin otherwise and are not nearly
    the same.

    Args:
        pairs: the rows.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`.
        n: rows of a context at the most; fewer where it has fewer different prompts.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    number: dict[str, int] = {}
    prompt: Any = np.array([number.setdefault(p.group, len(number)) for p in pairs])
    row_of = {p.group: i for i, p in reversed(list(enumerate(pairs)))}
    first = [row_of[g] for g in number]
    words = TfidfVectorizer(token_pattern=WORD_PATTERN, stop_words="english", sublinear_tf=True, max_features=MAX_TERMS)
    try:
        at = words.fit_transform([text_of(pairs[i].prompt[-1:]) for i in first])
    except ValueError:  # no words at all
        at = csr_matrix((len(first), 1))
    out = []
    for k in range(membership.shape[0]):
        rows = membership[k].indices
        mine, where = np.unique(prompt[rows], return_index=True)
        inside = dict(zip(mine.tolist(), rows[where].tolist(), strict=True))
        near = np.asarray(at[mine] @ np.asarray(at[mine].mean(axis=0)).T).ravel() if len(mine) else mine
        mine = mine[np.argsort(-near, kind="stable")][:CANDIDATES]
        alike = (at[mine] @ at[mine].T).toarray()
        found: list[int] = []
        said: set[str] = set()
        for apart in (APART, 1.0):  # prompts that differ; of a context of one prompt in many forms, any two
            for i, j in enumerate(mine):
                begins = _begins(pairs[first[j]])
                if len(found) < n and begins not in said and (alike[i, found] <= apart).all():
                    found.append(i)
                    said.add(begins)
        out.append(tuple(pairs[inside[int(mine[i])]].id for i in found))
    return out


def _begins(pair: Pair) -> str:
    """The beginning of a prompt, by which a person knows it."""
    return " ".join(text_of(pair.prompt[-1:]).split()).casefold()[:BEGINS]
