"""The folder that `offtarget audit` writes: its parts are read when first asked for, and written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from offtarget.audit import rest
from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.records import SCHEMA_VERSION, Audit
from offtarget.audit.workings import Workings
from offtarget.documents import read_json
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.features import FeatureMatrix
from offtarget.records import explain
from offtarget.store import require_intact, write_atomic

AUDIT_FILE = "audit.json"
FEATURES = "features"


class AuditWithRows(Protocol):
    """An audit and the rows behind it, in memory (`NewAudit`) or in a folder (`AuditFolder`)."""

    @property
    def audit(self) -> Audit:
        """The record."""

    @property
    def workings(self) -> Workings:
        """The u of every row and concept, and the contexts of every row."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The concepts and topics behind the key in `audit.vocabulary`."""


@dataclass(frozen=True, eq=False)
class NewAudit:
    """An audit as it was made, not yet in a folder."""

    audit: Audit
    workings: Workings
    vocabulary: Vocabulary


class AuditFolder:
    """What lies in the folder of an audit. Each part is read once, when it is first asked for.

    Args:
        path: the folder, or the `audit.json` in it.
        audit: its record, where it has been read already.
    """

    def __init__(self, path: Path | str, audit: Audit | None = None) -> None:
        given = Path(path)
        self.path = given.parent if given.suffix == ".json" else given
        self._file = given if given.suffix == ".json" else given / AUDIT_FILE
        self._read: tuple[int, ...] = ()
        """The state in which the file was read here; empty where it was not."""
        if audit is not None:
            self.__dict__["audit"] = audit

    @property
    def exists(self) -> bool:
        """Whether there is an audit in it; a JSON file of another name may be a dataset."""
        return self._file.name == AUDIT_FILE and self._file.is_file()

    @cached_property
    def audit(self) -> Audit:
        """The record.

        Raises:
            ConfigError: if there is no audit, or it is of another schema version or damaged.
        """
        file = self._file
        if not file.is_file():
            raise ConfigError(f"{file}: no audit to read; make one with `offtarget audit`")
        require_intact(file)
        self._read = _state(file)
        raw = read_json(file, remedy="make it again with `offtarget audit`")
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if version is None:
            raise ConfigError(f"{file}: not an audit (no schema_version); give a folder made by `offtarget audit`")
        if version != SCHEMA_VERSION:
            raise ConfigError(
                f"{file}: audit schema version {version}, but this offtarget reads {SCHEMA_VERSION}; "
                "make the audit again"
            )
        try:
            audit = Audit.model_validate(rest.whole(raw, self.path))
        except ValidationError as error:
            raise ConfigError(f"{file}: damaged: {explain(error, Audit)}; make the audit again") from None
        if fault := dangling(audit):
            raise ConfigError(f"{file}: damaged: {fault}; make the audit again")
        return audit

    def require_own(self) -> None:
        """Check that the folder still holds the audit whose record was read.

        Raises:
            ConfigError: another audit was written into it since.
        """
        if "audit" not in self.__dict__ or not self._file.is_file() or _state(self._file) == self._read:
            return
        there = read_json(self._file, remedy="make it again with `offtarget audit`")
        there = there if isinstance(there, dict) else {}
        if there.get("key") != self.audit.key:
            dataset = there.get("dataset")
            name = dataset.get("name", "?") if isinstance(dataset, dict) else "?"
            raise ConfigError(
                f"{self.path}: holds another audit by now (of {name}; the one asked about is of {self.audit.dataset.name} "
                "and was replaced); make that one again in a folder that no other audit is written into"
            )

    @cached_property
    def workings(self) -> Workings:
        """The u of every row and concept, and the contexts of every row.

        Raises:
            ConfigError: if the folder does not hold them, or those of another audit.
        """
        found = Workings.read(self.path)
        self.require_own()
        named = {row for h in self.audit.hypotheses for row in h.rows}
        if len(found.pair_ids) != self.audit.dataset.n_pairs or named - {*found.pair_ids}:
            raise ConfigError(
                f"{self.path}: {AUDIT_FILE} and the rows behind it are of different rows; make the audit again"
            )
        concepts, contexts = tuple(c.id for c in self.audit.concepts), {c.id for c in self.audit.contexts}
        if found.concepts != concepts or {*found.context_ids} != contexts:
            raise ConfigError(
                f"{self.path}: {AUDIT_FILE} and the rows behind it name other concepts or contexts; make the audit again"
            )
        return found

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The concepts and topics behind the key in `audit.vocabulary`.

        Raises:
            ConfigError: if the folder does not hold them, or another audit.
        """
        found = Vocabulary.read(self.path)
        self.require_own()
        return found

    @property
    def lenses(self) -> tuple[str, ...]:
        """The lenses whose features lie in the folder."""
        there = self.path / FEATURES
        return tuple(sorted(p.name for p in there.iterdir() if p.is_dir())) if there.is_dir() else ()

    def features(self, lens: str) -> FeatureMatrix:
        """The features of one lens, of the audited rows.

        Raises:
            ConfigError: if the folder does not hold them, or another audit.
        """
        self.require_own()
        if lens not in self.lenses:
            raise unknown_name("lens", lens, self.lenses, hint=f"(in {self.path})")
        return FeatureMatrix.load(self.path / FEATURES / lens)

    def write(self, found: AuditWithRows) -> None:
        """Write `audit.json` (and `rest.parquet`), `workings.npz`, `vocabulary.json` and `vocabulary.npz` into the folder, which exists."""
        found.workings.save(self.path)
        found.vocabulary.save(self.path)
        self.write_audit(found.audit)

    def write_audit(self, audit: Audit, features: Sequence[FeatureMatrix] = ()) -> None:
        """Write the record, and features of the audited rows, beside the other parts."""
        listed, others = rest.split(audit)
        rest.save(others, self.path)
        write_atomic(self.path / AUDIT_FILE, listed.to_json())
        for matrix in features:
            matrix.save(self.path / FEATURES / matrix.lens)


def _state(file: Path) -> tuple[int, ...]:
    """What changes when a file is replaced or written into."""
    now = file.stat()
    return now.st_ino, now.st_mtime_ns, now.st_size


def dangling(audit: Audit) -> str:
    """The first reference within a record to something that it does not hold; empty where all hold."""
    concepts, contexts = {c.id for c in audit.concepts}, {c.id for c in audit.contexts}
    lenses = {str(x.get("name", "")) for x in audit.lens}
    if "" in lenses or not lenses:
        return "a lens without a name"
    if len(concepts) < len(audit.concepts) or len(contexts) < len(audit.contexts):
        return "an id occurs twice among concepts or contexts"
    for c in audit.concepts:
        if c.lens not in lenses:
            return f"concept '{c.id}' is of lens '{c.lens}', which is not among its lenses"
    for h in audit.hypotheses:
        if h.concept not in concepts:
            return f"hypothesis '{h.id}' is about concept '{h.concept}', which it does not have"
        if h.context is not None and h.context not in contexts:
            return f"hypothesis '{h.id}' is about context '{h.context}', which it does not have"
        if (h.context is None) != (h.view == "overall"):
            return f"hypothesis '{h.id}' of view '{h.view}' has {'no' if h.context is None else 'a'} context"
        if h.view not in audit.families:
            return f"hypothesis '{h.id}' is of view '{h.view}', which has no family"
    for p in audit.prediction:
        if p.concept not in concepts:
            return f"a prediction is about concept '{p.concept}', which it does not have"
    return ""
