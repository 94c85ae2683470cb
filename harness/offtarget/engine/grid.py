"""The grid of a run: one cell for each protocol and seed, each stage from the store if it is there."""

import glob
import logging
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from offtarget.board.cell import START, Cell, CellManifest, CellSpec, Cost, PlanSummary, TrainingDigest, setting_of
from offtarget.board.folder import cell_path, file_of, write_cell
from offtarget.engine.cell_recipe import recipe_of_cell
from offtarget.engine.links import Kept, clear_broken, link_kept, names_of
from offtarget.engine.planning import make_shaping_plan, turned_round
from offtarget.engine.recipe import EvalOptions, ProtocolRun
from offtarget.engine.reuse import Asked, Earlier
from offtarget.engine.run import Run
from offtarget.evals.floor import Floor, floor_of
from offtarget.evals.scores import BehaviourScore
from offtarget.lens.table import reads_model
from offtarget.machine import cores, return_freed_memory
from offtarget.models import ModelRef, resolve, template_key
from offtarget.registry import default
from offtarget.shaping.context import Target
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import hash_of
from offtarget.training.admission import admit
from offtarget.training.model_card import Origin
from offtarget.training.run import train
from offtarget.verdicts import decided
from offtarget.versions import code_version, commit, package_versions, source_sha256

log = logging.getLogger(__name__)

CELLS = Path("cells")
"""Of a run folder."""


def plan_of(run: Run, item: ProtocolRun, seed: int) -> ShapingPlan:
    """The checked plan of one row of the grid."""
    plan = make_shaping_plan(item.protocol, item.parameters, run.readings, run.targets, seed)
    _admit(run, [plan])
    return plan


def _admit(run: Run, plans: Sequence[ShapingPlan]) -> None:
    admit(plans, run.training_set, run.model, run.recipe.training, run.recipe.chat_template)


@dataclass(frozen=True, eq=False)
class Task:
    """One cell of a grid that was planned, not made."""

    name: str
    """As its links are called."""
    asked: Asked
    _make: Callable[[Asked, Kept], Cell]

    @property
    def file(self) -> Path:
        """Of the cell, from the run folder."""
        return CELLS / file_of(self.asked.spec, self.asked.key)

    def make(
        self, run: Run, reuse: Earlier | None = None, may_write: Callable[[], bool] = lambda: True
    ) -> tuple[Cell, Path] | None:
        """Make the cell, or take an earlier one, and write it.

        Args:
            run: that it is of.
            reuse: cells that were made before; one of the same key is copied and not made again.
            may_write: asked when the cell is there; where it says no, another one makes it.

        Returns:
            The cell and its file; None where it may not be written.
        """
        kept = Kept()
        found = reuse.find(self.asked) if reuse else None
        linked = found is not None and _alone_there(cell_path(run.out / CELLS, found), self.name)
        cell = found or self._make(self.asked, kept)
        if not may_write():
            return None
        if not linked:  # before the cell, which says that all is there
            link_kept(run.out, self.name, kept)
        path = write_cell(run.out / CELLS, cell)
        if found is None:
            return_freed_memory()
        return cell, path


def tasks(run: Run, seeds: Sequence[int]) -> list[Task]:
    """The grid, planned: `start` and then every protocol, seed by seed.

    A recipe that cannot be carried out says so here, before anything is trained.

    Args:
        run: what the cells share.
        seeds: one cell each for `start` and every protocol.
    """
    grid = [
        (item, seed, make_shaping_plan(item.protocol, item.parameters, run.readings, run.targets, seed))
        for seed in seeds
        for item in run.recipe.protocols
    ]
    _admit(run, [plan for *_, plan in grid])
    turned = [
        note for item in run.recipe.protocols for note in turned_round(item.protocol, item.parameters, run.targets)
    ]
    for note in dict.fromkeys([*turned, *(note for *_, plan in grid for note in plan.notes)]):
        log.warning("before training: %s", note)
    todo: list[tuple[Asked, Callable[[Asked, Kept], Cell]]] = []
    for seed in seeds:
        todo.append((_asked(run, START, {}, seed), partial(_start_cell, run)))
        todo += [
            (_asked(run, item.protocol, parameters_of(item), seed), partial(_protocol_cell, run, item, plan))
            for item, of, plan in grid
            if of == seed
        ]
    clear_broken(run.out)
    names = names_of([asked for asked, _ in todo])
    return [Task(name, asked, make) for name, (asked, make) in zip(names, todo, strict=True)]


