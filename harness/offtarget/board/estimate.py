"""A number of a board with its interval, and the draws from which the share on the front is counted."""

import zlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from offtarget.evals.contrast import LEVEL, Contrast
from offtarget.evals.panel import Floats, Panel
from offtarget.evals.scores import cluster_of
from offtarget.records import Record

RESAMPLES = 2000


class Estimate(Record):
    """A number with its interval. `value` is None where it cannot be given, and `note` says why."""

    value: float | None = None
    ci: tuple[float, float] | None = None
    """95 per cent; on boards of protocols with the noise of prompts, sampling and training seeds."""
    n: int = 0
    """Samples behind it."""
    seeds: int = 0
    note: str = ""


class Scored(Estimate):
    """The mean score of a policy on one behaviour."""

    sampling_ci: tuple[float, float] | None = None
    """Where there are too few training seeds for `ci`: 95 per cent of prompts and sampling alone, of these policies and
    no others."""
    unscored: float = 0.0
    """Share of the answers without a value."""
    bounds: tuple[float, float] | None = None
    """For shares with unscored answers: the mean if all of them were 0, and if all were 1."""


def estimated(c: Contrast, *, n: int, seeds: int, level: float = LEVEL, sketch: bool = False) -> Estimate:
    """A contrast as an estimate: with an interval only where the noise of seeds is in it, or in a sketch."""
    if c.told or sketch:
        note = "no sample differs" if c.variance == 0 else ""
        return Estimate(value=c.value + 0.0, ci=c.interval(level), n=n, seeds=seeds, note=note)
    return Estimate(value=c.value + 0.0, n=n, seeds=seeds, note="noise of seeds not known")


def draw_means(panels: Mapping[str, Panel], *, resamples: int = RESAMPLES) -> dict[str, Floats]:
    """Draws of each policy's mean, (resamples,) each; the prompts drawn are the same for all.

    Prompts are drawn with replacement, all samples of a prompt together. To that comes the noise of a trained policy's
    seeds, normal with variance s²/S and the same for all behaviours of a policy. Equal input gives equal draws.

    Args:
        panels: by the policy's name, all on the same samples (see `common`).
        resamples: number of draws.
    """
    return {name: _draws_of(panels[name], name, resamples) for name in sorted(panels)}


@lru_cache(maxsize=256)
def _draws_of(panel: Panel, name: str, resamples: int) -> Floats:
    """(resamples,) read-only draws of one policy's mean."""
    clusters, code = np.unique([cluster_of(i) for i in panel.ids], return_inverse=True)
    n = len(clusters)
    weights = _drawn_prompts("\n".join(clusters), n, resamples)
    sums = np.bincount(code, weights=panel.by_sample, minlength=n)
    draws: Floats = (weights @ sums) / (weights @ np.bincount(code, minlength=n))
    s = len(panel.values)
    if panel.trained and s > 1:
        apart = panel.values.mean(axis=1) - panel.mean
        own = np.random.default_rng([zlib.crc32(name.encode()), s])
        draws = draws + own.standard_normal((resamples, s)) @ apart / np.sqrt(s * (s - 1))
    draws.flags.writeable = False
    return draws


@lru_cache(maxsize=8)
def _drawn_prompts(names: str, n: int, resamples: int) -> Floats:
    """(resamples, n) how often each prompt is drawn; kept, since behaviours and rows share their prompts."""
    rng = np.random.default_rng(zlib.crc32(names.encode()))
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
