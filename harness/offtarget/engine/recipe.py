"""A recipe: the whole grid of one experiment in a YAML file, strict, with overrides from the command line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from offtarget.audit.concepts.spaces import By
from offtarget.board.folder import slug
from offtarget.errors import ConfigError, unknown_name
from offtarget.evals.scores import Role
from offtarget.lens.reader import MAX_LENGTH
from offtarget.lens.table import check_lenses
from offtarget.recipes import long_forms, override, read_mapping
from offtarget.records import Record, explain
from offtarget.registry import check_parameters, default, load_function
from offtarget.training.spec import Choice, Number, TrainingSpec, Whole
from offtarget.verdicts import Verdict, named

WHOLE = ""
"""The name of the only part of a recipe without parts."""
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]


class AuditOptions(Record):
    """How rows are audited, and with which lenses."""

    lens: tuple[str, ...] = ("surface",)
    """Names as `offtarget list lenses` shows them, each with what it takes after a colon."""
    topics: By = "latents"
    """What rows are clustered by; words where no lens has latents."""
    by: tuple[str, ...] | None = None
    """Columns of metadata whose values are compared; None: those of `like`, and those that a verdict speaks of."""
    like: str | None = None
    """Folder of an audit whose vocabulary (concepts and topics) to use; what it read is read."""
    seed: Seed = 0
    """Of clustering and resampling."""


class RecipeAudit(AuditOptions):
    """The audit of a recipe: also which rows of the set, and how much of them the lenses read."""

    limit: Whole | None = Field(default=None, ge=30)
    """Rows to audit, drawn by a hash of their ids, so spread over prompts; None means all."""
    max_length: Whole = Field(default=MAX_LENGTH, ge=16)
    """Tokens of prompt and answer that lenses on activations read."""


class TrainRows(Record):
    """Which pairs are trained on."""

    pairs: Whole | None = Field(default=None, ge=8)
    """How many; None means all."""
    per_prompt: Whole | None = Field(default=None, ge=1)
    """At most this many pairs of one prompt."""
    max_characters: Whole | None = Field(default=None, ge=1)
    """Leave out pairs with an answer longer than this: a way to fit a small machine. Counted in the cell."""


class EvalOptions(Record):
    """How behaviours are measured."""

    limit: Whole | None = Field(default=None, ge=2)
    """Prompts or items of each behaviour; None means all."""
    max_tokens: Whole = Field(default=128, ge=1)
    temperature: Number = Field(default=0.7, ge=0)
    part: Literal["dev", "test"] | None = None
    """Only the third of the prompts that is kept for development, or only the others; None means all. A selection sets
    it."""
    grader: str | None = None
    """Inspect name of the model that judges the answers of `judged:NAME`; its provider sees prompts and answers."""
    server: str | None = None
    """Address of a server that answers for every policy (vLLM's completions protocol, adapters loaded while it runs); a cell says
    that one did, not which."""
    selected_with: Seed | None = None
    """The training seed with which strengths were chosen; a selection sets it, so that boards can say it."""


class SelectionOptions(Record):
    """How strengths are chosen, on prompts that no reported score sees."""

    strengths: dict[str, tuple[Number, ...]] = Field(min_length=1)
    """Protocol -> the strengths that are tried."""
    by: Literal["recovery", "forecast", "weight"] = "recovery"
    """Protocols are matched at the same recovery on the development prompts (each strength is trained and measured), at the same
    recovery as forecast from the influence of each row (nothing is trained; of protocols that weigh rows), or at the same mean
    effective weight of the rows that teach against the verdicts."""
    goal: Number | None = None
    """What to match at; None: the most that every protocol reaches."""
    seed: Seed | None = None
    """Training seed of the sweep; None: the smallest that the recipe does not report, so that no reported policy was
    chosen for its own luck."""

    def sweep_seed(self, reported: Sequence[int]) -> int:
        """The training seed of the sweep, for a recipe that reports these."""
        return self.seed if self.seed is not None else next(s for s in count() if s not in reported)


class VerifyOptions(Record):
    """How predicted shifts are held against observed ones (`offtarget verify`)."""

    prompts: Whole = Field(default=200, ge=30)
    """Held-out prompts that are answered before and after training."""
    samples: Whole = Field(default=1, ge=1)
    """Answers to each prompt."""
    own_samples: Whole = Field(default=4, ge=2, multiple_of=2)
    """Answers of the start model alone to each prompt: which of them training makes likelier is predicted."""
    max_tokens: Whole = Field(default=128, ge=1)
    temperature: Number = Field(default=0.7, gt=0)


class ProtocolRun(Record):
    """One row of the grid."""

    protocol: str
    parameters: dict[str, Any] = {}


Nulls = Annotated[Whole, Field(ge=0)]
"""How many null adapters."""


class Recipe(Record):
    """One experiment."""

    title: str
    data: str = Field(min_length=1)
    """Registry name, path or hf: id."""
    limit: Whole | None = Field(default=None, ge=30)
    """Read at most this many pairs: whole prompts, drawn from all rows by `limit_seed`; None means all."""
    limit_seed: Seed = 0
    """Which prompts the limit draws; not the seed of any statistic."""
    head: Whole | None = Field(default=None, ge=30)
    """Read the first N pairs."""
    card: str | None = None
    """A dataset card that says how to read the files of `data`, wherever they are."""
    name: str | None = None
    """What the dataset is called on boards; by default the name it was loaded by."""
    columns: dict[str, str] | None = None
    skip_bad_rows: Choice = False
    """Leave out rows that are broken instead of refusing the file."""
    allow_drops: Choice = False
    """Go on though over 20 % of the pairs are left out for reasons that good data does not have."""
    reverse: Choice = False
    """Swap chosen and rejected of every pair, for the audit and for training: what the opposite labels teach."""
    model: str = Field(default="smollm2-135m", min_length=1)
    audit: RecipeAudit = RecipeAudit()
    train: TrainRows = TrainRows()
    verdicts: tuple[Verdict, ...] | str = ()
    """Decisions, or the path of a verdicts.yaml."""
    training: TrainingSpec = Field(default_factory=TrainingSpec)
    protocols: tuple[ProtocolRun, ...] = Field(min_length=1)
    behaviours: tuple[str, ...] = Field(min_length=1)
    roles: dict[str, Role] = {}
    """Behaviour -> what it is in this experiment (target, off-target, capability), where its card says otherwise."""
    evaluation: EvalOptions = EvalOptions()
    null_adapters: Nulls | dict[str, Nulls] = 0
    """Random adapters of its own size that are measured beside each trained policy, or protocol -> how many beside its
    policies (`evals.floor`); of LoRA alone."""
    verification: VerifyOptions = VerifyOptions()
    selection: SelectionOptions | None = None
    must_teach: Number | None = Field(default=None, gt=0, lt=1)
    """q-value under which plain DPO must change every target for the worse, in each seed; else the run ends by saying that it
    is no result."""
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    budget: str = "cpu"
    out: str | None = None
    chat_template: str | None = None

    def nulls_of(self, protocol: str) -> int:
        """How many null adapters are measured beside each policy of a protocol."""
        return self.null_adapters.get(protocol, 0) if isinstance(self.null_adapters, dict) else self.null_adapters

    @field_validator("protocols", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        """Accept `dpo`, `{filter: {strength: 0.3}}` and the long form."""
        return long_forms(value, "protocol")


def read_recipe(
    name: str, overrides: Sequence[str] = (), size: str | None = None, part: str | None = None
) -> tuple[Recipe, Path]:
    """A recipe by registry name or path, in one of its sizes, with `key=value` overrides (dotted keys for inner ones).

    Raises:
        ConfigError: no such recipe, size or part, not YAML, an unknown or wrong key; names the nearest. Also a recipe in
            several parts, none of them named.
    """
    parts, path = read_parts(name, overrides, size, () if part is None else (part,))
    if len(parts) > 1:
        raise ConfigError(f"{path}: has parts ({', '.join(parts)}), each a recipe of its own; name one of them")
    return next(iter(parts.values())), path


def read_parts(
    name: str, overrides: Sequence[str] = (), size: str | None = None, only: Sequence[str] = ()
) -> tuple[dict[str, Recipe], Path]:
    """The recipes of a file: itself under the name `WHOLE`, or each of its `parts`, which are experiments on several sets.

    A part is the file's other keys with the part's own over them, groups of keys merged.

    Args:
        name: registry name or path.
        overrides: `key=value` for every part; `parts.NAME.key=value` for one.
        size: one of the sizes of every part.
        only: parts to read; empty: all.

    Raises:
        ConfigError: no such recipe, part or size, not YAML, an unknown or wrong key; names the nearest.
    """
    raw, path = read_mapping("recipe", name)
    own = [item for item in overrides if item.startswith("parts.")]
    for item in own:
        override(raw, item)
    shared = {k: v for k, v in raw.items() if k != "parts"}
    parts = raw.get("parts", {WHOLE: {}})
    if not isinstance(parts, dict) or not parts or not all(isinstance(v, dict) for v in parts.values()):
        raise ConfigError(f"{path}: parts should be a mapping of names to keys, such as `style: {{data: pairs.jsonl}}`")
    for part in parts:
        if part != WHOLE and slug(str(part)) != part:
            raise ConfigError(
                f"{path}: a part is called {part!r}; its name is that of a folder, so use letters, digits and -"
            )
    for part in only:
        if part not in parts or part == WHOLE:
            raise unknown_name("part", part, [p for p in parts if p != WHOLE], hint=f"(of {path})")
    recipes = {}
    for part, keys in parts.items():
        if only and part not in only:
            continue
        where = f"{path}: parts.{part}" if part else str(path)
        mapping = sized(_merged(shared, keys), size, where)
        for item in overrides:
            if item not in own:
                override(mapping, item)
        recipes[part] = validate(mapping, where)
    return recipes, path


def sized(raw: Mapping[str, Any], size: str | None, where: str) -> dict[str, Any]:
    """A recipe's mapping with the keys of one of its `sizes` put over its own; the size is its budget class.

    Groups of keys are merged, all else is replaced. Without a size the recipe is as it is.

    Raises:
        ConfigError: the recipe has no such size, or a size is not a mapping.
    """
    own = {k: v for k, v in raw.items() if k != "sizes"}
    sizes = raw.get("sizes") or {}
    if not isinstance(sizes, dict) or not all(isinstance(v, dict) for v in sizes.values()):
        raise ConfigError(f"{where}: sizes should be a mapping of names to keys, such as `paper: {{model: ...}}`")
    if size is None or (size not in sizes and size == own.get("budget", "cpu")):
        return own
    if size not in sizes:
        raise unknown_name("size", size, sizes, hint=f"(of {where})")
    return _merged({**own, "budget": size}, sizes[size])


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def validate(raw: Mapping[str, Any], where: str) -> Recipe:
    """A recipe from a mapping; every name in it is looked up at once."""
    try:
        recipe = Recipe.model_validate(raw)
    except ValidationError as e:
        parts = {place: f"the recipe's verdicts: {name}" for place, name in named(raw).items()}
        raise ConfigError(f"{where}: {explain(e, Recipe, parts)}") from e
    for k, run in enumerate(recipe.protocols):
        check_parameters(default().get("protocol", run.protocol), run.parameters)
        if run in recipe.protocols[:k]:
            raise ConfigError(f"{where}: protocols names '{run.protocol}' twice with the same parameters; keep one")
    for key in ("seeds", "behaviours"):
        twice = [str(x) for x, n in Counter(getattr(recipe, key)).items() if n > 1]
        if twice:
            raise ConfigError(f"{where}: {key} names {twice[0]} twice; keep one")
    if recipe.selection:
        for name, strengths in recipe.selection.strengths.items():
            entry = default().get("protocol", name)
            if name not in {r.protocol for r in recipe.protocols}:
                raise ConfigError(
                    f"{where}: selection.strengths names '{name}', which is not among the recipe's protocols"
                )
            if not strengths:
                raise ConfigError(f"{where}: selection.strengths.{name} names no strength to try")
            for strength in strengths:
                check_parameters(entry, {"strength": strength})
    check_lenses(recipe.audit.lens, f"{where}: audit.lens")
    for b in recipe.behaviours:
        if (entry := default().get("behaviour", b)).card.get("argument"):
            load_function(entry)()
    if recipe.null_adapters and recipe.training.method != "lora":
        raise ConfigError(
            f"{where}: null_adapters are of training.method lora, not {recipe.training.method}; leave them out"
        )
    if isinstance(recipe.null_adapters, dict):
        for name in recipe.null_adapters:
            if name not in (known := {r.protocol for r in recipe.protocols}):
                raise unknown_name("protocol", name, known, hint=f"(null_adapters of {where})")
    if stray := [b for b in recipe.roles if b not in recipe.behaviours]:
        raise ConfigError(f"{where}: roles names '{stray[0]}', which is not among the behaviours")
    return recipe
