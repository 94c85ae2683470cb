"""The recipe of one cell alone, as the cell keeps it: with it and its data `offtarget reproduce` makes the cell again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from offtarget.board.cell import PLAIN, START, CellSpec
from offtarget.engine.recipe import Recipe

PATHS = ("data", "card", "chat_template")


def recipe_of_cell(recipe: Recipe, spec: CellSpec, limit: int | None = None) -> dict[str, JsonValue]:
    """A recipe narrowed to one row and seed; of absolute paths the last part alone, since a cell is passed on.

    Args:
        recipe: of the run, as it was carried out.
        spec: of the cell.
        limit: rows that were read, other than the recipe's.
    """
    raw = recipe.model_dump(mode="json", exclude_defaults=True)
    own: dict[str, Any] = {"protocol": spec.protocol, "parameters": dict(spec.parameters)}
    raw |= {
        "protocols": [own if spec.protocol != START else {"protocol": PLAIN}],
        "seeds": [spec.seed],
        "evaluation": recipe.evaluation.model_dump(mode="json", exclude_defaults=True, exclude={"server"}),
    }
    if limit:
        raw["limit"] = limit
    if nulls := recipe.nulls_of(spec.protocol):
        raw["null_adapters"] = nulls
    else:
        raw.pop("null_adapters", None)
    for key in ("selection", "must_teach", "out", "verification"):
        raw.pop(key, None)
    raw["verdicts"] = [v.model_dump(mode="json", exclude_none=True) for v in spec.verdicts]
    for key in PATHS:
        raw[key] = _short(raw.get(key))
    if isinstance(raw.get("audit"), Mapping):
        raw["audit"] = {**raw["audit"], **({"like": _short(raw["audit"]["like"])} if raw["audit"].get("like") else {})}
    return {k: v for k, v in raw.items() if v is not None}


def _short(value: Any) -> Any:
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
