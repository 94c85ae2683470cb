"""Words that set one part of a corpus apart: log-odds with an informative Dirichlet prior.

Monroe, Colaresi and Quinn 2008, "Fightin' Words", eq. 16, 19 and 22: for word w in part i against the rest
j, δ = logit((y_i + α)/(n_i + α0)) - logit((y_j + α)/(n_j + α0)), its variance 1/(y_i + α) + 1/(y_j + α),
ranked by δ/sd. The prior α is the word's share of the whole corpus times α0.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import Pair, text_of

WORD_PATTERN = r"[^\W\d_][\w'’-]*[^\W_]"
PRIOR_SIZE = 500.0
MIN_Z = 1.96


def count_words(texts: Iterable[str], *, min_texts: int = 2, max_words: int = 20_000) -> tuple[list[str], Any]:
    """Which words are in which text.

    Returns:
        The words, and a sparse 0/1 matrix `(n_texts, n_words)`; English function words are left out. Empty
        if no word is in `min_texts` texts.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    texts = list(texts)
    vectorizer = CountVectorizer(
        token_pattern=WORD_PATTERN,
        stop_words="english",
        binary=True,
        min_df=min_texts,
        max_features=max_words,
        dtype=np.float64,
    )
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError:
        return [], csr_matrix((len(texts), 0))
    return list(vectorizer.get_feature_names_out()), matrix


def log_odds(inside: Floats, total: Floats, prior_size: float = PRIOR_SIZE) -> Floats:
    """The z of each word's log-odds ratio, inside against the rest.

    Args:
        inside: `(n_parts, n_words)` counts.
        total: `(n_words,)` counts in the whole corpus, the parts included.
        prior_size: α0, the weight of the prior in words.

    Returns:
        `(n_parts, n_words)`.
    """
    prior = prior_size * total / total.sum()
    rest = np.maximum(total - inside, 0.0)
    n_in = inside.sum(axis=1, keepdims=True) + prior_size
    n_out = rest.sum(axis=1, keepdims=True) + prior_size
    a, b = inside + prior, rest + prior
    delta = np.log(a / (n_in - a)) - np.log(b / (n_out - b))
    return np.asarray(delta / np.sqrt(1 / a + 1 / b))


def keywords(
    inside: Floats, total: Floats, words: Sequence[str], n: int = 8, *, always: bool = False, min_z: float = MIN_Z
) -> list[tuple[str, ...]]:
    """The words of each part with the largest z, of those beyond `min_z`; near repetitions once.

    With `always`, a part without any such word gets its largest positive ones.
    """
    if len(words) < 2 or total.sum() <= 0:  # one word has no odds against the others
        return [() for _ in range(len(inside))]
    out = []
    for z in log_odds(inside, total):
        floor = 0.0 if always and z.max() <= min_z else min_z
        best: list[str] = []
        stems: set[str] = set()
        for j in np.argsort(-z, kind="stable")[: 4 * n]:
            stem = re.sub(r"(?:['’]s|es|s)$", "", words[j])
            if z[j] > floor and stem not in stems:
                best.append(words[j])
                stems.add(stem)
        out.append(tuple(best[:n]))
    return out


def rank_auroc(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive one has a higher score than another, ties counted half (Mann-Whitney U / n₁n₀).

    Args:
        score: `(n,)`.
        positive: `(n,)`, with at least one of either kind.
    """
    from scipy.stats import rankdata

    n1 = int(positive.sum())
    u = rankdata(score)[positive].sum() - n1 * (n1 + 1) / 2
    return float(u / (n1 * (len(positive) - n1)))


def prompt_words(pairs: Sequence[Pair], membership: Any) -> list[tuple[str, ...]]:
    """Contrastive keywords of the prompts inside each context; a prompt counts once in each.

    Args:
        pairs: the rows.
        membership: sparse `(n_contexts, n_rows)`.
    """
    first: dict[str, int] = {}
    prompt: Any = np.array([first.setdefault(p.group, len(first)) for p in pairs])
    row_of = {p.group: i for i, p in reversed(list(enumerate(pairs)))}
    words, counts = count_words((text_of(pairs[row_of[g]].prompt) for g in first), min_texts=2)
    inside: NDArray[Any] = np.zeros((membership.shape[0], len(words)))
    for k in range(membership.shape[0]):
        mine = np.unique(prompt[membership[k].indices])
        inside[k] = np.asarray(counts[mine].sum(axis=0)).ravel()
    total = np.asarray(counts.sum(axis=0)).ravel() if len(words) else np.zeros(0)
    return keywords(inside, total, words, always=True)
