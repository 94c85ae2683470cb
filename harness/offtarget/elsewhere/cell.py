"""The cell of a policy that another program trained: scored here, or from Inspect's logs."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from offtarget.board.cell import START, Cell, CellManifest, CellSpec, Cost, Elsewhere
from offtarget.comparison.logs import LogScores, logs_in, read_logs
from offtarget.elsewhere.folder import Exported
from offtarget.elsewhere.policy import policy_of
from offtarget.engine.recipe import EvalOptions
from offtarget.errors import ConfigError, UndecidedError
from offtarget.evals.prompts import read_rows
from offtarget.evals.scores import BehaviourScore, Role
from offtarget.machine import cores
from offtarget.models import resolve, template_key
from offtarget.progress import Progress
from offtarget.registry import Entry, default
from offtarget.store import Store, hash_of
from offtarget.versions import code_version, package_versions

BUDGET = "unknown"
"""Budget class of what another program trained."""
ASKED = ("limit", "max_tokens", "temperature", "top_p", "epochs", "system_message")
"""How a log was asked, where it says so."""


@dataclass(frozen=True)
class Measure:
    """What is measured, and how."""

    behaviours: tuple[str, ...]
    """Names in the registry; of logs empty: all that they hold."""
    options: EvalOptions = field(default_factory=EvalOptions)
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Behaviour -> what it is in this experiment, where its card says otherwise."""
    template: str | None = None
    """Chat template file, for models without one."""


@dataclass(frozen=True)
class _Scored:
    scores: Mapping[str, BehaviourScore]
    evaluation: dict[str, Any]
    policy: str
    template: str
    scored_by: str = ""
    seconds: float | None = None


def scored_here(
    policy: str | None,
    of: Exported,
    measure: Measure,
    *,
    seed: int,
    training: Mapping[str, Any],
    progress: Progress | None,
) -> Cell:
    """Score a policy, or with None the plan's start model, and make its cell.

    Args:
        policy: a model or a LoRA adapter.
        of: the plan that it is said to be trained under.
        measure: what is measured.
        seed: with which it is said to be trained; also of the sampling.
        training: what else is said of its training: cells that say the same are on one board.
        progress: called with (what, done, total).

    Raises:
        ConfigError: a policy that is none of this plan, or cannot be loaded.
        UndecidedError: the start model is another one by now.
    """
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate

    store = Store()
    ref = resolve(of.model, store) if policy is None else policy_of(policy, of, store)
    if policy is None and ref.identity != of.model_identity:
        raise UndecidedError(
            f"start model '{of.model}' is another one than when the plan was exported: export it again"
        )
    options, started, made = measure.options, time.monotonic(), store.n_made
    scores = evaluate(
        ref,
        measure.behaviours,
        store=store,
        seed=seed,
        limit=options.limit,
        part=options.part,
        sampling=Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=seed),
        template=measure.template,
        progress=progress,
    )
    seconds = round(time.monotonic() - started, 1) if store.n_made > made else None
    template = template_key(ref, measure.template)
    found = _Scored(scores, options.model_dump(mode="json"), ref.identity, template, seconds=seconds)
    return _cell(found, of, measure, start=policy is None, seed=seed, training=training)


def scored_elsewhere(
    given: Sequence[Path], of: Exported, measure: Measure, *, start: bool, seed: int, training: Mapping[str, Any]
) -> Cell:
    """Make the cell of a policy, or of the start model, from Inspect's logs of our tasks.

    Args:
        given: logs, or folders of them, of one model.
        of: the plan that it is said to be trained under.
        measure: which behaviours are taken; how they were asked is in the logs.
        start: whether it is the start model.
        seed: with which it is said to be trained.
        training: what else is said of its training.

    Raises:
        ConfigError: a log that is unfinished, cancelled, failed, damaged, or of no task of ours; logs of several models.
        UndecidedError: a log of another version of its task, or with samples that the task does not have.
    """
    files = []
    for path in given:
        if not path.exists():
            raise ConfigError(f"{path}: no such file or folder")
        found = logs_in(path)
        if not found:
            raise ConfigError(f"{path}: no Inspect log (.eval) there")
        files += found
    where = ", ".join(map(str, given))
    logs = read_logs(files, where)
    scores = _scores(logs, measure, where)
    evaluation = _asked(logs)
    identity = hash_of(sorted([str(log.eval.model), str(log.eval.eval_id), str(log.eval.run_id)] for log in logs.logs))
    provider, _, rest = logs.model.partition("/")
    # without the folders that a model lies in on somebody's disk
    name = f"{provider}/{PurePath(rest).name}" if rest else provider
    scored = _Scored(scores, evaluation, identity, of.template_hash, scored_by=name)
    return _cell(scored, of, measure, start=start, seed=seed, training=training)


