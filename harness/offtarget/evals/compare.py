"""Paired comparison of two runs: the same samples, clustered by prompt."""

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from offtarget.errors import ConfigError
from offtarget.evals.scores import LEVEL, RESAMPLES, BehaviourScore, Direction, Role, cluster_of


class PairedDifference(BaseModel):
    """What changed in one behaviour from run a to run b."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    behaviour: str
    task_version: str
    direction: Direction
    """Which way is better."""
    role: Role
    unit: str
    difference: float | None
    """Mean of b − a over the pairs; None without pairs."""
    ci: tuple[float, float] | None
    """95 per cent, percentile bootstrap over prompts; None below two prompts."""
    shift: float | None
    """`difference` divided by the standard deviation (n − 1) of a's values over the pairs. None where a
    does not vary and b differs."""
    p: float | None
    """Two-sided; None below two prompts."""
    test: Literal["cluster t", "exact McNemar"]
    """McNemar where all values are 0 or 1 and every prompt has one pair."""
    q: float | None = None
    """Benjamini-Hochberg over the behaviours compared together."""
    n: int
    """Pairs: samples that have a value in both runs."""
    n_clusters: int
    """Prompts among them."""
    n_missing: int
    """Samples that have no value in one run or both."""


def paired(a: BehaviourScore, b: BehaviourScore) -> PairedDifference:
    """The change of one behaviour between two runs, sample by sample.

    Args:
        a: the run before.
        b: the run after.

    Raises:
        ConfigError: not the same behaviour, or another version of its task.
    """
    if a.behaviour != b.behaviour:
        raise ConfigError(
            f"'{a.behaviour}' and '{b.behaviour}' are different behaviours: compare each with itself"
        )
    if a.task_version != b.task_version:
        raise ConfigError(
            f"behaviour '{a.behaviour}': task versions {a.task_version} and {b.task_version} "
            "cannot be compared; evaluate both runs again"
        )
    ids = sorted(a.samples.keys() | b.samples.keys())
    both = [
        (k, x, y) for k in ids if (x := a.samples.get(k)) is not None and (y := b.samples.get(k)) is not None
    ]
    clusters = [cluster_of(k) for k, _, _ in both]
    before, after = [x for _, x, _ in both], [y for _, _, y in both]
    change = [y - x for x, y in zip(before, after, strict=True)]
    n_clusters = len(set(clusters))
    binary = bool(both) and {*before, *after} <= {0.0, 1.0} and n_clusters == len(both)
    difference = sum(change) / len(change) if change else None
    return PairedDifference(
        behaviour=a.behaviour,
        task_version=a.task_version,
        direction=a.direction,
        role=a.role,
        unit=a.unit,
        difference=difference,
        ci=_bootstrap(change, clusters),
        shift=_standardised(difference, before),
        p=mcnemar_exact(before, after) if binary else cluster_t_test(change, clusters),
        test="exact McNemar" if binary else "cluster t",
        n=len(both),
        n_clusters=n_clusters,
        n_missing=len(ids) - len(both),
    )


def compare_runs(a: Mapping[str, BehaviourScore], b: Mapping[str, BehaviourScore]) -> list[PairedDifference]:
    """All behaviours that both runs have, with q-values over that family.

    Args:
        a: scores by behaviour, before.
        b: scores by behaviour, after.

    Raises:
        ConfigError: no behaviour in common, or different task versions.
    """
    common = [name for name in a if name in b]
    if not common:
        raise ConfigError(
            f"the runs have no behaviour in common ({', '.join(a) or 'none'} against "
            f"{', '.join(b) or 'none'}): evaluate both on the same ones"
        )
    return with_q([paired(a[name], b[name]) for name in common])


def with_q(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Benjamini-Hochberg q-values over a family; a comparison without p has none and does not count."""
    from scipy.stats import false_discovery_control

    tested = [d.p for d in differences if d.p is not None]
    q = iter(false_discovery_control(tested) if tested else [])
    return [d if d.p is None else d.model_copy(update={"q": float(next(q))}) for d in differences]


def cluster_t_test(change: Sequence[float], clusters: Sequence[str]) -> float | None:
    """Two-sided p of a mean of 0, robust to correlation within clusters.

    Var(mean) = G/(G − 1) · Σ_g (Σ_{i∈g} (d_i − mean))² / n², t with G − 1 degrees of freedom: with one
    row in each cluster this is the paired t test.

    Args:
        change: differences, one for each pair.
        clusters: the prompt of each.

    Returns:
        p, 1 if nothing changed, None below two clusters.
    """
    from scipy.stats import t as student

    groups = len(set(clusters))
    if groups < 2:
        return None
    mean = sum(change) / len(change)
    residual: dict[str, float] = {}
    for d, c in zip(change, clusters, strict=True):
        residual[c] = residual.get(c, 0.0) + d - mean
    error = math.sqrt(groups / (groups - 1) * sum(r * r for r in residual.values())) / len(change)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * student.sf(abs(mean) / error, groups - 1))


def mcnemar_exact(before: Sequence[float], after: Sequence[float]) -> float:
    """Exact two-sided McNemar test of paired values in {0, 1}: a sign test on the pairs that changed."""
    from scipy.stats import binomtest

    up = sum(y > x for x, y in zip(before, after, strict=True))
    down = sum(y < x for x, y in zip(before, after, strict=True))
    return float(binomtest(up, up + down, 0.5).pvalue) if up + down else 1.0


def _standardised(difference: float | None, before: Sequence[float]) -> float | None:
    if difference is None or len(before) < 2:
        return None
    mean = sum(before) / len(before)
    sd = math.sqrt(sum((x - mean) ** 2 for x in before) / (len(before) - 1))
    if sd == 0:
        return 0.0 if difference == 0 else None
    return difference / sd


def _bootstrap(change: Sequence[float], clusters: Sequence[str]) -> tuple[float, float] | None:
    import numpy as np

    names = sorted(set(clusters))
    if len(names) < 2:
        return None
    index = {c: i for i, c in enumerate(names)}
    where = np.array([index[c] for c in clusters])
    total = np.bincount(where, weights=np.array(change))
    count = np.bincount(where).astype(float)
    rng = np.random.default_rng(zlib.crc32("\n".join(names).encode()))
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    means = (draws @ total) / (draws @ count)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
