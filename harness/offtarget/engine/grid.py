"""Run a recipe: audit, decide, then one cell for each protocol and seed, each stage from the store if it is there."""

import json
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from offtarget.audit.records import Audit
from offtarget.board.cell import (
    START,
    Cell,
    CellManifest,
    CellSpec,
    CellVerdict,
    Cost,
    PlanSummary,
    TrainingDigest,
)
from offtarget.board.folder import write_cell
from offtarget.data.pairs import PairSet
from offtarget.engine.auditing import audit_into, set_name
from offtarget.engine.features import features_of, reads_model
from offtarget.engine.planning import make_shaping_plan, readings_of
from offtarget.engine.recipe import ProtocolRun, Recipe
from offtarget.engine.reuse import Asked, Earlier
from offtarget.engine.rows import evaluation_prompts, reversed_pairs, select_rows, shuffled_by_id
from offtarget.engine.targets import check_verdicts, decide, gate_name, targets_of
from offtarget.lens.activations import cores
from offtarget.lens.features import FeatureMatrix
from offtarget.models import ModelRef, resolve, template_key
from offtarget.registry import default
from offtarget.shaping.context import Target
from offtarget.shaping.plan import ShapingPlan
from offtarget.shaping.readings import StoredReadings
from offtarget.store import Store, file_sha256, write_atomic
from offtarget.training.fit import check_fit
from offtarget.training.run import check_loss, check_rows, prepare, train
from offtarget.training.tokens import TrainingSet
from offtarget.verdicts import Verdicts
from offtarget.versions import code_version, commit, package_versions

log = logging.getLogger(__name__)

RUN_FILE = "run.json"
"""The recipe of a run folder, whole, so that `offtarget verify` can go on from it."""
Progress = Callable[[str, int, int], None]


@dataclass
class Run:
    """One recipe on its way: what every cell of the grid shares."""

    recipe: Recipe
    base: Path
    """Folder that relative paths of the recipe start from."""
    out: Path
    store: Store
    model: ModelRef
    pairs: PairSet
    audited: PairSet
    features: tuple[FeatureMatrix, ...]
    """Of the audited rows."""
    audit: Audit
    verdicts: Verdicts
    training_set: TrainingSet
    trained_pairs: PairSet
    readings: StoredReadings
    left_out: dict[str, int]
    """Rows not offered for training, by reason."""
    progress: Progress | None = None
    limit: int | None = None
    """Rows that were read; None: all."""


