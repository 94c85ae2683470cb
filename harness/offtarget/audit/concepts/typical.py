"""The prompts that are typical of a context: what a person needs to see to know what its keywords are about."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from offtarget.audit.concepts.words import WORD_PATTERN
from offtarget.data.pairs import Pair, text_of

TYPICAL = 2
MAX_TERMS = 20_000


def typical_rows(pairs: Sequence[Pair], membership: Any, n: int = TYPICAL) -> list[tuple[str, ...]]:
    """Ids of rows whose prompts lie nearest to the mean of a context's prompts, by their words (TF-IDF, cosine).

    A prompt counts once in each context, and of prompts with one last turn the first is taken.

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
    words = TfidfVectorizer(
        token_pattern=WORD_PATTERN, stop_words="english", sublinear_tf=True, max_features=MAX_TERMS
    )
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
        found: dict[str, str] = {}
        for j in mine[np.argsort(-near, kind="stable")]:
            p = pairs[inside[int(j)]]
            found.setdefault(" ".join(text_of(p.prompt[-1:]).split()).casefold(), p.id)
            if len(found) == n:
                break
        out.append(tuple(found.values()))
    return out
