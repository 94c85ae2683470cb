"""Curves of a run's policies or of adapters, asked as the run was: what the command line and a program call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from offtarget.curve.page import CURVE_JSON, CURVE_PAGE, page
from offtarget.curve.records import Curves
from offtarget.curve.run import SCALES, Matching, curves_of
from offtarget.curve.sources import read_sources
from offtarget.errors import ConfigError
from offtarget.evals.scores import BehaviourScore
from offtarget.models import ModelRef
from offtarget.progress import Progress
from offtarget.store import Store, write_atomic


@dataclass(frozen=True)
class Question:
    """What is measured, and how; None: as in the run, else the default of `offtarget eval`."""

    scales: Sequence[float] = SCALES
    behaviours: Sequence[str] = ()
    """Empty: those of the run."""
    on: str | None = None
    """Behaviour that is held equal; None: the only target."""
    at: float | None = None
    """Its shift from start; None: half of the largest that every curve reaches."""
    limit: int | None = None
    """Prompts of each behaviour."""
    seed: int = 0
    """Of sampling, for adapters; a run has those of its cells."""
    max_tokens: int | None = None
    template: str | None = None
    """Chat template file, for models without one."""


def measured(policies: Sequence[str], asked: Question, store: Store, progress: Progress | None = None) -> Curves:
    """Scale adapters, measure each dose, and compare them where their target has shifted as far.

    Args:
        policies: one run folder; or adapters, of which those with a comma between are seeds of one curve.
        asked: what is measured, and how.
        store: where scores and scaled adapters are kept.
        progress: called with (what, done, total).

    Raises:
        ConfigError: scales that are none, nothing to measure, no such run, adapter, behaviour or target.
        UndecidedError: the target does not move at any scale.
    """
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate

    if not asked.scales or not all(isfinite(x) and x >= 0 for x in asked.scales) or max(asked.scales) == 0:
        given = ",".join(f"{x:g}" for x in asked.scales)
        raise ConfigError(f"--scales {given}: write numbers from 0 on, one of them above 0: 0.5,1")
    source = read_sources(policies, store)
    names = list(asked.behaviours) or list(source.behaviours)
    if not names:
        raise ConfigError("adapters alone do not say what to measure: name it with --behaviours")
    how = source.evaluation
    settings: dict[str, Any] = {
        "limit": how.get("limit") if asked.limit is None else asked.limit,
        "max_tokens": asked.max_tokens or how.get("max_tokens", Sampling().max_tokens),
        "temperature": how.get("temperature", Sampling().temperature),
        "part": how.get("part"),
    }

    def ask(model: ModelRef, own: int, what: str) -> Mapping[str, BehaviourScore]:
        return evaluate(
            model,
            names,
            store=store,
            seed=own if source.behaviours else asked.seed,
            limit=settings["limit"],
            part=settings["part"],
            grader=how.get("grader"),
            sampling=Sampling(max_tokens=settings["max_tokens"], temperature=settings["temperature"]),
            template=asked.template or source.template,
            progress=(lambda step, done, total: progress(f"{what}: {step}", done, total)) if progress else None,
        )

    matching = Matching(target=asked.on, level=asked.at, roles=source.roles)
    return curves_of(source.rows, asked.scales, ask, store, matching=matching, evaluation=settings)


def write(found: Curves, folder: Path, command: str) -> tuple[Path, Path]:
    """Write curve.json and curve.html.

    Args:
        found: the curves.
        folder: for both files.
        command: that makes the page again.
    """
    data, html = folder / CURVE_JSON, folder / CURVE_PAGE
    write_atomic(data, found.model_dump_json(indent=1) + "\n")
    write_atomic(html, page(found, command))
    return data, html
