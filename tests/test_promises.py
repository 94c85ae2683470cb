"""What the changelog promises of formats is what the code writes."""

import re
from pathlib import Path

from offtarget.audit.diff.records import Difference
from offtarget.audit.records import Audit
from offtarget.benchmark.records import AuditBoard
from offtarget.board.cell import Cell
from offtarget.board.records import Boards
from offtarget.elsewhere.folder import Exported
from offtarget.verdicts import Verdicts
from offtarget.verification.records import Verification

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
WRITTEN = {
    "audit.json": Audit,
    "verdicts.yaml": Verdicts,
    "a cell": Cell,
    "an exported plan": Exported,
    "board.json": Boards,
    "an audit board": AuditBoard,
    "a verification": Verification,
    "a difference of two audits": Difference,
}


def test_the_newest_schema_versions_named_are_those_of_the_records() -> None:
    line = next(x for x in CHANGELOG.read_text(encoding="utf-8").splitlines() if x.startswith("- Schema versions: "))
    listed = line.removeprefix("- Schema versions: ").split(". ")[0]
    said = {name: int(version) for name, version in re.findall(r"([a-z. ]+) (\d+)(?:, |$)", listed)}
    assert {name: said[name] for name in WRITTEN} == {
        name: record.model_fields["schema_version"].default for name, record in WRITTEN.items()
    }
