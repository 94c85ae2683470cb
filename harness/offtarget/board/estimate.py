"""Intervals for the numbers of a board: samples paired, whole prompts and whole seeds drawn again.

A policy's scores on one behaviour are a panel: a value for each seed and sample. Policies are compared on
the samples that all of them have scored in every seed, so a missing score never enters as a number.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from offtarget.evals.scores import BehaviourScore, cluster_of

RESAMPLES = 2000
SEEDS_NEEDED = 3
"""From this many seeds on, seeds are drawn again too; with fewer a result is provisional."""

Floats = NDArray[np.float64]


class Estimate(BaseModel):
    """A number with its interval. `value` is None where it cannot be given, and `note` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float | None = None
    ci: tuple[float, float] | None = None
    """95 per cent, percentile bootstrap."""
    n: int = 0
    """Samples behind it."""
    seeds: int = 0
    note: str = ""


@dataclass(frozen=True)
class Panel:
    """One behaviour under one policy, in the samples scored in every seed."""

    ids: tuple[str, ...]
    """Sorted."""
    values: Floats
    """(n_seeds, n_samples)"""

    @classmethod
    def of(cls, scores: Sequence[BehaviourScore]) -> "Panel":
        """The panel of one policy's scores, one for each seed."""
        scored = [{k: v for k, v in s.samples.items() if v is not None} for s in scores]
        ids = tuple(sorted(set.intersection(*(set(s) for s in scored)))) if scored else ()
        values = np.array([[s[i] for i in ids] for s in scored], dtype=np.float64)
        return cls(ids, values.reshape(len(scored), len(ids)))

    def at(self, ids: Sequence[str]) -> "Panel":
        """The same panel on some of its samples."""
        where = {k: i for i, k in enumerate(self.ids)}
        return Panel(tuple(ids), self.values[:, [where[i] for i in ids]])

    @property
    def by_sample(self) -> Floats:
        """(n_samples,) mean over seeds."""
        return np.asarray(self.values.mean(axis=0), dtype=np.float64)

    @property
    def mean(self) -> float:
        """Mean over samples and seeds."""
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        """Sample standard deviation, averaged (as a variance) over seeds; 0 for fewer than two samples."""
        if self.values.shape[1] < 2:
            return 0.0
        return float(np.sqrt(self.values.var(axis=1, ddof=1).mean()))

    def scores(self) -> dict[str, float]:
        """Mean over seeds by sample id."""
        return dict(zip(self.ids, map(float, self.by_sample), strict=True))


def common(panels: Mapping[str, Panel]) -> dict[str, Panel]:
    """The panels on the samples that all of them have."""
    ids = sorted(set.intersection(*(set(p.ids) for p in panels.values()))) if panels else []
    return {name: p.at(ids) for name, p in panels.items()}


def draw_means(panels: Mapping[str, Panel], *, resamples: int = RESAMPLES) -> dict[str, Floats]:
    """Bootstrap draws of each policy's mean, (resamples,) each; the prompts drawn are the same for all.

    Prompts are drawn with replacement, all samples of a prompt together. Seeds are drawn too where a
    policy has at least `SEEDS_NEEDED`, for each policy by itself. Equal input gives equal draws, whatever
    else is on the board.

    Args:
        panels: by name, all on the same samples (see `common`).
        resamples: number of draws.
    """
    first = next(iter(panels.values()))
    clusters, code = np.unique([cluster_of(i) for i in first.ids], return_inverse=True)
    n = len(clusters)
    weights = _drawn_prompts("\n".join(clusters), n, resamples)
    total = weights @ np.bincount(code, minlength=n)
    draws = {}
    for name in sorted(panels):
        values = panels[name].values
        sums = np.stack([np.bincount(code, weights=row, minlength=n) for row in values])
        means = (weights @ sums.T) / total[:, None]
        s = len(values)
        if s >= SEEDS_NEEDED:
            own = np.random.default_rng([zlib.crc32(name.encode()), s])
            means = means * own.multinomial(s, np.full(s, 1 / s), size=resamples)
            draws[name] = means.sum(axis=1) / s
        else:
            draws[name] = means.mean(axis=1)
    return draws


@lru_cache(maxsize=8)
def _drawn_prompts(names: str, n: int, resamples: int) -> Floats:
    """(resamples, n) how often each prompt is drawn; kept, since behaviours and rows share their prompts."""
    rng = np.random.default_rng(zlib.crc32(names.encode()))
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)


def interval(draws: Floats, n_prompts: int) -> tuple[float, float] | None:
    """95 per cent percentile interval; None where fewer than two prompts make it meaningless."""
    finite = draws[np.isfinite(draws)]
    if n_prompts < 2 or len(finite) < 0.5 * len(draws):
        return None
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


def n_prompts(panel: Panel) -> int:
    """How many different prompts the samples of a panel come from."""
    return len({cluster_of(i) for i in panel.ids})


def null_drift(differences: Sequence[tuple[Sequence[str], Floats]], *, resamples: int = 1000) -> float | None:
    """What mean absolute drift chance alone gives: its 95th percentile when signs are drawn by prompt.

    If nothing moved, the difference of a prompt could as well have had the other sign (a sign-flip test,
    prompts as blocks).

    Args:
        differences: for each behaviour the sample ids and the standardised differences, (n_samples,) each.
        resamples: number of draws.
    """
    if not differences:
        return None
    total = np.zeros(resamples)
    for ids, diff in differences:
        clusters, code = np.unique([cluster_of(i) for i in ids], return_inverse=True)
        sums = np.bincount(code, weights=diff, minlength=len(clusters))
        rng = np.random.default_rng(zlib.crc32("\n".join(ids).encode()))
        signs = rng.integers(0, 2, size=(resamples, len(clusters))) * 2.0 - 1.0
        total += np.abs(signs @ sums) / len(diff)
    return float(np.quantile(total / len(differences), 0.95))
