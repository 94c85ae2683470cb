"""A plan as a dataset folder for another trainer.

What the rows hold is made by the code that trains here: the same tokens, the same cut, the same reference. So trl's own
DPOTrainer has the losses of the exact mode on them, wherever a dataset can carry the plan (`carried`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from offtarget.board.cell import PlanSummary
from offtarget.chat_template import read_template
from offtarget.data.pairs import PairSet
from offtarget.elsewhere.card import card
from offtarget.elsewhere.carried import Carried, carried, require_held
from offtarget.elsewhere.folder import CARD, PLAN, ROWS, TEMPLATE, Exported, read_export, rows_hash
from offtarget.engine.dry import Planned
from offtarget.engine.grid import contexts_sha256
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.lens.reader import Reader
from offtarget.models import configuration, load, load_tokenizer
from offtarget.progress import steps_of
from offtarget.records import explain
from offtarget.registry import default
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import output_dir, write_atomic
from offtarget.training.admission import check_loss
from offtarget.training.here import with_added
from offtarget.training.sides import Side, Sides, sides_of
from offtarget.training.spec import TrainingSpec
from offtarget.training.tokens import TokenPair, TrainingSet, trainable
from offtarget.verdicts import Verdict
from offtarget.versions import source_sha256

DECIDES = ("loss", "beta", "label_smoothing", "max_length", "min_answer_tokens", "bf16")
"""Training options that rows and columns depend on."""
SHAPE = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads")
"""What of a model's configuration a policy shares with its start model."""


@dataclass(frozen=True, eq=False)
class _Ready:
    """A plan on the pairs that can be trained on, in tokens."""

    set: TrainingSet
    plan: ShapingPlan
    sides: Sides
    lost: Counter[str] = field(default_factory=Counter)


def training_options(given: Mapping[str, Any]) -> TrainingSpec:
    """The training options that an export is made for.

    Raises:
        ConfigError: one that the columns do not depend on, or a value that it cannot take.
    """
    if stray := [k for k in given if k not in DECIDES]:
        raise ConfigError(
            f"the columns do not depend on '{stray[0]}': your own trainer decides it; these can be said: {', '.join(DECIDES)}"
        )
    try:
        return TrainingSpec.model_validate(dict(given))
    except ValidationError as e:
        raise ConfigError(explain(e, TrainingSpec)) from e


def export_plan(
    folder: Path, planned: Planned, pairs: PairSet, reader: Reader, spec: TrainingSpec, *, reference: bool
) -> Exported:
    """Write a plan as a dataset folder: rows, `plan.json`, and a README.md that says what it cannot carry.

    Args:
        folder: what to write, whole or not at all. An earlier export that is the same is left as it is.
        planned: the plan, and how it came about.
        pairs: that it was made on.
        reader: the start model with its template, and the store.
        spec: of `training_options`.
        reference: whether to compute the reference log-probabilities; a plan that needs none is carried without.

    Raises:
        ConfigError: a plan that no dataset or loss can carry, one that does nothing, or a folder with other content.
        UndecidedError: no pair can be trained on at this length.
    """
    plan = planned.plan
    require_held(plan)
    check_loss(plan, spec)
    require_vacant(folder)
    asked, spec = spec, spec.under(plan)
    tokenizer = load_tokenizer(reader.ref, reader.store, template=reader.template)
    ready = _ready(plan, pairs, tokenizer, spec)
    held = carried(ready.plan, ready.sides, ready.set.ids, spec, reference=reference)
    _require_effect(plan, held, spec)
    if not reference and (plan.offset.any() or held.prompted):
        raise ConfigError(
            f"plan of '{plan.protocol}' is carried by the reference's log-probabilities: export it with them, where the start "
            "model can be run"
        )
    scores = _reference(ready, tokenizer, reader, spec) if reference else None
    rows = _rows(ready, held, scores)
    entry = default().get("protocol", plan.protocol)
    parameters, verdicts = _decided(planned)
    found = Exported(
        protocol=plan.protocol,
        parameters={**entry.card.get("parameters", {}), **parameters},
        protocol_sha256=source_sha256(entry.path.parent, [entry.path]),
        plan_sha256=plan.hash,
        plan=PlanSummary.model_validate(plan.summary()),
        seed=planned.seed,
        verdicts=verdicts,
        contexts_sha256=contexts_sha256(planned.on.targets),
        dataset=pairs.name,
        dataset_revision=pairs.revision,
        rows_sha256=pairs.rows_sha256,
        n_pairs=len(pairs),
        model=reader.ref.name,
        model_identity=reader.ref.identity,
        architecture=shape_of(configuration(reader.ref)),
        template_hash=reader.template_key,
        own_template=reader.template is not None,
        training={k: v for k, v in asked.model_dump(mode="json").items() if k in DECIDES},
        trl=held.options,
        columns=tuple(rows[0]),
        n_rows=len(rows),
        export_sha256=rows_hash(rows),
        left_out=dict(sorted(ready.lost.items())),
        ignored=held.ignored,
        start_loss=_start_loss(ready, held, spec),
    )
    _write(folder, found, rows, reader.template)
    return found