def start(
    recipe: Recipe,
    base: Path,
    out: Path,
    *,
    store: Store,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Load, audit, decide and tokenise: all that comes before the first cell."""
    from offtarget.data.loading import load_pairs

    check_verdicts(recipe, base)
    model = resolve(recipe.model, store)
    pairs = load_pairs(recipe.data, columns=recipe.columns, limit=limit or recipe.limit)
    if name := recipe.name or set_name(recipe.data):
        pairs = replace(pairs, name=name)
    if recipe.reverse:
        pairs = reversed_pairs(pairs)
    audited = pairs
    if recipe.audit.limit and recipe.audit.limit < len(pairs):
        drawn = {p.id for p in shuffled_by_id(pairs.pairs)[: recipe.audit.limit]}
        audited = replace(pairs, pairs=[p for p in pairs.pairs if p.id in drawn])
    done = audit_into(
        out / "audit",
        audited,
        recipe.audit.lens,
        model=model if reads_model(recipe.audit.lens) else None,
        store=store,
        seed=recipe.audit.seed,
        like=Path(recipe.audit.like) if recipe.audit.like else None,
        topics=recipe.audit.topics,
        max_length=recipe.audit.max_length,
        template=recipe.chat_template,
        progress=progress,
    )
    audit = done.audit
    verdicts = decide(recipe.verdicts, audit, base)
    selected, left = select_rows(pairs, recipe, evaluation_prompts(recipe.behaviours))
    training_set = prepare(selected.pairs, model, recipe.training, "", recipe.chat_template)
    if training_set.lost:
        why = ", ".join(f"{n} {reason}" for reason, n in training_set.lost.items())
        log.warning(
            "%d of the %d pairs drawn cannot be trained on at max_length %d (%s)",
            sum(training_set.lost.values()), len(selected.pairs), recipe.training.max_length, why,
        )  # fmt: skip
    trained = replace(pairs, pairs=training_set.pairs)
    training_set = replace(training_set, rows_sha256=trained.rows_sha256)
    concepts = {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
    readings = readings_of(
        trained,
        _features(trained, audited, done.features, recipe, model, store),
        concepts,
        recipe.audit.lens,
        lambda: model,
        store=store,
        max_length=recipe.training.max_length,
        template=recipe.chat_template,
        labels={c.id: c.title for c in audit.concepts},
        progress=progress,
    )
    run = Run(
        recipe, base, out, store, model, pairs, audited, done.features, audit, verdicts, training_set, trained,
        readings, left, progress, limit,
    )  # fmt: skip
    record_run(run)
    return run


def record_run(run: Run) -> None:
    """Write the recipe of a run folder, whole, for `offtarget verify`."""
    record = {
        "recipe": run.recipe.model_dump(mode="json"),
        "base": str(run.base.resolve()),
        "limit": run.limit,
    }
    write_atomic(run.out / RUN_FILE, json.dumps(record, indent=1) + "\n")


def _features(
    trained: PairSet,
    audited: PairSet,
    features: tuple[FeatureMatrix, ...],
    recipe: Recipe,
    model: ModelRef,
    store: Store,
) -> tuple[FeatureMatrix, ...]:
    """Features of the training rows: rows of the audit's where all were audited, else read now."""
    where = {p.id: i for i, p in enumerate(audited.pairs)}
    if all(p.id in where for p in trained.pairs):
        rows = [where[p.id] for p in trained.pairs]
        return tuple(f.select(rows) for f in features)
    options = recipe.audit
    return tuple(
        features_of(
            trained,
            options.lens,
            model=model,
            store=store,
            max_length=options.max_length,
            template=recipe.chat_template,
            fitted=features,
        )
    )


def plan_of(run: Run, item: ProtocolRun, seed: int) -> ShapingPlan:
    """The checked plan of one row of the grid."""
    targets = targets_in(run)
    plan = make_shaping_plan(item.protocol, item.parameters, run.readings, targets, seed)
    check_loss(plan, run.recipe.training)
    check_rows(plan, run.training_set, run.model, run.recipe.training, run.recipe.chat_template)
    return plan


def cells(run: Run, seeds: Sequence[int], reuse: Earlier | None = None) -> list[tuple[Cell, Path]]:
    """Every cell of the grid, made or found; each is written as soon as it is there.

    Args:
        run: what the cells share.
        seeds: one cell each for `start` and every protocol.
        reuse: cells that were made before; one of the same key is copied and not made again.
    """
    # all plans first: a recipe that cannot be carried out says so before anything is trained
    grid = [(item, seed, plan_of(run, item, seed)) for seed in seeds for item in run.recipe.protocols]
    check_fit(run.model, [plan for *_, plan in grid], run.recipe.training)
    for note in dict.fromkeys(note for *_, plan in grid for note in plan.notes):
        log.warning("before training: %s", note)
    done = [_one(run, START, {}, seed, reuse, lambda asked: _start_cell(run, asked)) for seed in seeds]
    for item, seed, plan in grid:
        make = partial(_protocol_cell, run, item, plan=plan)
        done.append(_one(run, item.protocol, parameters_of(item), seed, reuse, make))
    return done


def _one(
    run: Run,
    protocol: str,
    parameters: dict[str, Any],
    seed: int,
    reuse: Earlier | None,
    make: Callable[[Asked], Cell],
) -> tuple[Cell, Path]:
    asked = _asked(run, protocol, parameters, seed)
    found = reuse.find(asked) if reuse else None
    cell = found or make(asked)
    return cell, write_cell(run.out / "cells", cell)


def _evaluate(run: Run, model: ModelRef, seed: int, what: str) -> tuple[Any, float | None]:
    """The scores, and the seconds it took; None where all of them came from the store."""
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate

    options = run.recipe.evaluation
    started, made = time.monotonic(), run.store.n_made
    report = run.progress
    scores = evaluate(
        model,
        run.recipe.behaviours,
        store=run.store,
        seed=seed,
        limit=options.limit,
        part=options.part,
        sampling=Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=seed),
        template=run.recipe.chat_template,
        progress=(lambda step, done, total: report(f"{what}: {step}", done, total)) if report else None,
    )
    return scores, time.monotonic() - started if run.store.n_made > made else None


def _start_cell(run: Run, asked: Asked) -> Cell:
    scores, seconds = _evaluate(run, run.model, asked.spec.seed, START)
    return _cell(run, asked, scores, None, None, {"evaluate": seconds})


def _protocol_cell(run: Run, item: ProtocolRun, asked: Asked, plan: ShapingPlan) -> Cell:
    seed = asked.spec.seed
    trained = train(
        run.training_set,
        plan,
        run.model,
        run.recipe.training,
        seed=seed,
        store=run.store,
        progress=run.progress,
        template=run.recipe.chat_template,
    )
    policy = resolve(str(trained.path), run.store)
    scores, evaluated = _evaluate(run, policy, seed, item.protocol)
    seconds: dict[str, float | None] = {"train": float(trained.digest["seconds"]), "evaluate": evaluated}
    return _cell(run, asked, scores, plan, trained.digest, seconds)


