"""Figures of claims, read from the records and computed: none is ever typed in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from offtarget.board.cell import Cell
from offtarget.board.folder import CellFolder, read_cells
from offtarget.board.rank import rank
from offtarget.board.records import BehaviourRow, Board, Boards, Row
from offtarget.claims.records import BoardFigure, Claim, Expected, PredictionFigure, Status
from offtarget.errors import ConfigError
from offtarget.evals.compare import paired
from offtarget.evals.contrast import SEEDS_NEEDED
from offtarget.verification.board import read_verifications
from offtarget.verification.records import Fit, Verification


@dataclass(frozen=True)
class Figure:
    """One figure with its interval, and what it says of the claim."""

    what: str
    dataset: str
    value: float | None
    ci: tuple[float, float] | None
    holds: bool | None
    """None where that is undecided."""
    note: str = ""
    source: tuple[str, ...] = ()
    """Keys of the cells or of the verification."""


@dataclass
class Records:
    """Cells and verifications below the folder of a claims file, each folder read once."""

    base: Path
    _boards: dict[str, tuple[CellFolder, Boards]] = field(default_factory=dict)
    _verified: dict[str, list[Verification]] = field(default_factory=dict)

    def boards(self, folder: str) -> tuple[CellFolder, Boards]:
        """The cells of a folder and their boards."""
        if folder not in self._boards:
            found = read_cells(self.base / folder)
            self._boards[folder] = found, rank(found.cells, found.problems)
        return self._boards[folder]

    def verified(self, folder: str) -> list[Verification]:
        """The verifications of a folder."""
        if folder not in self._verified:
            self._verified[folder] = read_verifications(self.base / folder)
        return self._verified[folder]


def figures_of(claim: Claim, records: Records) -> tuple[Figure, ...]:
    """Every figure of a claim.

    Raises:
        ConfigError: the records are not there, or do not hold what the claim names.
    """
    out: list[Figure] = []
    for asked in claim.figures:
        try:
            if isinstance(asked, PredictionFigure):
                out += _predictions(asked, records)
            else:
                out.append(_on_board(asked, records))
        except ConfigError as e:
            raise ConfigError(f"claim {claim.id}: {e}") from None
    return tuple(out)


def status_of(claim: Claim, figures: tuple[Figure, ...]) -> Status:
    """What the figures say of the claim, all together."""
    if not figures:
        return "not testable here" if claim.not_testable else "not tested"
    held = [f.holds for f in figures]
    if all(h is None for h in held):
        return "undecided"
    if all(held):
        return "reproduced"
    return "not reproduced" if not any(held) and None not in held else "in part" if any(held) else "undecided"


def decide(expects: Expected, value: float | None, ci: tuple[float, float] | None) -> bool | None:
    """Whether a figure is what was expected, with its whole interval; None where the interval holds both answers."""
    if value is None or ci is None:
        return None
    low, high = ci
    if expects.reaches is not None:
        return high >= expects.reaches
    if expects.above is not None:
        return True if low > expects.above else False if high <= expects.above else None
    if expects.below is not None:
        return True if high < expects.below else False if low >= expects.below else None
    least, most = expects.within or (0.0, 0.0)
    if least <= low and high <= most:
        return True
    return False if high < least or low > most else None


def _predictions(asked: PredictionFigure, records: Records) -> Iterator[Figure]:
    for v in records.verified(asked.verifications):
        found = [
            o.control
            for o in v.outcomes
            if (o.family, o.predictor, o.statistic, o.rows, o.seed)
            == (asked.family, asked.predictor, asked.statistic, "trained", v.seeds[0])
        ]
        at = ", equal length" if asked.length == "equal" else ""
        what = f"r² on {v.dataset}"
        if not found:
            yield Figure(what, v.dataset, None, None, None, "not in this verification", (v.key,))
            continue
        fit, null = (found[0].by_row, found[0].by_row_null) if at else (found[0].raw, found[0].raw_null)
        ci = _squared(fit)
        value = fit.r2 if fit.r > 0 else 0.0
        of = f"{asked.predictor.replace('_', ' ')} of {asked.statistic.replace('_', ' ')}{at}"
        chance = f"{found[0].n_concepts} {asked.family}, {of}; swapped labels reach {null.q95_r2:.2f}"
        yield Figure(what, v.dataset, value, ci, decide(asked.expects, value, ci), chance, (v.key,))


def _squared(fit: Fit) -> tuple[float, float] | None:
    """The interval of r over concepts as one of r²; concepts that move against the prediction count as 0."""
    if fit.ci_concepts is None:
        return None
    low, high = (max(0.0, r) ** 2 for r in fit.ci_concepts)
    return low, high


def _on_board(asked: BoardFigure, records: Records) -> Figure:
    folder, boards = records.boards(asked.cells)
    board, row = _row(asked, boards)
    name = asked.behaviour or asked.target
    measure = asked.measure.replace("_vs_", " against ").replace("vs_", "difference from ").replace("_", " ")
    what = f"{measure} of {row.label}"
    if asked.measure == "difference":
        return _difference(asked, folder, board, row, name)
    if asked.measure in {"drift", "capability_vs_start", "capability_vs_dpo"}:
        e = getattr(row, asked.measure)
    else:
        e = getattr(_behaviour(row, name, asked), asked.measure)
        what = f"{name}, {measure}: {row.label}"
    few = f"{len(row.seeds)} training seed{'s' if len(row.seeds) > 1 else ''}, {SEEDS_NEEDED} are needed"
    value, note = e.value, "" if e.ci else few if row.provisional else e.note or few
    return Figure(what, asked.dataset, value, e.ci, decide(asked.expects, value, e.ci), note, row.cells)


def _difference(asked: BoardFigure, folder: CellFolder, board: Board, row: Row, name: str) -> Figure:
    """Row minus another row on one behaviour, paired by sample over the seeds of both."""
    if not asked.minus:
        raise ConfigError("the measure difference needs `minus`, the other protocol")
    other = _pick(asked.minus, asked, [r for r in board.rows if r.protocol == asked.minus])
    by_key: dict[str, Cell] = {c.key: c for c in folder.cells}
    mine, theirs = (
        [s for k in r.cells if (s := by_key[k].score(name)) is not None] for r in (row, other)
    )  # fmt: skip
    if not mine or not theirs:
        raise ConfigError(f"{name} was not measured for {row.label} and {other.label}")
    d = paired(theirs, mine)
    ci = d.ci if d.of_protocols else None
    note = "" if ci else f"a side has fewer than {SEEDS_NEEDED} training seeds"
    what = f"{name}: {row.label} minus {other.label}"
    return Figure(
        what, asked.dataset, d.difference, ci, decide(asked.expects, d.difference, ci), note, (*row.cells, *other.cells)
    )


def _behaviour(row: Row, name: str, asked: BoardFigure) -> BehaviourRow:
    found = next((x for x in row.behaviours if x.behaviour == name), None)
    if found is None:
        measured = ", ".join(x.behaviour for x in row.behaviours)
        raise ConfigError(f"{asked.protocol} on {asked.dataset} has no {name}; there are {measured}")
    return found


def _row(asked: BoardFigure, boards: Boards) -> tuple[Board, Row]:
    """The row that a figure names; of several boards the one where it has the most seeds."""
    fits = [b for b in boards.boards if b.dataset == asked.dataset and asked.target in b.signal]
    found = [(b, r) for b in fits for r in b.rows if r.protocol == asked.protocol and _fits(asked, r)]
    if not found:
        raise ConfigError(f"no row of {asked.protocol} on {asked.dataset} with the target {asked.target}")
    most = max(len(r.seeds) for _, r in found)
    found = [(b, r) for b, r in found if len(r.seeds) == most]
    rows = max((b.n_pairs, len(b.rows)) for b, _ in found)
    found = [(b, r) for b, r in found if (b.n_pairs, len(b.rows)) == rows]
    return found[0][0], _pick(asked.protocol, asked, [r for _, r in found])


def _pick(protocol: str, asked: BoardFigure, rows: list[Row]) -> Row:
    if not rows:
        raise ConfigError(f"no row of {protocol} on {asked.dataset} with the target {asked.target}")
    most = max(len(r.seeds) for r in rows)
    left = [r for r in rows if len(r.seeds) == most]
    if len(left) > 1:
        named = "; ".join(r.label for r in left[:4])
        raise ConfigError(
            f"several rows of {protocol} on {asked.dataset} ({named}): say strength, parameters or decision"
        )
    return left[0]


def _fits(asked: BoardFigure, r: Row) -> bool:
    if asked.strength is not None and r.parameters.get("strength") != asked.strength:
        return False
    if any(r.parameters.get(k) != v for k, v in asked.parameters.items()):
        return False
    return asked.decision is None or r.kind != "protocol" or r.intent == asked.decision
