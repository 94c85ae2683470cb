"""Whether a run that was made again gave the same: behaviour by behaviour."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

from offtarget.board.cell import Cell
from offtarget.evals.compare import paired
from offtarget.evals.scores import BehaviourScore
from offtarget.records import Record

Conclusion = Literal["same", "within seed noise", "different"]
ORDER: tuple[Conclusion, ...] = ("same", "within seed noise", "different")
TOLERANCE = {"exact": 1e-9, "fast": 1e-3}
"""Difference of a mean score that counts as none, by mode, relative to the score where that is above 1: fast mode is within 1e-3
of plain trl, and threads may add in another order."""
SEED_SDS = 3.0
"""How many seed deviations apart two runs of one seed may lie."""


class Again(Record):
    """One behaviour of a run, then and now."""

    behaviour: str
    then: float | None
    now: float | None
    seed_sd: float | None = None
    """Standard deviation over training seeds of the same row, where there are at least two."""
    ci: tuple[float, float] | None = None
    """95 % of now − then, by prompts and sampling."""
    conclusion: Conclusion
    why: str


def made_again(then: Cell, now: Cell, siblings: Sequence[Cell] = ()) -> tuple[Again, ...]:
    """What making a run again gave, for each behaviour of either.

    same: the means agree within `TOLERANCE`. within seed noise: they lie no further apart than `SEED_SDS` deviations of the
    row's training seeds, or, where those are not known, the 95 % interval of their paired difference holds 0. Else different.

    Args:
        then: the cell as it was.
        now: the cell as it came out again.
        siblings: cells of the same row with other seeds.
    """
    names = dict.fromkeys([s.behaviour for s in (*then.behaviours, *now.behaviours)])
    return tuple(_again(then, now, name, siblings) for name in names)


def worst(found: Sequence[Again]) -> Conclusion:
    """The conclusion over all behaviours; different where there is none."""
    return max((a.conclusion for a in found), key=ORDER.index, default="different")


def _again(then: Cell, now: Cell, name: str, siblings: Sequence[Cell]) -> Again:
    a, b = then.score(name), now.score(name)
    if a is None or b is None:
        missing = "then" if a is None else "now"
        return Again(
            behaviour=name, then=a.value if a else None, now=b.value if b else None, conclusion="different",
            why=f"not measured {missing}",
        )  # fmt: skip
    if a.task_version != b.task_version:
        why = f"task version {a.task_version} then, {b.task_version} now"
        return Again(behaviour=name, then=a.value, now=b.value, conclusion="different", why=why)
    sd = seed_sd(name, [then, *siblings])
    if a.value is None or b.value is None:
        same = a.value is b.value
        why = "not scored then or now" if same else "scored only once"
        return Again(behaviour=name, then=a.value, now=b.value, conclusion="same" if same else "different", why=why)
    apart, room = abs(a.value - b.value), TOLERANCE.get(then.mode, TOLERANCE["fast"]) * max(1.0, abs(a.value))
    if a.samples.keys() == b.samples.keys() and apart <= room:
        why = "every sample agrees" if a.samples == b.samples else f"means within {room:.2g}"
        return Again(behaviour=name, then=a.value, now=b.value, seed_sd=sd, conclusion="same", why=why)
    if sd is not None and sd > 0:
        within, why = apart <= SEED_SDS * sd, f"{apart / sd:.1f} seed deviations apart"
        ci = None
    else:
        ci = _interval(a, b)
        within = ci is not None and ci[0] <= 0 <= ci[1]
        why = "their paired difference " + ("holds 0" if within else "is not 0") + "; the noise of seeds is not known"
    return Again(
        behaviour=name, then=a.value, now=b.value, seed_sd=sd, ci=ci, why=why,
        conclusion="within seed noise" if within else "different",
    )  # fmt: skip


def seed_sd(name: str, cells: Sequence[Cell]) -> float | None:
    """Sample standard deviation of a behaviour's mean over training seeds; None with fewer than two."""
    values: Mapping[int, float] = {
        c.spec.seed: s.value for c in cells if (s := c.score(name)) is not None and s.value is not None
    }
    if len(values) < 2:
        return None
    mean = fmean(values.values())
    return float((sum((v - mean) ** 2 for v in values.values()) / (len(values) - 1)) ** 0.5)


def _interval(a: BehaviourScore, b: BehaviourScore) -> tuple[float, float] | None:
    d = paired(a, b)
    if d.ci is None and d.difference is not None and d.difference == 0:
        return 0.0, 0.0
    return d.ci
