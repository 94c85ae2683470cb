"""Features of a preference set at the dimensions of arXiv 2606.12360, with known topics and planted effects.

65,536 latents of heavy-tailed popularity, at least 3,000 of them on each response and 128 on each token; 814
clusters of latents; topics that lean to some clusters; prompts shared by some rows. In a few (topic, cluster)
cells the chosen or the rejected responses show more of the cluster; nowhere else do labels matter. The same
rows and seed give the same bytes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from offtarget.audit.concepts.topics import n_topics
from offtarget.audit.concepts.vocabulary import ConceptSpec, cluster_id
from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.features import Column, FeatureWriter

PAPER_ROWS, LATENTS, CLUSTERS, L0 = 259_842, 65_536, 814, 128
LEAST_LATENTS = 3000
"""Distinct latents on the response that has fewest."""
DRAWS = 3200
"""Latents drawn for a response; a few are drawn twice and count once."""
CELLS = 72
"""Resolution of one draw."""
BOOST, BOOSTED = 5.0, 12
"""How much more often a topic's own clusters fire, and how many it has."""
PLANTED, LIFT = 12, 6.0
"""Cells with an effect, and by how much its latents fire more on one side there, and less on the other."""
BLOCK = 512


@dataclass(frozen=True, eq=False)
class World:
    """What is known of the set before any feature is drawn."""

    group: NDArray[np.int64]
    """(n_rows,): the prompt of each row."""
    topic: NDArray[np.int64]
    """(n_rows,)"""
    clusters: list[NDArray[np.int64]]
    """Latents of each cluster."""
    planted: list[tuple[int, int, int]]
    """(topic, cluster, +1 where chosen or -1 where rejected shows more)."""
    frequency: NDArray[np.float32]
    """(LATENTS,): share of tokens on which a latent fires where it does, before noise."""
    tables: NDArray[np.uint16]
    """(n_topics, DRAWS * CELLS): the latent that each cell of a draw stands for; the same for both sides."""
    lift: NDArray[np.float32]
    """(1 + n_lifted, LATENTS): what chosen frequencies are multiplied and rejected ones divided by."""
    lift_of: NDArray[np.int64]
    """(n_topics,): the row of `lift` for a topic; 0 where nothing is planted."""


