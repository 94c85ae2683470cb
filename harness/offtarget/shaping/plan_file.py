"""A plan on disk: what another process needs to carry it out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.data.pairs import Pair
from offtarget.errors import ConfigError
from offtarget.shaping.hooks import Ablate, Hook, Steer
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import write_atomic

ARRAYS, REST = "plan.npz", "plan.json"
_ROWS = ("keep", "flip", "weight", "offset_chosen", "offset_rejected")
_KINDS: dict[str, type[Any]] = {Steer.kind: Steer, Ablate.kind: Ablate}


def write_plan(plan: ShapingPlan, folder: Path) -> None:
    """Write a plan into a folder: arrays as `plan.npz`, all else as `plan.json`."""
    arrays: dict[str, Any] = {name: getattr(plan, name) for name in _ROWS}
    hooks = []
    for i, h in enumerate(plan.hooks):
        arrays |= {f"hook{i}_directions": h.directions, f"hook{i}_chosen": h.chosen, f"hook{i}_rejected": h.rejected}
        hooks.append({"kind": h.kind, "layer": h.layer, "module": h.module, "span": h.span})
    with (folder / ARRAYS).open("wb") as f:
        np.savez(f, **arrays)
    rest = {
        "protocol": plan.protocol,
        "pair_ids": plan.pair_ids,
        "mask_chosen": plan.mask_chosen,
        "mask_rejected": plan.mask_rejected,
        "token_weight_chosen": plan.token_weight_chosen,
        "token_weight_rejected": plan.token_weight_rejected,
        "prompt_chosen": plan.prompt_chosen,
        "prompt_rejected": plan.prompt_rejected,
        "added": [asdict(p) for p in plan.added],
        "hooks": hooks,
        "loss": dict(plan.loss),
        "control": plan.control,
        "hash": plan.hash,
    }
    write_atomic(folder / REST, json.dumps(rest, default=np.generic.item))


def read_plan(folder: Path) -> ShapingPlan:
    """The plan that was written into a folder; its notes and details are not kept.

    Raises:
        ConfigError: the files do not give the plan that was written.
    """
    rest = json.loads((folder / REST).read_text(encoding="utf-8"))
    with (folder / ARRAYS).open("rb") as raw, np.load(raw, allow_pickle=False) as z:
        arrays = {name: z[name] for name in z.files}
    hooks: list[Hook] = []
    for i, h in enumerate(rest["hooks"]):
        hooks.append(
            _KINDS[h["kind"]](
                layer=h["layer"], module=h["module"], span=h["span"], chosen=arrays[f"hook{i}_chosen"],
                rejected=arrays[f"hook{i}_rejected"], directions=arrays[f"hook{i}_directions"],
            )
        )  # fmt: skip

    def ranges(column: Any) -> Any:
        return None if column is None else tuple(tuple(tuple(span) for span in spans) for spans in column)

    def prompts(column: Any) -> Any:
        return None if column is None else tuple(None if p is None else tuple(p) for p in column)

    plan = ShapingPlan(
        protocol=rest["protocol"],
        pair_ids=tuple(rest["pair_ids"]),
        **{name: arrays[name] for name in _ROWS},
        mask_chosen=ranges(rest["mask_chosen"]),
        mask_rejected=ranges(rest["mask_rejected"]),
        token_weight_chosen=ranges(rest["token_weight_chosen"]),
        token_weight_rejected=ranges(rest["token_weight_rejected"]),
        prompt_chosen=prompts(rest["prompt_chosen"]),
        prompt_rejected=prompts(rest["prompt_rejected"]),
        added=tuple(Pair(**p) for p in rest["added"]),
        hooks=tuple(hooks),
        loss=rest["loss"],
        control=rest["control"],
    )
    if plan.hash != rest["hash"]:
        raise ConfigError(f"{folder}: the plan there is damaged; make it again")
    return plan
