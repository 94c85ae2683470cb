"""JUnit XML: one test case a concept and one a rule, so that any build server shows what failed."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from offtarget.gate.formats.github import followed
from offtarget.gate.formats.table import headline, sight
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport, Outcome


def render(report: GateReport, _locations: Locations) -> str:
    """The document."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for o in report.outcomes:
        key = (f"rule {o.rule}", "limit") if o.rule is not None else ("concept", o.concept)
        groups.setdefault(key, []).append(o)
    cases = [_whole(report), *(_case(kind, name, outcomes, report) for (kind, name), outcomes in groups.items())]
    count = {tag: sum(f"<{tag} " in case for case in cases) for tag in ("failure", "error", "skipped")}
    totals = (
        f'tests="{len(cases)}" failures="{count["failure"]}" errors="{count["error"]}" skipped="{count["skipped"]}"'
    )
    body = "".join(cases)
    name = _attribute(f"offtarget gate: {report.dataset}")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {totals}>\n'
        f" <testsuite name={name} {totals}>\n{body} </testsuite>\n</testsuites>\n"
    )


def together(texts: Sequence[str]) -> str:
    """One document with a suite of each."""
    roots = [ElementTree.fromstring(text.encode()) for text in texts]  # noqa: S314 - written here
    whole = ElementTree.Element("testsuites")
    for name in ("tests", "failures", "errors", "skipped"):
        whole.set(name, str(sum(int(root.get(name, "0")) for root in roots)))
    for root in roots:
        whole.extend(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(whole, encoding="unicode") + "\n"


def _whole(report: GateReport) -> str:
    """The gate as a case of its own: it fails to decide, and an empty suite is no pass."""
    text = "\n".join([headline(report), *filter(None, [sight(report)]), *report.notes])
    inside = ""
    if report.result == "undecided":
        inside = f"   <error type={_attribute('undecided')} message={_attribute(text.splitlines()[0])}>{_text(text)}</error>\n"
    return _element("gate", "decides", inside + f"   <system-out>{_text(text)}</system-out>\n")


def _case(kind: str, name: str, outcomes: Iterable[Outcome], report: GateReport) -> str:
    mine = list(outcomes)
    inside = ""
    for severity, tag in (("error", "failure"), ("undecided", "error"), ("warn", "skipped")):
        of = [o for o in mine if o.severity == severity]
        if of:
            message = _attribute(f"{of[0].status}: {of[0].label}: {of[0].message}")
            text = "\n".join(f"{o.id}: {o.status}: {o.label}: {o.message}\n{followed(report, o.command)}" for o in of)
            kind_of = "" if tag == "skipped" else f" type={_attribute(of[0].status)}"
            inside = f"   <{tag} message={message}{kind_of}>{_text(text)}</{tag}>\n"
            break
    return _element(kind, name, inside)


def _element(kind: str, name: str, inside: str) -> str:
    head = f"  <testcase classname={_attribute(f'offtarget.gate.{kind}')} name={_attribute(name)}"
    return f"{head}>\n{inside}  </testcase>\n" if inside else f"{head}/>\n"


def _allowed(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") else "?"
        for c in text
    )


def _attribute(text: str) -> str:
    return quoteattr(_allowed(text))


def _text(text: str) -> str:
    return escape(_allowed(text))
