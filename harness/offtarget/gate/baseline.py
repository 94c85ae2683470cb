"""The baseline file: what the data taught when it was last accepted (`baseline_file`).

Beside `offtarget-baseline.json` lies `offtarget-baseline.like`, a folder with the vocabulary and the options by which the
rows were read: what `--like` needs of an audit, without its rows. Both belong into the repository.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from offtarget.audit.folder import AUDIT_FILE, AuditFolder, AuditWithRows
from offtarget.audit.records import View
from offtarget.documents import read_json
from offtarget.errors import ConfigError, UndecidedError
from offtarget.gate.baseline_file import BaselineFile, parsed, text_of
from offtarget.gate.measure import Measured
from offtarget.gate.records import Baseline, Entry, Outcome
from offtarget.lens.names import kinds_of
from offtarget.records import explain
from offtarget.store import write_atomic

BASELINE = "offtarget-baseline.json"
LIKE = ".like"
"""Of the folder with the vocabulary, beside the file."""
SCHEMA_VERSIONS = (1, 2)
ATTRIBUTES = "# No person reads these files line by line: what changed is in the .md beside this folder.\n* -diff linguist-generated\n"


def baseline_of(audited: AuditWithRows, measured: Measured, views: Sequence[View]) -> Baseline:
    """The baseline of an audit."""
    audit = audited.audit
    return Baseline(
        vocabulary=audit.vocabulary,
        lens=tuple(sorted(kinds_of([str(x["name"]) for x in audit.lens]))),
        dataset=audit.dataset.name,
        audit=audit.key,
        rows=audit.dataset.n_pairs,
        prompts=audit.dataset.n_groups,
        views=tuple(views),
        entries=tuple(sorted(measured.entries, key=_order)),
    )


def read_baseline(path: Path) -> Baseline:
    """Read and validate a baseline.

    Raises:
        ConfigError: it cannot be read or is damaged.
        UndecidedError: it is of another schema version.
    """
    command = f"`offtarget gate AUDIT_DIR --baseline {shlex.quote(str(path))} --update-baseline`"
    remedy = f"make it again with {command}, or take it from your version control"
    if not path.is_file():
        raise ConfigError(f"{path}: no baseline there; write one with {command}")
    raw = read_json(path, remedy=f"it may be cut off; {remedy}")
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version is None:
        raise ConfigError(f"{path}: not a baseline (no schema_version); {remedy}")
    if version not in SCHEMA_VERSIONS:
        raise UndecidedError(
            f"{path}: baseline schema version {version}, but this offtarget reads {' and '.join(map(str, SCHEMA_VERSIONS))}; "
            f"{remedy}"
        )
    try:
        found = parsed(raw)
    except ValidationError as error:
        raise ConfigError(
            f"{path}: damaged: {explain(error, BaselineFile if version == 2 else Baseline)}; {remedy}"
        ) from None
    if len({e.place for e in found.entries}) < len(found.entries):
        raise ConfigError(f"{path}: damaged: two entries are of one concept and context; {remedy}")
    return found


def require_same(baseline: Baseline, audited: AuditWithRows, where: Path, *, audit: bool = False) -> None:
    """Check that a baseline speaks of this audit's vocabulary.

    Args:
        baseline: it.
        audited: the audit that is judged.
        where: the file of the baseline, or the folder of the audit that serves as one.
        audit: whether it is an audit that serves as one.

    Raises:
        UndecidedError: it was made with other lenses, or another vocabulary.
    """
    judged = audited.audit
    lenses = tuple(sorted(kinds_of([str(x["name"]) for x in judged.lens])))
    like = where if audit else like_folder(where)
    again = (
        f"or audit {where} again" if audit else f"or make the baseline again with --baseline {where} --update-baseline"
    )
    if baseline.lens != lenses:
        raise UndecidedError(
            f"{where}: made with lens {','.join(baseline.lens)}, but the audit has {','.join(lenses)}; audit with "
            f"--lens {','.join(baseline.lens)}, {again}"
        )
    if baseline.vocabulary != judged.vocabulary:
        beside = None if audit else like_path(where)
        if beside is not None and AuditFolder(beside).audit.vocabulary == judged.vocabulary:
            raise UndecidedError(
                f"{where}: made with vocabulary {baseline.vocabulary[:12]}, but the audit and {beside} have "
                f"{judged.vocabulary[:12]}: these two files are not of one baseline; take both from your version control, {again}"
            )
        raise UndecidedError(
            f"{where}: made with vocabulary {baseline.vocabulary[:12]}, but the audit has {judged.vocabulary[:12]}; audit with "
            f"--like {like}, {again}"
        )


def like_folder(path: Path) -> Path:
    """Where the vocabulary of a baseline lies."""
    return path.with_suffix(LIKE)


def require_file_name(path: Path) -> None:
    """Check that a baseline may lie there.

    Raises:
        ConfigError: the name is empty or that of a folder, or the folder of the vocabulary would have it, or cannot be made.
    """
    if not path.name or path.is_dir():
        raise ConfigError(f"baseline {path}: a folder, not a file; name a file, such as {path / BASELINE}")
    if path.suffix == LIKE:
        raise ConfigError(
            f"baseline {path}: the folder beside a baseline is called so; name a file, such as {BASELINE}"
        )
    beside = like_folder(path)
    if beside.exists() and not beside.is_dir():
        raise ConfigError(
            f"{beside}: a file, and the baseline's vocabulary is to lie there; move it, or name another baseline"
        )


def write_baseline(path: Path, baseline: Baseline, audited: AuditWithRows | None) -> bool:
    """Write the file, and its vocabulary beside it.

    Args:
        path: of the file.
        baseline: what it holds.
        audited: what it was made from. None where it was only pruned: what lies beside it is still of the accepted data.

    Returns:
        Whether the file is another one than before.

    Raises:
        ConfigError: as `require_file_name`.
    """
    require_file_name(path)
    text = text_of(baseline)
    before = path.read_bytes() if path.is_file() else None
    write_atomic(path, text)
    if audited is not None:
        _write_like(like_folder(path), audited, baseline.views)
    return before != text.encode()


def _write_like(folder: Path, audited: AuditWithRows, views: Sequence[View]) -> None:
    """What `--like` needs: vocabulary, reading and metadata columns; topics only where a view by topic is judged."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = audited.vocabulary
    if not {"global", "local"} & set(views):
        vocabulary = replace(vocabulary, topics=None, kinds=())
    vocabulary.save(folder)
    audit = audited.audit
    slim = audit.model_copy(
        update={
            "hypotheses": (),
            "prediction": (),
            "contexts": (),
            "stock": (),
            "truth": None,
            "warnings": (),
            "concepts": tuple(
                c.model_copy(update={"evidence": c.evidence.model_copy(update={"peaks": ()})}) for c in audit.concepts
            ),
            "metadata": tuple(m.model_copy(update={"values": ()}) for m in audit.metadata)
            if "metadata" in views
            else (),
        }
    )
    write_atomic(folder / AUDIT_FILE, slim.to_json())
    write_atomic(folder / ".gitattributes", ATTRIBUTES)


