"""The whole report as JSON."""

import json
from collections.abc import Sequence

from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport


def render(report: GateReport, _locations: Locations) -> str:
    """The record as it is."""
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def together(texts: Sequence[str]) -> str:
    """A list of reports."""
    return "[\n" + ",\n".join(text.rstrip("\n") for text in texts) + "\n]\n"
