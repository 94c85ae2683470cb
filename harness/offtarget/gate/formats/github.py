"""GitHub workflow commands, of which a step shows ten a kind and drops the rest silently; the summary has all."""

import re
from pathlib import Path

from offtarget.gate.formats.table import counted, headline, sight
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport, Outcome, Severity

SHOWN = 9
"""Annotations of one kind; the tenth says how many more there are."""
MAX_BYTES = 900_000
"""Of a summary: over 1,024 kB GitHub drops the whole of it."""
KINDS: dict[str, tuple[Severity, ...]] = {"error": ("error", "undecided"), "warning": ("warn",)}


def annotations(report: GateReport, locations: Locations) -> str:
    """At most ten commands of each kind, each on one line."""
    out = []
    for kind, severities in KINDS.items():
        found = report.of(*severities)
        for o in found[:SHOWN]:
            file, line = locations.of(o)[0][:2]
            title = f"offtarget gate, {o.status}: {o.label}"
            where = f"file={_property(file)},line={line},title={_property(title)}"
            out.append(f"::{kind} {where}::{_data(f'{o.message}. {followed(report, o.command)}')}")
        if len(found) > SHOWN:
            text = f"{len(found) - SHOWN} more are in the summary of this step"
            out.append(f"::{kind} title={_property('offtarget gate')}::{_data(text)}")
    if report.result == "undecided" and not report.of("error", "undecided"):
        text = ". ".join([headline(report), *report.notes])
        out.append(f"::error title={_property('offtarget gate could not decide')}::{_data(text)}")
    return "".join(f"{line}\n" for line in out)


def failure(message: str) -> str:
    """The command for what could not be judged at all: a setting, a file or data that is wrong; at its place, where it says."""
    where = f"title={_property('offtarget gate could not judge')}"
    said = re.match(r"(?P<file>.+?)(?:,? line (?P<line>\d+))?: ", " ".join(message.split()))
    path = Path(said["file"]) if said else None
    try:
        inside = path is not None and path.is_file() and path.resolve().is_relative_to(Path().resolve())
    except (OSError, ValueError):  # no name of a file
        inside = False
    if said and path and inside:
        name = path.resolve().relative_to(Path().resolve()).as_posix()
        where = f"file={_property(name)},line={said['line'] or 1},{where}"
    return f"::error {where}::{_data(' '.join(message.split()))}\n"


def failed(message: str) -> str:
    """The same for `$GITHUB_STEP_SUMMARY`."""
    return f"## gate: could not judge\n\n{cell(message)}\n"


def summary(report: GateReport) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`, cut before the size at which GitHub drops it."""
    head = [f"## {cell(headline(report))}", "", cell(counted(report)), "", cell(sight(report)), ""]
    rows = ["| | status | concept | what is the case | rows |", "| --- | --- | --- | --- | --- |"]
    found = report.of("error", "undecided", "warn")
    rows += [_row(o) for o in found]
    notes = [*_todo(report), *(f"- {cell(text)}" for text in report.notes)]
    text = "\n".join([*head, *(rows if found else ["Nothing failed."]), "", *notes]) + "\n"
    if len(text.encode()) <= MAX_BYTES:
        return text
    kept, size = [], len("\n".join([*head, *rows[:2], *notes]).encode()) + 200
    for row in rows[2:]:
        size += len(row.encode()) + 1
        if size > MAX_BYTES:
            break
        kept.append(row)
    cut = f"{len(found) - len(kept)} more are left out here; `--format json=FILE` has all."
    return "\n".join([*head, *rows[:2], *kept, "", cut, *notes]) + "\n"


def followed(report: GateReport, command: str) -> str:
    """A command on the audit, which is on the runner alone: the one that makes it on another machine comes first."""
    return f"On your machine: {report.again}; then {command}" if report.again else command


def _todo(report: GateReport) -> list[str]:
    """What a person does about a failure, in order."""
    if report.result == "pass":
        return []
    steps = [f"`{cell(report.again)}` makes the same audit there"] if report.again else []
    steps += ["the command beside a failure shows its rows"] if report.of("error", "undecided", "warn") else []
    steps += (
        [f"`{cell(report.decide)}` opens the page on which to decide; commit the verdicts file"]
        if report.decide
        else []
    )
    return ["On your machine:", "", *(f"{k}. {text}" for k, text in enumerate(steps, 1)), ""] if steps else []


def _row(o: Outcome) -> str:
    return f"| {o.severity} | {o.status} | {cell(o.label)} | {cell(o.message)} | `{cell(o.command)}` |"


def cell(text: str) -> str:
    """Text of data in markdown: no markup, no break."""
    plain = " ".join(text.split())
    for sign, code in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;"), ("[", "&#91;")):
        plain = plain.replace(sign, code)
    return plain.replace("*", "&#42;").replace("_", "&#95;") if "`" in text or "*" in text else plain


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