def shape_of(config: Any) -> dict[str, Any]:
    """What a policy shares with its start model, of a configuration."""
    return {k: v for k in SHAPE if (v := getattr(config, k, None)) is not None}


def require_vacant(folder: Path) -> None:
    """Refuse a folder that another thing lies in, before any work is done.

    Raises:
        ConfigError: says what is there.
    """
    if folder.is_file():
        raise ConfigError(f"--export {folder}: a file of that name is in the way; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PLAN).is_file():
        raise ConfigError(f"--export {folder}: a folder with other things in it; name a new one")


def _decided(planned: Planned) -> tuple[dict[str, Any], tuple[Verdict, ...]]:
    """Parameters and verdicts as a recipe would say them: what a negative strength suppresses, a verdict suppresses."""
    parameters, verdicts = dict(planned.parameters), planned.verdicts
    strength = parameters.get("strength")
    if planned.on.concept is None or not verdicts or not isinstance(strength, int | float) or strength >= 0:
        return parameters, verdicts
    return {**parameters, "strength": -strength}, (verdicts[0].model_copy(update={"decision": "suppress"}),)


def _ready(plan: ShapingPlan, pairs: PairSet, tokenizer: Any, spec: TrainingSpec) -> _Ready:
    """The plan without the pairs that cannot be trained on."""
    kept, ids, lost = trainable(
        pairs.pairs, tokenizer, max_length=spec.max_length, min_answer_tokens=spec.min_answer_tokens
    )
    if not kept:
        why = ", ".join(f"{n} {reason}" for reason, n in lost.items())
        raise UndecidedError(f"no pair can be trained on at max_length {spec.max_length} ({why}): raise max_length")
    there = {p.id: t for p, t in zip(kept, ids, strict=True)}
    nothing = [tokenizer.pad_token_id]
    tokens = [there.get(p.id) or TokenPair(p.id, nothing, nothing, nothing, 0) for p in pairs.pairs]
    own = np.array([p.id in there for p in pairs.pairs] + [True] * len(plan.added), bool)
    whole, plan = with_added(
        TrainingSet(pairs.pairs, tokens, lost, pairs.rows_sha256), plan.edit(keep=plan.keep & own), tokenizer, spec
    )
    if not plan.keep.any():
        raise UndecidedError(f"no pair that the plan keeps can be trained on at max_length {spec.max_length}: raise it")
    return _Ready(whole, plan, sides_of(whole.pairs, whole.ids, plan, tokenizer, spec.max_length), whole.lost)


def _require_effect(plan: ShapingPlan, held: Carried, spec: TrainingSpec) -> None:
    """Refuse a plan of masks, weights of words or prompts of which nothing is left in the tokens."""
    none: dict[str, Any] = dict.fromkeys(
        f"{kind}_{side}" for kind in ("mask", "token_weight", "prompt") for side in ("chosen", "rejected")
    )
    if plan.control or held.prompted or held.weighted_words or plan.edit(**none).touched.any():
        return
    raise ConfigError(
        f"plan of '{plan.protocol}' touches {int(plan.touched.sum())} rows, but changes nothing of what the policy reads within "
        f"max_length {spec.max_length}: raise it"
    )


def _reference(ready: _Ready, tokenizer: Any, reader: Reader, spec: TrainingSpec) -> list[tuple[float, float]]:
    """Of each kept row the shifted reference log-probability of the side trained as chosen, and of the other."""
    from offtarget.training.reference import offsets_in_loss, reference, summed

    model, _ = load(reader.ref, dtype="float32", store=reader.store, template=reader.template)
    said = reference(
        model.requires_grad_(False),
        tokenizer,
        reader.ref,
        ready.set.ids,
        sides=ready.sides,
        n_added=len(ready.plan.added),
        max_length=spec.max_length,
        bf16=spec.bf16,
        prefix_layer=None,
        store=reader.store,
        progress=steps_of(reader.progress, "reference"),
    )
    up, down = offsets_in_loss(ready.plan, ready.sides, [spec.loss])
    out = []
    for i in np.flatnonzero(ready.plan.keep):
        chosen, rejected = summed(said, int(i), ready.sides[i], spec.ld_alpha)
        out.append((chosen - float(up[i]) / spec.beta, rejected - float(down[i]) / spec.beta))
    return out


def _rows(ready: _Ready, held: Carried, scores: list[tuple[float, float]] | None) -> list[dict[str, Any]]:
    """The rows of the folder, in the order in which training here reads them."""
    plan = ready.plan
    weights = plan.relative_weight()
    # another name, so that a trainer that counts all tokens alike cannot take them for its own
    of_reference = [f"{'weighted_' if held.weighted_words else ''}ref_{side}_logps" for side in ("chosen", "rejected")]
    prompts = [plan.policy_prompts(side) for side in ("chosen", "rejected")]
    out = []
    for k, i in enumerate(np.flatnonzero(plan.keep)):
        pair, both = ready.set.pairs[i], ready.sides[i]
        answers, offsets = (pair.chosen, pair.rejected), (plan.offset_chosen[i], plan.offset_rejected[i])
        read = [_read(pair.prompt, prompts[s.source][i], s) for s in both]
        row: dict[str, Any] = {
            "id": pair.id,
            "prompt": read[0] if held.one_prompt else _messages(pair.prompt),
            "chosen": _messages(answers[both[0].source]),
            "rejected": _messages(answers[both[1].source]),
            "weight": float(weights[i]),
            "offset_chosen": float(offsets[both[0].source]),  # an offset belongs to its answer
            "offset_rejected": float(offsets[both[1].source]),
        }
        if scores is not None:
            row |= dict(zip(of_reference, scores[k], strict=True))
        if held.prompted:
            row |= {"prompt_test": _messages(pair.prompt), "prompt_chosen": read[0], "prompt_rejected": read[1]}
        if held.weighted_words:
            for name, side in zip(("chosen", "rejected"), both, strict=True):
                spans = _spans(side)
                row[f"{name}_token_spans"] = [[start, stop] for start, stop, _ in spans]
                row[f"{name}_token_weights"] = [weight for *_, weight in spans]
        out.append(row)
    return out


def _messages(turns: Any) -> list[dict[str, str]]:
    return [{"role": str(m["role"]), "content": str(m["content"])} for m in turns]


def _read(own: Any, asked: Any, side: Side) -> list[dict[str, str]]:
    """What the policy reads before one answer: its own prompt where that leaves room for the answer."""
    return _messages(own if asked is None or side.policy_prompt == side.prompt else asked)


def _spans(side: Side) -> list[tuple[int, int, float]]:
    """Runs of tokens of one answer that weigh the same and not 1: first, behind the last, weight."""
    w = side.weights
    edges = [0, *(np.flatnonzero(np.diff(w)) + 1).tolist(), len(w)]
    return [(a, b, float(w[a])) for a, b in pairwise(edges) if b > a and w[a] != 1]


def _start_loss(ready: _Ready, held: Carried, spec: TrainingSpec) -> float | None:
    """Mean −log σ(o⁺ − o⁻) over the rows: the loss where policy and reference are one model."""
    if spec.loss != "sigmoid" or spec.wpo or spec.label_smoothing or held.prompted:
        return None
    plan = ready.plan
    offset = np.where(plan.flip, -plan.offset, plan.offset)[plan.keep]
    return float(np.logaddexp(0.0, -offset).mean())


def _write(folder: Path, found: Exported, rows: list[dict[str, Any]], template: str | None) -> None:
    """Write the folder; one that holds the same already stays as it is.

    Raises:
        ConfigError: it holds another export.
    """
    from datasets import Dataset

    if (folder / PLAN).is_file():
        try:
            same = read_export(folder).key == found.key
        except OfftargetError:
            same = False
        if same:
            return
        raise ConfigError(f"--export {folder}: holds another export, or one that was changed; name a new folder")
    table = BytesIO()
    Dataset.from_list(rows).to_parquet(table)
    with output_dir(folder, PLAN) as out:
        write_atomic(out / ROWS, table.getvalue())
        write_atomic(out / CARD, card(found))
        if template is not None:
            write_atomic(out / TEMPLATE, read_template(template))
        write_atomic(out / PLAN, found.model_dump_json(indent=1) + "\n")
