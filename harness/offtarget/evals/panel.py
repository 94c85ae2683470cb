"""Scores of one policy on one behaviour as a table: one line for each training seed, one column for each sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from offtarget.evals.rates import is_rate
from offtarget.evals.scores import BehaviourScore, cluster_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Panel:
    """One behaviour under one policy, in the samples scored in every seed. Equal only to itself."""

    ids: tuple[str, ...]
    """Sorted."""
    values: Floats
    """(n_seeds, n_samples)"""
    seeds: tuple[int, ...] = ()
    """The training seed of each line."""
    rate: bool = False
    """Whether the values are those of a share: 0, 1, or a tie."""
    trained: bool = True
    """Whether training made the policy, so that another seed gives another one; False for the start model."""

    @classmethod
    def of(
        cls, scores: Sequence[BehaviourScore], seeds: Sequence[int] | None = None, *, trained: bool = True
    ) -> "Panel":
        """The panel of one policy's scores, one for each seed.

        Args:
            scores: of one behaviour.
            seeds: the training seed of each; by default they are numbered.
            trained: whether training made the policy.
        """
        scored = [{k: v for k, v in s.samples.items() if v is not None} for s in scores]
        ids = tuple(sorted(set.intersection(*(set(s) for s in scored)))) if scored else ()
        values = np.array([[s[i] for i in ids] for s in scored], dtype=np.float64)
        return cls(
            ids=ids,
            values=values.reshape(len(scored), len(ids)),
            seeds=tuple(range(len(scored)) if seeds is None else seeds),
            rate=bool(scores) and is_rate(values.ravel().tolist(), scores[0].unit),
            trained=trained,
        )

    def at(self, ids: Sequence[str]) -> "Panel":
        """The same panel on some of its samples."""
        where = {k: i for i, k in enumerate(self.ids)}
        values = self.values[:, [where[i] for i in ids]]
        return Panel(tuple(ids), values, self.seeds, self.rate, self.trained)

    @cached_property
    def by_sample(self) -> Floats:
        """(n_samples,) mean over seeds."""
        return np.asarray(self.values.mean(axis=0), dtype=np.float64)

    @cached_property
    def mean(self) -> float:
        """Mean over samples and seeds."""
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        """Sample standard deviation, averaged (as a variance) over seeds; 0 for fewer than two samples."""
        if self.values.shape[1] < 2:
            return 0.0
        return float(np.sqrt(self.values.var(axis=1, ddof=1).mean()))


def common(panels: Mapping[str, Panel]) -> dict[str, Panel]:
    """The panels on the samples that all of them have."""
    if len({p.ids for p in panels.values()}) == 1:
        return dict(panels)
    ids = sorted(set.intersection(*(set(p.ids) for p in panels.values()))) if panels else []
    return {name: p.at(ids) for name, p in panels.items()}


def n_prompts(panel: Panel) -> int:
    """How many different prompts the samples of a panel come from."""
    return len({cluster_of(i) for i in panel.ids})