def cells(
    run: Run, grid: Sequence[Task], reuse: Earlier | None = None, takes: Callable[[int], bool] = lambda _: True
) -> list[tuple[Cell, Path]]:
    """Every cell of a grid, made or found; each is written as soon as it is there.

    Args:
        run: what the cells share.
        grid: of `tasks`.
        reuse: cells that were made before; one of the same key is copied and not made again.
        takes: whether the cell at this position of the grid is made.
    """
    made = [task.make(run, reuse) for k, task in enumerate(grid) if takes(k)]
    return [found for found in made if found is not None]


def one_cell(run: Run, protocol: str, parameters: dict[str, Any], seed: int) -> Cell:
    """One cell alone, made and not written: the start model, or a protocol with these parameters.

    Args:
        run: what it stands on.
        protocol: its name, `start` for the model before training.
        parameters: all that it is asked with.
        seed: of training and sampling.
    """
    asked = _asked(run, protocol, parameters, seed)
    if protocol == START:
        return _start_cell(run, asked, Kept())
    item = ProtocolRun(protocol=protocol, parameters=parameters)
    return _protocol_cell(run, item, plan_of(run, item, seed), asked, Kept())


def _alone_there(path: Path, name: str) -> bool:
    """Whether a reused cell was in the run folder before, and links of its name are its own.

    They are where the name holds the key, or no other cell there, of any dataset, is called so.
    """
    lead, _, key = path.stem.rpartition("-")
    if not path.is_file() or name.endswith(key):
        return path.is_file()
    same = path.parents[2].glob(f"*/{glob.escape(path.parent.name)}/{glob.escape(lead)}-????????????.json")
    return len(list(same)) == 1


def _evaluate(
    run: Run, model: ModelRef, seed: int, what: str, kept: Kept
) -> tuple[dict[str, BehaviourScore], float | None]:
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
        grader=options.grader,
        server=options.server,
        sampling=Sampling(max_tokens=options.max_tokens, temperature=options.temperature, seed=seed),
        template=run.recipe.chat_template,
        progress=(lambda step, done, total: report(f"{what}: {step}", done, total)) if report else None,
        kept=kept.add,
    )
    return scores, time.monotonic() - started if run.store.n_made > made else None


def measured(run: Run, model: ModelRef, seed: int, what: str) -> dict[str, BehaviourScore]:
    """Every behaviour of a run, of a model that is asked as its policies are.

    Args:
        run: it.
        model: any model.
        seed: of sampling.
        what: how the model is called while it works.
    """
    return _evaluate(run, model, seed, what, Kept())[0]


def _start_cell(run: Run, asked: Asked, kept: Kept) -> Cell:
    scores, seconds = _evaluate(run, run.model, asked.spec.seed, START, kept)
    return _cell(run, asked, scores, None, None, {"evaluate": seconds})


def _protocol_cell(run: Run, item: ProtocolRun, plan: ShapingPlan, asked: Asked, kept: Kept) -> Cell:
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
        origin=origin_of(run, item, asked.key),
    )
    kept.policy = trained.path
    policy = resolve(str(trained.path), run.store)
    scores, evaluated = _evaluate(run, policy, seed, item.protocol, kept)
    seconds: dict[str, float | None] = {"train": float(trained.digest["seconds"]), "evaluate": evaluated}
    cell = _cell(run, asked, scores, plan, trained.digest, seconds)
    return (
        cell.model_copy(update={"floor": _floor(run, policy, seed, item.protocol)})
        if run.recipe.nulls_of(item.protocol)
        else cell
    )


def _floor(run: Run, policy: ModelRef, seed: int, protocol: str) -> Floor:
    """What random adapters of the policy's size do, asked as it was."""

    def measure(model: ModelRef, name: str) -> Mapping[str, BehaviourScore]:
        return measured(run, model, seed, f"{protocol}, {name}")

    return floor_of(policy, measure(run.model, START), measure, run.recipe.nulls_of(protocol), run.store)


def origin_of(run: Run, item: ProtocolRun, cell: str = "") -> Origin:
    """What the model card of a policy says of its data and protocol."""
    acting = [v for v in decided(run.verdicts) if v.sign]
    return Origin(
        dataset=run.pairs.name,
        revision=run.pairs.revision,
        parameters=parameters_of(item),
        verdicts=tuple(f"{v.decision} {v.name()} (strength {v.strength:g})" for v in acting),
        cell=cell,
    )


