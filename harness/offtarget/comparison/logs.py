"""Plain Inspect logs as scores of behaviours, whoever made them, and the answers in them.

A log of one of our tasks says itself which way is better. Of any other task each scorer is a behaviour, and more counts as
better, as Inspect's own scorers have it; no test depends on that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from offtarget.errors import ConfigError
from offtarget.evals.scores import BehaviourScore, Direction, Role
from offtarget.evals.scoring import make_score

LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
PATHS = ("prompts", "items")
"""Arguments of a task that say where its samples are: other samples are found by their inputs."""
SETTINGS = ("limit", "sample_shuffle", "epochs")
SAMPLING = ("max_tokens", "temperature", "top_p", "seed", "system_message")


@dataclass(frozen=True)
class Answered:
    """A sample of a log: what was asked, and what came of it."""

    asked: str
    answer: str


@dataclass(frozen=True)
class LogScores:
    """What some Inspect logs of one model say."""

    model: str
    scores: Mapping[str, BehaviourScore]
    """By task, or by task and scorer where a task has several."""
    evaluation: Mapping[str, Any]
    """How it was sampled, and the arguments of tasks, where they were given."""
    answers: Mapping[str, Mapping[str, Answered]] = field(default_factory=dict)
    """Behaviour -> sample id -> what was asked and answered."""
    logs: tuple[Any, ...] = ()
    """The logs themselves, one a task."""


def logs_in(path: Path) -> list[Path]:
    """The Inspect logs of a file or a folder, by name; empty where there are none."""
    if path.is_dir():
        return sorted(path.glob("*.eval"))
    return [path] if path.suffix == ".eval" else []


def read_logs(given: Sequence[Any], where: str) -> LogScores:
    """The scores in some logs of one model.

    Args:
        given: the logs: paths, or `EvalLog` with their samples. Those that did not succeed are left out where another one
            of their task did.
        where: what the user named, for messages.

    Raises:
        ConfigError: a log is unreadable, unfinished, failed or cancelled; two are of one task, or of several models.
    """
    logs = _finished([_read(log) if isinstance(log, Path) else log for log in given], given, where)
    models = sorted({str(log.eval.model) for log in logs})
    if len(models) > 1:
        raise ConfigError(f"{where}: logs of several models ({', '.join(models[:4])}); name those of one")
    scores: dict[str, BehaviourScore] = {}
    answers: dict[str, Mapping[str, Answered]] = {}
    evaluation: dict[str, Any] = {}
    for log in logs:
        task = str(log.eval.task)
        if any(name == task or name.startswith(f"{task}/") for name in scores):
            raise ConfigError(f"{where}: two logs of task '{task}'; name one of them")
        found = scores_of(log, where)
        said = {i: _answered(s) for i, s in _samples(log).items()}
        scores |= found
        answers |= dict.fromkeys(found, said)
        evaluation |= {f"{task}: {k}": v for k, v in _settings(log).items()}
    return LogScores(models[0], scores, evaluation, answers, tuple(logs))


def scores_of(log: Any, where: str) -> dict[str, BehaviourScore]:
    """The scores in one log: one for each scorer, and for each part of a scorer that gives several.

    Args:
        log: an `EvalLog` with its samples.
        where: what the user named, for messages.

    Raises:
        ConfigError: the log has no scored sample.
    """
    task, card = str(log.eval.task), dict(log.eval.task_attribs or {})
    values: dict[str, dict[str, float | None]] = {}
    names = {n for s in (log.samples or []) for score in [s.scores or {}] for n in _parts(score)}
    for sample_id, sample in _samples(log).items():
        parts = {} if sample.error else _parts(sample.scores or {})
        for name in names:
            values.setdefault(name, {})[sample_id] = parts.get(name)
    if not names:
        raise ConfigError(f"{where}: the log of task '{task}' has no scored sample; score it with `inspect score`")
    failures = [" ".join(s.error.message.split())[:500] for s in log.samples if s.error]
    version = str(card.get("version") or log.eval.task_version)
    return {
        behaviour: make_score(
            found,
            behaviour=behaviour,
            task_version=version,
            direction=card["direction"] if card.get("direction") in get_args(Direction) else "higher",
            role=card["role"] if card.get("role") in get_args(Role) else "target",
            metric=str(card.get("metric", "mean")),
            unit=str(card.get("unit", "")),
            failures=failures,
        )
        for behaviour, found in ((task if len(names) == 1 else f"{task}/{n}", values[n]) for n in sorted(names))
    }


def differently_asked(a: Mapping[str, Answered], b: Mapping[str, Answered]) -> list[str]:
    """The sample ids that both have with another input: those are not the same samples."""
    return [i for i in a if i in b and a[i].asked != b[i].asked]


def _read(path: Path) -> Any:
    from inspect_ai.log import read_eval_log

    try:
        return read_eval_log(str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except Exception as e:  # whatever a broken archive makes of itself
        reason = " ".join(str(e).split())[:200] or type(e).__name__
        raise ConfigError(
            f"{path}: not an Inspect log, or a damaged one ({reason}); try `inspect log recover`"
        ) from None


def _finished(logs: Sequence[Any], given: Sequence[Any], where: str) -> list[Any]:
    """Those that succeeded; a task of which none did is refused."""
    done = [log for log in logs if log.status == "success"]
    tasks = {log.eval.task for log in done}
    for log, path in zip(logs, given, strict=True):
        if log.status != "success" and log.eval.task not in tasks:
            state = {"started": "is not finished", "cancelled": "was cancelled"}.get(log.status, "failed")
            raise ConfigError(
                f"{path if isinstance(path, Path) else where}: the run of task '{log.eval.task}' {state}, so it says nothing of "
                "the samples it lacks; finish it with `inspect eval-retry`"
            )
    if not done:
        raise ConfigError(f"{where}: no Inspect log there")
    return done


def _settings(log: Any) -> dict[str, Any]:
    """How a log was sampled: of the run, of the task, of the model, the first that says it; and the task's own arguments."""
    given = [log.plan.config, log.eval.model_generate_config]
    sampling = {k: next((v for c in given if (v := getattr(c, k, None)) is not None), None) for k in SAMPLING}
    config = {k: getattr(log.eval.config, k, None) for k in SETTINGS}
    arguments = {k: v for k, v in (log.eval.task_args_passed or {}).items() if k not in PATHS}
    return sampling | config | arguments


