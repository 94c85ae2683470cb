"""How well a predictor did where training was observed: the figures that a forecast is to be read with."""

import json
from pathlib import Path
from typing import Any

from offtarget.forecast.records import Validity
from offtarget.registry import default
from offtarget.verification.predictor_board import VALIDITY

HOW = "offtarget forecast ... --calibrate trains plain DPO and says how well the forecast agrees with it"


def validity_of(predictor: str, model: str, family: str) -> Validity:
    """What is known of a predictor on a start model, over one family of concepts.

    Args:
        predictor: its name.
        model: the start model.
        family: latents, clusters, or the lens of the concepts.
    """
    files = [root / "baselines" / "predictors" / VALIDITY for root in default().roots]
    rows = [row for path in files if path.is_file() for row in _rows(path)]
    mine = [r for r in rows if (r["predictor"], r["family"], r["model"]) == (predictor, family, model)]
    if not mine:
        return Validity(known=False, family=family, note=f"not known for model {model}: {HOW}")
    return Validity(
        known=True,
        family=family,
        sets=tuple(r["set"] for r in mine),
        r2=tuple(r["r2"] for r in mine),
        r2_equal=tuple(r["r2_equal"] for r in mine),
        surest=tuple(r["surest"] for r in mine),
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return found
