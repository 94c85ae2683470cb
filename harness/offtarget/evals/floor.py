"""The null floor: what random adapters of a policy's size do to its behaviours.

Estimand: over random changes of the start model on the same matrices, of the same rank and the same Frobenius norm matrix by
matrix (`evals.adapters`), the mean absolute change of a behaviour, and its range over k draws. Each null is asked as the
policy was: the same prompts and sampling. A policy's shift within that range is no more than any change of its size brings.
"""

import math
from collections.abc import Callable, Mapping

from pydantic import Field

from offtarget.evals.adapters import null_adapter, read_adapter, start_of, top_of
from offtarget.evals.compare import paired
from offtarget.evals.scores import BehaviourScore
from offtarget.models import ModelRef, resolve
from offtarget.records import Record
from offtarget.store import Store

Measure = Callable[[ModelRef, str], Mapping[str, BehaviourScore]]
"""From a model, and what to call it while it works, to its scores."""


class NullShifts(Record):
    """What null adapters do to one behaviour."""

    shifts: tuple[float, ...] = Field(min_length=1)
    """Null minus start on the samples that both have, one a draw, in the behaviour's unit."""

    @property
    def size(self) -> float:
        """The mean absolute shift."""
        return sum(map(abs, self.shifts)) / len(self.shifts)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest shift."""
        return min(self.shifts), max(self.shifts)

    def within(self, shift: float) -> bool:
        """Whether a shift is no further from 0 than that of some null."""
        return abs(shift) <= max(map(abs, self.shifts))


class Floor(Record):
    """What random changes of a policy's size do to its start model."""

    draws: int
    start: str
    """Identity of the start model (`ModelRef.identity`)."""
    matrices: int
    """How many are changed: each by its own norm ‖(alpha/r)·B·A‖, the same in the policy and in every null."""
    norm: float
    """Of all of them together, √Σ norm²."""
    behaviours: dict[str, NullShifts]
    """Those that have a value in start and in every null."""

    def of(self, behaviour: str) -> NullShifts | None:
        """The nulls on one behaviour; None where it was not measured."""
        return self.behaviours.get(behaviour)


def floor_of(
    policy: ModelRef, start: Mapping[str, BehaviourScore], measure: Measure, draws: int, store: Store
) -> Floor:
    """Measure null adapters of a policy's size.

    Args:
        policy: a LoRA adapter on its start model.
        start: the start model's scores.
        measure: how the policy was measured.
        draws: k, how many null adapters, at least 1.
        store: where they are kept.

    Raises:
        ConfigError: the policy is no LoRA adapter, or one that changes something else too.
    """
    base = start_of(policy, store)
    found = read_adapter(top_of(policy))
    shifts: dict[str, list[float]] = {name: [] for name in start}
    for draw in range(draws):
        null = resolve(str(null_adapter(found, base, draw, store)), store)
        scores = measure(null, f"null {draw + 1} of {draws}")
        for name, own in shifts.items():
            change = paired(start[name], scores[name]).difference if name in scores else None
            if change is not None:
                own.append(change)
    return Floor(
        draws=draws,
        start=base.identity,
        matrices=len(found.pairs),
        norm=math.sqrt(sum(n * n for n in found.norms.values())),
        behaviours={name: NullShifts(shifts=tuple(own)) for name, own in shifts.items() if len(own) == draws},
    )
