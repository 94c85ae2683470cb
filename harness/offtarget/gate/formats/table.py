"""For people: the result, one line a failure with the command that shows its rows, and what the gate can see."""

from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport, Outcome, Severity

MOST = 40
"""Lines of one severity."""
WORD: dict[Severity, str] = {"error": "FAIL", "undecided": "UNDECIDED", "warn": "warn", "pass": "pass"}
RESULT = {"pass": "pass", "fail": "FAIL", "undecided": "UNDECIDED"}
VIEW = {"overall": "over the whole set", "global": "in topics", "local": "in prompt groups", "metadata": "by metadata"}


def headline(report: GateReport) -> str:
    """The result and what was judged by what."""
    by = "; ".join(report.against)
    return f"gate: {RESULT[report.result]}: {report.dataset}, {report.rows} pairs, by {by}"


def sight(report: GateReport) -> str:
    """What these rows would show; empty where nothing is a share of rows."""
    s = report.sees
    if s is None:
        return ""
    what = "change" if s.of == "change" else "lean"
    by = "the rows of both audits" if s.by == "rows" else "the sums of the baseline"
    how = f", by {by}" if s.of == "change" else ""
    return (
        f"at {report.rows} pairs the gate sees a {what} of {s.median:.1f} points (median over concepts; {s.low:.1f} to "
        f"{s.high:.1f}){how}"
    )


def counted(report: GateReport) -> str:
    """How many outcomes there are of each status."""
    return (
        ", ".join(f"{n} {status}" for status, n in sorted(report.counts.items(), key=lambda x: -x[1])) or "no finding"
    )


def render(report: GateReport, _locations: Locations) -> str:
    """The table, with the errors first; what passed is counted."""
    lines = [headline(report)]
    for severity in ("error", "undecided", "warn"):
        found = report.of(severity)
        lines += [_line(o) for o in found[:MOST]]
        if len(found) > MOST:
            lines.append(f"{WORD[severity]}  ... and {len(found) - MOST} more (--format json has all)")
    lines.append(counted(report))
    if text := sight(report):
        lines.append(text)
    if report.not_judged:
        parts = ", ".join(f"{n} {VIEW[v]}" for v, n in report.not_judged.items())
        lines.append(f"not judged: findings {parts} (`views` in offtarget.toml)")
    if report.not_tested:
        parts = ", ".join(VIEW[v] for v in report.not_tested)
        lines.append(f"not judged, and not tested here: {parts} (`views` in offtarget.toml)")
    lines += [text if text.startswith("warning: ") else f"note: {text}" for text in report.notes]
    if report.decide:
        lines.append(f"decide: {report.decide}")
    return "".join(f"{line}\n" for line in lines)


def _line(o: Outcome) -> str:
    rule = f" rule {o.rule}," if o.rule is not None else ""
    return f"{WORD[o.severity]}  {o.status}:{rule} {o.label}: {o.message}  [{o.command}]"
