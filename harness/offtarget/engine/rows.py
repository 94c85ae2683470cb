"""Which pairs of a set a recipe trains on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.recipe import Recipe
from offtarget.registry import default
from offtarget.store import hash_of


def load_rows(recipe: Recipe, limit: int | None = None) -> PairSet:
    """The pairs that a recipe names, read as it says; `limit` goes before its own."""
    from offtarget.data.loading import load_pairs

    return load_pairs(
        recipe.data,
        columns=recipe.columns,
        limit=limit or recipe.limit,
        limit_seed=recipe.limit_seed,
        head=recipe.head,
        card=Path(recipe.card) if recipe.card else None,
        skip_bad_rows=recipe.skip_bad_rows,
        allow_drops=recipe.allow_drops,
    )


def reversed_pairs(pairs: PairSet) -> PairSet:
    """The set with chosen and rejected of every pair swapped."""
    swapped = [
        replace(p, chosen=p.rejected, rejected=p.chosen, sides={k: (b, a) for k, (a, b) in p.sides.items()})
        for p in pairs.pairs
    ]
    return replace(pairs, name=f"{pairs.name}, reversed", pairs=swapped, truth=None)


def select_rows(pairs: PairSet, recipe: Recipe, evaluated: set[str]) -> tuple[PairSet, dict[str, int]]:
    """The pairs that are trained on: none whose prompt is asked in an evaluation, spread over prompts.

    Pairs are taken in an order that depends on their ids alone, so a larger number contains a smaller one.

    Args:
        pairs: the whole set.
        recipe: its `train` options.
        evaluated: normalised last user turns of all evaluation prompts.

    Returns:
        the set, and counts of what was left out by reason.
    """
    options = recipe.train
    left: dict[str, int] = {}
    taken: dict[str, int] = {}
    chosen: list[Pair] = []

    def leave(reason: str) -> None:
        left[reason] = left.get(reason, 0) + 1

    for p in shuffled_by_id(pairs.pairs):
        if normalised(p.prompt[-1]["content"]) in evaluated:
            leave("prompt is in an evaluation")
        elif options.max_characters and any(
            sum(len(m["content"]) for m in side) > options.max_characters for side in (p.chosen, p.rejected)
        ):
            leave(f"answer over {options.max_characters} characters")
        elif options.per_prompt and taken.get(p.group, 0) >= options.per_prompt:
            leave(f"over {options.per_prompt} of one prompt")
        elif options.pairs and len(chosen) >= options.pairs:
            leave(f"beyond {options.pairs} pairs")
        else:
            taken[p.group] = taken.get(p.group, 0) + 1
            chosen.append(p)
    return replace(pairs, pairs=chosen), left


def shuffled_by_id(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs in an order that depends on their ids alone, unlike the order of most files."""
    return sorted(pairs, key=lambda p: hash_of(["row order", p.id]))


def normalised(text: str) -> str:
    """A prompt for comparison: lower case, single spaces."""
    return " ".join(text.lower().split())


def evaluation_prompts(behaviours: Sequence[str]) -> set[str]:
    """Normalised last user turns (or plain texts) of everything the behaviours ask."""
    from offtarget.evals.prompts import messages_of, read_rows

    found = set()
    for name in behaviours:
        path = default().get("behaviour", name).prompts_file
        if path.is_file():
            for row in read_rows(path):
                for key in ("prompt", "biased_prompt", "neutral_prompt"):
                    if key in row:
                        found.add(normalised(str(messages_of(row[key])[-1]["content"])))
    return found
