"""A policy that another program trained, scored as asked: what the command line and a program call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offtarget.board.cell import Cell
from offtarget.elsewhere.cell import Measure, require_no_contradiction, scored_elsewhere, scored_here
from offtarget.elsewhere.folder import Exported, read_export
from offtarget.engine.recipe import EvalOptions, read_recipe
from offtarget.errors import ConfigError
from offtarget.progress import Progress


@dataclass(frozen=True)
class Question:
    """Which policy, what is said of its training, and what is measured; None: as in the recipe, else the default."""

    model: str | None = None
    """A model or a LoRA adapter; None for the start model, and where logs are given."""
    start: bool = False
    from_inspect: Sequence[Path] = ()
    """Inspect's logs of our tasks, or folders of them."""
    seed: int = 0
    """Of the training, and of sampling here."""
    recipe: str | None = None
    """Whose behaviours, roles and way of evaluation are taken."""
    behaviours: Sequence[str] = ()
    limit: int | None = None
    max_tokens: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    """Chat template file, for models without one."""


def scored(plan: Path, asked: Question, progress: Progress | None = None) -> tuple[Cell, Exported]:
    """The cell of a policy that another program trained on an exported plan; not written.

    Args:
        plan: folder of the export, or its plan.json.
        asked: which policy, and how it is scored.
        progress: called with (what, done, total).

    Returns:
        The cell, and the export that it claims.

    Raises:
        ConfigError: no such plan, policy, recipe, behaviour or log; what is said of the training contradicts the plan.
        UndecidedError: the start model is another one by now, or logs are of other task versions.
    """
    if asked.from_inspect and asked.model:
        raise ConfigError("--from-inspect takes the scores of a policy from logs; leave the model out")
    if not asked.from_inspect and (asked.model is None) != asked.start:
        raise ConfigError("name a policy, --start for the plan's start model, or --from-inspect LOGS: one of them")
    of = read_export(plan)
    require_no_contradiction(asked.training, of)
    recipe = None if asked.recipe is None else read_recipe(asked.recipe)[0]
    names = tuple(asked.behaviours) or (recipe.behaviours if recipe else ())
    if not names and not asked.from_inspect:
        raise ConfigError("say what to measure: --behaviours A,B, or --recipe NAME for those of a recipe")
    given = {k: v for k, v in (("limit", asked.limit), ("max_tokens", asked.max_tokens)) if v is not None}
    if asked.from_inspect and given:
        raise ConfigError("--limit and --max-tokens say how to score here; logs were asked already")
    options = (recipe.evaluation if recipe else EvalOptions()).model_copy(update=given)
    template = asked.template or (recipe.chat_template if recipe else None)
    measure = Measure(names, options, dict(recipe.roles) if recipe else {}, template)
    if asked.from_inspect:
        return scored_elsewhere(
            asked.from_inspect, of, measure, start=asked.start, seed=asked.seed, training=asked.training
        ), of
    return scored_here(asked.model, of, measure, seed=asked.seed, training=asked.training, progress=progress), of
