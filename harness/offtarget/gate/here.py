"""The gate in a program: on an audit's folder, on a dataset, or on what an offtarget.toml names."""

from collections.abc import Mapping
from pathlib import Path

from offtarget.engine.as_audited import Asked
from offtarget.engine.auditing import require_replaceable
from offtarget.errors import ConfigError
from offtarget.gate.baseline import require_like
from offtarget.gate.criteria import NOTHING, Criteria, criteria_of
from offtarget.gate.dataset import audit_drop, default_out, read_drop, require_there
from offtarget.gate.last import keep
from offtarget.gate.records import GateReport
from offtarget.gate.run import gate


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
    out: str | Path | None = None,
) -> GateReport:
    """Judge a dataset or the folder of its audit; `offtarget.gate` says what the arguments are."""
    toml, said, before, earlier, folder = (
        Path(p) if p is not None else None for p in (config, verdicts, baseline, like, out)
    )
    criteria = criteria_of(toml, said, before, [str(data)])
    if criteria.subject is not None and criteria.subject.audit is not None:
        for name, value in (("like", like), ("columns", columns), ("limit", limit), ("out", out)):
            if value is not None:
                raise ConfigError(f"--{name}: {data} is an audit, which is judged as it was made; leave it out")
    return _gated(criteria, earlier, columns, limit, folder, strict=strict, pass_on_stale=pass_on_stale)


def gate_config(path: Path) -> tuple[GateReport, ...]:
    """Judge the data that an offtarget.toml names, each drop of a pattern by itself.

    An audit of it is written into `audits/` beside that file.
    """
    return tuple(_gated(one, root=path.parent) for one in criteria_of(path, None, None).each())


def _gated(
    criteria: Criteria,
    like: Path | None = None,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    *,
    root: Path = Path(),
    strict: bool = False,
    pass_on_stale: bool = False,
) -> GateReport:
    """As `offtarget gate`; the audit of a dataset stays, so that the commands of the report can be followed."""
    subject = criteria.require_subject()
    folder = subject.audit
    if folder is None:
        if not criteria.some:
            require_there(subject.data)
            raise ConfigError(NOTHING.format(folder="AUDIT_DIR"))
        criteria.require_readable()
        asked = Asked(data=subject.data, columns=columns or subject.columns, limit=limit)
        pairs, _, setup = read_drop(asked, like or require_like(criteria.baseline))
        where = out or root / default_out(pairs, gate=True)
        require_replaceable(where, pairs, asked=out is not None)
        folder = audit_drop(where, pairs, setup, by=None, seed=0, progress=None)
    report = gate(folder, criteria, strict=strict, pass_on_stale=pass_on_stale)
    keep(folder, report, criteria.verdicts)
    return report
