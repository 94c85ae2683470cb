"""What an evaluation of one behaviour says: the value, its interval, and every sample behind it."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RESAMPLES = 2000
LEVEL = 0.95

Direction = Literal["lower", "higher"]
Role = Literal["target", "off-target", "capability"]


class BehaviourScore(BaseModel):
    """One behaviour of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    behaviour: str
    task_version: str
    """`N-X`: scores with different N or X are never compared."""
    direction: Direction
    """Which way is better."""
    role: Role
    metric: str
    """What `value` is, in words."""
    unit: str
    value: float | None
    """Mean over the scored samples; None where no sample was scored."""
    ci: tuple[float, float] | None
    """95 per cent, percentile bootstrap over prompts; None below two prompts."""
    n: int
    """Scored samples."""
    n_unscored: int
    """Samples without a value: an empty or failed answer. Never counted as 0."""
    samples: dict[str, float | None]
    """Value by sample id, None where unscored. Samples of one prompt are `prompt#1`, `prompt#2`, ..."""
    n_failed: int = 0
    """Samples that ended in an error; they are among the unscored."""
    failure: str | None = None
    """The first of those errors."""
    details: dict[str, float] = Field(default_factory=dict)
    """Means of what else the scorer noted, such as the share of truncated answers."""


def cluster_of(sample_id: str) -> str:
    """The prompt that a sample belongs to: its id without what stands behind the last `#`."""
    return sample_id.rsplit("#", 1)[0]


def make_score(
    samples: Mapping[str, float | None],
    *,
    behaviour: str,
    task_version: str,
    direction: Direction,
    role: Role,
    metric: str = "mean",
    unit: str = "",
    failures: Sequence[str] = (),
    details: Mapping[str, float] | None = None,
) -> BehaviourScore:
    """A score from the values of its samples, with a bootstrap interval.

    Args:
        samples: value by sample id, None for unscored.
        behaviour: name of the task.
        task_version: its version.
        direction: which way is better.
        role: target, off-target or capability.
        metric: what the mean is, in words.
        unit: of the values.
        failures: messages of the samples that ended in an error.
        details: other means to show.
    """
    scored = {k: float(v) for k, v in samples.items() if v is not None}
    return BehaviourScore(
        behaviour=behaviour,
        task_version=task_version,
        direction=direction,
        role=role,
        metric=metric,
        unit=unit,
        value=sum(scored.values()) / len(scored) if scored else None,
        ci=bootstrap_mean_ci(scored),
        n=len(scored),
        n_unscored=len(samples) - len(scored),
        samples=dict(samples),
        n_failed=len(failures),
        failure=failures[0] if failures else None,
        details=dict(details or {}),
    )


def bootstrap_mean_ci(
    values: Mapping[str, float], *, resamples: int = RESAMPLES, level: float = LEVEL
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of a mean, whole prompts drawn with replacement.

    Args:
        values: value by sample id; ids that share a prompt (`cluster_of`) are drawn together.
        resamples: number of draws.
        level: coverage.

    Returns:
        The interval, or None below two prompts. Equal input gives equal output.
    """
    import numpy as np

    sums: dict[str, list[float]] = {}
    for key in sorted(values):
        sums.setdefault(cluster_of(key), []).append(values[key])
    if len(sums) < 2:
        return None
    total = np.array([sum(v) for v in sums.values()])
    count = np.array([len(v) for v in sums.values()], dtype=float)
    rng = np.random.default_rng(zlib.crc32("\n".join(sums).encode()))
    draws = rng.multinomial(len(total), np.full(len(total), 1 / len(total)), size=resamples)
    means = (draws @ total) / (draws @ count)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
