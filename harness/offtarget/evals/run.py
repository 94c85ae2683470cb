"""Behaviour scores of a model: the registry's tasks under Inspect, one pool of answers, kept in the store."""

import json
import logging
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offtarget import models, registry
from offtarget.errors import ConfigError, OfftargetError
from offtarget.evals.content import check_card, content_hash, pool_rows, sample_ids, strata_of, task_of
from offtarget.evals.policy import Policy, Sampling
from offtarget.evals.pool import Rollouts, rollouts, where_kept
from offtarget.evals.prompts import Part, stratum_of
from offtarget.evals.scores import BehaviourScore
from offtarget.evals.scoring import make_score
from offtarget.lens import surface
from offtarget.lens.reader import Reader
from offtarget.progress import Progress, Steps
from offtarget.store import Store, write_atomic

if TYPE_CHECKING:
    from offtarget.evals.served import ServedPolicy

STAGE_VERSION = 4
log = logging.getLogger(__name__)


def evaluate(
    model: str | models.ModelRef,
    behaviours: Sequence[str],
    *,
    store: Store | None = None,
    seed: int = 0,
    limit: int | None = None,
    part: Part | None = None,
    log_dir: Path | None = None,
    threads: int | None = None,
    sampling: Sampling | None = None,
    dtype: str | None = None,
    template: str | None = None,
    grader: str | None = None,
    server: str | None = None,
    progress: Progress | None = None,
    kept: Callable[[str | None, Path], None] | None = None,
) -> dict[str, BehaviourScore]:
    """Measure behaviours of a model; what was measured before is read from the store.

    Behaviours whose task has a parameter `prompts` are scored on one pool: the prompts of all of them
    together, answered once. The others run as they are.

    Args:
        model: alias, directory, `hf:` id, or what `models.resolve` gave.
        behaviours: names in the registry.
        store: where answers, scores and Inspect's logs are kept.
        seed: of the sampling.
        limit: use this many prompts or items of each behaviour, as large a share of each stratum (`prompts.asked`).
        part: use only those of the development part, or only the others; None: all.
        log_dir: a copy of Inspect's logs is put there.
        threads: of torch.
        sampling: other than the default (temperature 0.7, top_p 0.95, 128 tokens); its seed is replaced.
        dtype: of the weights; None: what suits the machine (`machine.precision`).
        template: path of a Jinja chat template, for models that have none.
        grader: Inspect name of the model that judges answers, for behaviours that need one; it sees prompts and answers.
        server: address of a server that answers for the model (vLLM's protocol); None: it is loaded here.
        progress: called as the work goes on.
        kept: called with each behaviour and its log in the store, and with None and the folder of the pool's answers.

    Returns:
        Scores by behaviour, in the order that was asked.

    Raises:
        ConfigError: an unknown behaviour or model, or a broken task.
        OfftargetError: a task failed; the message has its reason.
        KeyboardInterrupt: interrupted, also inside Inspect.
    """
    store = store or Store()
    entries = [registry.default().get("behaviour", b) for b in dict.fromkeys(behaviours)]
    for entry in entries:
        check_card(entry)
        if entry.card.get("grader") and grader is None:
            raise ConfigError(
                f"behaviour '{entry.name}' is judged by another model: name it with --grader PROVIDER/MODEL (in a recipe with "
                "evaluation.grader); its provider sees prompts and answers"
            )
        if entry.card.get("argument"):  # a wrong name after the colon is found before anything is answered
            registry.load_function(entry)()
    ref = models.resolve(model, store) if isinstance(model, str) else model
    reader = Reader(ref, store, dtype=dtype, template=template, progress=progress, server=server)
    base = sampling or Sampling()
    drawn = Sampling(base.max_tokens, base.temperature, base.top_p, seed)
    rows = pool_rows(entries, limit, part)

    unloadable: list[OfftargetError] = []

    @cache
    def policy() -> "Policy | ServedPolicy":
        if threads:
            import torch

            torch.set_num_threads(threads)
        try:
            if reader.server:
                from offtarget.evals.served import ServedPolicy

                return ServedPolicy.open(reader, reader.server)
            return Policy(*reader.load())
        except OfftargetError as e:  # Inspect makes text of it, in the error of a sample
            unloadable.append(e)
            raise

    out = {}
    report = progress or (lambda _what, _done, _total: None)

    @cache
    def pool() -> Rollouts:
        return rollouts(reader, [r["prompt"] for r in rows], drawn, policy)

    for entry in entries:
        pooled = "prompts" in entry.card["parameters"] and bool(rows)
        inputs = {
            **reader.identity("inspect-ai"),
            "task": entry.name,
            "version": entry.card["version"],
            "content": content_hash(entry),
            "prompts": rows if pooled else None,
            "rules": surface.VERSION if pooled else None,
            "limit": limit,
            **({"part": part} if part else {}),
            **({"grader": grader} if entry.card.get("grader") else {}),
            "sampling": asdict(drawn),
        }

        def build(path: Path, entry: registry.Entry = entry, pooled: bool = pooled) -> None:
            score = _measure(
                entry,
                path,
                name=ref.name,
                policy=policy,
                pool=pool() if pooled else None,
                rows=rows,
                sampling=drawn,
                limit=None if pooled else limit,
                part=None if pooled else part,
                strata=[strata_of(e, e.prompts_file.stem) for e in entries] if pooled else [strata_of(entry)],
                grader=grader if entry.card.get("grader") else None,
                progress=lambda done, total: report(entry.name, done, total),
            )
            write_atomic(path / "score.json", score.model_dump_json(indent=1))

        try:
            artifact = store.get("scores", STAGE_VERSION, inputs, build)
        except OfftargetError:
            if unloadable:
                raise unloadable[0] from None
            raise
        score = BehaviourScore.model_validate_json((artifact / "score.json").read_text())
        if score.n_failed:
            log.warning(
                "%s: %d of %d samples failed and are unscored: %s",
                entry.name, score.n_failed, len(score.samples), score.failure,
            )  # fmt: skip
        out[entry.name] = score
        if log_dir:
            log_dir.mkdir(parents=True, exist_ok=True)
            for file in artifact.glob("logs/*.eval"):
                shutil.copy2(file, log_dir / file.name)
        if kept:
            for file in artifact.glob("logs/*.eval"):
                kept(entry.name, file)
    if kept and rows and (answers := where_kept(reader, [r["prompt"] for r in rows], drawn)).is_dir():
        kept(None, answers)
    return out


