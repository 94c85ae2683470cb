"""One audit from a loaded set to a finished folder: what `audit`, `run` and `demo` share."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offtarget import verdicts as verdict_file
from offtarget.audit.concepts.metadata import read_columns
from offtarget.audit.concepts.spaces import By
from offtarget.audit.concepts.vocabulary import Vocabulary, lens_identity
from offtarget.audit.reading_record import Reading
from offtarget.audit.records import AUDIT_FILE, Audit
from offtarget.audit.run import VERSION, write_into
from offtarget.audit.run import audit as run_audit
from offtarget.audit.statistics.means import group_codes, require_enough
from offtarget.audit.units import require_answers
from offtarget.benchmark.known import known_truth
from offtarget.data.messages import clean
from offtarget.data.pairs import PairSet
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.table import earlier_readings, features_of
from offtarget.models import ModelRef
from offtarget.progress import Progress, steps_of
from offtarget.report.audit_html import REPORT_FILE, render_audit
from offtarget.store import MANIFEST, Store, file_sha256, hash_of, output_dir, require_free, write_atomic
from offtarget.versions import package_versions

TEMPLATE = "verdicts.template.yaml"
"""Every finding, allowed: copy it to verdicts.yaml and decide."""


GENERIC = {"pairs", "data", "train", "test", "rows"}


def set_name(data: str | Sequence[str]) -> str | None:
    """What to call a file: its stem, or the name of the folder it was asked for in where it is only called pairs, data or train."""
    if not isinstance(data, str) or not Path(data).is_file():
        return None
    path = Path(clean(data))
    stem = path.name.split(".")[0]
    asked_in_a_folder = path.parent != Path()
    return path.resolve().parent.name if stem in GENERIC and asked_in_a_folder else stem


@dataclass(frozen=True, eq=False)
class Audited:
    """An audit and the features it was made from."""

    audit: Audit
    features: tuple[FeatureMatrix, ...]


def audit_into(
    folder: Path,
    pairs: PairSet,
    lenses: Sequence[str],
    *,
    model: ModelRef | None,
    store: Store,
    seed: int = 0,
    like: Path | None = None,
    topics: By = "latents",
    by: Sequence[str] | None = None,
    max_length: int = 512,
    template: str | None = None,
    progress: Progress | None = None,
    label_model: str | None = None,
    labelled: int = 50,
    reading: Reading | None = None,
) -> Audited:
    """Audit a set and write the folder whole: audit.json, report.html, features/, workings.

    Args:
        folder: what to write; replaced only when everything is there.
        pairs: the rows.
        lenses: names as `features_of` takes them.
        model: whose activations the lenses read.
        store: where features are kept.
        seed: of clustering and resampling.
        like: audit whose vocabulary to use.
        topics: what rows are clustered by; words where no lens has latents.
        by: columns of metadata whose values are compared; None: those of the audit that `like` names.
        max_length: tokens that lenses on activations read.
        template: chat template file for models without one.
        progress: called with (what, done, total).
        label_model: a model that Inspect knows, to write labels for concepts of latents.
        labelled: how many concepts it labels, those that lean most clearly.
        reading: how the rows and features were asked for, for commands that go on from this audit.

    Raises:
        UndecidedError: too few rows or prompts, or `like` was made with other lenses.
        ConfigError: `like` is no audit, no row has a column of `by`, or a lens does not fit the model.
    """
    require_free(folder, AUDIT_FILE)
    # before anything costly
    require_enough(group_codes([p.group for p in pairs.pairs]), pairs.unit)
    require_answers(pairs)
    read_columns(pairs.pairs, by or ())
    if like is not None:
        Vocabulary.read(like).require_lenses(name.partition(":")[0] for name in lenses)
    features = features_of(
        pairs, lenses, model=model, store=store, max_length=max_length, template=template,
        fitted=earlier_readings(like, lenses), progress=progress,
    )  # fmt: skip
    # how far a judge may be believed is in what is said of its answers, not in the values
    judged = {f.lens: hash_of(f.info) for f in features if "judged" in f.info}
    inputs = {
        "name": pairs.name,
        "revision": pairs.revision,
        "rows": pairs.rows_sha256,
        "dropped": dict(pairs.dropped),
        "renamed": pairs.n_renamed,
        "reading": [pairs.read_as, pairs.notes, pairs.cautions, pairs.split_column],
        "redistribution": pairs.redistribution,
        "lenses": {f.lens: lens_identity(f) for f in features},
        "features": {f.lens: f.sha256 for f in features},
        "packages": package_versions("numpy", "scipy", "scikit-learn", "scikit-network", "statsmodels"),
        "seed": seed,
        "topics": topics,
        "by": None if by is None else list(by),
        "metadata": hash_of([sorted((k, repr(v)) for k, v in p.meta.items()) for p in pairs.pairs]),
        "sides": hash_of([sorted((k, repr(v)) for k, v in p.sides.items()) for p in pairs.pairs])
        if any(not f.of_text for f in features)
        else None,
        "like": Audit.read(like).key if like else None,
        "truth": file_sha256(pairs.truth) if pairs.truth else None,
        "model": model.identity if model else None,
        **({"judged": judged} if judged else {}),
    }

    def build(out: Path) -> None:
        result = run_audit(
            pairs,
            features,
            seed=seed,
            like=like,
            topics=topics,
            by=by,
            model_info={"name": model.name, "identity": model.identity} if model else None,
            progress=steps_of(progress, "audit"),
        )
        write_into(result.with_truth(known_truth(result, pairs)), out)

    made = store.get("audit", VERSION, inputs, build)
    result = Audit.read(made).with_reading(reading)
    if label_model:
        from offtarget.engine.labelling import label_concepts

        result = label_concepts(
            result, pairs, features, label_model,
            most=labelled, store=store, seed=seed,
            progress=steps_of(progress, "labels"),
        )  # fmt: skip
    with output_dir(folder, AUDIT_FILE) as tmp:
        shutil.copytree(made, tmp, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        write_atomic(tmp / AUDIT_FILE, result.to_json())
        for matrix in features:
            matrix.save(tmp / "features" / matrix.lens)
        render_audit(result, pairs, tmp / REPORT_FILE, features)
        verdict_file.write(verdict_file.template(result), tmp / TEMPLATE)
    return Audited(result, tuple(features))
