"""Topics: parts of the data that lie close together, found without knowing which response was chosen.

Clustering on a signed difference would make the inside-outside test circular (arXiv 2606.12360), so rows are
clustered on what both responses share: the symmetric activity s_{i,m} = Σ_{g∈T_m} (c_{i,g} + r_{i,g}) over
clusters of latents, or without latents the words of prompt and both responses (TF-IDF, then SVD).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics import Floats, Ints
from offtarget.audit.words import WORD_PATTERN, count_words, keywords
from offtarget.data.pairs import Pair, text_of

ROWS_PER_TOPIC = 480
MIN_TOPICS, MAX_TOPICS = 8, 512
MIN_MEAN_SIZE = 50
SILENT_PERCENTILE = 5
COMPONENTS = 64
MAX_TERMS = 20_000
SILENT = -1


@dataclass(frozen=True, eq=False)
class Topics:
    """Centroids on the unit sphere, and all that is needed to place new rows among them."""

    kind: Literal["latent", "text"]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]
    centroids: NDArray[np.float32]
    """`(n_topics, n_dims)`, unit rows."""
    silent_below: float = 0.0
    """Rows whose activity has a smaller norm belong to no topic (latent topics)."""
    terms: tuple[str, ...] = ()
    idf: NDArray[np.float32] | None = None
    components: NDArray[np.float32] | None = None
    """`(n_dims, n_terms)` (text topics)."""

    def __len__(self) -> int:
        return len(self.ids)

    def assign(self, pairs: Sequence[Pair], activity: NDArray[Any] | None) -> Ints:
        """Topic number of each row, or -1 for rows that show nothing to place them by.

        Args:
            pairs: the rows.
            activity: symmetric activity `(n_pairs, n_clusters)`, for latent topics.
        """
        if self.kind == "latent":
            assert activity is not None
            norm = np.linalg.norm(activity, axis=1)
            points, silent = _unit(activity), norm <= self.silent_below
        else:
            assert self.idf is not None
            assert self.components is not None
            points = _unit(_weigh(_count_terms(pairs, self.terms), self.idf) @ self.components.T)
            silent = ~points.any(axis=1)
        codes: Ints = np.argmax(points @ self.centroids.T, axis=1).astype(np.int64)
        codes[silent] = SILENT
        return codes

    def table(self) -> dict[str, Any]:
        """The part for `vocabulary.json`."""
        return {
            "kind": self.kind,
            "ids": self.ids,
            "labels": self.labels,
            "keywords": self.keywords,
            "silent_below": self.silent_below,
            "terms": self.terms,
        }

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The part for `vocabulary.npz`."""
        found = {"centroids": self.centroids, "idf": self.idf, "components": self.components}
        return {name: a for name, a in found.items() if a is not None}

    @classmethod
    def restore(cls, table: dict[str, Any], arrays: dict[str, Any]) -> "Topics":
        """The inverse of `table` and `arrays`."""
        return cls(
            kind=table["kind"],
            ids=tuple(table["ids"]),
            labels=tuple(table["labels"]),
            keywords=tuple(tuple(k) for k in table["keywords"]),
            centroids=arrays["centroids"],
            silent_below=table["silent_below"],
            terms=tuple(table["terms"]),
            idf=arrays.get("idf"),
            components=arrays.get("components"),
        )


