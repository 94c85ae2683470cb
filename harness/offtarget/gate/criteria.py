"""What is judged, and by what: as the command line says, else as offtarget.toml says, else as lies beside the audit."""

import fnmatch
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from offtarget.audit.folder import AuditFolder
from offtarget.errors import ConfigError
from offtarget.gate.baseline import read_baseline, require_file_name
from offtarget.gate.config import CONFIG, read_config
from offtarget.gate.drops import drops_of, is_pattern, matching
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
    named: bool = False
    """Whether offtarget.toml names this data, so that its `columns` hold for it."""
    pattern: str = ""
    """Of offtarget.toml, where it names files of which each is a drop; `data` is then the same from the working folder."""


@dataclass(frozen=True)
class Criteria:
    """By what an audit is judged, and where it comes from."""

    config: GateConfig = field(default_factory=GateConfig)
    config_path: Path | None = None
    verdicts: Path | None = None
    baseline: Path | None = None
    subject: Subject | None = None
    """What is judged; None where neither the command line nor offtarget.toml names it."""
    notes: tuple[str, ...] = ()
    """Which drops of a pattern are judged, and which are not."""

    def require_readable(self) -> None:
        """Check what can be checked before the data is read.

        Raises:
            ConfigError: the baseline or the verdicts are missing or damaged.
            UndecidedError: they are of another schema version.
        """
        if self.baseline is not None:
            read_baseline(self.baseline)
        if self.verdicts is not None:
            if not self.verdicts.exists() and self.config_path and self.verdicts == self.named("verdicts"):
                raise ConfigError(
                    f"{self.verdicts}: not there, and {self.config_path} names it (`verdicts`); was it committed? Else make it "
                    "with `offtarget review AUDIT_DIR --verdicts "
                    f"{shlex.quote(str(self.verdicts))}`, or take the line out"
                )
            read(self.verdicts)

    def each(self) -> tuple["Criteria", ...]:
        """One for each drop, where offtarget.toml names a pattern; else this one.

        Raises:
            ConfigError: no file matches, or the baseline's folder is damaged.
        """
        if self.subject is None or not self.subject.pattern:
            return (self,)
        folder = self.config_path.parent if self.config_path else Path()
        found = drops_of(self.subject.pattern, folder, self.baseline, str(self.config_path or CONFIG))
        return tuple(
            replace(
                self,
                subject=Subject(str(folder / file), columns=columns_of(self.config, file), named=True),
                notes=found.notes if k == 0 else (),
            )
            for k, file in enumerate(found.files)
        )

    def one(self, option: str) -> "Criteria":
        """The only one of `each`, for an option that is of one drop.

        Raises:
            ConfigError: there are several.
        """
        each = self.each()
        if len(each) > 1:
            names = ", ".join(str(c.subject.data) for c in each if c.subject)
            raise ConfigError(f"{option}: offtarget.toml names several drops ({names}); name the one that is meant")
        return each[0]

    def named(self, what: Literal["verdicts", "baseline"]) -> Path | None:
        """The path that offtarget.toml names."""
        path = self.config.gate.verdicts if what == "verdicts" else self.config.gate.baseline
        return self.config_path.parent / path if path and self.config_path else None

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
    pattern = named if named is not None and is_pattern(named, folder) else ""
    if named is not None and ((folder / named).exists() or pattern):
        named = str(folder / named)
    if not given and named is None:
        return None
    data = list(given) or [str(named)]
    own = len(data) == 1 and named is not None and _is_named(data[0], named, pattern, folder)
    there = AuditFolder(data[0]) if len(data) == 1 else None
    return Subject(
        data=data[0] if len(data) == 1 else tuple(data),
        audit=there if there is not None and there.exists else None,
        columns=columns_of(config, _from(folder, data[0])) if own else None,
        named=own,
        pattern="" if given else pattern,
    )


def _is_named(data: str, named: str, pattern: str, folder: Path) -> bool:
    """Whether what the command line gives is what offtarget.toml names, or one file of its pattern."""
    if data == named or Path(data).resolve() == Path(named).resolve():
        return True
    return bool(pattern) and Path(data).resolve() in {(folder / f).resolve() for f in matching(pattern, folder)}


def columns_of(config: GateConfig, file: str) -> dict[str, str] | None:
    """What offtarget.toml says of the columns of a file, named from its folder: for all files, or for those of a pattern."""
    found = {k: v for k, v in config.gate.columns.items() if isinstance(v, str)}
    tables = [(k, v) for k, v in config.gate.columns.items() if not isinstance(v, str)]
    return found | next((v for k, v in tables if fnmatch.fnmatchcase(file, k)), {}) or None


def _from(folder: Path, data: str) -> str:
    """A path as it is named from a folder, where it is below it."""
    whole, root = Path(data).resolve(), folder.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else data
