"""A run on its way: data loaded and audited, decisions made, rows tokenised; all that its cells share."""

import json
import logging
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit
from offtarget.data.drops import drop_cautions
from offtarget.data.pairs import PairSet
from offtarget.documents import read_json
from offtarget.engine.as_audited import recipe_as_audited, require_same_reading
from offtarget.engine.auditing import audit_into, set_name
from offtarget.engine.planning import readings_of
from offtarget.engine.recipe import Recipe, validate
from offtarget.engine.rows import evaluation_prompts, load_rows, reversed_pairs, select_rows, shuffled_by_id
from offtarget.engine.targets import check_verdicts, columns_asked, decide, targets_of, written
from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of
from offtarget.models import ModelRef, resolve
from offtarget.progress import Progress
from offtarget.shaping.context import Target
from offtarget.shaping.readings import StoredReadings
from offtarget.store import Store, write_atomic
from offtarget.training.run import prepare
from offtarget.training.tokens import TrainingSet
from offtarget.verdicts import Verdicts, undecided

log = logging.getLogger(__name__)

RUN_FILE = "run.json"
"""The recipe of a run folder, whole, so that `offtarget verify` can go on from it."""


@dataclass
class Run:
    """One recipe on its way: what every cell of the grid shares."""

    recipe: Recipe
    base: Path
    """Folder that relative paths of the recipe start from."""
    out: Path
    reader: Reader
    """The start model and how lenses read with it, the store, and who listens."""
    pairs: PairSet
    audited: PairSet
    features: tuple[FeatureMatrix, ...]
    """Of the audited rows."""
    audit_folder: AuditFolder
    verdicts: Verdicts
    training_set: TrainingSet
    trained_pairs: PairSet
    readings: StoredReadings
    left_out: dict[str, int]
    """Rows not offered for training, by reason."""
    limit: int | None = None
    """Rows that were read; None: all."""

    @property
    def audit(self) -> Audit:
        """The record of the audit."""
        return self.audit_folder.audit

    @property
    def model(self) -> ModelRef:
        """The start model."""
        return self.reader.ref

    @property
    def store(self) -> Store:
        """Where every stage keeps what it made."""
        return self.reader.store

    @property
    def progress(self) -> Progress | None:
        """Who listens."""
        return self.reader.progress

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What is to be carried out on the training rows."""
        return targets_of(self.verdicts, self.audit_folder, self.trained_pairs.pairs)


def start(
    recipe: Recipe, base: Path, out: Path, *, store: Store, limit: int | None = None, progress: Progress | None = None
) -> Run:
    """Load, audit, decide and tokenise: all that comes before the first cell."""
    recipe = recipe_as_audited(recipe, base)
    check_verdicts(recipe, base)
    model = resolve(recipe.model, store)
    reader = Reader(model, store, recipe.audit.max_length, template=recipe.chat_template, progress=progress)
    pairs = load_rows(recipe, limit)
    for caution in (*drop_cautions(pairs), *pairs.cautions):
        log.warning("%s", caution)
    if name := recipe.name or set_name(recipe.data):
        pairs = replace(pairs, name=name)
    if recipe.reverse:
        pairs = reversed_pairs(pairs)
    audited = pairs
    if recipe.audit.limit and recipe.audit.limit < len(pairs):
        drawn = {p.id for p in shuffled_by_id(pairs.pairs)[: recipe.audit.limit]}
        audited = replace(pairs, pairs=[p for p in pairs.pairs if p.id in drawn])
    like = Path(recipe.audit.like) if recipe.audit.like else None
    by = columns_asked(recipe.audit.by, written(recipe.verdicts, base), like)
    done = audit_into(out / "audit", audited, recipe.audit.model_copy(update={"by": by}), reader)
    audit = done.audit
    if like:
        require_same_reading(AuditFolder(like).audit, done.features, str(like))
    verdicts = decide(recipe.verdicts, audit, base)
    if said := undecided(verdicts):
        log.warning("%s", said)
    selected, left = select_rows(pairs, recipe, evaluation_prompts(recipe.behaviours))
    training_set = prepare(selected, model, recipe.training, recipe.chat_template)
    if training_set.lost:
        why = ", ".join(f"{n} {reason}" for reason, n in training_set.lost.items())
        log.warning(
            "%d of the %d pairs drawn cannot be trained on at max_length %d (%s)",
            sum(training_set.lost.values()), len(selected.pairs), recipe.training.max_length, why,
        )  # fmt: skip
    trained = replace(pairs, pairs=training_set.pairs)
    concepts = {c.id: tuple(c.members) or (c.id,) for c in audit.concepts}
    readings = readings_of(
        trained,
        _features(trained, audited, done.features, recipe, reader),
        concepts,
        recipe.audit.lens,
        replace(reader, max_length=recipe.training.max_length),
        {c.id: c.title for c in audit.concepts},
        recipe.training,
    )
    run = Run(
        recipe, base, out, reader, pairs, audited, done.features, done.folder, verdicts, training_set, trained, readings,
        left, limit,
    )  # fmt: skip
    record_run(run)
    return run


def record_run(run: Run) -> None:
    """Write the recipe of a run folder, whole, for `offtarget verify`."""
    record = {"recipe": run.recipe.model_dump(mode="json"), "base": str(run.base.resolve()), "limit": run.limit}
    write_atomic(run.out / RUN_FILE, json.dumps(record, indent=1) + "\n")


def read_run(folder: Path) -> tuple[Recipe, Path, int | None]:
    """The recipe that made a run folder, the folder that its paths start from, and its row limit.

    Raises:
        ConfigError: no run is there, or its record is damaged.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: no {RUN_FILE}, so not a run; make one with `offtarget run RECIPE --out DIR`")
    body = read_json(path)
    try:
        return validate(body["recipe"], str(path)), Path(body["base"]), body["limit"]
    except (KeyError, TypeError) as e:
        raise ConfigError(f"{path}: damaged ({e}); run the recipe again, nothing is trained twice") from None


def _features(
    trained: PairSet, audited: PairSet, features: tuple[FeatureMatrix, ...], recipe: Recipe, reader: Reader
) -> tuple[FeatureMatrix, ...]:
    """Features of the training rows: rows of the audit's where all were audited, else read now."""
    where = {p.id: i for i, p in enumerate(audited.pairs)}
    if all(p.id in where for p in trained.pairs):
        rows = [where[p.id] for p in trained.pairs]
        return tuple(f.select(rows) for f in features)
    return tuple(features_of(trained, recipe.audit.lens, reader.during("training rows"), features))
