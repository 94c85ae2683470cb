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
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.lens.storage import row_blocks

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
WORK = 4e10
"""Pairs of latents on one response, summed over responses, that are counted (a minute or two). Where there are more, as on more
than 2,000 pairs at 3,000 latents a response, responses are drawn."""
LEAST_ROWS = 1000
"""Pairs that are looked at whatever it costs."""
SLACK = 0.999
"""Of a bound in single precision."""
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


def firing(chosen: Any, rejected: Any) -> Ints:
    """Responses of either side on which each latent fires, `(n_latents,)`.

    Args:
        chosen: firing frequency, sparse `(n_pairs, n_latents)`; it may lie on disk.
        rejected: the same of the other side.
    """
    counts = np.zeros(chosen.shape[1], dtype=np.int64)
    for _, blocks in row_blocks(chosen, rejected):
        for block in blocks:
            counts += np.bincount(block.indices[block.data > 0], minlength=len(counts))
    return counts


def cluster_latents(chosen: Any, rejected: Any, *, seed: int) -> LatentClusters:
    """Cluster the latents of one lens over one set of pairs.

    Args:
        chosen: firing frequency, sparse `(n_pairs, n_latents)`; it may lie on disk.
        rejected: the same of the other side.
        seed: of Leiden, and of the sample of responses where they are many.
    """
    from scipy.sparse import csc_matrix, vstack

    n = 2 * chosen.shape[0]
    counts = firing(chosen, rejected)
    rare, common = counts < min_firing(n), counts > MAX_SHARE * n
    keep = np.flatnonzero(~rare & ~common)
    left_out = {
        "latents that never fire": int((counts == 0).sum()),
        f"latents on fewer than {min_firing(n)} responses": int((rare & (counts > 0)).sum()),
        "latents on over 80 % of responses": int(common.sum()),
    }
    rows = _sample(chosen, rejected, seed)
    sides = [chosen, rejected] if rows is None else [chosen[rows], rejected[rows]]
    fired = csc_matrix(vstack(sides) > 0, dtype=np.float32)[:, keep]
    groups, resolution, again = _communities(fired, np.asarray(fired.sum(axis=0), dtype=np.float64).ravel(), seed)
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


def _sample(chosen: Any, rejected: Any, seed: int) -> Ints | None:
    """The pairs whose responses are looked at; None: all. Two latents on one response are counted once each."""
    together = np.diff(chosen.indptr).astype(np.float64) ** 2 + np.diff(rejected.indptr).astype(np.float64) ** 2
    n = len(together)
    if together.sum() <= WORK:
        return None
    most = min(n, max(LEAST_ROWS, int(n * WORK / together.sum())))
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


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

    By blocks of 512 latents; no more than twice the wanted pairs are kept between blocks, so memory stays flat.
    """
    from scipy import stats

    n, size = fired.shape
    n_pairs = size * (size - 1) / 2
    wanted = int(max(np.ceil(EDGE_SHARE * n_pairs), EDGES_PER_LATENT * size))
    beyond_chance = stats.chi2.isf(ALPHA / n_pairs, 1)
    likely = _Likely.of(counts, n, beyond_chance)
    kept: tuple[Ints, Ints, Floats] = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    fired_by_text = fired.tocsr()
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        both = np.asarray((fired[:, start:stop].T @ fired_by_text[:, start:]).todense(), dtype=np.float32)
        r, c = likely.among(both, start, kept[2].min(initial=np.inf) if len(kept[2]) >= wanted else 0.0)
        value, g = nmi(both[r, c].astype(np.float64), counts[start + r], counts[start + c], n)
        sure = (value > 0) & (g > beyond_chance)
        found = (r[sure] + start, c[sure] + start, value[sure])
        rows, columns, weights = (np.concatenate(x) for x in zip(kept, found, strict=True))
        kept = (rows, columns, weights) if len(rows) <= 2 * wanted else _largest(rows, columns, weights, wanted)
    return _largest(*kept, wanted)


def _largest(rows: Ints, columns: Ints, weights: Floats, wanted: int) -> tuple[Ints, Ints, Floats]:
    """The pairs of the largest weights, in the order that they are in; of equal ones the first."""
    if len(rows) <= wanted:
        return rows, columns, weights
    edge = np.partition(weights, len(weights) - wanted)[len(weights) - wanted]
    take = weights > edge
    take[np.flatnonzero(weights == edge)[: wanted - int(take.sum())]] = True
    return rows[take], columns[take], weights[take]


@dataclass(frozen=True, eq=False)
class _Likely:
    """Which pairs may have an edge, by a bound that costs little: MI ≤ χ², Pearson's statistic over n.

    So the likelihood ratio G = 2n·MI is at most 2n·χ², and NMI at most χ²/√(H_a H_b); what stays below what is asked for by
    these bounds need not be looked at.
    """

    n: int
    beyond: float
    """The least √χ² of an edge."""
    spread: NDArray[np.float32]
    """1/√(a(n - a)) of each latent that fires on a of n texts."""
    share: NDArray[np.float32]
    """√(a/(n - a))"""
    root: NDArray[np.float32]
    """The fourth root of its entropy."""

    @classmethod
    def of(cls, counts: Floats, n: int, beyond_chance: float) -> "_Likely":
        """Of latents by the number of texts that each fires on, and the least G of an edge."""
        rest = np.maximum(n - counts, 1e-9)
        entropy = np.maximum(_entropy(counts / n), 1e-12)
        return cls(
            n,
            float(np.sqrt(beyond_chance / (2 * n))) * SLACK,
            (1 / np.sqrt(np.maximum(counts, 1e-9) * rest)).astype(np.float32),
            np.sqrt(counts / rest).astype(np.float32),
            (entropy**0.25).astype(np.float32),
        )

    def among(self, both: NDArray[np.float32], start: int, least: float) -> tuple[Ints, Ints]:
        """Rows and columns of a block that are looked at: latents from `start` on with all that follow them.

        Args:
            both: texts on which two latents fire, `(n_rows, n_latents - start)`.
            start: the latent of the first row and column.
            least: the NMI that an edge must have by now.
        """
        rows = slice(start, start + len(both))
        chi = both * (self.n * self.spread[rows, None])
        chi *= self.spread[None, start:]
        chi -= self.share[rows, None] * self.share[None, start:]
        r, c = np.nonzero(chi > self.beyond)
        ahead = c > r
        r, c = r[ahead], c[ahead]
        if least > 0:
            bound = np.sqrt(np.float32(least)) * SLACK * self.root[start + r] * self.root[start + c]
            enough = chi[r, c] >= bound
            r, c = r[enough], c[enough]
        return r, c


def _communities(fired: Any, counts: Floats, seed: int) -> tuple[list[Ints], float, list[tuple[Ints, Ints]]]:
    """Leiden communities at the resolution whose mean cluster is nearest to `GOOD_SIZE`, on a logarithmic scale.

    Returns:
        The communities, the resolution, and for each of `OTHER_SEEDS` further seeds the community of every latent and the size
        of each community.
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
    return best[1], best[2], [(labels, np.bincount(labels)) for labels in again]


def _overlap(group: Ints, partitions: Sequence[tuple[Ints, Ints]]) -> float:
    """Mean over partitions (the part of each latent, and the size of each part) of the largest Jaccard overlap of a group with a part."""
    best = []
    for labels, sizes in partitions:
        parts, inside = np.unique(labels[group], return_counts=True)
        whole = sizes[parts]
        best.append(float((inside / (len(group) + whole - inside)).max()))
    return float(np.mean(best)) if best else 0.0