def parameters_of(item: ProtocolRun) -> dict[str, Any]:
    """All parameters of a protocol: its presets, and what the recipe sets."""
    presets = default().get("protocol", item.protocol).card.get("parameters", {})
    return {**presets, **item.parameters}


def _asked(run: Run, protocol: str, parameters: dict[str, Any], seed: int) -> Asked:
    """What a cell is asked for and depends on: known before it is made."""
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
        verdicts=tuple(v.acting() for v in decided(run.verdicts)) if trained else (),
        data={
            "train": recipe.train.model_dump(mode="json"),
            "columns": dict(recipe.columns or {}),
            "evaluation": _evaluation(recipe.evaluation),
            **({"roles": dict(recipe.roles)} if recipe.roles else {}),
            **({"null_adapters": nulls} if trained and (nulls := recipe.nulls_of(protocol)) else {}),
        },
    )
    manifest = CellManifest(
        dataset_revision=run.pairs.revision,
        rows_sha256=run.trained_pairs.rows_sha256,
        n_pairs=len(run.trained_pairs),
        model_identity=run.model.identity,
        template_hash=template_key(run.model, recipe.chat_template),
        task_versions={name: str(default().get("behaviour", name).card["version"]) for name in recipe.behaviours},
        code_version=code_version(),
        protocol_sha256=_source(protocol) if trained else None,
        contexts_sha256=contexts_sha256(run.targets) if trained else None,
        packages=package_versions() | ({"offtarget-commit": at} if (at := commit()) else {}),
        seeds={"training": seed, "sampling": seed},
    )
    return Asked(spec, manifest, setting_of(recipe.budget, recipe.training.mode, _audit(run)))


def _evaluation(options: EvalOptions) -> dict[str, Any]:
    """What a cell says of how it was measured: options that are not used are left out, as is where a server was."""
    unused = {"server", *(() if options.grader else ("grader",))}
    return options.model_dump(mode="json", exclude=unused) | ({"served": True} if options.server else {})


def _source(protocol: str) -> str:
    path = default().get("protocol", protocol).path
    return source_sha256(path.parent, [path])


def contexts_sha256(targets: Sequence[Target]) -> str | None:
    """Identity of the rows inside contexts, which neither verdicts nor the pairs' text tell."""
    rows = [[t.concept, t.context, np.flatnonzero(t.rows).tolist()] for t in targets if t.rows is not None]
    return hash_of(rows) if rows else None


def _audit(run: Run) -> dict[str, JsonValue]:
    """What a cell keeps of the audit that its verdicts come from."""
    return {
        "key": run.audit.key,
        "vocabulary": run.audit.vocabulary,
        "n_pairs": run.audit.dataset.n_pairs,
        "findings": len(run.audit.findings),
        "warnings": list(run.audit.warnings),
        **({"max_length": run.recipe.audit.max_length} if reads_model(run.recipe.audit.lens) else {}),
    }


def _cell(
    run: Run,
    asked: Asked,
    scores: Mapping[str, BehaviourScore],
    plan: ShapingPlan | None,
    digest: dict[str, Any] | None,
    seconds: dict[str, float | None],
) -> Cell:
    recipe = run.recipe
    return Cell(
        spec=asked.spec,
        manifest=asked.manifest,
        audit=_audit(run),
        plan=PlanSummary.model_validate(plan.summary()) if plan else None,
        training=_digest(run, digest, plan) if digest and plan else None,
        behaviours=tuple(s.model_copy(update={"role": recipe.roles.get(name, s.role)}) for name, s in scores.items()),
        budget=recipe.budget,
        mode=recipe.training.mode,
        cost=Cost(
            seconds={k: None if v is None else round(v, 1) for k, v in seconds.items()}, peak_memory_gb=_peak_memory()
        ),
        hardware={"processor": platform.processor() or platform.machine(), "cores": str(cores())},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe_of_cell(recipe, asked.spec, run.limit),
    )


def _digest(run: Run, digest: dict[str, Any], plan: ShapingPlan) -> TrainingDigest:
    dropped = {**{f"not offered: {k}": v for k, v in run.left_out.items()}, **digest["lost"]}
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
            for k in ("losses", "first_trained_layer", "prefix_layer", "margin_last", "unprompted", "code_version")
        },
    )


def _peak_memory() -> float | None:
    if sys.platform == "win32":  # which does not count it
        return None
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
