"""The gate in a program."""

from collections.abc import Mapping
from pathlib import Path

from offtarget.api.audit import AuditResult
from offtarget.api.wording import speaks_python
from offtarget.gate.here import gate_here
from offtarget.gate.records import GateReport


@speaks_python
def gate(
    data: str | Path | AuditResult,
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
    """Pass or fail on a dataset or its audit: by decisions, limits, and what changed against a baseline.

    Args:
        data: a dataset, an audit, or the folder of one.
        verdicts: decisions; by default what offtarget.toml names, or verdicts.yaml in the audit's folder.
        config: offtarget.toml; by default the one in the working folder.
        baseline: a baseline file; by default what offtarget.toml names.
        like: an audit whose vocabulary a dataset is audited with; by default the baseline's.
        columns: which column is what, as `load_pairs` takes it; by default what offtarget.toml says, where it names this data.
        limit: number of pairs to read.
        strict: warnings fail too.
        pass_on_stale: allowances for what is no longer there pass.
        out: folder of the audit of a dataset; by default `audits/NAME-gate` in the working folder.

    Returns:
        `result` (pass, fail, undecided), `outcomes` with the errors first, and what the rows can show (`sees`).

    Raises:
        ConfigError: nothing to judge by, or a broken file.
        UndecidedError: another vocabulary, too few rows, a source that cannot be reached.

    Example:
        >>> import offtarget
        >>> a = offtarget.audit(offtarget.load_pairs("planted-style", limit=600), lens="surface")
        >>> _ = a.verdicts_template(a.folder.path / "verdicts.yaml")  # every finding undecided
        >>> report = offtarget.gate(a)
        >>> report.result, report.outcomes[0].status
        ('fail', 'undecided')
    """
    return gate_here(
        data.folder.path if isinstance(data, AuditResult) else data,
        verdicts=verdicts,
        config=config,
        baseline=baseline,
        like=like,
        columns=columns,
        limit=limit,
        strict=strict,
        pass_on_stale=pass_on_stale,
        out=out,
    )