def world(n_rows: int, seed: int) -> World:
    """Topics, clusters, prompts and planted cells of a set."""
    rng = np.random.default_rng(seed)
    sizes = np.clip(rng.lognormal(np.log(45), 0.7, CLUSTERS), 12, 400).astype(int)
    cuts = np.cumsum(sizes)
    clusters = [np.sort(c) for c in np.split(rng.permutation(LATENTS)[: cuts[-1]], cuts[:-1])]
    cluster_of = np.full(LATENTS, CLUSTERS)
    for m, members in enumerate(clusters):
        cluster_of[members] = m
    popularity = (rng.permutation(LATENTS) + 20.0) ** -0.8
    k = max(n_topics(int(0.95 * n_rows)), 2)
    # groups of 1, 2, 3 and 8 rows
    of_size = rng.choice([1, 2, 3, 8], n_rows, p=[0.85, 0.1, 0.03, 0.02])
    group = rng.permutation(np.repeat(np.arange(n_rows), of_size)[:n_rows])
    group = np.unique(group, return_inverse=True)[1]
    share = rng.lognormal(0, 0.6, k)
    topic = rng.choice(k, group.max() + 1, p=share / share.sum())[group]
    largest = np.argsort(-np.bincount(topic, minlength=k), kind="stable")[: max(k // 4, 4)]
    firing = np.array([popularity[members].mean() for members in clusters])
    broad = np.flatnonzero((sizes >= 25) & (firing > np.median(firing)) & (firing < np.quantile(firing, 0.8)))
    planted = [
        (int(largest[j % len(largest)]), int(m), 1 if j % 2 == 0 else -1)
        for j, m in enumerate(rng.choice(broad, PLANTED, replace=False))
    ]
    tilt = rng.lognormal(0, 0.2, (k, CLUSTERS + 1))
    for t in range(k):
        tilt[t, rng.choice(CLUSTERS, BOOSTED, replace=False)] *= BOOST
    tables = np.stack([_table(popularity * tilt[t, cluster_of]) for t in range(k)])
    lifted = sorted({t for t, _, _ in planted})
    lift, lift_of = np.ones((1 + len(lifted), LATENTS), dtype=np.float32), np.zeros(k, dtype=np.int64)
    lift_of[lifted] = 1 + np.arange(len(lifted))
    for t, m, sign in planted:
        lift[lift_of[t], clusters[m]] = LIFT**sign
    frequency = popularity**0.4 * rng.lognormal(0, 0.6, LATENTS)
    noise_mean = np.exp(0.5)
    expected = (_chances(popularity) * frequency).sum() * noise_mean
    frequency *= L0 / expected
    return World(group, topic, clusters, planted, frequency.astype(np.float32), tables, lift, lift_of)


def _chances(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected draws of each latent, at most one, DRAWS in all."""
    p = weights * DRAWS / weights.sum()
    for _ in range(20):
        over = p >= 1
        p[over] = 1.0
        p[~over] *= (DRAWS - over.sum()) / p[~over].sum()
    return p


def _table(weights: NDArray[np.float64]) -> NDArray[np.uint16]:
    cumulated = np.cumsum(_chances(weights))
    at = (np.arange(DRAWS * CELLS) + 0.5) / CELLS
    return np.minimum(np.searchsorted(cumulated, at), LATENTS - 1).astype(np.uint16)


def concepts_of(w: World) -> tuple[ConceptSpec, ...]:
    """The clusters as the audit knows them."""
    names = [tuple(sorted(f"sae:{j}" for j in members)) for members in w.clusters]
    return tuple(ConceptSpec(cluster_id("sae", n), "cluster", "sae", n) for n in names)


def write_features(folder: Path, w: World, seed: int) -> int:
    """Draw the firing frequencies of both responses block by block; the stored entries in all."""
    columns = [Column(f"sae:{j}", f"latent {j}", "share of tokens", "presence") for j in range(LATENTS)]
    dtypes: dict[Any, Any] = {("chosen", "freq"): np.float32, ("rejected", "freq"): np.float32}
    prompt: Any = ("prompt", "max")
    noise = np.exp(np.random.default_rng(seed).normal(size=2**16)).astype(np.float32)
    flat = w.tables.ravel()
    entries, fewest = 0, LATENTS
    stored = {**dtypes, prompt: np.float32}
    with FeatureWriter(folder, "sae", columns, stored, {"identity": "simulated"}, "latent", True) as writer:
        for start in range(0, len(w.topic), BLOCK):
            rng = np.random.default_rng([seed, start])
            rows = np.arange(start, min(start + BLOCK, len(w.topic)))
            loud = rng.lognormal(0, 0.35, len(rows)).astype(np.float32)
            block = {}
            for key, sign in zip(dtypes, (1, -1), strict=True):
                random = rng.integers(0, 2**32, (len(rows), DRAWS), dtype=np.uint32)
                cell = ((random & 0xFFFF) * CELLS >> 16).astype(np.int64)
                cell += np.arange(DRAWS) * CELLS
                cell += w.topic[rows][:, None] * w.tables.shape[1]
                latent = flat[cell]
                once = np.ones(latent.shape, dtype=bool)
                once[:, 1:] = latent[:, 1:] != latent[:, :-1]
                value = w.frequency[latent] * noise[random >> 16] * loud[:, None]
                value *= w.lift[w.lift_of[w.topic[rows]][:, None], latent] ** sign
                counts = once.sum(axis=1)
                entries, fewest = entries + int(counts.sum()), min(fewest, int(counts.min()))
                parts = (np.minimum(value[once], 1.0), latent[once].astype(np.int32), [0, *np.cumsum(counts)])
                block[key] = csr_matrix(parts, shape=(len(rows), LATENTS))
                if sign > 0:  # a third of what the response shows, as the prompt's strongest firing
                    of_prompt = block[key].copy()
                    of_prompt.data[of_prompt.indices % 3 > 0] = 0
                    of_prompt.eliminate_zeros()
                    block[prompt] = of_prompt
            writer.append([f"row{i}" for i in rows], [f"g{w.group[i]}" for i in rows], block)
    assert fewest >= LEAST_LATENTS, f"a response has only {fewest} latents"
    return entries


def pairs_of(w: World, seed: int) -> PairSet:
    """The rows as texts: prompts of about 100 words that tell of their topic, and responses of any words."""
    rng = np.random.default_rng([seed, 1])
    syllables = np.array(["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu", "dar", "fen", "gol"])
    common = np.unique(["".join(syllables[rng.integers(0, 13, 4)]) for _ in range(20_000)])
    k = len(w.tables)
    own = common[rng.integers(0, len(common), (k, 40))]
    topic = np.zeros(w.group.max() + 1, dtype=np.int64)
    topic[w.group] = w.topic
    prompts = []
    for t, n in zip(topic, rng.integers(60, 140, len(topic)), strict=True):
        words = common[_zipf(rng, n, len(common))]
        words[: n // 3] = own[t, rng.integers(0, 40, n // 3)]
        prompts.append([{"role": "user", "content": " ".join(words)}])
    text = " ".join(common[_zipf(rng, 40_000, len(common))])
    length = np.exp(rng.normal([7.13, 7.05], 0.6, (len(w.topic), 2))).astype(int) + 20
    first = rng.integers(0, len(text) - length.max(), length.shape)

    def response(i: int, side: int) -> Any:
        at = first[i, side]
        return [{"role": "assistant", "content": text[at : at + length[i, side]]}]

    return PairSet(
        "simulated",
        [Pair(f"row{i}", f"g{g}", prompts[g], response(i, 0), response(i, 1)) for i, g in enumerate(w.group)],
    )


def _zipf(rng: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    """Numbers below `size`, small ones often: about 1/(10 + number)."""
    return (10 * (np.exp(rng.random(n) * np.log1p(size / 10)) - 1)).astype(np.int64).clip(0, size - 1)
