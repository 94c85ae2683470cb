"""What a strength curve says."""

from typing import Literal

from offtarget.evals.scores import Direction, Role
from offtarget.records import Record


class Dose(Record):
    """One behaviour at one scale of the adapter."""

    scale: float
    shift: float
    """Mean of policy minus start, in the behaviour's unit; 0 at scale 0."""
    ci: tuple[float, float] | None
    """95 per cent (`evals.contrast`); None at scale 0, below two prompts, and where every sample changed by the same."""


class Response(Record):
    """One behaviour of one curve."""

    behaviour: str
    task_version: str
    direction: Direction
    """Which way is better."""
    role: Role
    unit: str
    n: int
    """Samples that every curve has scored at every scale, in every seed."""
    start: float
    """Mean of the start model."""
    doses: tuple[Dose, ...]


class EqualShift(Record):
    """A behaviour where the target has shifted as far as was asked."""

    behaviour: str
    shift: float
    """From start, in the behaviour's unit."""
    ci: tuple[float, float] | None
    """95 per cent, bootstrap over prompts and seeds; None where more than 5 % of the draws do not reach the level."""
    versus: float | None = None
    """Minus that of the first curve at the same effect; None for the first, and where that does not reach the level."""
    versus_ci: tuple[float, float] | None = None


class Curve(Record):
    """One protocol: its adapters, one a seed, at every scale."""

    label: str
    seeds: tuple[int, ...]
    seeds_told: bool
    """Whether intervals hold the noise of training seeds: three or more."""
    responses: tuple[Response, ...]
    reached: tuple[float, float]
    """The least and the largest shift of the target over the scales."""
    scale: float | None
    """At which the target has shifted by the level, by linear interpolation; None where it does not."""
    scale_ci: tuple[float, float] | None = None
    outside: float
    """Share of the bootstrap's draws in which the level is not reached."""
    equal: tuple[EqualShift, ...] = ()
    """Every other behaviour at that scale; empty where the level is outside the range."""
    note: str = ""
    """Why there is no scale, or no interval."""


class Curves(Record):
    """What `offtarget curve` says."""

    schema_version: Literal[1] = 1
    model: str
    """The start model."""
    target: str
    """The behaviour that the curves are matched on."""
    unit: str
    level: float
    """The shift of the target that they are matched at."""
    chosen: str
    """How the level was chosen, in words."""
    scales: tuple[float, ...]
    draws: int
    """Of the bootstrap."""
    evaluation: dict[str, int | float | str | None]
    """How the policies were asked."""
    curves: tuple[Curve, ...]
