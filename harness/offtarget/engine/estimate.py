"""What a recipe will cost, before it is run."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from offtarget.audit.statistics.means import group_codes, require_enough
from offtarget.audit.units import require_answers
from offtarget.chat_template import read_template
from offtarget.data.drops import drop_cautions
from offtarget.engine.as_audited import recipe_as_audited
from offtarget.engine.recipe import Recipe
from offtarget.engine.rows import evaluation_prompts, load_rows, select_rows
from offtarget.engine.scale import of_recipe
from offtarget.engine.targets import check_verdicts, written
from offtarget.errors import UndecidedError
from offtarget.evals.prompts import asked, read_rows
from offtarget.machine import cores
from offtarget.model_size import EMBEDDED_SIZE, ModelSize, not_estimated, scaled_words, size_of
from offtarget.models import EMBEDDED, check_name
from offtarget.registry import default
from offtarget.training.spec import MAX_PREFIX_BYTES, TrainingSpec
from offtarget.verdicts import undecided

TRAIN_TOKENS_A_SECOND = 550.0
GENERATE_TOKENS_A_SECOND = 350.0
FORWARD_TOKENS_A_SECOND = 2000.0
"""Of the embedded model on two cores, rounded down from what `make bench` prints."""
CHARACTERS_A_TOKEN = 4.2
BESIDE_POLICY_BYTES = 12_000_000
"""Of one cell, beside the policy's weights: tokenizer, answers, scores and logs, rounded up."""


def estimate(recipe: Recipe, base: Path, limit: int | None = None) -> dict[str, Any]:
    """Cells, hours and disk of a recipe, and which of its verdicts only the audit can check.

    The data is read; no model is. Hours are those of the embedded model on this many cores, rough (within a factor of
    two), and of another one in proportion to the weights that a token is multiplied with; where its size is not known,
    there are none.

    Args:
        recipe: what to run.
        base: folder that its relative paths start from.
        limit: at most this many pairs, whole prompts drawn by the recipe's `limit_seed`.

    Raises:
        ConfigError: a name that does not exist, also in the verdicts, a template that cannot be read, or features read
            otherwise than in the audit that is named.
        UndecidedError: too few pairs or prompts to audit.
    """
    recipe = recipe_as_audited(recipe, base)
    check_name(recipe.model)
    if recipe.chat_template:
        read_template(recipe.chat_template)
    unchecked = check_verdicts(recipe, base)
    left = undecided(written(recipe.verdicts, base))
    notes = [left] if left else []
    names = cell_names(recipe)
    try:
        pairs = load_rows(recipe, limit)
    except UndecidedError as e:  # a hub that is out of reach: all that does not need the rows was checked
        return {
            "cells": names, "train_pairs": None, "unchecked": unchecked, "hours": None, "cores": cores(),
            "gigabytes": None, "basis": None, "not_at_hand": str(e), "notes": notes, "warnings": [],
            "stages": _stages(recipe, None, None),
        }  # fmt: skip
    # the run begins with an audit, which asks for it
    require_enough(group_codes([p.group for p in pairs.pairs]), pairs.unit)
    require_answers(pairs)
    selected, _ = select_rows(pairs, recipe, evaluation_prompts(recipe.behaviours))
    room = recipe.training.max_length
    tokens = 0.0
    for p in selected.pairs:
        prompt = sum(len(m["content"]) for m in p.prompt) / CHARACTERS_A_TOKEN + 30
        for side in (p.chosen, p.rejected):
            tokens += min(prompt + sum(len(m["content"]) for m in side) / CHARACTERS_A_TOKEN, room)
    steps = len(selected) * recipe.training.epochs
    if recipe.training.max_steps > 0:
        steps = recipe.training.max_steps * recipe.training.batch_size * recipe.training.gradient_accumulation
    train = tokens * steps / max(1, len(selected)) / TRAIN_TOKENS_A_SECOND
    pooled: dict[Path, int] = {}
    """Prompts file -> prompts: behaviours that share prompts share their answers."""
    items = 0
    for name in recipe.behaviours:
        entry = default().get("behaviour", name)
        path = entry.prompts_file
        n = len(asked(read_rows(path), recipe.evaluation.limit)) if path.is_file() else 0
        if "prompts" in entry.card.get("parameters", {}):
            pooled[path] = n
        else:
            items += n
    score = (
        sum(pooled.values()) * recipe.evaluation.max_tokens / GENERATE_TOKENS_A_SECOND
        + items * 120 / FORWARD_TOKENS_A_SECOND
    )
    n_start = len(recipe.seeds)
    scale = 2 / cores()
    trained = _policies(recipe)
    nulls = n_start * sum(recipe.nulls_of(r.protocol) for r in recipe.protocols)
    seconds = (trained * (train + score) + (n_start + nulls) * score) * scale + tokens / FORWARD_TOKENS_A_SECOND
    size = size_of(recipe.model)
    return {
        "cells": names,
        "train_pairs": len(selected),
        "unchecked": unchecked,
        "hours": None if size is None else seconds * size.multiplied / EMBEDDED_SIZE.multiplied / 3600,
        "cores": cores(),
        "gigabytes": None if size is None else kept_bytes(recipe.training, size, tokens, trained) / 1e9,
        "basis": _basis(recipe.model, size),
        "stages": _stages(recipe, len(pairs), tokens),
        "not_at_hand": None,
        "notes": [*pairs.notes, *notes],
        "warnings": [*drop_cautions(pairs), *pairs.cautions],
    }