def _scores(logs: LogScores, measure: Measure, where: str) -> dict[str, BehaviourScore]:
    from offtarget.evals.run import score_of

    out = {}
    for log in logs.logs:
        name = str(log.eval.task).rpartition("/")[2]
        if measure.behaviours and name not in measure.behaviours:
            continue
        entry = default().get("behaviour", name)
        _require_task(log, entry, where)
        out[name] = score_of(log, entry)
    if missing := [b for b in measure.behaviours if b not in out]:
        raise ConfigError(
            f"{where}: no log of {', '.join(missing)}; run `inspect eval` on it, or name other behaviours"
        )
    return out


def _require_task(log: Any, entry: Entry, where: str) -> None:
    """Refuse a log of another version of a task, or with samples of something else.

    Raises:
        UndecidedError: says which.
    """
    attributes = dict(log.eval.task_attribs or {})
    version, ours = str(attributes.get("version") or log.eval.task_version), str(entry.card["version"])
    if version != ours:
        raise UndecidedError(
            f"{where}: the log of '{entry.name}' is of task version {version}, here it is {ours}: scores of different versions "
            "are not comparable; run it again with this version"
        )
    if not entry.prompts_file.is_file():
        return
    known = {str(row["id"]) for row in read_rows(entry.prompts_file)}
    odd = [str(s.id) for s in log.samples or [] if str(s.id) not in known and "/" not in str(s.id)]
    if odd:
        raise UndecidedError(
            f"{where}: the log of '{entry.name}' has {len(odd)} samples that version {ours} of the task does not have (first: "
            f"{odd[0]}); run it again with the task that ships"
        )


def _asked(logs: LogScores) -> dict[str, Any]:
    """How the logs were asked: one value where all agree, else one a task. Other options, another board."""
    out: dict[str, Any] = {"scored": f"Inspect, {logs.model.partition('/')[0]}"}
    for key in ASKED:
        by_task = {
            name: logs.evaluation.get(f"{log.eval.task}: {key}") for log in logs.logs for name in [log.eval.task]
        }
        values = list(by_task.values())
        value = values[0] if all(v == values[0] for v in values) else by_task
        if value is not None and (key, value) != ("epochs", 1):
            out[key] = value
    return out


def require_no_contradiction(training: Mapping[str, Any], of: Exported) -> None:
    """Refuse what is said of a training against the options that the rows were made for.

    Raises:
        ConfigError: names the option.
    """
    for key, value in training.items():
        if key in of.training and of.training[key] != value:
            raise ConfigError(
                f"--training {key}={value}: the rows of this plan were made for {key}={of.training[key]}; export the plan with "
                f"-T {key}={value}"
            )


def _cell(
    found: _Scored, of: Exported, measure: Measure, *, start: bool, seed: int, training: Mapping[str, Any]
) -> Cell:
    names = tuple(found.scores)
    claimed = None
    if not start:
        claimed = Elsewhere(
            plan_sha256=of.plan_sha256,
            export_sha256=of.export_sha256,
            policy=found.policy,
            scored_by=found.scored_by,
            ignored=of.ignored,
        )
    return Cell(
        spec=CellSpec(
            dataset=of.dataset,
            model=of.model,
            protocol=START if start else of.protocol,
            parameters={} if start else of.parameters,
            seed=seed,
            training={} if start else {**of.training, **training},
            behaviours=names,
            verdicts=() if start else of.verdicts,
            data={"evaluation": found.evaluation, **({"roles": dict(measure.roles)} if measure.roles else {})},
        ),
        manifest=CellManifest(
            dataset_revision=of.dataset_revision,
            rows_sha256=of.rows_sha256,
            n_pairs=of.n_pairs,
            model_identity=of.model_identity,
            template_hash=found.template,
            task_versions={name: s.task_version for name, s in found.scores.items()},
            code_version=code_version(),
            protocol_sha256=None if start else of.protocol_sha256,
            contexts_sha256=None if start else of.contexts_sha256,
            packages=package_versions(),
            seeds={"training": seed, "sampling": seed},
        ),
        plan=None if start else of.plan,
        behaviours=tuple(s.model_copy(update={"role": measure.roles.get(n, s.role)}) for n, s in found.scores.items()),
        budget=BUDGET,
        mode="exact" if start else "elsewhere",
        elsewhere=claimed,
        cost=Cost(seconds={"evaluate": found.seconds}),
        hardware={"processor": platform.processor() or platform.machine(), "cores": str(cores())},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
