"""Topics: parts of the data that lie close together, found without knowing which response was chosen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.spaces import SPACES, By, Points, Space, unit
from offtarget.audit.concepts.words import prompt_words
from offtarget.audit.statistics.inside import partition
from offtarget.audit.statistics.means import Ints
from offtarget.data.pairs import Pair

ROWS_PER_TOPIC = 480
MIN_TOPICS, MAX_TOPICS = 8, 512
MIN_MEAN_SIZE = 50
SILENT = -1
_BLOCK = 8192
"""Rows placed at once."""


@dataclass(frozen=True, eq=False)
class Topics:
    """Centroids on the unit sphere of a space in which new rows can be placed."""

    space: Space
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    keywords: tuple[tuple[str, ...], ...]
    centroids: NDArray[np.float32]
    """`(n_topics, n_dims)`, unit rows."""

    def __len__(self) -> int:
        return len(self.ids)

    def assign(self, source: Any) -> Ints:
        """Topic number of each row, or -1 for rows that show nothing to place them by.

        Args:
            source: what the space reads: pairs (words), symmetric activity `(n_pairs, n_clusters)` (clusters) or the
                features of a lens (latents).
        """
        return self.place(self.space.points(source))

    def place(self, points: Points) -> Ints:
        """The nearest centroid of each row; -1 where it is silent."""
        codes = np.full(len(points.at), SILENT, dtype=np.int64)
        for start in range(0, len(codes), _BLOCK):
            rows = slice(start, start + _BLOCK)
            codes[rows] = np.argmax(points.at[rows] @ self.centroids.T, axis=1)
        codes[points.silent] = SILENT
        return codes

    def table(self) -> dict[str, Any]:
        """The part for `vocabulary.json`."""
        return {
            "by": self.space.by,
            "ids": self.ids,
            "labels": self.labels,
            "keywords": self.keywords,
            "space": self.space.table(),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The part for `vocabulary.npz`."""
        return {"centroids": self.centroids, **self.space.arrays()}

    @classmethod
    def restore(cls, table: dict[str, Any], arrays: dict[str, Any]) -> "Topics":
        """The inverse of `table` and `arrays`."""
        return cls(
            space=SPACES[table["by"]].restore(table["space"], arrays),
            ids=tuple(table["ids"]),
            labels=tuple(table["labels"]),
            keywords=tuple(tuple(k) for k in table["keywords"]),
            centroids=arrays["centroids"],
        )


def n_topics(n_rows: int) -> int:
    """K = N/480 kept within 8 and 512, then lowered so that the mean topic has at least 50 rows."""
    return min(int(np.clip(n_rows // ROWS_PER_TOPIC, MIN_TOPICS, MAX_TOPICS)), n_rows // MIN_MEAN_SIZE)


def find_topics(pairs: Sequence[Pair], by: By, source: Any, *, seed: int) -> tuple[Topics, Ints] | None:
    """Cluster the rows; None where there are too few rows, latents or words for two topics.

    Args:
        pairs: the rows, which name the topics.
        by: the space in which rows are clustered.
        source: what that space reads; see `Topics.assign`.
        seed: of principal components and k-means.

    Returns:
        The topics, and the topic number of each row (what `assign` would say of them).
    """
    found = SPACES[by].fit(source, seed)
    if found is None:
        return None
    space, points = found
    k = n_topics(int((~points.silent).sum()))
    if k < 2:
        return None
    centroids = _spherical_k_means(points.at[~points.silent], k, seed)
    topics = Topics(space, (), (), (), centroids)
    codes = topics.place(points)
    filled = np.unique(codes[~points.silent])
    if len(filled) < k:
        topics = replace(topics, centroids=np.ascontiguousarray(topics.centroids[filled]))
        codes = topics.place(points)
    return _named(topics, pairs, codes), codes


def _named(topics: Topics, pairs: Sequence[Pair], codes: Ints) -> Topics:
    """Give each topic the hash of its sorted members as id, and label it by its prompts."""
    n = len(topics.centroids)
    ids = []
    for k in range(n):
        members = sorted(pairs[i].id for i in np.flatnonzero(codes == k).tolist())
        ids.append("topic:" + hashlib.sha256("\n".join(members).encode()).hexdigest()[:12])
    words = prompt_words(pairs, partition(codes, n))
    labels = [", ".join(w[:4]) or "no distinctive words" for w in words]
    return replace(topics, ids=tuple(ids), labels=tuple(labels), keywords=tuple(words))


def _spherical_k_means(points: NDArray[Any], k: int, seed: int) -> NDArray[np.float32]:
    """Mini-batch k-means on unit rows, its centroids brought back to the sphere."""
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(
        k, random_state=seed, n_init=3, batch_size=4096, reassignment_ratio=0.01, compute_labels=False
    )
    model.fit(points)
    return unit(model.cluster_centers_).astype(np.float32)
