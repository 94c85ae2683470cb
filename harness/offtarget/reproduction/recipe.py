"""The recipe that makes one cell again: from the cell, from the run folder that it lies in, or from what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offtarget.board.beside import run_folder
from offtarget.board.cell import PLAIN, START, Cell
from offtarget.engine.recipe import Recipe, validate
from offtarget.engine.run import read_run
from offtarget.lens.names import concept_parts

REVERSED = ", reversed"


@dataclass(frozen=True)
class Found:
    """A recipe of one cell, and what is to be said of it."""

    recipe: Recipe
    base: Path
    """Folder that its relative paths start from."""
    notes: tuple[str, ...] = ()


def recipe_of(cell: Cell, path: Path, data: str | None = None) -> Found:
    """The recipe of one cell alone.

    Args:
        cell: it.
        path: its file.
        data: where its dataset is here, if it is not where the recipe says.

    Raises:
        ConfigError: what the cell says is no recipe that this version can carry out.
    """
    notes: tuple[str, ...] = ()
    base = Path()
    run = run_folder(path)
    if cell.recipe:
        raw: dict[str, Any] = dict(cell.recipe)
        if run is not None:
            base = read_run(run)[1]
    elif run is not None:
        recipe, base, limit = read_run(run)
        raw = recipe.model_dump(mode="json") | ({"limit": limit} if limit else {})
    else:
        raw = _from_spec(cell)
        notes = (
            "the cell does not hold its recipe, so its audit is taken for one with the lenses of its verdicts: give --data where "
            "the set was read in another way",
        )
    raw = _narrowed(raw, cell)
    if data is not None:
        raw["data"] = data
        raw["name"] = raw.get("name") or cell.spec.dataset.removesuffix(REVERSED)
    return Found(validate(raw, f"the recipe of cell {cell.key[:12]}"), base, notes)


def _narrowed(raw: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """A recipe with this cell's row and seed alone, and its strength as it was chosen."""
    s = cell.spec
    own = {"protocol": s.protocol, "parameters": dict(s.parameters)}
    out = {
        **raw,
        "protocols": [own if s.protocol != START else {"protocol": PLAIN}],
        "seeds": [s.seed],
        "behaviours": list(s.behaviours),
        "evaluation": s.data.get("evaluation", {}),
        "budget": cell.budget,
        "selection": None,
        "must_teach": None,
        "out": None,
    }
    if s.training:
        out["training"] = dict(s.training)
    if s.protocol != START:
        out["verdicts"] = [v.model_dump(mode="json", exclude_none=True) for v in s.verdicts]
    return out


def _from_spec(cell: Cell) -> dict[str, Any]:
    """What an older cell was asked, as a recipe."""
    s = cell.spec
    lenses = {"surface"} | {concept_parts(v.concept)[0] for v in s.verdicts}
    return {
        "title": f"{s.protocol} on {s.dataset}",
        "data": s.dataset.removesuffix(REVERSED),
        "reverse": s.dataset.endswith(REVERSED),
        "model": s.model,
        "audit": {"lens": sorted(lenses, key=lambda name: (name != "surface", name))},
        "train": s.data.get("train", {}),
        "columns": s.data.get("columns") or None,
        "roles": s.data.get("roles", {}),
    }
