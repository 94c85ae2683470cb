"""The gate on one audit: from the audit, the decisions, the limits and the baseline to one report."""

import datetime as dt
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from offtarget.audit.diff.records import Difference
from offtarget.audit.diff.run import difference
from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit, View
from offtarget.errors import ConfigError
from offtarget.gate.baseline import baseline_of, own_rows, read_baseline, require_same
from offtarget.gate.changes import from_rows, from_sums
from offtarget.gate.config import CONFIG, meant
from offtarget.gate.criteria import NOTHING, Criteria
from offtarget.gate.judge import Case, judge
from offtarget.gate.measure import Measured, is_finding, measure
from offtarget.gate.records import SEVERITIES, Baseline, Change, GateReport, Outcome, Place
from offtarget.gate.rules import judge_rules
from offtarget.gate.sight import sees_of
from offtarget.gate.verdicts import read_for
from offtarget.verdicts import Verdicts

Result = Literal["pass", "fail", "undecided"]
VIEWS: tuple[View, ...] = ("global", "local", "metadata")
"""Those beside the whole set."""
EXIT: dict[Result, Literal[0, 1, 3]] = {"pass": 0, "fail": 1, "undecided": 3}


def gate(
    folder: AuditFolder,
    criteria: Criteria,
    *,
    against: AuditFolder | None = None,
    compared: Difference | None = None,
    strict: bool = False,
    pass_on_stale: bool = False,
    today: dt.date | None = None,
) -> GateReport:
    """Judge an audit.

    Args:
        folder: the audit.
        criteria: decisions, limits, baseline.
        against: an earlier audit that serves as the baseline, or is the one that the baseline was made from; its rows are
            then compared, so that rows and prompts that both have are counted as such.
        compared: that comparison, where it has been made.
        strict: warnings fail too.
        pass_on_stale: allowances for what is no longer there pass.
        today: the day on which verdicts must still hold.

    Raises:
        ConfigError: nothing to judge by, or a file of it is broken or names a concept that there is not.
        UndecidedError: a file is of another vocabulary, lens or schema.
    """
    if not criteria.some and against is None:
        raise ConfigError(NOTHING.format(folder=shlex.quote(str(folder.path))))
    criteria.require_readable()
    audit, settings = folder.audit, criteria.config.gate
    where = str(criteria.config_path or CONFIG)
    rules = meant(criteria.config, audit, where)
    now = measure(folder, settings.views)
    baseline, changes, notes = _before(folder, criteria, now, against, compared)
    verdicts, said = read_for(criteria.verdicts, audit, settings.views) if criteria.verdicts else (None, [])
    notes = [*criteria.notes, *_of_files(folder, criteria), *notes, *said]
    hypotheses = {(h.view, h.concept, h.context): h for h in audit.hypotheses}
    case = Case(
        now, settings, hypotheses, baseline, changes, verdicts, today or dt.datetime.now(dt.UTC).date(), pass_on_stale
    )
    found = [*judge(case), *judge_rules(criteria.config.rule, rules, now, hypotheses, where)]
    found = [_with_command(o, folder.path) for o in found]
    found.sort(key=lambda o: (SEVERITIES.index(o.severity), o.by == "rule", o.q, -abs(o.effect), o.id))
    with_rows = against is not None and (
        criteria.baseline is None or (baseline and baseline.audit == against.audit.key)
    )
    sees = sees_of(now, changes if baseline is not None else None, by_rows=bool(with_rows))
    blind = sees is not None and sees.median > settings.must_see and (baseline is not None or verdicts is not None)
    if blind and sees is not None:
        shared = (
            "; if many rows or prompts are those of the accepted data, --against AUDIT_DIR sees more"
            if sees.by == "sums"
            else ""
        )
        notes.append(
            f"too few rows to decide: {audit.dataset.n_pairs} pairs show a {sees.of} of {sees.median:.1f} points or more, and "
            f"must_see is {settings.must_see:g}; add rows, or raise must_see in {CONFIG}{shared}"
        )
    if not now.entries and (baseline is not None or verdicts is not None):
        notes.append("nothing was tested in the views that are gated")
        blind = True
    for view, n in _unknown(audit, now, settings.views).items():
        notes.append(
            f"{n} findings of view '{view}' are not listed in the audit and cannot be found again, so they are not judged; "
            "audit fewer concepts, such as one lens"
        )
        blind = True
    severities = {o.severity for o in found}
    failed = "error" in severities or (strict and "warn" in severities)
    result: Result = "fail" if failed else "undecided" if blind or "undecided" in severities else "pass"
    return GateReport(
        result=result,
        exit_code=EXIT[result],
        dataset=audit.dataset.name,
        audit=audit.key,
        audit_dir=str(folder.path),
        vocabulary=audit.vocabulary,
        rows=audit.dataset.n_pairs,
        prompts=audit.dataset.n_groups,
        against=tuple(_against(criteria, baseline, verdicts, against)),
        counts=dict(Counter(o.status for o in found)),
        outcomes=tuple(found),
        sees=sees,
        not_judged={v: f.findings for v, f in audit.families.items() if v not in settings.views and f.findings},
        not_tested=tuple(v for v in VIEWS if v not in settings.views and _could_be_tested(audit, v)),
        decide=_decide(found, folder.path, criteria),
        again=_again(criteria),
        notes=tuple(notes),
    )


