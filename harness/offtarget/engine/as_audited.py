"""A plan or a run reads what the audit read: its options come from the audit that the verdicts were made on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from offtarget.audit.folder import AuditFolder
from offtarget.audit.reading_record import Reading
from offtarget.audit.records import Audit
from offtarget.data.loading import load_asked
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.recipe import Recipe
from offtarget.errors import ConfigError, OfftargetError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import MAX_LENGTH
from offtarget.lens.table import reads_model

LENS, MODEL = ("surface",), "smollm2-135m"
"""What is read where neither the command line nor an audit says."""
FEATURES = ("lens", "model", "max_length", "template")
"""Options that decide what a feature is: with others than the audit's, a verdict would be carried out on another thing."""
ROWS = ("columns", "split", "limit", "limit_seed", "head", "card", "skip_bad_rows", "allow_drops")
"""Options that decide which rows are read: other rows than the audit's are a choice, and are said."""


@dataclass(frozen=True)
class Asked:
    """What the command line says; None where it says nothing."""

    data: str | tuple[str, ...]
    columns: Mapping[str, str] | None = None
    split: str | None = None
    limit: int | None = None
    limit_seed: int | None = None
    head: int | None = None
    card: str | None = None
    skip_bad_rows: bool | None = None
    allow_drops: bool | None = None
    lens: tuple[str, ...] | None = None
    model: str | None = None
    max_length: int | None = None
    template: str | None = None


@dataclass(frozen=True)
class Answered:
    """What is read, and from where it is known."""

    reading: Reading
    like: Path | None
    """Folder of the audit whose vocabulary and options are used."""
    notes: tuple[str, ...]


def audit_folder(*, like: Path | None, verdicts: Path | None, data: str | tuple[str, ...] | None = None) -> Path | None:
    """The folder of the audit that is meant: `--like`, the folder of the verdicts, or the dataset itself."""
    if like is not None:
        return like
    for folder in (verdicts.parent if verdicts else None, Path(data) if isinstance(data, str) else None):
        if folder is not None and AuditFolder(folder).exists:
            return folder
    return None


def as_audited(asked: Asked, *, like: Path | None, verdicts: Path | None) -> Answered:
    """What to read: what the audit read, unless the command line says otherwise of the rows.

    Args:
        asked: the command line; its `data` may be an audit's folder, which stands for the audited data.
        like: folder of an audit.
        verdicts: a verdicts file; an audit beside it is the one it was made on.

    Raises:
        ConfigError: an option differs from the audit's and would make other features, or `like` is no audit.
    """
    folder = audit_folder(like=like, verdicts=verdicts, data=asked.data)
    asked = _rows_of_another(asked, folder)
    audit = AuditFolder(folder).audit if folder else None
    earlier = audit.reading if audit else None
    itself = folder is not None and isinstance(asked.data, str) and Path(asked.data) == folder
    notes: list[str] = []
    if audit is not None and earlier is None:
        if itself:
            raise ConfigError(f"{folder}: this audit does not say which data it read; name the data instead")
        notes.append(f"{folder}: this audit does not say how it read its rows, so that cannot be compared")
    found: dict[str, Any] = {"lens": LENS, "model": MODEL, "max_length": MAX_LENGTH}
    if earlier is not None:
        found |= {k: v for k, v in earlier.model_dump().items() if v is not None}
    for name in [f.name for f in fields(asked)]:
        given = getattr(asked, name)
        if given is None or (name == "data" and itself):
            continue
        if earlier is not None and name in FEATURES and not _same(name, given, getattr(earlier, name), earlier):
            raise ConfigError(_refusal(name, given, getattr(earlier, name), str(folder)))
        if earlier is not None and name in ROWS and given != getattr(earlier, name):
            notes.append(
                f"{_flag(name)} is {_shown(given)} here and {_shown(getattr(earlier, name))} in the audit {folder}"
            )
        found[name] = given
    if folder is None and verdicts is not None and reads_model(found["lens"]):
        notes.append(
            f"no audit is beside {verdicts}, so it is not known how its rows were read: lenses read "
            f"{found['max_length']} tokens of model {found['model']}; name the audit with --like"
        )
    return Answered(Reading(**found), folder, tuple(notes))


def _rows_of_another(asked: Asked, folder: Path | None) -> Asked:
    """What is asked, with the rows of an audit whose folder was given as data, though another audit's options count.

    So the audit of a new drop can be planned on by the verdicts that were made on the drop before.
    """
    if folder is None or not isinstance(asked.data, str) or Path(asked.data) == folder:
        return asked
    other = AuditFolder(asked.data)
    if not other.exists:
        return asked
    if (read := other.audit.reading) is None:
        raise ConfigError(f"{asked.data}: this audit does not say which data it read; name the data instead")
    own = {name: getattr(read, name) for name in ROWS if getattr(asked, name) is None}
    return replace(asked, data=read.data, **own)


