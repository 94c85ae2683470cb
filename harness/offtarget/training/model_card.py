"""The README.md of a trained policy: what it was made from, with which settings, and how to measure it.

Names, settings and counts alone: no prompt and no answer of the dataset. The front matter is what the hub reads; what it would not take (a
start model or a dataset that is a folder here) is left out of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from offtarget.documents import markdown_line
from offtarget.models import EMBEDDED, ModelRef
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import write_atomic
from offtarget.training.spec import TrainingSpec
from offtarget.versions import package_versions

CARD = "README.md"
_ON_HUB = {EMBEDDED: "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Aliases of models that are on the hub: what the hub calls them."""
_HUB_ID = re.compile(r"hf:([\w.-]+(?:/[\w.-]+)?)(?:@.*)?")


@dataclass(frozen=True)
class Origin:
    """What a policy is made for, as people name it; none of this decides its weights beyond its plan and rows."""

    dataset: str
    revision: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the protocol."""
    verdicts: tuple[str, ...] = ()
    """What the plan carries out: `suppress surface:bold (strength 1)`."""
    cell: str = ""
    """Key of the cell that it was trained for."""


def write_card(
    folder: Path,
    ref: ModelRef,
    plan: ShapingPlan,
    spec: TrainingSpec,
    seed: int,
    rows_sha256: str,
    digest: Mapping[str, Any],
    origin: Origin | None,
) -> Path:
    """Write the README.md of a policy.

    Args:
        folder: of the policy.
        ref: the start model.
        plan: what was trained by.
        spec: with the options of the loss that the plan sets.
        seed: of the training.
        rows_sha256: of the pairs that the plan is over.
        digest: how the training went.
        origin: whose policy it is, where that is known.
    """
    title = f"{plan.protocol}, seed {seed}" + (f", on {origin.dataset}" if origin else "")
    text = (
        f"---\n{_front_matter(ref, spec, origin)}---\n\n# {markdown_line(title)}\n\n"
        "A policy that offtarget trained to measure what preference data teaches. It is made to be compared with others of "
        "its run, not to be used: its protocol may teach what nobody wants, and nothing was done to make it safe.\n\n"
        f"{_table(_facts(ref, plan, seed, rows_sha256, digest, origin))}\n"
        f"## Training\n\n{_table(_settings(spec, digest))}\n"
        "## Measure it\n\n```bash\nofftarget eval FOLDER --behaviours over_stylization,capability\n```\n\n"
        "FOLDER is the folder of this file. Licence: that of the start model, and what the dataset allows.\n"
    )
    return write_atomic(folder / CARD, text)


def _front_matter(ref: ModelRef, spec: TrainingSpec, origin: Origin | None) -> str:
    lora = spec.method == "lora"
    base, dataset = _hub_id(ref.name), _hub_id(origin.dataset) if origin else None
    said = {
        "library_name": "peft" if lora else "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": base, "base_model_relation": "adapter" if lora else "finetune"} if base else {}),
        **({"datasets": [dataset]} if dataset else {}),
        "tags": ["offtarget", "dpo", "trl", *(["lora"] if lora else [])],
    }
    return yaml.safe_dump(said, sort_keys=False)


EDITS = ("left_out", "flipped", "shifted", "masked", "token_weighted", "prompted", "added", "steered")
"""What a plan's summary counts of rows, beside their weights."""


def _facts(
    ref: ModelRef, plan: ShapingPlan, seed: int, rows_sha256: str, digest: Mapping[str, Any], origin: Origin | None
) -> dict[str, Any]:
    did = plan.summary()
    counts = {name: did[name] for name in EDITS}
    counts["weighted"] = int((plan.weight[plan.keep] != 1).sum())
    edits = [f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items() if n]
    edits += [f"{option} {value}" for option, value in plan.loss.items()]
    parameters = origin.parameters if origin else {}
    name = _hub_id(ref.name) or Path(ref.name).name  # where it lies on somebody's disk is nobody's business
    return {
        "start model": name + (f" at {ref.revision}" if ref.revision else ""),
        "dataset": (origin.dataset + (f" at {origin.revision}" if origin.revision else "")) if origin else "",
        "pairs": f"{digest['pairs']:,} trained on, of {did['pairs']:,}",
        "protocol": plan.protocol,
        "its parameters": ", ".join(f"{name} {value}" for name, value in parameters.items() if value not in ("", None)),
        "verdicts": "; ".join(origin.verdicts) if origin else "",
        "what it did": ", ".join(edits) or "nothing: plain DPO",
        "seed": seed,
        "cell": origin.cell if origin else "",
        "rows, sha256": rows_sha256,
        "plan, sha256": plan.hash,
    }


def _settings(spec: TrainingSpec, digest: Mapping[str, Any]) -> dict[str, Any]:
    first, last = digest["loss_first"], digest["loss_last"]
    went = "" if first is None or last is None else f"{first:.4f} at the first step, {last:.4f} over the last fifth"
    options = {name: value for name, value in spec.model_dump(mode="json").items() if value is not None}
    packages = ", ".join(f"{name} {v}" for name, v in package_versions("torch", "transformers", "trl", "peft").items())
    return {**options, "steps": digest["steps"], "value of the loss": went, "packages": packages}


def _table(facts: Mapping[str, Any]) -> str:
    """A table of what is said; what is empty is left out."""
    rows = [f"| {name} | {markdown_line(str(value))} |" for name, value in facts.items() if value != ""]
    return "\n".join(["| | |", "| --- | --- |", *rows]) + "\n"


def _hub_id(name: str) -> str | None:
    """What the hub calls a model or dataset; None for what lies here."""
    found = _HUB_ID.fullmatch(name)
    return found[1] if found else _ON_HUB.get(name)
