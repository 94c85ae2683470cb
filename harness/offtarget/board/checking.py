"""Checks of cells that somebody else made, before they go on a board.

Wrong: the file, its key or place, samples that are missing or too many, a mean that is not that of its samples, two results
under one key, text that may not be passed on, no plain DPO or start to compare with. Odd, so that a person has to look: the
same samples in two runs, a score far from its neighbours.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from offtarget.board.again import TOLERANCE, made_again, seed_sd, worst
from offtarget.board.cell import PLAIN, START, Cell
from offtarget.board.contributions import Contribution, contributions_of, file_problem, read_contribution
from offtarget.board.folder import NO_CELLS, cell_path, load_cell, read_cells
from offtarget.board.group import evaluation_of, group_cells, row_key, run_name
from offtarget.board.leaks import leaks
from offtarget.documents import read_json
from offtarget.errors import ConfigError
from offtarget.evals.scores import BehaviourScore
from offtarget.records import Record

FAR = 6.0
"""Seed deviations from its neighbours at which a score is odd."""
FEWEST_ROWS = 3
"""Other rows that a row of one seed is held against."""


class Fault(Record):
    """One thing that is wrong, or odd."""

    kind: Literal["wrong", "odd"]
    where: str
    what: str


@dataclass(frozen=True)
class Checked:
    """What was looked at, and what was found."""

    cells: int
    contributions: int
    faults: tuple[Fault, ...]

    @property
    def exit_code(self) -> int:
        """0 all well · 1 something is wrong · 3 something is odd, or nothing was there to check."""
        if any(f.kind == "wrong" for f in self.faults):
            return 1
        return 3 if self.faults or not (self.cells or self.contributions) else 0


def check_cells(path: Path, against: Path | None = None, checkout: Path | None = None) -> Checked:
    """Check a cell, a folder of cells, or a pointer to an outside protocol.

    Args:
        path: a cell's file, a folder, or a contribution's .yaml.
        against: folder of the reference cells that they will stand beside.
        checkout: of the repository that a contribution points to.

    Raises:
        ConfigError: `path` or `against` is not there.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder")
    reference = read_cells(against).cells if against else ()
    if path.suffix in {".yaml", ".yml"}:
        pointers, files = [read_contribution(path)], []
    else:
        pointers, problems = contributions_of([path] if path.is_dir() else [])
        if problems:
            return Checked(0, len(problems), tuple(Fault(kind="wrong", where="contrib", what=p) for p in problems))
        files = _files(path)
    faults: list[Fault] = []
    cells: dict[Path, Cell] = {}
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        faults += [Fault(kind="wrong", where=name, what=text) for text in _text(file)]
        try:
            cells[file] = load_cell(file)
        except ValueError as e:
            faults.append(Fault(kind="wrong", where=name, what=str(e)))
            continue
        if path.is_dir() and cell_path(_root(file), cells[file]).resolve() != file.resolve():
            want = cell_path(_root(file), cells[file]).relative_to(_root(file))
            faults.append(Fault(kind="wrong", where=name, what=f"belongs at {want.as_posix()}"))
    own = list(cells.values())
    faults += _one_key(cells, reference)
    unique = {c.key: c for c in (*reference, *own)}
    for cell in {c.key: c for c in own}.values():
        faults += [
            Fault(kind="wrong", where=f"{run_name(cell)} ({cell.key[:12]})", what=text)
            for text in _whole(cell, unique.values())
        ]
        faults += [
            Fault(kind="odd", where=f"{run_name(cell)} ({cell.key[:12]})", what=text)
            for text in _odd(cell, unique.values())
        ]
    faults += _orphans(own, list(unique.values())) + _pointers(pointers, own, list(unique.values()), checkout)
    return Checked(len(own), len(pointers), tuple(dict.fromkeys(faults)))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*.json"))
    return [
        f for f in found if f.name not in NO_CELLS and not any(p.startswith(".") for p in f.relative_to(path).parts)
    ]


def _root(file: Path) -> Path:
    """The folder of cells that a cell's file is in: <root>/<dataset>/<protocol>/<file>."""
    return file.absolute().parents[2]


def _text(file: Path) -> list[str]:
    try:
        return list(leaks(read_json(file)))
    except ConfigError:
        return []  # said when the cell is loaded


