"""One audit from a loaded set to a finished folder: what `audit`, `run` and `demo` share."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from offtarget.audit.concepts.metadata import read_columns
from offtarget.audit.concepts.vocabulary import lens_identity
from offtarget.audit.folder import AUDIT_FILE, AuditFolder
from offtarget.audit.reading_record import Reading
from offtarget.audit.records import Audit
from offtarget.audit.run import VERSION
from offtarget.audit.run import audit as run_audit
from offtarget.audit.statistics.means import group_codes, require_enough
from offtarget.audit.units import require_answers
from offtarget.benchmark.known import known_truth
from offtarget.data.messages import clean
from offtarget.data.pairs import PairSet
from offtarget.engine.recipe import AuditOptions
from offtarget.errors import ConfigError, OfftargetError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.names import kinds_of
from offtarget.lens.reader import Reader
from offtarget.lens.table import earlier_readings, features_of, reads_model
from offtarget.machine import return_freed_memory
from offtarget.models import ModelRef
from offtarget.report.audit_html import REPORT_FILE, render_audit
from offtarget.report.statements import state
from offtarget.report.verdicts_template import verdicts_template
from offtarget.store import MANIFEST, file_sha256, hash_of, output_dir, require_free, write_atomic
from offtarget.versions import package_versions

if TYPE_CHECKING:
    from offtarget.engine.executors.crew import Crew
    from offtarget.engine.labelling import LabelOptions

TEMPLATE = "verdicts.template.yaml"
"""Every finding, undecided: copy it to verdicts.yaml and decide."""


GENERIC = {"pairs", "data", "train", "test", "rows"}


def set_name(data: str | Sequence[str]) -> str | None:
    """What to call a file: its stem, or the name of the folder it was asked for in where it is only called pairs, data or train."""
    if not isinstance(data, str) or not Path(data).is_file():
        return None
    path = Path(clean(data))
    stem = path.name.split(".")[0]
    asked_in_a_folder = path.parent != Path()
    return path.resolve().parent.name if stem in GENERIC and asked_in_a_folder else stem


def readers_of(audit: Path) -> Path:
    """Where workers report that read for an audit: beside its folder, which is written whole at the end. Then it goes."""
    here = audit.resolve()
    return here.with_name(f"{here.name}.reading")


@dataclass(frozen=True, eq=False)
class Audited:
    """An audit, the rows behind it, and the features it was made from."""

    folder: AuditFolder
    features: tuple[FeatureMatrix, ...]

    @property
    def audit(self) -> Audit:
        """The record."""
        return self.folder.audit


def require_replaceable(folder: Path, pairs: PairSet, *, asked: bool) -> str:
    """Check that an audit may be written there: by default never over that of other data, such as last week's drop.

    Args:
        folder: that is written.
        pairs: the rows.
        asked: whether the folder was named.

    Returns:
        The audit of other rows that is replaced, in words; empty where there is none.

    Raises:
        ConfigError: the folder was not named, and holds the audit of other data.
    """
    there = AuditFolder(folder)
    try:
        earlier = there.audit if there.exists else None
    except OfftargetError:  # damaged, or of another version
        earlier = None
    if earlier is None or earlier.dataset.rows_sha256 == pairs.rows_sha256:
        return ""
    data = earlier.reading.data if earlier.reading else None
    what = f"the audit of {data or 'other rows'} ({earlier.dataset.n_pairs} pairs, {earlier.created[:10]})"
    if not asked and data is not None and (pairs.asked is None or data != pairs.asked.data):
        raise ConfigError(
            f"{folder}: holds {what}; write this one elsewhere with --out, or name that folder with --out"
        )
    return what


def audit_into(
    folder: Path,
    pairs: PairSet,
    options: AuditOptions,
    reader: Reader,
    labels: "LabelOptions | None" = None,
    crew: "Crew | None" = None,
) -> Audited:
    """Audit a set and write the folder whole: audit.json, report.html, features/, workings.

    Args:
        folder: what to write; replaced only when everything is there.
        pairs: the rows; the audit says what they were asked for, to commands that go on from it.
        options: lenses, topics, columns to compare, the audit whose vocabulary to use, the seed.
        reader: the model whose activations the lenses read, how it reads, and the store.
        labels: which model labels concepts of latents; None: none does.
        crew: workers that read the shards of a large set; None: this process does.

    Raises:
        UndecidedError: too few rows or prompts, or `options.like` was made with other lenses.
        ConfigError: `options.like` is no audit, no row has a column of `options.by`, or a lens does not fit the model.
    """
    like = Path(options.like) if options.like else None
    require_free(folder, AUDIT_FILE)
    # before anything costly
    require_enough(group_codes([p.group for p in pairs.pairs]), pairs.unit)
    require_answers(pairs)
    read_columns(pairs.pairs, options.by or ())
    earlier = AuditFolder(like) if like is not None else None
    if earlier is not None:
        earlier.vocabulary.require_lenses(kinds_of(options.lens))
    model = reader.ref if reads_model(options.lens) and reader.model else None
    if crew is not None:
        crew.read(pairs, options.lens, reader, folder)
    features = features_of(pairs, options.lens, reader, earlier_readings(like, options.lens))
    inputs = {
        "name": pairs.name,
        "revision": pairs.revision,
        "rows": pairs.rows_sha256,
        "dropped": dict(pairs.dropped),
        "renamed": pairs.n_renamed,
        "reading": [pairs.read_as, pairs.notes, pairs.cautions, pairs.split_column],
        "unit": [pairs.unit, pairs.unit_given],
        "redistribution": pairs.redistribution,
        "lenses": {f.lens: lens_identity(f) for f in features},
        "features": {f.lens: f.sha256 for f in features},
        # how far a reading may be believed, and how much it read, is in what is said of it, not in the values
        "info": {f.lens: hash_of(json.dumps(f.info, sort_keys=True)) for f in features},
        "packages": package_versions("numpy", "scipy", "scikit-learn", "scikit-network", "statsmodels"),
        "seed": options.seed,
        "topics": options.topics,
        "by": None if options.by is None else list(options.by),
        "metadata": hash_of([sorted((k, repr(v)) for k, v in p.meta.items()) for p in pairs.pairs]),
        "sides": hash_of([sorted((k, repr(v)) for k, v in p.sides.items()) for p in pairs.pairs])
        if any(not f.of_text for f in features)
        else None,
        "like": _used_again(earlier) if earlier is not None else None,
        "truth": file_sha256(pairs.truth) if pairs.truth else None,
        "model": [model.name, model.identity] if model else None,
    }

    def build(out: Path) -> None:
        found = run_audit(
            pairs,
            features,
            seed=options.seed,
            like=like,
            topics=options.topics,
            by=options.by,
            model_info={"name": model.name, "identity": model.identity} if model else None,
            progress=reader.step("audit"),
        )
        return_freed_memory()  # what families of latents took
        AuditFolder(out).write(replace(found, audit=found.audit.with_truth(known_truth(found, pairs))))

    made = AuditFolder(reader.store.get("audit", VERSION, inputs, build))
    result = made.audit.with_reading(_reading(pairs, options, reader, model))
    if labels:
        from offtarget.engine.labelling import label_concepts

        result = label_concepts(result, pairs, features, labels, reader)
    with output_dir(folder, AUDIT_FILE) as tmp:
        shutil.copytree(made.path, tmp, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        AuditFolder(tmp).write_audit(result, features)
        render_audit(result, pairs, tmp / REPORT_FILE, features, made.workings)
        write_atomic(tmp / TEMPLATE, verdicts_template(result, state(result, made.workings)))
    shutil.rmtree(readers_of(folder), ignore_errors=True)
    return Audited(AuditFolder(folder, result), tuple(features))


def _used_again(earlier: AuditFolder) -> dict[str, object]:
    """All that an audit takes from the earlier one that it is made like, for keys of the store.

    Its key does not say it: the folder beside a baseline has the key of the audit that it is of, and not its topics.
    """
    return {
        "vocabulary": earlier.vocabulary.sha256,
        "columns": {c.name: list(c.cuts) for c in earlier.audit.metadata} if earlier.exists else {},
    }


def _reading(pairs: PairSet, options: AuditOptions, reader: Reader, model: ModelRef | None) -> Reading | None:
    """How rows and features were read; None where it is not known what the rows were asked for."""
    if pairs.asked is None or pairs.asked.data is None:
        return None
    return Reading(
        **pairs.asked.model_dump(),
        lens=options.lens,
        model=model.name if model else None,
        max_length=reader.max_length,
        template=reader.template,
    )
