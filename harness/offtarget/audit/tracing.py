"""From a row to the hypotheses it feeds."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.records import Audit, Direction
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


def why(audit_dir: Path, row_id: str) -> list[Contribution]:
    """Which of the listed hypotheses a row feeds: it is inside, and its u has the sign of the effect.

    Returns:
        Findings first, then by share.

    Raises:
        ConfigError: if there is no such audit or row.
    """
    audit = Audit.read(audit_dir)
    workings = audit.workings
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
