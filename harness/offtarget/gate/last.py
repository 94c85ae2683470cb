"""What the gate last said of an audit, kept in its folder, so that the page to decide on shows first what failed."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from offtarget.audit.folder import AuditFolder
from offtarget.documents import read_json
from offtarget.errors import OfftargetError
from offtarget.gate.records import GateReport
from offtarget.records import Record
from offtarget.store import write_atomic
from offtarget.verdicts import Verdict, decided, read

LAST = "gate.json"


class LastGate(Record):
    """`gate.json` in the folder of an audit."""

    schema_version: Literal[1] = 1
    report: GateReport
    verdicts: tuple[Verdict, ...] = ()
    """The decisions by which it was judged: one that is another by now was made after."""


def keep(folder: AuditFolder, report: GateReport, verdicts: Path | None) -> None:
    """Keep a report in the folder of its audit; a folder that cannot be written to stays as it is.

    Args:
        folder: the audit that was judged.
        report: what the gate said.
        verdicts: the file of the decisions.
    """
    said = tuple(decided(read(verdicts))) if verdicts is not None else ()
    with suppress(OSError):
        kept = LastGate(report=report, verdicts=said).model_dump(mode="json")
        write_atomic(folder.path / LAST, json.dumps(kept, indent=1) + "\n")


def last(folder: AuditFolder) -> LastGate | None:
    """What the gate last said of this very audit; None where it said nothing, or the file is damaged or of another version."""
    path = folder.path / LAST
    if not path.is_file():
        return None
    try:
        found = LastGate.model_validate(read_json(path, remedy="run the gate again"))
    except (ValidationError, OfftargetError):
        return None
    return found if found.report.audit == folder.audit.key else None
