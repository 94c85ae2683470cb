"""The whole report as JSON."""

import json

from offtarget.gate.locations import Locations
from offtarget.gate.records import GateReport


def render(report: GateReport, _locations: Locations) -> str:
    """The record as it is."""
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
