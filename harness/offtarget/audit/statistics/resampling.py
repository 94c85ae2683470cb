"""Bootstrap intervals and label-shuffle nulls, both by prompt group.

With more than `MAX_UNITS` groups, the bootstrap pools groups at random into that many bins and resamples
bins: the variance stays unbiased (its own relative error is about sqrt(2/4096), 2 %), and cost no longer
grows with the dataset.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, group_sums

RESAMPLES = 1000
SHUFFLES = 200
MAX_UNITS = 4096
BLOCK = 250


def units_of(codes: Ints, rng: np.random.Generator) -> tuple[Ints, int]:
    """The resampling unit of each row (its group, or the bin its group fell into), and how many."""
    n_groups = int(codes.max()) + 1
    if n_groups <= MAX_UNITS:
        return codes, n_groups
    bins = np.arange(n_groups) % MAX_UNITS
    rng.shuffle(bins)
    return bins[codes].astype(np.int64), MAX_UNITS


def quantile_levels(n_units: int, level: float = 0.95) -> tuple[float, float]:
    """Levels of the expanded percentile interval (Hesterberg 2015, arXiv 1411.5279).

    The plain percentile interval is too narrow with few units, by sqrt((n-1)/n) and by z instead of t;
    reading it at wider levels mends both.
    """
    from scipy import stats

    t = stats.t.ppf(0.5 + level / 2, n_units - 1)
    tail = float(stats.norm.cdf(-t * np.sqrt(n_units / (n_units - 1))))
    return tail, 1 - tail


def bootstrap_mean(u: NDArray[Any], codes: Ints, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """95 % interval of each column's mean, resampling prompt groups whole.

    Args:
        u: `(n_pairs, n_columns)`.
        codes: group of each row.
        seed: of the resampling.
        resamples: bootstrap draws.

    Returns:
        `(n_columns, 2)`.
    """
    rng = np.random.default_rng(seed)
    units, n_units = units_of(codes, rng)
    sums = group_sums(u, units, n_units)
    sizes = np.bincount(units, minlength=n_units).astype(np.float64)
    draws = []
    for weights in _weights(rng, n_units, resamples):
        draws.append((weights @ sums) / (weights @ sizes)[:, None])
    return _interval(np.concatenate(draws), n_units)


def bootstrap_difference(
    u: NDArray[Any],
    membership: Any,
    pairs: list[tuple[int, int]],
    codes: Ints,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Floats:
    """95 % interval of inside mean minus outside mean for chosen (context, concept) cells.

    Args:
        u: `(n_rows, n_concepts)`.
        membership: which rows lie in which context, sparse `(n_contexts, n_rows)`.
        pairs: (context, concept) numbers.
        codes: group of each row.
        seed: of the resampling.
        resamples: bootstrap draws.

    Returns:
        `(len(pairs), 2)`. A resample in which a context has no row is left out of its quantiles.
    """
    rng = np.random.default_rng(seed)
    units, n_units = units_of(codes, rng)
    sizes = np.bincount(units, minlength=n_units).astype(np.float64)
    wanted = sorted({k for k, _ in pairs})
    place = {k: j for j, k in enumerate(wanted)}
    n_in = np.zeros((n_units, len(wanted)))
    sum_in = np.zeros((n_units, len(pairs)))
    for k in wanted:
        rows = membership[k].indices
        n_in[:, place[k]] = np.bincount(units[rows], minlength=n_units)
        mine = [j for j, (kk, _) in enumerate(pairs) if kk == k]
        sum_in[:, mine] = group_sums(
            u[np.ix_(rows, np.array([pairs[j][1] for j in mine]))], units[rows], n_units
        )
    concepts = [m for _, m in pairs]
    used = sorted(set(concepts))
    sum_all = group_sums(u[:, used], units, n_units)
    all_place = [used.index(m) for m in concepts]
    in_place = [place[k] for k, _ in pairs]
    draws = []
    for weights in _weights(rng, n_units, resamples):
        inside, total = weights @ sum_in, (weights @ sum_all)[:, all_place]
        count = (weights @ n_in)[:, in_place]
        rest = (weights @ sizes)[:, None] - count
        with np.errstate(divide="ignore", invalid="ignore"):
            draws.append(inside / count - (total - inside) / rest)
    return _interval(np.concatenate(draws), n_units)


def shuffled_means(u: NDArray[Any], codes: Ints, *, seed: int, n: int = SHUFFLES) -> Floats:
    """Means under the null that labels say nothing: chosen and rejected swapped by whole prompts.

    Swapping the labels of a pair turns u into -u, so each draw gives every group one random sign.

    Returns:
        `(n, n_columns)`.
    """
    rng = np.random.default_rng(seed)
    n_groups = int(codes.max()) + 1
    sums = group_sums(u, codes, n_groups)
    total = np.zeros((n, u.shape[1]))
    for start in range(0, n_groups, MAX_UNITS):  # never binned: one sign for a bin would be another null
        part = sums[start : start + MAX_UNITS]
        total += (rng.integers(0, 2, size=(n, len(part))) * 2.0 - 1.0) @ part
    return np.asarray(total / len(u))


def shuffled_t(u: NDArray[Any], codes: Ints, *, seed: int, n: int = SHUFFLES) -> Floats:
    """The clustered t of each column's mean (`means.mean_test`) when labels are swapped by whole prompts.

    With group sums S_g, sizes n_g and signs ε_g: mean m = Σ ε_g S_g / N, and the sum of squared scores
    Σ (ε_g S_g - n_g m)² = Σ S_g² - 2 m Σ ε_g n_g S_g + m² Σ n_g².

    Returns:
        `(n, n_columns)`; zero where the error is.
    """
    rng = np.random.default_rng(seed)
    n_groups = int(codes.max()) + 1
    sums = group_sums(u, codes, n_groups)
    sizes = np.bincount(codes, minlength=n_groups).astype(np.float64)
    total, cross = np.zeros((n, u.shape[1])), np.zeros((n, u.shape[1]))
    for start in range(0, n_groups, MAX_UNITS):
        part = slice(start, start + MAX_UNITS)
        signs = rng.integers(0, 2, size=(n, len(sums[part]))) * 2.0 - 1.0
        total += signs @ sums[part]
        cross += (signs * sizes[part]) @ sums[part]
    mean = total / len(u)
    scores = np.einsum("gm,gm->m", sums, sums) - 2 * mean * cross + mean**2 * (sizes**2).sum()
    se = np.sqrt(n_groups / (n_groups - 1) * np.maximum(scores, 0.0)) / len(u)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(se > 0, mean / se, 0.0))


def random_signs(codes: Ints, *, seed: int) -> Floats:
    """+1 or -1 for each row, the same for all rows of a prompt: u times it is u with labels swapped."""
    rng = np.random.default_rng(seed)
    return np.asarray((rng.integers(0, 2, size=int(codes.max()) + 1) * 2.0 - 1.0)[codes])


def _weights(rng: np.random.Generator, n_units: int, resamples: int) -> Any:
    even = np.full(n_units, 1.0 / n_units)
    for start in range(0, resamples, BLOCK):
        yield rng.multinomial(n_units, even, size=min(BLOCK, resamples - start)).astype(np.float64)


def _interval(draws: Floats, n_units: int) -> Floats:
    low, high = quantile_levels(n_units)
    if np.isnan(draws).any():
        return np.asarray(np.nanquantile(draws, [low, high], axis=0).T)
    return np.asarray(np.quantile(draws, [low, high], axis=0).T)
