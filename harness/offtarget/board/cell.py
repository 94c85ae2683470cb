"""A result cell: what one run (dataset × model × protocol × seed) was asked, and what came of it.

The record alone; `board.folder` writes cells to a results folder and reads them back. A cell carries ids
and numbers, never text of a dataset: a sample id that reads like text is replaced by its hash.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue

from offtarget.evals.floor import Floor
from offtarget.evals.scores import BehaviourScore, cluster_of
from offtarget.records import Record
from offtarget.store import canonical_json, hash_of
from offtarget.verdicts import Verdict

SCHEMA_VERSION = 1
START = "start"
"""The protocol name of the model before training."""
PLAIN = "dpo"
"""The protocol name of plain DPO, which all others are compared with."""

_ID = re.compile(r"[^\s\x00-\x1f]{1,80}")


class CellSpec(Record):
    """What was asked for: everything a person chose."""

    dataset: str
    """Registry name, hub id or path, as the recipe gives it."""
    model: str
    """Alias, hub id or directory, as the recipe gives it."""
    protocol: str
    """`start` for the model before training, `dpo` for plain DPO."""
    parameters: dict[str, JsonValue] = {}
    """The protocol's parameters, all of them, presets too."""
    seed: int = 0
    training: dict[str, JsonValue] = {}
    """The training spec (steps, rate, beta, ...); empty for `start`."""
    behaviours: tuple[str, ...] = ()
    """What was to be measured, in any order."""
    verdicts: tuple[Verdict, ...] = ()
    """The parts of verdicts that change a run. Older cells hold metadata (`where`) as a context."""
    data: dict[str, JsonValue] = {}
    """Options of the dataset: split, limit, columns."""


class CellManifest(Record):
    """What the run really stood on."""

    dataset_revision: str | None = None
    rows_sha256: str
    """Identity of the pairs that were trained on (`PairSet.rows_sha256`)."""
    n_pairs: int
    model_identity: str
    """Hash of the weights' files, or hub id and revision (`ModelRef.identity`)."""
    template_hash: str | None = None
    """Hash of the chat template in force."""
    task_versions: dict[str, str] = {}
    """Behaviour -> `N-X`; scores of different versions are not comparable."""
    code_version: str
    """Version of offtarget and a hash of the code that decides results."""
    protocol_sha256: str | None = None
    """Hash of the protocol's file; None for `start`."""
    contexts_sha256: str | None = None
    """Hash of the training rows in the contexts of verdicts; None where every verdict is on all rows."""
    packages: dict[str, str] = {}
    seeds: dict[str, int] = {}
    """Every seed that was set, by what it was set for."""


class PlanSummary(Record):
    """What the protocol did to the rows (`ShapingPlan.summary()`)."""

    protocol: str
    pairs: int
    touched: int
    left_out: int = 0
    flipped: int = 0
    shifted: int = 0
    steered: int = 0
    masked: int = 0
    token_weighted: int = 0
    prompted: int = 0
    added: int = 0
    loss: dict[str, JsonValue] = {}
    start_weight: dict[str, JsonValue] = {}
    notes: list[str] = []
    details: dict[str, JsonValue] = {}
    hash: str


class TrainingDigest(Record):
    """How the training went, in a few numbers."""

    steps: int
    loss_first: float | None = None
    """Mean loss of the first logged steps, nats."""
    loss_last: float | None = None
    accuracies: dict[str, float] = {}
    """Share of pairs whose chosen side has the larger implicit reward, by where it was measured; those of
    training begin with `training`."""
    tokens: int = 0
    """Tokens of responses in the rows that were trained on, in one pass over them."""
    dropped: dict[str, int] = {}
    """Pairs the trainer could not use, by reason."""
    truncated: int = 0
    effective_weights: dict[str, JsonValue] = {}
    """Histogram of each pair's gradient relative to plain DPO: `edges` and `counts`."""
    details: dict[str, JsonValue] = {}
    """What else the trainer noted."""