def n_topics(n_rows: int) -> int:
    """K = N/480 kept within 8 and 512, then lowered so that the mean topic has at least 50 rows."""
    return min(int(np.clip(n_rows // ROWS_PER_TOPIC, MIN_TOPICS, MAX_TOPICS)), n_rows // MIN_MEAN_SIZE)


def find_topics(pairs: Sequence[Pair], activity: NDArray[Any] | None, *, seed: int) -> Topics | None:
    """Cluster the rows; None where there are too few rows or words for two topics.

    Args:
        pairs: the rows.
        activity: symmetric activity of latent clusters `(n_pairs, n_clusters)`; None to go by words.
        seed: of SVD and k-means.
    """
    terms: tuple[str, ...] = ()
    idf = components = None
    silent_below = 0.0
    if activity is not None:
        norm = np.linalg.norm(activity, axis=1)
        silent_below = float(np.percentile(norm, SILENT_PERCENTILE))
        points = _unit(activity[norm > silent_below])
    else:
        found = _text_space(pairs, seed)
        if found is None:
            return None
        terms, idf, components = found
        points = _unit(_weigh(_count_terms(pairs, terms), idf) @ components.T)
        points = points[points.any(axis=1)]
    k = n_topics(len(points))
    if k < 2:
        return None
    centroids = _spherical_k_means(points, k, seed)
    blank = tuple("" for _ in range(len(centroids)))
    topics = Topics(
        kind="text" if activity is None else "latent",
        ids=blank,
        labels=blank,
        keywords=tuple(() for _ in blank),
        centroids=centroids,
        silent_below=silent_below,
        terms=terms,
        idf=idf,
        components=components,
    )
    return _named(topics, pairs, topics.assign(pairs, activity))


def _named(topics: Topics, pairs: Sequence[Pair], codes: Ints) -> Topics:
    """Drop empty topics, give each the hash of its sorted members as id, and label it by its prompts."""
    filled = [k for k in range(len(topics)) if (codes == k).any()]
    ids = []
    for k in filled:
        members = sorted(pairs[i].id for i in np.flatnonzero(codes == k).tolist())
        ids.append("topic:" + hashlib.sha256("\n".join(members).encode()).hexdigest()[:12])
    words = _prompt_words(pairs, codes, filled)
    labels = [", ".join(w[:4]) or "no telling words" for w in words]
    return replace(
        topics,
        ids=tuple(ids),
        labels=tuple(labels),
        keywords=tuple(words),
        centroids=np.ascontiguousarray(topics.centroids[filled]),
    )


def _prompt_words(pairs: Sequence[Pair], codes: Ints, topics: Sequence[int]) -> list[tuple[str, ...]]:
    """Contrastive keywords of each topic's prompts; a prompt counts once in each topic it has rows in."""
    place = {k: j for j, k in enumerate(topics)}
    entries = sorted(
        {
            (place[int(k)], p.group): i for i, (p, k) in enumerate(zip(pairs, codes, strict=True)) if k >= 0
        }.items()
    )
    words, counts = count_words((text_of(pairs[i].prompt) for _, i in entries), min_texts=2)
    inside = np.zeros((len(topics), len(words)))
    for (k, _), row in zip((key for key, _ in entries), range(len(entries)), strict=True):
        inside[k, counts.indices[counts.indptr[row] : counts.indptr[row + 1]]] += 1
    return keywords(inside, inside.sum(axis=0), words)


def _text_space(pairs: Sequence[Pair], seed: int) -> tuple[tuple[str, ...], Any, Any] | None:
    """Terms, their idf, and the SVD components of the TF-IDF matrix of prompt and both responses."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        token_pattern=WORD_PATTERN, stop_words="english", min_df=3, max_df=0.5, max_features=MAX_TERMS
    )
    try:
        counts = vectorizer.fit_transform(_texts(pairs))
    except ValueError:
        return None
    terms = tuple(vectorizer.get_feature_names_out())
    if len(terms) < 3:
        return None
    df = np.bincount(counts.indices, minlength=len(terms))
    idf = (np.log((1 + len(pairs)) / (1 + df)) + 1).astype(np.float32)
    svd = TruncatedSVD(min(COMPONENTS, len(terms) - 1), random_state=seed)
    svd.fit(_weigh(counts, idf))
    return terms, idf, svd.components_.astype(np.float32)


def _texts(pairs: Sequence[Pair]) -> list[str]:
    return [f"{text_of(p.prompt)}\n{text_of(p.chosen)}\n{text_of(p.rejected)}" for p in pairs]


def _count_terms(pairs: Sequence[Pair], terms: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=WORD_PATTERN, vocabulary=list(terms)).transform(_texts(pairs))


def _weigh(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Sublinear TF-IDF with unit rows, sparse."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    weighted = csr_matrix(counts, dtype=np.float32, copy=True)
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    return normalize(weighted, copy=False)


def _spherical_k_means(points: NDArray[Any], k: int, seed: int) -> NDArray[np.float32]:
    """Mini-batch k-means on unit rows, its centroids brought back to the sphere."""
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(k, random_state=seed, n_init=3, batch_size=4096, reassignment_ratio=0.01)
    model.fit(points)
    return _unit(model.cluster_centers_).astype(np.float32)


def _unit(x: NDArray[Any]) -> Floats:
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.divide(x, norm, out=np.zeros_like(x, dtype=np.float64), where=norm > 0))