def _policies(recipe: Recipe) -> int:
    """How many are trained, those of a sweep too."""
    sweep = recipe.selection.strengths if recipe.selection and recipe.selection.by == "recovery" else {}
    swept = sum(len(sweep[r.protocol]) for r in recipe.protocols if r.protocol in sweep)
    return len(recipe.protocols) * len(recipe.seeds) + (swept + 1 if swept else 0)


def _stages(recipe: Recipe, n_pairs: int | None, tokens: float | None) -> list[dict[str, Any]]:
    """What each stage costs on GPUs, by the model of `engine.scale`."""
    return [asdict(s) for s in of_recipe(recipe, n_pairs, size_of(recipe.model), _policies(recipe), tokens)]


def kept_bytes(spec: TrainingSpec, size: ModelSize, tokens: float, trained: int) -> float:
    """What a grid leaves in the store: states and reference of the training pairs once, and each policy in float32.

    Args:
        spec: how it is trained.
        size: of the model.
        tokens: of all training pairs, both sides.
        trained: policies.

    Raises:
        ConfigError: the model has no such layer as the lowest one to train.
    """
    first = spec.first_trained(size.layers)
    states = tokens * size.width * 4
    shared = 0.0 if spec.mode == "exact" else tokens * 4 + (states if first and states <= MAX_PREFIX_BYTES else 0)
    weights = size.total if spec.method != "lora" else size.lora_a_rank * spec.lora_rank * (size.layers - first)
    return shared + trained * (weights * 4 + BESIDE_POLICY_BYTES)


def _basis(model: str, size: ModelSize | None) -> str:
    """What the figures rest on, or why there are none."""
    if size is None:
        return not_estimated(model)
    return "the embedded model's measured speed" if model == EMBEDDED else scaled_words(size)


def cell_names(recipe: Recipe) -> list[str]:
    """Every cell that a recipe makes, and what is trained to choose strengths for it."""
    seeds = recipe.seeds
    out = []
    options = recipe.selection
    if options and options.by == "recovery":
        swept = sum(len(options.strengths[r.protocol]) for r in recipe.protocols if r.protocol in options.strengths)
        out.append(f"(development: start, dpo and {swept} strengths, seed {options.sweep_seed(seeds)})")
    for s in seeds:
        out.append(f"start seed {s}")
        out += [f"{run.protocol} {run.parameters or ''} seed {s}".replace("  ", " ") for run in recipe.protocols]
    return out