def audited_pairs(folder: AuditFolder) -> tuple[dict[str, Pair], str]:
    """The audited pairs by id, for what an audit does not hold: texts and metadata.

    Returns:
        The pairs; none, with the reason in one line, where the data is not there any more, is other data now, or the audit
        does not say what it read.
    """
    pairs, reason = audited_set(folder)
    return {p.id: p for p in pairs.pairs} if pairs is not None else {}, reason


def audited_set(folder: AuditFolder) -> tuple[PairSet | None, str]:
    """The same rows as they were loaded, with their places; None with the reason."""
    reading, where = folder.audit.reading, folder.path
    if reading is None:
        return None, f"{where}: this audit does not say which data it read, so texts and metadata are not shown"
    try:
        pairs = load_asked(reading)
    except OfftargetError as e:
        return None, f"{where}: its data cannot be read again, so texts and metadata are not shown ({e})"
    if {*folder.workings.pair_ids} - {p.id for p in pairs.pairs}:
        return None, f"{where}: its data has other rows by now, so texts and metadata are not shown"
    return pairs, ""


def recipe_as_audited(recipe: Recipe, base: Path) -> Recipe:
    """The recipe with what its earlier audit read instead of what it leaves open.

    The earlier audit is `audit.like`, or the one beside its verdicts file.

    Args:
        recipe: as it was written.
        base: folder that the path of a verdicts file starts from.

    Raises:
        ConfigError: it says of its features something else than the audit did.
    """
    like = recipe.audit.like
    if like is None and isinstance(recipe.verdicts, str):
        own = Path(recipe.verdicts)
        beside = audit_folder(like=None, verdicts=own if own.is_file() else base / own)
        like = str(beside) if beside else None
    if like is None:
        return recipe
    earlier = AuditFolder(like).audit.reading
    if earlier is None:
        return _with(recipe, {}, {"like": like})
    whole: dict[str, Any] = {}
    audit: dict[str, Any] = {"like": like}
    for name, at, key in (
        ("lens", recipe.audit, "lens"),
        ("max_length", recipe.audit, "max_length"),
        ("model", recipe, "model"),
        ("template", recipe, "chat_template"),
    ):
        was, given = getattr(earlier, name), getattr(at, key)
        if key in at.model_fields_set and given is not None:
            if not _same(name, given, was, earlier):
                raise ConfigError(_refusal(name, given, was, like, key if at is recipe else f"audit.{key}"))
        elif was is not None:
            (whole if at is recipe else audit)[key] = was
    return _with(recipe, whole, audit)


def _with(recipe: Recipe, whole: Mapping[str, Any], audit: Mapping[str, Any]) -> Recipe:
    options = recipe.audit.model_copy(update=dict(audit))
    return recipe.model_copy(update={**whole, "audit": options})


def require_same_reading(audit: Audit, features: Sequence[FeatureMatrix], where: str) -> None:
    """Check that lenses read as many tokens as they did for an earlier audit.

    What else makes features incomparable (columns, model, template, autoencoder) is part of the vocabulary.

    Raises:
        ConfigError: another limit.
    """
    limit = {str(x["name"]): x.get("max_length") for x in audit.lens}
    for part in features:
        was, now = limit.get(part.lens), part.info.get("max_length")
        if was is not None and now is not None and was != now:
            raise ConfigError(_refusal("max_length", now, was, where))


def _same(name: str, given: Any, was: Any, earlier: Reading) -> bool:
    """Whether an option reads the same features as the audit's; what no lens of it uses is free."""
    if name in ("model", "max_length", "template") and not reads_model(earlier.lens):
        return True
    if name == "template" and given and was:
        from offtarget.chat_template import read_template

        return read_template(given) == read_template(was)
    return bool((tuple(given) == tuple(was)) if name == "lens" else given == was)


def _refusal(name: str, given: Any, was: Any, audit: str, key: str | None = None) -> str:
    return (
        f"{key or _flag(name)} is {_shown(given)}, but the audit {audit} was made with {_shown(was)}, and its concepts are of "
        "what it read; leave the option out, or audit again with it"
    )


def _flag(name: str) -> str:
    return "--chat-template" if name == "template" else f"--{name.replace('_', '-')}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ",".join(f"{k}={v}" for k, v in value.items())
    return "not given" if value is None else str(value)