class Cost(Record):
    """What the run cost; never compared."""

    seconds: dict[str, float | None] = {}
    """Wall-clock seconds by stage; null where all of it came from the store."""
    peak_memory_gb: float | None = None
    """Largest resident memory of the process up to then, GiB; earlier cells of a grid count too."""

    @property
    def total_seconds(self) -> float:
        """Seconds of all stages together, of those that were really run."""
        return sum(s for s in self.seconds.values() if s is not None)


class Elsewhere(Record):
    """A policy that another program trained: what its owner says of it, which offtarget did not see."""

    plan_sha256: str
    """Hash of the plan that it is said to be trained under."""
    export_sha256: str
    """Hash of the rows that it is said to be trained on, of the exported folder."""
    policy: str
    """Hash of its weights; of a policy that was scored elsewhere too, of the logs."""
    scored_by: str = ""
    """Provider and model as Inspect's logs name them, where it was scored elsewhere too; of a path its last part."""
    ignored: tuple[str, ...] = ()
    """What of the plan trl's own DPOTrainer would not have carried out."""


class Reproduction(Record):
    """One time that the run of a cell was made again (`offtarget reproduce CELL --by NAME`)."""

    by: str
    """Who did it."""
    date: str
    """ISO 8601, the day."""
    hardware: dict[str, str] = {}
    conclusion: Literal["same", "within seed noise", "different"]
    """The worst of its behaviours."""
    behaviours: dict[str, str] = {}
    """Behaviour -> its own conclusion."""
    code_version: str = ""
    """Of the code that made it again."""


def id_or_hash(sample_id: str) -> str:
    """The id itself if it reads like an id (no spaces, at most 80 signs), else a short hash of it.

    The epoch of a repeated sample (`id#2`) stays, so that samples of one prompt stay together.
    """
    if _ID.fullmatch(sample_id):
        return sample_id
    prompt = cluster_of(sample_id)
    epoch = sample_id[len(prompt) :]
    epoch = epoch if re.fullmatch(r"#\d{1,6}", epoch) else ""
    prompt = prompt if epoch else sample_id
    return f"h:{hashlib.sha256(prompt.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}{epoch}"


def _no_text(scores: tuple[BehaviourScore, ...]) -> tuple[BehaviourScore, ...]:
    names = [s.behaviour for s in scores]
    if len(set(names)) != len(names):
        raise ValueError("a behaviour is scored twice")
    clean = []
    for s in sorted(scores, key=lambda s: s.behaviour):
        bad = [k for k, v in s.samples.items() if v is not None and not math.isfinite(v)]
        if bad:
            raise ValueError(f"{s.behaviour}: sample {bad[0]!r} is not a finite number; a missing score is null")
        if not all(_ID.fullmatch(k) for k in s.samples):
            s = s.model_copy(update={"samples": {id_or_hash(k): v for k, v in s.samples.items()}})
        clean.append(s)
    return tuple(clean)


