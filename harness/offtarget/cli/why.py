"""`offtarget why`: from a row to the hypotheses it feeds."""

from typing import Annotated

import typer

from offtarget.cli.options import AsJson, AuditDir
from offtarget.cli.ui import echo_json, table


def why(
    audit_dir: AuditDir, row: Annotated[str, typer.Argument(help="Id of a pair.")], as_json: AsJson = False
) -> None:
    """Which hypotheses a row feeds: its share of the effect, and its rank among the rows behind it."""
    from offtarget.audit.records import Audit, lean
    from offtarget.audit.tracing import why as trace

    found = trace(audit_dir, row)
    if as_json:
        echo_json([c.model_dump(mode="json") for c in found])
        return
    contexts = {c.id: c.label for c in Audit.read(audit_dir).contexts}
    table(
        ("finding", "share", "rank", "leans", "where", "concept"),
        [
            (
                "yes" if c.finding else "no",
                f"{c.share:.2%}",
                c.rank,
                lean(c.direction, c.context),
                "everywhere" if c.context is None else contexts.get(c.context, c.context),
                c.label,
            )
            for c in found
        ],
    )
