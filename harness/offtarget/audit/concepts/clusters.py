"""Clusters of latents that fire on the same responses: NMI graph, Leiden communities.

arXiv 2606.12360, appendix on feature clusters: latents are binarised by whether they fired on a text; the
graph keeps the 1 % of pairs with the largest normalised mutual information; Leiden communities with at
least 4 latents are clusters. Texts are the individual responses, both sides stacked: on differences,
opposites would look alike.

Two additions to the paper: an edge needs firing together beyond chance (more often than expected, and a
likelihood-ratio test at 0.05 over all pairs), so that opposites and noise get none; and with few latents
the graph keeps four pairs a latent, where 1 % would tear real families apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from offtarget.audit.statistics.means import Floats, Ints

MIN_CLUSTER = 4
OTHER_SEEDS = 4
"""Seeds of Leiden besides the audit's, to say how stable a cluster is."""
MAX_SHARE = 0.8
EDGE_SHARE = 0.01
EDGES_PER_LATENT = 4
ALPHA = 0.05
MAX_SINGLES = 1000
GOOD_SIZE = 25
"""What the mean cluster should have. The mean, since the median of a dozen clusters jumps at the slightest change of
the data, and with it would the number of clusters."""
RESOLUTIONS = tuple(2 ** (k / 2) for k in range(11))
"""Tried upwards, from 1 to 32."""
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class LatentClusters:
    """Column numbers of clustered and single latents."""

    clusters: tuple[tuple[int, ...], ...]
    singles: tuple[int, ...]
    """Kept latents of no cluster, the most often firing first, at most 1000."""
    left_out: dict[str, int]
    resolution: float
    stability: tuple[float, ...]
    """Of each cluster: the mean, over other seeds of Leiden, of its largest Jaccard overlap with a cluster there."""


def min_firing(n_responses: int) -> int:
    """Responses a latent must fire on to be kept.

    0.5 % of them, but never fewer than 10 nor (below 2 million responses) more than 200; above, 1e-4.
    """
    return int(max(10, min(np.ceil(0.005 * n_responses), 200), np.ceil(1e-4 * n_responses)))


def cluster_latents(chosen: Any, rejected: Any, *, seed: int) -> LatentClusters:
    """Cluster the latents of one lens over one set of pairs.

    Args:
        chosen: firing frequency, sparse `(n_pairs, n_latents)`.
        rejected: the same of the other side.
        seed: of Leiden.
    """
    from scipy.sparse import csc_matrix, vstack

    fired = csc_matrix(vstack([chosen, rejected]) > 0, dtype=np.float32)
    n = fired.shape[0]
    counts = np.asarray(fired.sum(axis=0), dtype=np.float64).ravel()
    rare, common = counts < min_firing(n), counts > MAX_SHARE * n
    keep = np.flatnonzero(~rare & ~common)
    left_out = {
        "latents that never fire": int((counts == 0).sum()),
        f"latents on fewer than {min_firing(n)} responses": int((rare & (counts > 0)).sum()),
        "latents on over 80 % of responses": int(common.sum()),
    }
    groups, resolution, again = _communities(fired[:, keep], counts[keep], seed)
    found = {tuple(int(j) for j in keep[g]): _overlap(g, again) for g in groups if len(g) >= MIN_CLUSTER}
    clusters = sorted(found, key=lambda c: (-len(c), c))
    taken = {j for c in clusters for j in c}
    singles = sorted((int(j) for j in keep if j not in taken), key=lambda j: (-counts[j], j))
    left_out[f"single latents beyond {MAX_SINGLES}"] = max(len(singles) - MAX_SINGLES, 0)
    return LatentClusters(
        tuple(clusters),
        tuple(singles[:MAX_SINGLES]),
        {k: v for k, v in left_out.items() if v},
        resolution,
        tuple(found[c] for c in clusters),
    )