def _samples(log: Any) -> dict[str, Any]:
    """The samples by id, with the epoch behind a `#` where they were repeated."""
    repeated = (log.eval.config.epochs or 1) > 1
    return {f"{s.id}#{s.epoch}" if repeated else str(s.id): s for s in (log.samples or [])}


def _parts(scores: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers in the scores of a sample: by scorer, and where one gives several by scorer and key."""
    out: dict[str, float | None] = {}
    for name, score in scores.items():
        if isinstance(score.value, Mapping):
            out |= {f"{name}/{key}": _number(v) for key, v in score.value.items()}
        elif not isinstance(score.value, list):
            out[name] = _number(score.value)
    return out


def _number(value: Any) -> float | None:
    """A score's value as a number: letters and words as Inspect reads them (C is 1, P 0.5, I and N 0); None for others."""
    if isinstance(value, str):
        word = value.strip()
        known = LETTERS.get(word, WORDS.get(word.lower()))
        if known is not None:
            return known
        try:
            value = float(word)
        except ValueError:  # Inspect would make it 0; an answer that cannot be scored is unscored
            return None
    return float(value) if math.isfinite(value) else None


def _answered(sample: Any) -> Answered:
    asked = sample.input if isinstance(sample.input, str) else "\n\n".join(f"{m.role}: {m.text}" for m in sample.input)
    return Answered(asked, sample.output.completion if sample.output else "")
