"""Cells as records of Every Eval Ever, schema 0.3.0 (https://github.com/evaleval/every_eval_ever): aggregates, no samples.

One file for each cell: `data/<collection>/<developer>/<model>/<uuid>.json`. The uuid is made from the cell's key and marked as version
4, which its validator asks for, so that the same cell always has the same file. All `additional_details` are texts there.
"""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from offtarget.board.cell import START, Cell
from offtarget.evals.rates import is_rate
from offtarget.evals.scores import BehaviourScore
from offtarget.models import EMBEDDED, GGUF_SHA256
from offtarget.store import write_atomic

SCHEMA = "0.3.0"
COLLECTION = "offtarget"
ON_HUB = {EMBEDDED: "HuggingFaceTB/SmolLM2-135M-Instruct"}
RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")


def write_records(
    cells: Iterable[Cell], out: Path, *, organisation: str, relationship: str = "first_party"
) -> tuple[list[Path], list[str]]:
    """Write a record for each cell that has a score.

    Args:
        cells: them.
        out: folder; `data/` is made in it.
        organisation: who trained and measured, as one part of a path.
        relationship: of the evaluator to the model, one of `RELATIONSHIPS`.

    Returns:
        the files, and a line for each cell that has no score to give.
    """
    paths, left = [], []
    for cell in cells:
        record = record_of(cell, organisation=organisation, relationship=relationship)
        if not record["evaluation_results"]:
            left.append(f"{cell.key[:12]}: no behaviour has a score")
            continue
        text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        developer, model = record["model_info"]["id"].split("/", 1)
        paths.append(
            write_atomic(out / "data" / COLLECTION / developer / model / f"{uuid_of(cell.key)}.json", text, sync=False)
        )
    return paths, left


def uuid_of(key: str) -> uuid.UUID:
    """A version-4 uuid that is always the same for a cell."""
    return uuid.UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4)


def record_of(cell: Cell, *, organisation: str, relationship: str = "first_party") -> dict[str, Any]:
    """One cell as a record, whose keys are those of the schema.

    A behaviour without a score is left out: the schema has no missing score.
    """
    when = _moment(cell.created)
    model = model_id(cell, organisation)
    packages = cell.manifest.packages
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{COLLECTION}-{cell.key[:12]}/{model}/{when}",
        **({"evaluation_timestamp": cell.created} if cell.created else {}),
        "retrieved_timestamp": str(when),
        "source_metadata": {
            "source_name": "offtarget cells",
            "source_type": "evaluation_run",
            "source_organization_name": organisation,
            "evaluator_relationship": relationship,
            "additional_details": _texts({"cell": cell.key, "budget": cell.budget, "mode": cell.mode}),
        },
        "eval_library": {
            "name": "inspect_ai",
            "version": packages.get("inspect-ai", "unknown"),
            "additional_details": _texts({"offtarget": cell.manifest.code_version}),
        },
        "model_info": {
            "name": _name(cell),
            "id": model,
            "developer": model.split("/", 1)[0],
            "inference_engine": {"name": "transformers", "version": packages.get("transformers", "unknown")},
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "open_weights"
                if cell.spec.protocol == START and "/" in _base(cell)
                else "unknown",
                **_texts(_made_from(cell)),
            },
        },
        "evaluation_results": [_result(cell, s) for s in cell.behaviours if _given(s)],
    }


def model_id(cell: Cell, organisation: str) -> str:
    """`developer/model`: the hub's id of a start model that has one, else a name of its own under the organisation."""
    base = _base(cell)
    if cell.spec.protocol == START and "/" in base:
        return base
    parts = [
        base.split("/")[-1],
        *([cell.spec.protocol, f"s{cell.spec.seed}", cell.key[:12]] if cell.spec.protocol != START else []),
    ]
    return f"{_part(organisation)}/{_part('-'.join(parts))}"


def _base(cell: Cell) -> str:
    """The start model, by its hub id where there is one."""
    given = cell.spec.model
    if given in ON_HUB:
        return ON_HUB[given]
    if given.startswith("hf:") and re.fullmatch(r"[\w.-]+/[\w.-]+", found := given[3:].split("@")[0]):
        return found
    return Path(given).name or "model"


def _part(text: str) -> str:
    """One safe part of a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unknown"


def _name(cell: Cell) -> str:
    base = _base(cell)
    s = cell.spec
    return base if s.protocol == START else f"{base}, DPO on {s.dataset} under {s.protocol}, seed {s.seed}"


def _made_from(cell: Cell) -> dict[str, Any]:
    s = cell.spec
    out: dict[str, Any] = {
        "base_model": _base(cell),
        "protocol": s.protocol,
        "weights_of_start": cell.manifest.model_identity,
    }
    if cell.manifest.model_identity == GGUF_SHA256:
        out["weights"] = "dequantised from a 4-bit GGUF"
    if s.protocol != START:
        out |= {
            "dataset": s.dataset,
            "rows_sha256": cell.manifest.rows_sha256,
            "pairs": cell.manifest.n_pairs,
            "parameters": s.parameters,
            "verdicts": [v.model_dump(mode="json", exclude_none=True) for v in s.verdicts],
            "training": s.training,
            "seed": s.seed,
        }
        if cell.plan is not None:
            out["plan"] = cell.plan.hash
    return out


def _result(cell: Cell, s: BehaviourScore) -> dict[str, Any]:
    share = is_rate([v for v in s.samples.values() if v is not None], s.unit)
    uncertainty: dict[str, Any] = {"num_samples": s.n}
    if s.ci is not None and all(map(math.isfinite, s.ci)):
        method = "Wilson on the effective n, clustered by prompt" if share else "t, clustered by prompt"
        uncertainty["confidence_interval"] = {
            "lower": s.ci[0],
            "upper": s.ci[1],
            "confidence_level": 0.95,
            "method": method,
        }
    how = cell.spec.data.get("evaluation")
    options = how if isinstance(how, Mapping) else {}
    arguments = {k: options[k] for k in ("temperature", "max_tokens") if isinstance(options.get(k), int | float)}
    never_negative = share or all(v >= 0 for v in s.samples.values() if v is not None)
    return {
        "evaluation_result_id": f"{s.behaviour}/{s.task_version}",
        "evaluation_name": s.behaviour,
        "source_data": {
            "dataset_name": f"offtarget {s.behaviour}",
            "source_type": "other",
            "additional_details": _texts({"task_version": s.task_version, "samples": len(s.samples), "role": s.role}),
        },
        "metric_config": {
            "evaluation_description": s.metric,
            "metric_id": f"offtarget/{s.behaviour}/{s.task_version}",
            "metric_name": s.metric,
            "metric_unit": "proportion" if share else s.unit or "score",
            "lower_is_better": s.direction == "lower",
            "score_type": "continuous",
            "min_score": 0.0 if never_negative else "-Infinity",
            "max_score": 1.0 if share else "Infinity",
        },
        "score_details": {
            "score": s.value,
            "details": _texts({"unscored": s.n_unscored, "failed": s.n_failed, **s.details}),
            "uncertainty": uncertainty,
        },
        **({"generation_config": {"generation_args": arguments}} if arguments else {}),
    }  # fmt: skip


def _given(s: BehaviourScore) -> bool:
    return s.value is not None and math.isfinite(s.value)


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    return {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in found.items()}


def _moment(created: str) -> int:
    """Seconds since 1970; 0 where the cell does not say when it was made, so that it is always the same file."""
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return 0
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
