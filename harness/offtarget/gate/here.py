"""The gate in a program: on an audit's folder, on a dataset, or on what an offtarget.toml names."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from offtarget.audit.folder import AuditFolder
from offtarget.engine.as_audited import Asked
from offtarget.errors import ConfigError
from offtarget.gate.baseline import like_of
from offtarget.gate.dataset import audit_drop, read_drop
from offtarget.gate.records import GateReport
from offtarget.gate.run import NOTHING, Criteria, criteria_of, gate


def gate_here(
    data: str | Path,
    *,
    verdicts: str | Path | None = None,
    config: str | Path | None = None,
    baseline: str | Path | None = None,
    like: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    strict: bool = False,
    pass_on_stale: bool = False,
) -> GateReport:
    """Judge a dataset or the folder of its audit; `offtarget.gate` says what the arguments are."""
    toml, said, before = (Path(p) if p is not None else None for p in (config, verdicts, baseline))
    folder = AuditFolder(data)
    criteria = criteria_of(toml, said, before, beside=folder.path if folder.exists else None)
    if folder.exists:
        return gate(folder, criteria, strict=strict, pass_on_stale=pass_on_stale)
    if not criteria.some:
        raise ConfigError(NOTHING.format(folder="AUDIT_DIR"))
    beside = like_of(criteria.baseline) if criteria.baseline else None
    asked = Asked(data=str(data), columns=columns or criteria.config.gate.columns or None, limit=limit)
    return _audited(asked, Path(like) if like else beside.path if beside else None, criteria, strict, pass_on_stale)


def gate_config(path: Path) -> GateReport:
    """Judge the data that an offtarget.toml names."""
    criteria = criteria_of(path, None, None)
    data = criteria.config.gate.data
    if data is None:
        raise ConfigError(f"{path}: names no data; set `data` under [gate]")
    there = path.parent / data
    return gate_here(str(there) if there.exists() else data, config=path)


def _audited(asked: Asked, like: Path | None, criteria: Criteria, strict: bool, pass_on_stale: bool) -> GateReport:
    pairs, _, setup = read_drop(asked, like)
    with TemporaryDirectory() as tmp:
        folder = audit_drop(Path(tmp) / "audit", pairs, setup, by=None, seed=0, progress=None)
        return gate(folder, criteria, strict=strict, pass_on_stale=pass_on_stale)