def pruned(baseline: Baseline, now: Baseline, outcomes: Iterable[Outcome]) -> Baseline:
    """The baseline in which findings that are gone or smaller have today's figures, so that their return is a change.

    It is then of no one audit: its key is empty, so that no audit's rows are taken for those behind it.
    """
    less = {(o.view, o.concept, o.context) for o in outcomes if o.status in ("gone", "shrunk")}
    today = {e.place: e for e in now.entries}
    entries = tuple(today.get(e.place, e) if e.place in less else e for e in baseline.entries)
    return baseline.model_copy(update={"audit": "" if less else baseline.audit, "entries": entries})


def like_path(path: Path | None) -> Path | None:
    """The folder with the vocabulary of a baseline; None where it is not there."""
    folder = like_folder(path) if path is not None else None
    return folder if folder is not None and AuditFolder(folder).exists else None


def require_like(path: Path | None) -> Path | None:
    """The folder with the vocabulary of a baseline; None without a baseline.

    Raises:
        ConfigError: the file is there and the folder is not, so that nobody can say which data was accepted.
    """
    found = like_path(path)
    if found is None and path is not None and path.is_file():
        folder = like_folder(path)
        raise ConfigError(
            f"{folder}: not there or not whole, and {path} is nothing without it (the vocabulary, and which data was accepted); "
            f"was it committed (`git add {shlex.quote(str(folder))}`)? Else write both again with `offtarget gate AUDIT_DIR "
            f"--baseline {shlex.quote(str(path))} --update-baseline`"
        )
    return found


def own_data(path: Path) -> str | None:
    """The data that a baseline was made from, as it was given; None where that is not known, or is more than one file."""
    like = like_path(path)
    reading = AuditFolder(like).audit.reading if like is not None else None
    return reading.data if reading is not None and isinstance(reading.data, str) else None


def own_rows(path: Path) -> str | None:
    """The hash of the rows that a baseline was made from; None where that is not known."""
    like = like_path(path)
    return AuditFolder(like).audit.dataset.rows_sha256 if like is not None else None


def _order(e: Entry) -> tuple[str, str, str]:
    return e.view, e.concept, e.context or ""
