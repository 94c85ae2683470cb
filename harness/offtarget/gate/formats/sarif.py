"""SARIF 2.1.0 for code scanning: a result a finding, at the rows of a plain file or at the line that set the rule.

GitHub refuses a file in which a result has no relative `physicalLocation`, shows 5,000 results, and tells alerts apart by
`ruleId` and `partialFingerprints`.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from offtarget import __version__
from offtarget.gate.formats.github import followed
from offtarget.gate.formats.table import headline, sight
from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport, Outcome, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS = 5000
MAX_LOCATIONS = 100
LEVEL: dict[Severity, str] = {"error": "error", "undecided": "warning", "warn": "warning"}
FINGERPRINT = "offtarget/finding/v1"


def render(report: GateReport, locations: Locations) -> str:
    """The document."""
    found = report.of("error", "undecided", "warn")
    kept = found[:MAX_RESULTS]
    names = list(dict.fromkeys(o.concept for o in kept))
    at = {name: i for i, name in enumerate(names)}
    labels = {o.concept: o.label for o in kept}
    notes = [headline(report), sight(report), *report.notes]
    if len(found) > len(kept):
        notes.insert(0, f"{len(found) - len(kept)} results are left out: code scanning shows {MAX_RESULTS}")
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "offtarget",
                "semanticVersion": __version__,
                "rules": [_rule(name, labels[name]) for name in names],
            }
        },
        "automationDetails": {"id": f"offtarget gate/{_plain(report.dataset)}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": report.exit_code,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": _plain(text)}} for text in notes if text
                ],
            }
        ],
        "results": [_result(o, at[o.concept], report, locations) for o in kept],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def together(texts: Sequence[str]) -> str:
    """One document with a run of each: they differ in `automationDetails.id`, by which GitHub tells runs apart."""
    runs = [run for text in texts for run in json.loads(text)["runs"]]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, ensure_ascii=False, indent=1) + "\n"


def _rule(name: str, label: str) -> dict[str, Any]:
    text = _plain(label)
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.replace(":", "_").split("_") if part),
        "shortDescription": {"text": f"The data teaches: {text}."},
        "fullDescription": {"text": f"Chosen and rejected answers differ in: {text}."},
        "help": {
            "text": f"Decide on it with `offtarget review`, or see its rows with `offtarget rows AUDIT_DIR {name}`."
        },
        "defaultConfiguration": {"level": "error"},
    }


def _result(o: Outcome, index: int, report: GateReport, locations: Locations) -> dict[str, Any]:
    print_ = hashlib.sha256(json.dumps([report.vocabulary, o.id]).encode()).hexdigest()
    return {
        "ruleId": o.concept,
        "ruleIndex": index,
        "level": LEVEL[o.severity],
        "message": {"text": _plain(f"{o.status}: {o.label}: {o.message}. Its rows: {followed(report, o.command)}")},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}},
                "logicalLocations": [
                    {"fullyQualifiedName": _plain(f"{report.dataset}#{row}" if row else report.dataset)}
                ],
            }
            for uri, line, row in locations.of(o)[:MAX_LOCATIONS]
        ],
        "partialFingerprints": {FINGERPRINT: print_},
    }


def _plain(text: str) -> str:
    """Without signs that JSON readers refuse: lone surrogates, control characters."""
    return "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode("utf-8"))
