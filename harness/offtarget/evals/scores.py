"""What an evaluation of one behaviour says: the value, its interval, and every sample behind it."""

from collections.abc import Iterable
from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from offtarget.records import Record

MANY_UNSCORED = 0.05
"""Above this share of answers without a score, a figure says little about the others: it is said, with bounds."""

LARGEST = 1e100
"""No score is larger: squares of larger numbers have no value."""

Direction = Literal["lower", "higher"]
Role = Literal["target", "off-target", "capability"]


class BehaviourScore(Record):
    """One behaviour of one model."""

    model_config = ConfigDict(allow_inf_nan=True)  # the samples say themselves which of them is none

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
    """95 per cent, of this one policy (another training seed is not in it): for shares Wilson's on the effective
    number of samples, else t, both clustered by prompt. None below two prompts, and where values that are no shares
    are all the same."""
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
    strata: dict[str, int] = Field(default_factory=dict)
    """Stratum of the task's prompts or items (phenomenon, kind) -> how many of it were asked, 0 for none. Empty where
    they have none, and in cells made before strata were asked evenly."""

    @field_validator("samples")
    @classmethod
    def _finite(cls, samples: dict[str, float | None]) -> dict[str, float | None]:
        odd = next((k for k, v in samples.items() if v is not None and not abs(v) <= LARGEST), None)
        if odd is not None:
            raise ValueError(f"sample {odd!r} is not a finite number below {LARGEST:g}; a missing score is null")
        return samples

    @property
    def unscored(self) -> float:
        """Share of the samples without a value."""
        return share_unscored([self])

    def bounds(self) -> tuple[float, float] | None:
        """The mean if all unscored samples had the lowest value, and if all had the highest.

        For shares 0 and 1. None where nothing is unscored, and for values without such limits.
        """
        return mean_bounds(self.samples.values(), self.unit)


def share_unscored(scores: Iterable[BehaviourScore]) -> float:
    """Share of the samples of several scores without a value; 0 where there are none."""
    values = [v for s in scores for v in s.samples.values()]
    return sum(v is None for v in values) / len(values) if values else 0.0


def mean_bounds(values: Iterable[float | None], unit: str = "") -> tuple[float, float] | None:
    """The mean of shares if all missing ones were 0, and if all were 1; None without missing ones, or for no shares."""
    from offtarget.evals.rates import is_rate

    every = list(values)
    scored = [v for v in every if v is not None]
    if len(scored) == len(every) or not is_rate(scored, unit):
        return None
    low = sum(scored) / len(every)
    return low, low + (len(every) - len(scored)) / len(every)


def cluster_of(sample_id: str) -> str:
    """The prompt that a sample belongs to: its id without what is behind the last `#`."""
    return sample_id.rsplit("#", 1)[0]
