"""What plain DPO does to the target behaviours, seed by seed: without it there is nothing to take back or to amplify."""

from collections.abc import Iterable

from offtarget.board.cell import PLAIN, START, Cell
from offtarget.board.records import Taught
from offtarget.evals.compare import paired, with_q


def what_is_taught(cells: Iterable[Cell]) -> tuple[Taught, ...]:
    """Plain DPO against the start model on every target behaviour, for each seed that has both.

    Args:
        cells: of one board.

    Returns:
        By behaviour and seed; q by Benjamini-Hochberg over all of them.
    """
    cells = list(cells)
    starts = {c.spec.seed: c for c in cells if c.spec.protocol == START}
    found = []
    for c in sorted((c for c in cells if c.spec.protocol == PLAIN), key=lambda c: (c.spec.seed, c.key)):
        start = starts.get(c.spec.seed)
        for after in c.behaviours:
            before = start.score(after.behaviour) if start else None
            if after.role == "target" and before is not None:
                found.append((c.spec.seed, paired(before, after)))
    seeds = [seed for seed, _ in found]
    tested = with_q([d for _, d in found])
    return tuple(
        sorted(
            (
                Taught(behaviour=d.behaviour, seed=seed, direction=d.direction, difference=d.difference, ci=d.ci, q=d.q)
                for seed, d in zip(seeds, tested, strict=True)
            ),
            key=lambda t: (t.behaviour, t.seed),
        )
    )


def untaught(taught: Iterable[Taught], below: float) -> list[Taught]:
    """Those where plain DPO does not change the target for the worse at `q` under a threshold."""
    out = []
    for t in taught:
        worse = t.difference is not None and (t.difference > 0) == (t.direction == "lower") and t.difference != 0
        if not (worse and t.q is not None and t.q < below):
            out.append(t)
    return out