def targets_in(run: Run) -> tuple[Target, ...]:
    """What is to be carried out on the training rows."""
    return targets_of(run.verdicts, run.audit, run.trained_pairs.pairs, _gates(run))


def _gates(run: Run) -> list[dict[str, str] | None]:
    """What each verdict of the recipe asks of a pair's metadata."""
    written = run.recipe.verdicts
    gates = [] if isinstance(written, str) else [v.where for v in written]
    return gates[: len(run.verdicts.verdicts)]


def parameters_of(item: ProtocolRun) -> dict[str, Any]:
    """All parameters of a protocol: its presets, and what the recipe sets."""
    presets = default().get("protocol", item.protocol).card.get("parameters", {})
    return {**presets, **item.parameters}


def _asked(run: Run, protocol: str, parameters: dict[str, Any], seed: int) -> Asked:
    """What a cell is asked for and stands on: known before it is made."""
    recipe = run.recipe
    trained = protocol != START
    spec = CellSpec(
        dataset=run.pairs.name,
        model=recipe.model,
        protocol=protocol,
        parameters=parameters,
        seed=seed,
        training=recipe.training.model_dump(mode="json") if trained else {},
        behaviours=tuple(recipe.behaviours),
        verdicts=tuple(
            CellVerdict(
                concept=v.concept,
                context=gate_name(gate) if gate else v.context,
                decision=v.decision,
                strength=v.strength,
            )
            for v, gate in zip_longest(run.verdicts.verdicts, _gates(run))
        )
        if trained
        else (),
        data={
            "train": recipe.train.model_dump(mode="json"),
            "columns": dict(recipe.columns or {}),
            "evaluation": recipe.evaluation.model_dump(mode="json"),
            **({"roles": dict(recipe.roles)} if recipe.roles else {}),
        },
    )
    manifest = CellManifest(
        dataset_revision=run.pairs.revision,
        rows_sha256=run.trained_pairs.rows_sha256,
        n_pairs=len(run.trained_pairs),
        model_identity=run.model.identity,
        template_hash=template_key(run.model, recipe.chat_template),
        task_versions={
            name: str(default().get("behaviour", name).card["version"]) for name in recipe.behaviours
        },
        code_version=code_version(),
        protocol_sha256=file_sha256(default().get("protocol", protocol).path) if trained else None,
        packages=package_versions() | ({"offtarget-commit": at} if (at := commit()) else {}),
        seeds={"training": seed, "sampling": seed},
    )
    setting = {"budget": recipe.budget, "mode": recipe.training.mode, "audit": run.audit.key}
    return Asked(spec, manifest, setting)


def _cell(
    run: Run,
    asked: Asked,
    scores: Any,
    plan: ShapingPlan | None,
    digest: dict[str, Any] | None,
    seconds: dict[str, float | None],
) -> Cell:
    recipe, findings = run.recipe, run.audit.findings
    return Cell(
        spec=asked.spec,
        manifest=asked.manifest,
        audit={
            "key": run.audit.key,
            "vocabulary": run.audit.vocabulary,
            "n_pairs": run.audit.dataset.n_pairs,
            "findings": len(findings),
            "warnings": list(run.audit.warnings),
        },
        plan=PlanSummary.model_validate(plan.summary()) if plan else None,
        training=_digest(run, digest, plan) if digest and plan else None,
        behaviours=tuple(
            s.model_copy(update={"role": recipe.roles.get(name, s.role)}) for name, s in scores.items()
        ),
        budget=recipe.budget,
        mode=recipe.training.mode,
        cost=Cost(
            seconds={k: None if v is None else round(v, 1) for k, v in seconds.items()},
            peak_memory_gb=_peak_memory(),
        ),
        hardware={"processor": platform.processor() or platform.machine(), "cores": str(cores())},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _digest(run: Run, digest: dict[str, Any], plan: ShapingPlan) -> TrainingDigest:
    dropped = {**{f"not offered: {k}": v for k, v in run.left_out.items()}, **run.training_set.lost}
    room = run.recipe.training.max_length
    cut = sum(len(t.prompt) + max(len(t.chosen), len(t.rejected)) > room for t in run.training_set.ids)
    accuracies = {} if digest["accuracy_last"] is None else {"training, last fifth": digest["accuracy_last"]}
    return TrainingDigest(
        steps=digest["steps"],
        loss_first=digest["loss_first"],
        loss_last=digest["loss_last"],
        accuracies=accuracies,
        tokens=digest["tokens"],
        dropped=dropped,
        truncated=cut,
        effective_weights={k: plan.summary()["start_weight"][k] for k in ("edges", "counts")},
        details={
            k: digest[k]
            for k in ("losses", "first_trained_layer", "prefix_layer", "margin_last", "code_version")
        },
    )


def _peak_memory() -> float:
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