def _measure(
    entry: registry.Entry,
    out: Path,
    *,
    name: str,
    policy: "Callable[[], Policy | ServedPolicy]",
    pool: Rollouts | None,
    rows: list[dict[str, Any]],
    sampling: Sampling,
    limit: int | None,
    part: Part | None,
    strata: Sequence[Sequence[str]],
    grader: str | None,
    progress: Steps,
) -> BehaviourScore:
    """Run one task under Inspect, its log and prompts into `out`."""
    from inspect_ai import eval as inspect_eval
    from inspect_ai.model import GenerateConfig, Model

    from offtarget.evals import provider

    arguments = {}
    if pool is not None:
        lines = [json.dumps(r, ensure_ascii=False) for r in rows]
        arguments["prompts"] = str(write_atomic(out / "prompts.jsonl", "\n".join(lines) + "\n"))
    task = task_of(entry, arguments)
    ids = sample_ids(entry, limit, part) if limit or part else None
    make_api: Any = provider.offtarget
    api = make_api(model_name=name, policy=policy, rollouts=pool, progress=progress)
    roles = {}
    if grader:
        from offtarget.evals.grading import ROLE, grader_of

        roles[ROLE] = grader_of(grader)
    with _log_levels_kept():
        logs = inspect_eval(
            task,
            model_roles=roles or None,
            model=Model(api, GenerateConfig(max_connections=provider.CONNECTIONS)),
            display="none",
            log_dir=str(out / "logs"),
            log_format="eval",
            log_realtime=False,
            log_model_api=False,
            log_level="error",
            score_display=False,
            ctl_server=False,
            limit=None if ids else limit,
            sample_id=ids,
            fail_on_error=False,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
        )
    return score_of(logs[0], entry, strata)


@contextmanager
def _log_levels_kept() -> Iterator[None]:
    """Our warnings are heard inside the block and after it, whatever it does to the level of the root logger.

    Inspect sets that level for the whole process at its first evaluation; ours and everybody's warnings end there.
    """
    root, ours = logging.getLogger(), logging.getLogger("offtarget")
    before = root.level, ours.level
    ours.setLevel(ours.getEffectiveLevel())
    try:
        yield
    finally:
        root.setLevel(before[0])
        ours.setLevel(before[1])


def score_of(done: Any, entry: registry.Entry, strata: Sequence[Sequence[str]] = ()) -> BehaviourScore:
    """The score in an Inspect log.

    Args:
        done: an `EvalLog` with its samples.
        entry: the behaviour, whose card says what the value is.
        strata: all that the task's prompts or items have, file by file; those of a file that was not asked are left out.

    Raises:
        KeyboardInterrupt: the run was cancelled.
        OfftargetError: it failed, or not one sample could be run.
    """
    if done.status == "cancelled":
        raise KeyboardInterrupt
    samples = done.samples or []
    errors = [s.error for s in samples if s.error]
    error = done.error or (errors[0] if errors and len(errors) == len(samples) else None)
    if error or done.status != "success":
        reason = " ".join(str(error.message if error else done.status).split())
        raise OfftargetError(f"behaviour '{entry.name}' of {done.eval.model} could not be measured: {reason}")
    repeated = (done.eval.config.epochs or 1) > 1
    values: dict[str, float | None] = {}
    notes: dict[str, list[float]] = {}
    seen = {str(s.id): stratum_of(s.metadata or {}) for s in samples}
    for sample in samples:
        key = f"{sample.id}#{sample.epoch}" if repeated else str(sample.id)
        score = next(iter((sample.scores or {}).values()), None)
        if sample.error or score is None:
            values[key] = None
            continue
        values[key] = _number(score.value, entry)
        if values[key] is not None:
            for name, value in (score.metadata or {}).items():
                if isinstance(value, (int, float)):
                    notes.setdefault(name, []).append(float(value))
    return make_score(
        values,
        behaviour=entry.name,
        task_version=entry.card["version"],
        direction=entry.card["direction"],
        role=entry.card["role"],
        metric=str(entry.card.get("metric", "mean")),
        unit=str(entry.card.get("unit", "")),
        failures=[" ".join(e.message.split())[:500] for e in errors],
        details={name: sum(v) / len(v) for name, v in sorted(notes.items())},
        strata=_counts([s for s in seen.values() if s], strata),
    )


def _counts(asked_: Sequence[str], strata: Sequence[Sequence[str]]) -> dict[str, int]:
    """How many samples of each stratum were asked, with 0 for the others of the same files."""
    counts = Counter(asked_)
    missed = {s: 0 for file in strata if counts.keys() & set(file) for s in file if s not in counts}
    return dict(sorted((missed | counts).items()))


def _number(value: Any, entry: registry.Entry) -> float | None:
    from inspect_ai.scorer import value_to_float

    if isinstance(value, (dict, list)):
        raise ConfigError(f"{entry.path}: a behaviour's first scorer must give one number, not {type(value).__name__}")
    if isinstance(value, float) and math.isnan(value):  # Inspect's mark for unscored
        return None
    return float(value_to_float()(value))
