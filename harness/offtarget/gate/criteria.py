"""What is judged, and by what: as the command line says, else as offtarget.toml says, else as lies beside the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.errors import ConfigError
from offtarget.gate.baseline import read_baseline, require_file_name
from offtarget.gate.config import CONFIG, read_config
from offtarget.gate.records import GateConfig
from offtarget.verdicts import read

NOTHING = (
    "nothing to gate on: no decision, no limit and no baseline; start with `offtarget gate init {folder}`, which writes "
    "offtarget.toml and a baseline, or give --verdicts, --config or --baseline"
)


@dataclass(frozen=True)
class Subject:
    """The data or the audit that is judged."""

    data: str | tuple[str, ...]
    audit: AuditFolder | None = None
    """Where `data` is the folder of an audit."""
    columns: Mapping[str, str] | None = None
    """Those of offtarget.toml, where it names this data."""


@dataclass(frozen=True)
class Criteria:
    """By what an audit is judged, and where it comes from."""

    config: GateConfig = field(default_factory=GateConfig)
    config_path: Path | None = None
    verdicts: Path | None = None
    baseline: Path | None = None
    subject: Subject | None = None
    """What is judged; None where neither the command line nor offtarget.toml names it."""

    def require_readable(self) -> None:
        """Check what can be checked before the data is read.

        Raises:
            ConfigError: the baseline or the verdicts are missing or damaged.
            UndecidedError: they are of another schema version.
        """
        if self.baseline is not None:
            read_baseline(self.baseline)
        if self.verdicts is not None:
            read(self.verdicts)

    @property
    def some(self) -> bool:
        """Whether there is anything to judge by."""
        return bool(self.verdicts or self.baseline or self.config.rule)

    def require_subject(self) -> Subject:
        """What is judged.

        Raises:
            ConfigError: nothing names it.
        """
        if self.subject is None:
            where = str(self.config_path or CONFIG)
            raise ConfigError(
                f"no dataset: name one, or the folder of its audit, or set `data` under [gate] in {where}; "
                "start with `offtarget gate init AUDIT_DIR`"
            )
        return self.subject


def criteria_of(
    config: Path | None,
    verdicts: Path | None,
    baseline: Path | None,
    given: Sequence[str] = (),
    beside: Path | None = None,
) -> Criteria:
    """What the command line names; else what offtarget.toml names; else verdicts beside the audit.

    Args:
        config: offtarget.toml; by default the one in the working folder, where there is one.
        verdicts: a verdicts file.
        baseline: a baseline file.
        given: what is judged; by default what offtarget.toml names.
        beside: the folder whose verdicts.yaml is taken where nothing else names one; by default that of the audit judged.

    Raises:
        ConfigError: the file is broken, or the baseline is no name of a file.
    """
    path = config or (Path(CONFIG) if Path(CONFIG).is_file() else None)
    toml = read_config(path) if path else GateConfig()
    folder = path.parent if path else Path()
    subject = _subject(given, toml, folder)
    if beside is None and subject is not None and subject.audit is not None:
        beside = subject.audit.path
    if verdicts is None and toml.gate.verdicts:
        verdicts = folder / toml.gate.verdicts
    if verdicts is None and beside is not None and (beside / "verdicts.yaml").is_file():
        verdicts = beside / "verdicts.yaml"
    if baseline is None and toml.gate.baseline:
        baseline = folder / toml.gate.baseline
    if baseline is not None:
        require_file_name(baseline)
    return Criteria(toml, path, verdicts, baseline, subject)


def _subject(given: Sequence[str], config: GateConfig, folder: Path) -> Subject | None:
    """What is judged, with the columns of offtarget.toml only where it is what that file names."""
    named = config.gate.data
    if named is not None and (folder / named).exists():
        named = str(folder / named)
    if not given and named is None:
        return None
    data = list(given) or [str(named)]
    own = (
        len(data) == 1 and named is not None and (data[0] == named or Path(data[0]).resolve() == Path(named).resolve())
    )
    there = AuditFolder(data[0]) if len(data) == 1 else None
    return Subject(
        data=data[0] if len(data) == 1 else tuple(data),
        audit=there if there is not None and there.exists else None,
        columns=(config.gate.columns or None) if own else None,
    )
