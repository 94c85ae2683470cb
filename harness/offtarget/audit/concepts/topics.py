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

from offtarget.audit.concepts.words import WORD_PATTERN, prompt_words
from offtarget.audit.statistics.inside import partition
from offtarget.audit.statistics.means import Floats, Ints
from offtarget.data.pairs import Pair, text_of

ROWS_PER_TOPIC = 480
MIN_TOPICS, MAX_TOPICS = 8, 512
MIN_MEAN_SIZE = 50
SILENT_PERCENTILE = 5
COMPONENTS = 64
MAX_TERMS = 20_000
SILENT = -1
_BLOCK = 8192
"""Rows placed at once."""


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
            return self.place(*_latent_points(activity, self.silent_below))
        assert self.idf is not None
        assert self.components is not None
        return self.place(*_text_points(_count_terms(pairs, self.terms), self.idf, self.components))

    def place(self, points: NDArray[Any], silent: NDArray[np.bool_]) -> Ints:
        """The nearest centroid of each unit row; -1 where it is silent."""
        codes = np.full(len(points), SILENT, dtype=np.int64)
        for start in range(0, len(points), _BLOCK):
            rows = slice(start, start + _BLOCK)
            codes[rows] = np.argmax(points[rows] @ self.centroids.T, axis=1)
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


def find_topics(
    pairs: Sequence[Pair], activity: NDArray[Any] | None, *, seed: int
) -> tuple[Topics, Ints] | None:
    """Cluster the rows; None where there are too few rows or words for two topics.

    Args:
        pairs: the rows.
        activity: symmetric activity of latent clusters `(n_pairs, n_clusters)`; None to go by words.
        seed: of SVD and k-means.

    Returns:
        The topics, and the topic number of each row (what `assign` would say of them).
    """
    space: dict[str, Any] = {}
    if activity is not None:
        space["silent_below"] = float(np.percentile(_norms(activity), SILENT_PERCENTILE))
        points, silent = _latent_points(activity, space["silent_below"])
    else:
        found = _text_space(pairs, seed)
        if found is None:
            return None
        space["terms"], counts, space["idf"], space["components"] = found
        points, silent = _text_points(counts, space["idf"], space["components"])
    k = n_topics(int((~silent).sum()))
    if k < 2:
        return None
    topics = Topics(
        kind="text" if activity is None else "latent",
        ids=(),
        labels=(),
        keywords=(),
        centroids=_spherical_k_means(points[~silent], k, seed),
        **space,
    )
    codes = topics.place(points, silent)
    filled = np.unique(codes[~silent])
    if len(filled) < k:
        topics = replace(topics, centroids=np.ascontiguousarray(topics.centroids[filled]))
        codes = topics.place(points, silent)
    return _named(topics, pairs, codes), codes


def _named(topics: Topics, pairs: Sequence[Pair], codes: Ints) -> Topics:
    """Give each topic the hash of its sorted members as id, and label it by its prompts."""
    n = len(topics.centroids)
    ids = []
    for k in range(n):
        members = sorted(pairs[i].id for i in np.flatnonzero(codes == k).tolist())
        ids.append("topic:" + hashlib.sha256("\n".join(members).encode()).hexdigest()[:12])
    words = prompt_words(pairs, partition(codes, n))
    labels = [", ".join(w[:4]) or "no telling words" for w in words]
    return replace(topics, ids=tuple(ids), labels=tuple(labels), keywords=tuple(words))


def _latent_points(
    activity: NDArray[np.float32], silent_below: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Unit rows, and which rows are too silent to be placed."""
    norm = _norms(activity)
    return activity / np.where(norm > 0, norm, 1.0).astype(np.float32)[:, None], norm <= silent_below


def _norms(activity: NDArray[np.float32]) -> Floats:
    """Euclidean norm of each row, in float64 and without a copy of the whole."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", activity, activity, dtype=np.float64)))


def _text_points(counts: Any, idf: NDArray[np.float32], components: NDArray[np.float32]) -> Any:
    """Unit rows in the space of the SVD, and which rows have no known word."""
    points = _unit(_weigh(counts, idf) @ components.T)
    return points, ~points.any(axis=1)


def _text_space(pairs: Sequence[Pair], seed: int) -> tuple[tuple[str, ...], Any, Any, Any] | None:
    """Terms, their counts and idf, and the SVD components of TF-IDF, over prompt and both responses."""
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
    return terms, counts, idf, svd.components_.astype(np.float32)


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

    model = MiniBatchKMeans(
        k, random_state=seed, n_init=3, batch_size=4096, reassignment_ratio=0.01, compute_labels=False
    )
    model.fit(points)
    return _unit(model.cluster_centers_).astype(np.float32)


def _unit(x: NDArray[Any]) -> Floats:
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.divide(x, norm, out=np.zeros_like(x, dtype=np.float64), where=norm > 0))