def nmi(both: Floats, a: Floats, b: Floats, n: int) -> tuple[Floats, Floats]:
    """Normalised mutual information of two binary variables, MI/√(H_a H_b), negative where they repel.

    Args:
        both: count of texts where both fire, `(rows, columns)`.
        a: count of texts where the row latent fires, `(rows, 1)`.
        b: the column latent's, `(1, columns)`.
        n: texts.

    Returns:
        NMI, and the G statistic of independence, 2·n·MI.
    """
    p11, pa, pb = both / n, a / n, b / n
    mutual = _entropy(pa) + _entropy(pb)  # MI = H_a + H_b - H_ab
    for joint in (p11, pa - p11, pb - p11, 1 - pa - pb + p11):
        mutual = mutual + np.where(joint > 1e-12, joint * np.log(np.maximum(joint, 1e-12)), 0.0)
    mutual = np.maximum(mutual, 0.0)
    entropy = np.sqrt(_entropy(pa) * _entropy(pb))
    value = np.minimum(mutual / np.maximum(entropy, 1e-12), 1.0)
    return np.where(p11 >= pa * pb, value, -value), 2 * n * mutual


def _entropy(p: Floats) -> Floats:
    q = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(q * np.log(q) + (1 - q) * np.log(1 - q)))


def _edges(fired: Any, counts: Floats) -> tuple[Ints, Ints, Floats]:
    """The pairs with the largest NMI of those that fire together beyond chance: rows, columns, weights.

    By blocks of 512 latents; no more than the wanted pairs are kept between blocks, so memory stays flat.
    """
    from scipy import stats

    n, size = fired.shape
    n_pairs = size * (size - 1) / 2
    wanted = int(max(np.ceil(EDGE_SHARE * n_pairs), EDGES_PER_LATENT * size))
    beyond_chance = stats.chi2.isf(ALPHA / n_pairs, 1)
    kept: tuple[Ints, Ints, Floats] = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        both = np.asarray((fired[:, start:stop].T @ fired[:, start:]).todense(), dtype=np.float64)
        value, g = nmi(both, counts[start:stop, None], counts[None, start:], n)
        r, c = np.nonzero(np.triu((value > 0) & (g > beyond_chance), k=1))
        found = (r + start, c + start, value[r, c])
        rows, columns, weights = (np.concatenate(x) for x in zip(kept, found, strict=True))
        best = np.sort(np.argsort(-weights, kind="stable")[:wanted])
        kept = (rows[best], columns[best], weights[best])
    return kept


def _communities(fired: Any, counts: Floats, seed: int) -> tuple[list[Ints], float, list[Ints]]:
    """Leiden communities at the resolution whose mean cluster is nearest to `GOOD_SIZE`, on a logarithmic scale.

    Returns:
        The communities, the resolution, and for each of `OTHER_SEEDS` further seeds the community of every latent.
    """
    from scipy.sparse import coo_matrix
    from sknetwork.clustering import Leiden

    size = fired.shape[1]
    if size < MIN_CLUSTER:
        return [], RESOLUTIONS[0], []
    rows, columns, weights = _edges(fired, counts)
    if len(rows) == 0:
        return [], RESOLUTIONS[0], []
    graph = coo_matrix((weights, (rows, columns)), shape=(size, size))
    graph = (graph + graph.T).tocsr()

    def partition(resolution: float, seed: int) -> Ints:
        return np.asarray(Leiden(resolution=resolution, random_state=seed).fit_predict(graph), dtype=np.int64)

    best: tuple[float, list[Ints], float] | None = None
    for resolution in RESOLUTIONS:
        labels = partition(resolution, seed)
        groups = [np.flatnonzero(labels == k) for k in range(int(labels.max()) + 1)]
        sizes = [len(g) for g in groups if len(g) >= MIN_CLUSTER]
        if not sizes:
            continue
        mean = float(np.mean(sizes))
        miss = abs(float(np.log(mean / GOOD_SIZE)))
        if best is None or miss < best[0]:
            best = (miss, groups, resolution)
        if mean <= GOOD_SIZE:
            break
    if best is None:
        return [], RESOLUTIONS[0], []
    again = [partition(best[2], seed + 1 + k) for k in range(OTHER_SEEDS)]
    return best[1], best[2], again


def _overlap(group: Ints, partitions: Sequence[Ints]) -> float:
    """Mean over partitions of the group's largest Jaccard overlap with one of their parts."""
    best = []
    for labels in partitions:
        parts, inside = np.unique(labels[group], return_counts=True)
        whole = np.array([(labels == p).sum() for p in parts])
        best.append(float((inside / (len(group) + whole - inside)).max()))
    return float(np.mean(best)) if best else 0.0
