"""From a row to the hypotheses it feeds."""

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.folder import AuditWithRows
from offtarget.audit.records import Direction
from offtarget.errors import unknown_name
from offtarget.records import Record


class Contribution(Record):
    """One row's part in one hypothesis."""

    hypothesis: str
    concept: str
    label: str
    context: str | None
    direction: Direction
    finding: bool
    q: float
    u: float
    """The row's own signed difference; it has the sign of the effect."""
    share: float
    """Its part of the sum of all rows' u that point the same way."""
    rank: int
    """1 + rows that contribute more; rows of equal u share a rank."""


def why(audited: AuditWithRows, row_id: str) -> list[Contribution]:
    """Which of the listed hypotheses a row feeds: it is inside, and its u has the sign of the effect.

    Returns:
        Findings first, then by share.

    Raises:
        ConfigError: if there is no such audit or row.
    """
    audit, workings = audited.audit, audited.workings
    if row_id not in workings.pair_ids:
        raise unknown_name("row", row_id, workings.pair_ids, hint=f"(rows of {audit.dataset.name})")
    row = workings.pair_ids.index(row_id)
    labels = {c.id: c.title for c in audit.concepts}
    inside_of: dict[str | None, NDArray[np.bool_]] = {None: workings.inside(None)}
    out = []
    for h in audit.hypotheses:
        if h.context not in inside_of:
            inside_of[h.context] = workings.inside(h.context)
        inside = inside_of[h.context]
        sign = 1.0 if h.direction == "chosen" else -1.0
        mine = float(workings.column(h.concept)[row])
        if not inside[row] or sign * mine <= 0:
            continue
        push = sign * workings.column(h.concept)[inside].astype(np.float64)
        out.append(
            Contribution(
                hypothesis=h.id,
                concept=h.concept,
                label=labels[h.concept],
                context=h.context,
                direction=h.direction,
                finding=h.finding,
                q=h.q,
                u=mine,
                share=float(sign * mine / push[push > 0].sum()),
                rank=1 + int((push > sign * mine).sum()),
            )
        )
    return sorted(out, key=lambda c: (not c.finding, -c.share, c.hypothesis))


class ConceptRow(Record):
    """One row in which the two sides differ in a concept."""

    id: str
    group: str
    """Prompt, or unit, of the row."""
    side: Direction
    """The side that has more."""
    u: float
    """How much more, in the concept's own unit; negative where rejected has more."""


def rows_with(audited: AuditWithRows, concept: str, side: str | None = None) -> list[ConceptRow]:
    """The rows in which one side has more of a concept, the largest difference first.

    Args:
        audited: the audit, with the rows behind it.
        concept: its id.
        side: only rows in which this side has more: chosen or rejected.

    Raises:
        ConfigError: no such concept or side.
    """
    if side is not None and side not in ("chosen", "rejected"):
        raise unknown_name("side", side, ("chosen", "rejected"))
    audited.audit.concept(concept)
    workings = audited.workings
    u = workings.column(concept)
    sign = {"chosen": u > 0, "rejected": u < 0, None: u != 0}[side]
    rows = np.flatnonzero(sign)
    order = rows[np.argsort(-np.abs(u[rows]), kind="stable")]
    return [
        ConceptRow(
            id=workings.pair_ids[i], group=workings.groups[i], side="chosen" if u[i] > 0 else "rejected", u=float(u[i])
        )
        for i in order
    ]
