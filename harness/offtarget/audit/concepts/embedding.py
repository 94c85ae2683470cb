"""Clusters of latents that vary together over rows: the groups of the prompt-conditioned (local) view.

arXiv 2606.12360, section on prompt-conditioned hypotheses: each latent's column over rows is standardised with
the moments of all rows, a truncated SVD of a sample of rows embeds it (column f of ΣVᵀ, brought to unit
length), and k-means groups the embeddings. The number of clusters is not in the paper; here a cluster has
about 40 latents, and there are at most 512.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints

COMPONENTS = 128
SAMPLE_ROWS = 30_000
SAMPLE_ENTRIES = 2e7
"""Stored values of the rows that clusters are learnt from, at most (half a minute and half a GB)."""
LATENTS_PER_CLUSTER = 40
MAX_CLUSTERS = 512
MIN_SD = 1e-6
"""Divides where a column varies less."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and standard deviation (n) of each column over all rows, `(n_columns,)`."""

    mean: Floats
    sd: Floats


@dataclass(frozen=True, eq=False)
class Seen:
    """What going through the rows of a sparse matrix once tells of its columns, each `(n_columns,)`."""

    fired: Ints
    """Rows with a value above zero."""
    moments: Moments
    size: Floats
    """Mean absolute value."""


def see(blocks: Iterable[Any], width: int) -> Seen:
    """Go through a matrix block of rows by block of rows, so that it need not be in memory.

    Args:
        blocks: sparse rows, one block after another.
        width: columns.
    """
    fired = np.zeros(width, dtype=np.int64)
    total, square, size = np.zeros(width), np.zeros(width), np.zeros(width)
    n = 0
    for block in blocks:
        n += block.shape[0]
        x = block.data.astype(np.float64)
        fired += np.bincount(block.indices[block.data > 0], minlength=width)
        total += np.bincount(block.indices, x, minlength=width)
        square += np.bincount(block.indices, x**2, minlength=width)
        size += np.bincount(block.indices, np.abs(x), minlength=width)
    n = max(n, 1)
    mean = total / n
    return Seen(fired, Moments(mean, np.sqrt(np.maximum(square / n - mean**2, 0.0))), size / n)


def sample_rows(entries: Ints, seed: int) -> Ints | None:
    """The rows from which clusters are learnt where all are too many; None: all are.

    Args:
        entries: stored values of each row.
        seed: of the draw.
    """
    n = len(entries)
    most = min(SAMPLE_ROWS, int(SAMPLE_ENTRIES / max(entries.mean(), 1.0))) if n else 0
    return None if n <= most else np.sort(np.random.default_rng(seed).permutation(n)[:most])


def embed(x: Any, of: Moments, *, seed: int) -> Floats:
    """Unit vectors `(n_columns, n_components)` of the columns of x, close where columns vary together.

    Args:
        x: sparse `(n_rows, n_columns)`, all rows or a sample of them (`sample_rows`).
        of: moments over all rows.
        seed: of the iteration's start.
    """
    from scipy.sparse.linalg import LinearOperator, svds

    rng = np.random.default_rng(seed)
    x = x.astype(np.float64)
    scale = 1 / np.maximum(of.sd, MIN_SD)

    def forward(v: NDArray[Any]) -> NDArray[Any]:
        v = scale * v.ravel()
        return np.asarray(x @ v - of.mean @ v)

    def back(w: NDArray[Any]) -> NDArray[Any]:
        w = w.ravel()
        return np.asarray(scale * (x.T @ w - of.mean * w.sum()))

    k = min(COMPONENTS, min(x.shape) - 1)
    standardised = LinearOperator(x.shape, matvec=forward, rmatvec=back, dtype=np.float64)
    _, s, vt = svds(standardised, k=k, v0=rng.normal(size=min(x.shape)))
    e = (s[:, None] * vt).T
    norm = np.linalg.norm(e, axis=1, keepdims=True)
    return np.asarray(np.divide(e, norm, out=np.zeros_like(e), where=norm > 0))


def n_clusters(n_columns: int) -> int:
    """K: one cluster for 40 latents, between 2 and 512."""
    return int(np.clip(round(n_columns / LATENTS_PER_CLUSTER), 2, MAX_CLUSTERS))


def cluster_columns(x: Any, of: Moments, *, seed: int) -> list[Ints]:
    """Groups of columns that vary together, the largest first; none below four columns."""
    from sklearn.cluster import MiniBatchKMeans

    if min(x.shape) < 4:
        return []
    e = embed(x, of, seed=seed)
    model = MiniBatchKMeans(n_clusters(len(e)), random_state=seed, n_init=3, batch_size=4096)
    label = model.fit_predict(e)
    groups = [np.flatnonzero(label == k) for k in range(int(label.max()) + 1)]
    return sorted((g for g in groups if len(g)), key=lambda g: (-len(g), int(g[0])))
