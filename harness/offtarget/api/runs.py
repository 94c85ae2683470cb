"""Experiments in a program: run a recipe, evaluate a model, verify, compare, and rank."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from offtarget.api.wording import speaks_python
from offtarget.board.cell import Cell
from offtarget.board.folder import read_folders, write_cell
from offtarget.board.rank import rank
from offtarget.board.records import Boards
from offtarget.comparison.run import compare_sides
from offtarget.comparison.sides import logs_side, read_side
from offtarget.curve.records import Curves
from offtarget.engine import experiment
from offtarget.engine.experiment import Experiment
from offtarget.engine.recipe import read_recipe
from offtarget.evals.compare import PairedDifference
from offtarget.evals.scores import BehaviourScore
from offtarget.progress import Progress
from offtarget.store import Store
from offtarget.verification.records import Verification


@speaks_python
def run(
    recipe: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    size: str | None = None,
    part: str | None = None,
    reuse: str | PathLike[str] | None = None,
    limit: int | None = None,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Carry out a recipe: audit, decide, shape, retrain, score. Interrupted, it goes on where it was.

    Args:
        recipe: a recipe file, or the name of one (`offtarget list recipes`).
        out: folder of the run; by default the recipe's own, else runs/NAME.
        overrides: keys of the recipe with other values: `{"training.max_steps": 20}`.
        size: one of the recipe's sizes.
        part: of a recipe in parts, the one to run.
        reuse: folder of earlier cells; identical ones are reused.
        limit: at most N pairs.
        seeds: training seeds other than the recipe's.
        progress: called with (what, done, total).

    Raises:
        ConfigError: something in the recipe does not exist or cannot be carried out.
        UndecidedError: too few rows, or plain DPO does not teach what the recipe says it must (cells are written).

    Example:
        A run trains policies, which takes minutes to hours: `run("demo", "demo-out").board` is its board. What cannot be
        run is refused before anything is trained:

        >>> import offtarget
        >>> offtarget.run("demo", overrides={"training.max_stpes": 20})
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: ...max_stpes...
    """
    found, path = read_recipe(fspath(recipe), [f"{k}={v}" for k, v in (overrides or {}).items()], size, part)
    folder = Path(out) if out is not None else Path(found.out or f"runs/{path.stem}{f'-{size}' if size else ''}")
    made = experiment.run(
        found,
        folder,
        base=path.parent,
        reuse=None if reuse is None else Path(reuse),
        limit=limit,
        seeds=seeds,
        progress=progress,
    )
    made.require_taught()
    return made


@speaks_python
def evaluate(
    model: str | PathLike[str],
    behaviours: str | Sequence[str] | None = None,
    *,
    limit: int | None = None,
    seed: int = 0,
    max_tokens: int = 128,
    template: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, BehaviourScore]:
    """Measure behaviours of a model by Inspect tasks; what was measured before is read from the store.

    Args:
        model: an alias, a directory (a model or a LoRA adapter), or `hf:org/name`.
        behaviours: their names (`offtarget list behaviours`), or "all"; by default over_stylization, verbosity,
            sycophancy and capability. Of families such as `rule` one is named: `rule:bold`.
        limit: at most N prompts of each, an equal share of every prompt group.
        seed: random seed of the sampling.
        max_tokens: longest answer that is sampled.
        template: Jinja file, for models without a chat template.
        out: folder for Inspect's logs.
        progress: called with (what, done, total).

    Returns:
        Behaviour -> score, with its interval, and the value of each sample.

    Raises:
        ConfigError: an unknown behaviour or model.

    Example:
        `evaluate("smollm2-135m", ["refusal"], limit=20)["refusal"].value` samples 20 answers. A name that does not exist
        is refused with the nearest ones:

        >>> import offtarget
        >>> offtarget.evaluate("smollm2-135m", "over_stylisation")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: unknown behaviour 'over_stylisation': did you mean over_stylization?...
    """
    from offtarget.evals.every import named_behaviours
    from offtarget.evals.policy import Sampling
    from offtarget.evals.run import evaluate as measure

    names = [behaviours] if isinstance(behaviours, str) else list(behaviours or ())
    return measure(
        fspath(model),
        named_behaviours(names),
        store=Store(),
        seed=seed,
        limit=limit,
        log_dir=None if out is None else Path(out),
        sampling=Sampling(max_tokens=max_tokens),
        template=None if template is None else fspath(template),
        progress=progress,
    )


