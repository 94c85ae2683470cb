"""Which row is the blind control of which, and what a protocol does beyond it."""

from collections.abc import Mapping, Sequence
from typing import Any

from offtarget.board.cell import Cell
from offtarget.board.estimate import Estimate, estimated
from offtarget.board.measure import Measured
from offtarget.evals.compare import false_discovery
from offtarget.evals.contrast import difference
from offtarget.evals.panel import common
from offtarget.store import canonical_json


def declared_controls() -> dict[str, str]:
    """Protocol -> its blind control, as the protocols' cards say (`@protocol(..., control="random_filter")`)."""
    from offtarget.registry import default

    entries = default().entries("protocol")
    return {e.name: str(e.card["control"]) for e in entries if e.card.get("control")}


def control_of(key: str, rows: Mapping[str, Sequence[Cell]], controls: Mapping[str, str]) -> str | None:
    """The row that does to other pairs, blindly, what this row does by concept.

    It is of the declared protocol, with the same verdicts and strength; of several, the one that shares most of the
    other parameters.

    Args:
        key: of the row.
        rows: the cells of every row of the board, by key.
        controls: protocol -> its blind control.
    """
    spec = rows[key][0].spec
    name = controls.get(spec.protocol)
    found = []
    for other, cells in rows.items():
        theirs = cells[0].spec
        if theirs.protocol != name or _strength(theirs.parameters) != _strength(spec.parameters):
            continue
        if _verdicts(rows[other][0]) != _verdicts(rows[key][0]):
            continue
        shared = theirs.parameters.keys() & spec.parameters.keys()
        equal = sum(theirs.parameters[k] == spec.parameters[k] for k in shared)
        found.append((-equal, other))
    return min(found)[1] if found else None


def against_controls(
    work: Mapping[str, Mapping[str, Measured]], control: Mapping[str, str]
) -> dict[tuple[str, str], tuple[Estimate, float | None]]:
    """Row minus blind control on every target, paired by sample, with q over all of them.

    Args:
        work: row key -> behaviour -> what was measured.
        control: row key -> key of its control.

    Returns:
        (row key, behaviour) -> the difference and its q; q only where both have seeds enough.
    """
    found: dict[tuple[str, str], Estimate] = {}
    tests: dict[tuple[str, str], float | None] = {}
    for key in sorted(control):
        for name, mine in work[key].items():
            if mine.card.role != "target":
                continue
            theirs = work[control[key]][name]
            if not {"row"} <= mine.has or not {"row"} <= theirs.has:
                found[key, name] = Estimate(note=f"{name} not scored")
                continue
            both = common({"row": mine.panels["row"], "control": theirs.panels["row"]})
            if not both["row"].ids:
                found[key, name] = Estimate(note=f"{name}: no sample that both have scored")
                continue
            change = difference(both["row"], both["control"], of="row", to="control")
            found[key, name] = estimated(change, n=len(both["row"].ids), seeds=mine.seeds, sketch=mine.sketch)
            tests[key, name] = change.p() if change.told else None
    q = dict(zip(tests, false_discovery(list(tests.values())), strict=True))
    return {k: (e, q.get(k)) for k, e in found.items()}


def _strength(parameters: Mapping[str, Any]) -> Any:
    return parameters.get("strength")


def _verdicts(cell: Cell) -> list[str]:
    return sorted(canonical_json(v.model_dump(mode="json")) for v in cell.spec.verdicts)
