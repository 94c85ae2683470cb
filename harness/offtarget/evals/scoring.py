"""A score from the values of its samples, with its interval."""

from collections.abc import Mapping, Sequence

from offtarget.evals.contrast import mean_interval
from offtarget.evals.panel import Panel
from offtarget.evals.scores import BehaviourScore, Direction, Role


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
    strata: Mapping[str, int] | None = None,
) -> BehaviourScore:
    """A score from the values of its samples, with its interval.

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
        strata: how many samples of each stratum were asked.
    """
    scored = {k: float(v) for k, v in samples.items() if v is not None}
    score = BehaviourScore(
        behaviour=behaviour,
        task_version=task_version,
        direction=direction,
        role=role,
        metric=metric,
        unit=unit,
        value=sum(scored.values()) / len(scored) if scored else None,
        ci=None,
        n=len(scored),
        n_unscored=len(samples) - len(scored),
        samples=dict(samples),
        n_failed=len(failures),
        failure=failures[0] if failures else None,
        details=dict(details or {}),
        strata=dict(strata or {}),
    )
    return score.model_copy(update={"ci": score_interval(score)})


def score_interval(score: BehaviourScore) -> tuple[float, float] | None:
    """The interval of one policy's score from its samples (see `BehaviourScore.ci`)."""
    panel = Panel.of([score])
    return mean_interval(panel) if panel.ids else None