def _one_key(cells: dict[Path, Cell], reference: Sequence[Cell]) -> list[Fault]:
    """Two files of one key: a copy, or another result."""
    out = []
    by_key: dict[str, list[Cell]] = defaultdict(list)
    for c in reference:
        by_key[c.key].append(c)
    for file, c in cells.items():
        for other in by_key[c.key]:
            found = made_again(other, c)
            if worst(found) != "same":
                apart = ", ".join(f"{a.behaviour} {a.then} and {a.now}" for a in found if a.conclusion != "same")
                what = f"another result under the key {c.key[:12]} is there already ({apart})"
                out.append(Fault(kind="wrong", where=file.name, what=what))
                break
        else:
            if any(o is not c for o in by_key[c.key]) and any(o.key == c.key for o in [*cells.values()] if o is not c):
                out.append(
                    Fault(kind="wrong", where=file.name, what=f"the key {c.key[:12]} is there twice; keep one file")
                )
        by_key[c.key].append(c)
    return out


def _whole(cell: Cell, every: Iterable[Cell]) -> list[str]:
    """What contradicts itself in a cell, and samples that its neighbours have and it has not, or the other way round."""
    out = []
    asked = set(cell.spec.behaviours)
    if missing := sorted(asked - {s.behaviour for s in cell.behaviours}):
        out.append(f"{', '.join(missing)}: asked for and not in the cell")
    for s in cell.behaviours:
        values = [v for v in s.samples.values() if v is not None]
        want = cell.manifest.task_versions.get(s.behaviour)
        if want != s.task_version:
            out.append(f"{s.behaviour}: task version {s.task_version}, the manifest says {want}")
        if s.n != len(values) or s.n_unscored != len(s.samples) - len(values):
            out.append(f"{s.behaviour}: says n {s.n} and {s.n_unscored} unscored, its samples are {len(values)} and "
                       f"{len(s.samples) - len(values)}")  # fmt: skip
        mean = fmean(values) if values else None
        if (mean is None) != (s.value is None) or (
            mean is not None and s.value is not None and abs(mean - s.value) > 1e-6 * max(1.0, abs(mean))
        ):
            out.append(f"{s.behaviour}: its value {s.value} is not the mean of its samples ({mean})")
        if said := _ids(cell, s, every):
            out.append(said)
    return out


def _ids(cell: Cell, score: BehaviourScore, every: Iterable[Cell]) -> str:
    """Whether the sample ids are those that other cells have, asked in the same way."""
    how = evaluation_of(cell), sorted(cell.spec.behaviours)  # behaviours that read the same answers share their prompts
    sets = Counter(
        frozenset(s.samples)
        for c in every
        if c.key != cell.key and (evaluation_of(c), sorted(c.spec.behaviours)) == how
        for s in c.behaviours
        if (s.behaviour, s.task_version) == (score.behaviour, score.task_version)
    )
    if not sets:
        return ""
    usual = max(sets, key=lambda ids: (sets[ids], len(ids)))
    mine = frozenset(score.samples)
    if lacks := usual - mine:
        return f"{score.behaviour}: {len(lacks)} of {len(usual)} samples are missing (first: {min(lacks)})"
    if more := mine - usual:
        return f"{score.behaviour}: {len(more)} samples that other cells have not (first: {min(more)})"
    return ""


def _odd(cell: Cell, every: Iterable[Cell]) -> list[str]:
    """The samples of another run, and scores far from those of the row's other seeds, or of all rows."""
    every = list(every)
    out = []
    own = {s.behaviour: s.samples for s in cell.behaviours}
    for c in every:
        other = c.key != cell.key and {s.behaviour: s.samples for s in c.behaviours} == own
        run = (row_key(c), c.spec.seed, c.manifest.rows_sha256)
        if (
            other
            and own
            and run != (row_key(cell), cell.spec.seed, cell.manifest.rows_sha256)
            and cell.spec.protocol != START
        ):
            out.append(f"every sample is that of another run ({run_name(c)}, {c.key[:12]})")
            break
    beside = [
        c for c in every
        if c.manifest.rows_sha256 == cell.manifest.rows_sha256 and c.spec.model == cell.spec.model and c.budget == cell.budget
        and c.spec.protocol != START and evaluation_of(c) == evaluation_of(cell)
    ]  # fmt: skip
    for s in cell.behaviours:
        if cell.spec.protocol != START and (said := _far(cell, s, beside)):
            out.append(said)
    return out