class Cell(Record):
    """One run and its scores. Two runs with the same key were asked for the same thing."""

    schema_version: Literal[1] = 1
    key: str = ""
    """Filled in: `cell_key` of spec and manifest."""
    spec: CellSpec
    manifest: CellManifest
    audit: dict[str, JsonValue] = {}
    """The audit that the verdicts come from: its key, vocabulary and counts."""
    plan: PlanSummary | None = None
    """None for `start`."""
    training: TrainingDigest | None = None
    """None for `start`."""
    behaviours: Annotated[tuple[BehaviourScore, ...], AfterValidator(_no_text)] = ()
    floor: Floor | None = None
    """What random adapters of the policy's size do to the same behaviours; None where that was not asked."""
    budget: str
    """Budget class: runs are ranked only against runs of the same one."""
    mode: Literal["exact", "fast", "elsewhere"] = "exact"
    """Whether the identity plan is bit-equal to plain trl (exact) or within 1e-3 of it (fast); elsewhere: another program
    trained, and what it did is its owner's word."""
    elsewhere: Elsewhere | None = None
    """Of a policy that another program trained; None where offtarget trained, and for `start`."""
    cost: Cost = Cost()
    hardware: dict[str, str] = {}
    created: str = ""
    """When, ISO 8601 in UTC."""
    recipe: dict[str, JsonValue] = {}
    """The recipe of this run alone, to make it again; never compared. Empty in cells made before it was kept."""
    reproduced: tuple[Reproduction, ...] = ()
    """The times that it was made again; never compared."""

    def model_post_init(self, _context: Any, /) -> None:
        """Fill in the key, or refuse one that does not belong to the content."""
        want = cell_key(self.spec, self.manifest, self.setting)
        if not self.key:
            object.__setattr__(self, "key", want)
        elif self.key != want:
            raise ValueError(f"the key {self.key[:12]} does not match the content (which hashes to {want[:12]})")

    @property
    def setting(self) -> dict[str, Any]:
        """That of `setting_of`, and which policy it is where another program trained it."""
        claimed = {"elsewhere": self.elsewhere.model_dump(mode="json")} if self.elsewhere else {}
        return {**setting_of(self.budget, self.mode, self.audit), **claimed}

    def compared(self) -> dict[str, Any]:
        """All that two runs of the same key should share: without cost, hardware, time, package versions, recipe."""
        data = self.model_dump(mode="json", exclude={"cost", "hardware", "created", "recipe", "reproduced"})
        data["manifest"].pop("packages")
        if data["training"]:  # step by step, two machines differ in the last digits
            data["training"]["details"].pop("losses", None)
        return data

    def written(self) -> str:
        """The text of its file; what older cells did not hold is left out where it is empty."""
        data = self.model_dump(mode="json")
        data = {k: v for k, v in data.items() if k not in {"recipe", "reproduced"} or v}
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    def score(self, behaviour: str) -> BehaviourScore | None:
        """The score of one behaviour; None if it was not measured."""
        return next((s for s in self.behaviours if s.behaviour == behaviour), None)


def setting_of(budget: str, mode: str, audit: Mapping[str, JsonValue]) -> dict[str, Any]:
    """What else a cell is on: budget class, mode, the audit's key, and how far its lenses read (where they read a model)."""
    read = {"max_length": audit["max_length"]} if audit.get("max_length") else {}
    return {"budget": budget, "mode": mode, "audit": audit.get("key"), **read}


def cell_key(spec: CellSpec, manifest: CellManifest, setting: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over spec, data, model weights, code (with the protocol's file), task versions and setting.

    The setting is that of `setting_of`.

    Hardware, time, cost and package versions do not enter. The order of behaviours does not matter, nor
    that of verdicts. A model given by directory is identified by its weights, not by its path.
    """
    asked = spec.model_dump(mode="json")
    asked["behaviours"] = sorted(asked["behaviours"])
    asked["verdicts"] = sorted(asked["verdicts"], key=canonical_json)
    contexts = {"contexts": manifest.contexts_sha256} if manifest.contexts_sha256 else {}
    return hash_of(
        {
            **contexts,
            "spec": asked,
            "data": {"revision": manifest.dataset_revision, "rows_sha256": manifest.rows_sha256},
            "model": {"identity": manifest.model_identity, "template": manifest.template_hash},
            "code_version": manifest.code_version,
            "protocol": manifest.protocol_sha256,
            "setting": dict(setting or {}),
            "task_versions": manifest.task_versions,
        }
    )


def differences(a: Cell, b: Cell) -> list[str]:
    """Dotted names of the compared fields in which two cells differ, sorted."""
    return sorted(_differ("", a.compared(), b.compared()))


def _differ(at: str, a: Any, b: Any) -> list[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        found = []
        for k in {*a, *b}:
            found += _differ(f"{at}.{k}" if at else str(k), a.get(k), b.get(k))
        return found
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b, strict=True)) for d in _differ(f"{at}[{i}]", x, y)]
    return [] if a == b else [at]