def _could_be_tested(audit: Audit, view: View) -> bool:
    """Whether a view is not tested in an audit, and is no view of columns that the rows do not have."""
    family = audit.families.get(view)
    return (family is None or not family.tested) and (view != "metadata" or bool(audit.offered))


def _before(
    folder: AuditFolder, criteria: Criteria, now: Measured, against: AuditFolder | None, compared: Difference | None
) -> tuple[Baseline | None, dict[Place, Change], list[str]]:
    """The baseline, how far the audit is from it, and what there is to say of that."""
    settings = criteria.config.gate
    if criteria.baseline is not None:
        baseline = read_baseline(criteria.baseline)
        require_same(baseline, folder, criteria.baseline)
        missing = [v for v in settings.views if v not in baseline.views]
        notes = [f"view '{v}' is not in the baseline: update it with --update-baseline" for v in missing]
        if against is None or against.audit.key != baseline.audit:
            if own_rows(criteria.baseline) != folder.audit.dataset.rows_sha256:
                notes.append(
                    "a baseline cannot tell which rows and prompts this data shares with its own; where it shares some, small "
                    "changes are missed (--against AUDIT_DIR compares the rows)"
                )
            return baseline, from_sums(baseline, now), notes
    elif against is not None:
        baseline = baseline_of(against, measure(against, settings.views), settings.views)
        require_same(baseline, folder, against.path, audit=True)
        notes = []
    else:
        return None, {}, []
    tested = compared or difference(against, folder)
    # what the rows cannot tell, since none of them differs or too few do, is left to the sums
    by_rows = {place: c for place, c in from_rows(tested).items() if place[0] in settings.views}
    return baseline, from_sums(baseline, now) | by_rows, notes


def _of_files(folder: AuditFolder, criteria: Criteria) -> list[str]:
    """What a reader must know of the files that it is judged by: that they say nothing, or are not all that is there."""
    notes = []
    if criteria.baseline is not None and own_rows(criteria.baseline) == folder.audit.dataset.rows_sha256:
        notes.append(
            f"warning: these are the very rows that {criteria.baseline} was made from, so no change can be found "
            f"(`data` in {CONFIG} says what is judged)"
        )
    beside = folder.path / "verdicts.yaml"
    if criteria.verdicts is not None and beside.is_file() and criteria.verdicts.is_file():
        same = beside.resolve() == criteria.verdicts.resolve() or beside.read_bytes() == criteria.verdicts.read_bytes()
        if not same:
            notes.append(f"the decisions in {beside} are not read: {criteria.verdicts} is")
    return notes


def _decide(found: Sequence[Outcome], folder: Path, criteria: Criteria) -> str:
    """The command that opens the page on which what failed can be decided, into the file that the gate reads."""
    if not any(o.severity == "error" and o.by != "rule" for o in found):
        return ""
    words = ["offtarget", "review", str(folder)]
    if criteria.verdicts is not None and criteria.verdicts != folder / "verdicts.yaml":
        words += ["--verdicts", str(criteria.verdicts)]
    command = shlex.join(words)
    if criteria.verdicts is None and (criteria.subject is None or criteria.subject.audit is None):
        return f"{command}, then gate with --verdicts {shlex.quote(str(folder / 'verdicts.yaml'))}"
    return command


def _again(criteria: Criteria) -> str:
    """The command that judges the same data elsewhere; what offtarget.toml names there need not be said."""
    subject = criteria.subject
    if subject is None or subject.audit is not None:
        return ""
    words = ["offtarget", "gate", *([subject.data] if isinstance(subject.data, str) else subject.data)]
    if criteria.config_path is not None and criteria.config_path != Path(CONFIG):
        words += ["--config", str(criteria.config_path)]
    if criteria.verdicts is not None and criteria.verdicts != criteria.named("verdicts"):
        words += ["--verdicts", str(criteria.verdicts)]
    if criteria.baseline is not None and criteria.baseline != criteria.named("baseline"):
        words += ["--baseline", str(criteria.baseline)]
    return shlex.join(words)


def _unknown(audit: Audit, now: Measured, views: Sequence[View]) -> dict[View, int]:
    """How many findings an audit counts in some views beyond those that are known one by one."""
    known = Counter(e.view for e in now.entries if is_finding(e))
    counted = {v: audit.families[v].findings - known[v] for v in views if v in audit.families}
    return {v: n for v, n in counted.items() if n > 0}


def _with_command(o: Outcome, folder: Path) -> Outcome:
    side = "chosen" if o.effect >= 0 else "rejected"
    words = ["offtarget", "rows", str(folder), o.concept, "--side", side]
    return o.model_copy(update={"command": shlex.join(words)})


def _against(
    criteria: Criteria, baseline: Baseline | None, verdicts: Verdicts | None, against: AuditFolder | None
) -> Sequence[str]:
    out = []
    if verdicts is not None:
        out.append(f"decisions of {criteria.verdicts}")
    if criteria.config.rule:
        n = len(criteria.config.rule)
        out.append(f"{n} rule{'' if n == 1 else 's'} of {criteria.config_path}")
    if baseline is not None:
        source = criteria.baseline or (against.path if against else "")
        out.append(f"baseline {source} ({baseline.dataset}, {baseline.rows} pairs)")
    return out


def baseline_now(folder: AuditFolder, criteria: Criteria) -> Baseline:
    """The baseline that an audit would be."""
    views = criteria.config.gate.views
    return baseline_of(folder, measure(folder, views), views)