@speaks_python
def verify(
    run_dir: str | PathLike[str] | Experiment,
    *,
    protocol: str | None = None,
    prompts: int | None = None,
    level: str | None = None,
    controls: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """Sample answers before and after training, and compare what moved with what the data predicted.

    Args:
        run_dir: a folder that `run` wrote, or its result. `verification/` is written into it.
        protocol: which protocol's policy; by default the first of the recipe.
        prompts: held-out prompts, at least 30; by default the recipe's number.
        level: the dearest predictors that are computed: data, forward, gradient or pulse; by default all, where a lens
            asks a judge those of the data.
        controls: also compute predictors that are there to be held against.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no run lies there.
        UndecidedError: too few concepts move.

    Example:
        >>> import offtarget
        >>> offtarget.verify("runs/none")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: runs/none: no run.json, so not a run; make one with `offtarget run RECIPE --out DIR`
    """
    from offtarget.verification.page import VERIFY_REPORT, render_verification
    from offtarget.verification.run import verify as check
    from offtarget.verification.run import write

    folder = run_dir.out if isinstance(run_dir, Experiment) else Path(run_dir)
    found = check(
        folder, protocol=protocol, prompts=prompts, level=level, controls=controls, store=Store(), progress=progress
    )
    render_verification(found, write(found, folder).with_name(VERIFY_REPORT))
    return found


@speaks_python
def compare(a: str | PathLike[str], b: str | PathLike[str]) -> tuple[PairedDifference, ...]:
    """Paired differences b − a on the same samples, clustered by prompt, with q-values over the behaviours.

    Args:
        a: a cell, a scores.json, Inspect logs, a folder with one of them, or the cells of several training seeds.
        b: what to compare with it.

    Returns:
        One difference a behaviour, with its interval, q, the smallest difference that could be seen, and a conclusion.

    Raises:
        ConfigError: nothing to read there, or versions of a task that cannot be compared.

    Example:
        >>> import offtarget
        >>> cells = "results/cells/planted-style"
        >>> found = offtarget.compare(f"{cells}/start/s0-efc5a5291072.json", f"{cells}/dpo/s0-a80c9476f398.json")
        >>> style = next(d for d in found if d.behaviour == "over_stylization")
        >>> style.difference > 0 and style.q < 0.05
        True
    """
    return compare_sides(read_side(fspath(a)), [read_side(fspath(b))]).comparisons[0].differences


@speaks_python
def compare_logs(a: Any, b: Any) -> tuple[PairedDifference, ...]:
    """Paired differences b − a of two Inspect logs, or of several each, whatever made them.

    Samples are aligned by id (and epoch) and clustered by id; where their inputs differ nothing is compared. Without
    another word in the task's `@task(direction=...)` more counts as better; no test depends on that.

    Args:
        a: a path of a log or of a folder of logs, an `EvalLog` with its samples, or a list of them.
        b: what to compare with it.

    Returns:
        One difference for each task, or for each scorer of a task that has several.

    Raises:
        ConfigError: a log did not succeed, or the logs share no task, other task versions, or other inputs under one id.

    Example:
        >>> import offtarget
        >>> offtarget.compare_logs("logs/before.eval", "logs/after.eval")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: logs/before.eval: no such file
    """
    return compare_sides(logs_side(a), [logs_side(b)]).comparisons[0].differences


@speaks_python
def curve(
    policies: str | PathLike[str] | Sequence[str | PathLike[str] | Sequence[str | PathLike[str]]],
    *,
    scales: Sequence[float] = (0, 0.25, 0.5, 0.75, 1, 1.25),
    on: str | None = None,
    at: float | None = None,
    behaviours: str | Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    max_tokens: int | None = None,
    template: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Curves:
    """Scale LoRA adapters, measure each dose, and compare protocols where their target has shifted as far.

    Nothing is trained. Doses 0 and 1 are the start model and the policy as they are.

    Args:
        policies: a folder that `run` wrote; or adapters, a list of training seeds for each curve that has several.
        scales: what the adapters are multiplied with; 0 is added.
        on: the behaviour that is held equal; by default the only target.
        at: its shift from start, in its unit; by default half of the largest that every curve reaches.
        behaviours: names; by default those of the run.
        limit: prompts of each behaviour; by default as in the run, else all.
        seed: of sampling for adapters; a run has those of its cells.
        max_tokens: longest answer; by default as in the run, else 128.
        template: path of a Jinja chat template, for models without one.
        progress: called with (what, done, total).

    Returns:
        The doses of every behaviour, and the shifts at equal effect with their intervals.

    Raises:
        ConfigError: no such run or adapter, adapters of several start models, nothing to measure, no such target.
        UndecidedError: the target does not move at any scale.

    Example:
        `curve(["adapters/a", "adapters/b"], behaviours="verbosity", on="verbosity").curves[0].equal` compares two
        adapters. What cannot be compared is refused before anything is sampled:

        >>> import offtarget
        >>> offtarget.curve("adapters/none", behaviours="verbosity")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: ...adapters/none...
    """
    from offtarget.curve.measured import Question, measured

    listed = [policies] if isinstance(policies, str | PathLike) else list(policies)
    named = [fspath(p) if isinstance(p, str | PathLike) else ",".join([fspath(x) for x in p]) for p in listed]
    asked = Question(
        scales=tuple(scales),
        behaviours=[behaviours] if isinstance(behaviours, str) else tuple(behaviours or ()),
        on=on,
        at=at,
        limit=limit,
        seed=seed,
        max_tokens=max_tokens,
        template=None if template is None else fspath(template),
    )
    return measured(named, asked, Store(), progress)


@speaks_python
def cell(
    plan: str | PathLike[str],
    model: str | PathLike[str] | None = None,
    *,
    start: bool = False,
    from_inspect: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    seed: int = 0,
    recipe: str | PathLike[str] | None = None,
    behaviours: str | Sequence[str] | None = None,
    limit: int | None = None,
    max_tokens: int | None = None,
    training: Mapping[str, Any] | None = None,
    template: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Cell:
    """Score a policy that another program trained on an exported plan, as a cell for a board.

    Args:
        plan: a folder that `offtarget plan --export` wrote, or its plan.json.
        model: the policy: a model or a LoRA adapter.
        start: score the plan's start model instead; every board needs its cell.
        from_inspect: Inspect logs of our tasks, or folders of them, instead of scoring the model here.
        seed: of the training, and of sampling here.
        recipe: whose behaviours, roles and way of evaluation are taken.
        behaviours: names; by default those of the recipe, or all of the logs.
        limit: prompts of each behaviour; by default as in the recipe.
        max_tokens: longest answer; by default as in the recipe, else 128.
        training: what else is to be said of its training; cells that say the same are on one board.
        template: path of a Jinja chat template, for models without one.
        out: folder of cells to write it into; by default it is not written.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no such plan, policy, behaviour or log; what is said of the training contradicts the plan.
        UndecidedError: the start model is another one by now, or logs are of other task versions.

    Example:
        >>> import offtarget
        >>> offtarget.cell("exports/none", "policy", behaviours="refusal")
        Traceback (most recent call last):
        ...
        offtarget.errors.ConfigError: ...exports/none...
    """
    from offtarget.elsewhere.scored import Question, scored

    logs = [from_inspect] if isinstance(from_inspect, str | PathLike) else list(from_inspect)
    asked = Question(
        model=None if model is None else fspath(model),
        start=start,
        from_inspect=tuple(map(Path, logs)),
        seed=seed,
        recipe=None if recipe is None else fspath(recipe),
        behaviours=(behaviours,) if isinstance(behaviours, str) else tuple(behaviours or ()),
        limit=limit,
        max_tokens=max_tokens,
        training=dict(training or {}),
        template=None if template is None else fspath(template),
    )
    made, _ = scored(Path(plan), asked, progress)
    if out is not None:
        write_cell(Path(out), made)
    return made


@speaks_python
def board(*folders: str | PathLike[str]) -> Boards:
    """Boards over the cells of some folders: scores, recovery, drift and capability of every protocol.

    Args:
        folders: of cells; those that can be compared are on one board, wherever they lie.

    Returns:
        The boards; `offtarget.board.render.render(boards, "md", command="...")` is the text of them.

    Raises:
        ConfigError: no such folder, or no cells in any.

    Example:
        >>> import offtarget
        >>> boards = offtarget.board("results/cells/planted-style")
        >>> boards.boards[0].dataset, boards.boards[0].rows[0].kind
        ('planted-style', 'start')
    """
    found = read_folders([Path(folder) for folder in folders])
    return rank(found.cells, found.problems)