def _far(cell: Cell, score: BehaviourScore, beside: Sequence[Cell]) -> str:
    """A sentence where a score is `FAR` pooled seed deviations or more from the mean of the row's other seeds."""
    rows: dict[str, list[Cell]] = defaultdict(list)
    for c in beside:
        found = c.score(score.behaviour)
        if c.key != cell.key and found is not None and found.task_version == score.task_version:
            rows[row_key(c)].append(c)
    spread = [(len(own) - 1, sd) for own in rows.values() if (sd := seed_sd(score.behaviour, own)) is not None]
    df = sum(k for k, _ in spread)
    mine = [s.value for c in rows[row_key(cell)] if (s := c.score(score.behaviour)) and s.value is not None]
    if df < 2 or score.value is None:
        return ""
    pooled = (sum(k * sd**2 for k, sd in spread) / df) ** 0.5
    if not mine:
        return _outside(score, rows, pooled)
    apart = abs(score.value - fmean(mine))
    room = FAR * pooled * (1 + 1 / len(mine)) ** 0.5
    if pooled == 0 or apart <= room:
        return ""
    return (
        f"{score.behaviour}: {score.value:.4g}, and {fmean(mine):.4g} in {len(mine)} other seeds of the same row: "
        f"{apart / pooled:.0f} seed deviations apart"
    )


def _outside(score: BehaviourScore, rows: Mapping[str, Sequence[Cell]], pooled: float) -> str:
    """A sentence where the first seed of a row lies `FAR` seed deviations or more outside of all other rows."""
    means = [
        fmean(values)
        for own in rows.values()
        if (values := [s.value for c in own if (s := c.score(score.behaviour)) is not None and s.value is not None])
    ]
    if len(means) < FEWEST_ROWS or pooled == 0 or score.value is None:
        return ""
    apart = max(min(means) - score.value, score.value - max(means)) / pooled
    if apart <= FAR:
        return ""
    return (
        f"{score.behaviour}: {score.value:.4g}, and {min(means):.4g} to {max(means):.4g} in the {len(means)} other rows: "
        f"{apart:.0f} seed deviations outside"
    )


def _orphans(own: Sequence[Cell], every: Sequence[Cell]) -> list[Fault]:
    """Cells that no board can compare with start and plain DPO."""
    groups, apart = group_cells(every)
    mine = {c.key for c in own}
    out = [
        Fault(kind="wrong", where=f"{a.run} ({a.cell[:12]})", what=f"on no board: {a.reason}")
        for a in apart
        if a.cell in mine and not a.reason.startswith("superseded")
    ]
    for g in groups:
        keys = mine & {c.key for c in g.cells}
        ours = g.first.mode in TOLERANCE  # what another program trained has no plain DPO of ours beside it
        lacks = [name for name, there in ((PLAIN, g.has_plain or not ours), (START, bool(g.start))) if not there]
        if keys and lacks:
            c = next(c for c in g.cells if c.key in keys)
            what = (
                f"nothing to compare with: no {' and no '.join(lacks)} of these rows, model, training and task versions"
            )
            out.append(Fault(kind="wrong", where=f"{run_name(c)} ({c.key[:12]})", what=what))
    return out


def _pointers(
    pointers: Sequence[Contribution], own: Sequence[Cell], every: Sequence[Cell], checkout: Path | None
) -> list[Fault]:
    """Outside protocols: cells that a pointer names and that are there, its file, and protocols that nobody points to."""
    from offtarget.registry import default

    out = []
    for p in pointers:
        for key in p.cells:
            found = next((c for c in every if c.key.startswith(key)), None)
            if every and found is None:
                out.append(Fault(kind="wrong", where=f"contrib/{p.name}", what=f"its cell {key[:12]} is not there"))
            elif found is not None and found.spec.protocol != p.name:
                what = f"its cell {key[:12]} is of the protocol {found.spec.protocol}"
                out.append(Fault(kind="wrong", where=f"contrib/{p.name}", what=what))
        if checkout is not None and (said := file_problem(p, checkout)):
            out.append(Fault(kind="wrong", where=f"contrib/{p.name}", what=said))
    known = {e.name for e in default().entries("protocol")} | {START, PLAIN}
    pointed = {p.name for p in pointers}
    for name in sorted({c.spec.protocol for c in own} - known - pointed):
        what = f"no protocol of that name here, and no contrib/{name}.yaml that points to it"
        out.append(Fault(kind="wrong", where=name, what=what))
    return out
