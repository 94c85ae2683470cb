"""Which cells may be on one board, and why the others may not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from offtarget.board.cell import PLAIN, START, Cell
from offtarget.board.records import Apart
from offtarget.store import canonical_json, hash_of

_SAME_POLICY = {"mode", "save_every", "gradient_checkpointing"}
"""Training options that do not change the policy, or stand elsewhere in a cell (the mode)."""
_LATER_TRAINING = {"ld_alpha": None, "wpo": False, "processes": 1}
"""Options that cells of before 0.1.0 do not hold, and what was done then: such cells go on one board with newer ones."""
_LATER_EVALUATION = {"part": None, "selected_with": None, "grader": None}


@dataclass
class Group:
    """Cells of one board: one dataset, model, training, budget, mode, way of evaluation and target; task versions agree."""

    cells: list[Cell]
    """Trained policies."""
    start: list[Cell] = field(default_factory=list)
    task_versions: dict[str, str] = field(default_factory=dict)

    @property
    def has_plain(self) -> bool:
        """Whether plain DPO is among them."""
        return any(c.spec.protocol == PLAIN for c in self.cells)

    @property
    def key(self) -> str:
        """Hash of what makes these cells comparable: data, model, evaluation, training, budget, mode, targets, versions."""
        c = self.first
        setting = _setting(c) if self.cells else ""
        targets = sorted({t for one in (*self.cells, *self.start) for t in _targets(one)})
        return hash_of([_base(c), setting, targets, self.task_versions])

    @property
    def first(self) -> Cell:
        """Any cell: it speaks for what the group shares."""
        return (self.cells or self.start)[0]


def group_cells(cells: Iterable[Cell]) -> tuple[list[Group], list[Apart]]:
    """Sort cells into boards.

    What cannot be compared stands on another board. A group without plain DPO, beside another of the same dataset and
    model that has it, is listed apart: nothing in it can be compared. The order of `cells` does not matter.

    Returns:
        The groups in a fixed order, and the cells on no board with the reason.
    """
    cells = sorted(cells, key=lambda c: c.key)
    trained: dict[str, list[Cell]] = defaultdict(list)
    starts: dict[str, list[Cell]] = defaultdict(list)
    for c in cells:
        (starts[_base(c)] if c.spec.protocol == START else trained[_base(c) + _setting(c)]).append(c)
    apart: list[Apart] = []
    groups = []
    for key in sorted(trained):
        for same in _by_targets(trained[key]):
            for agreeing in _by_versions(same):
                group = Group(_latest(agreeing, apart))
                group.task_versions = _versions(group.cells)
                groups.append(group)
    groups.sort(key=lambda g: (not g.has_plain, -len(g.cells), g.first.key))
    groups, apart_groups = _comparable(groups)
    apart += apart_groups
    for base in sorted(starts):
        apart += _join_start(starts[base], base, groups)
    groups.sort(key=lambda g: (g.first.spec.dataset, g.first.spec.model, g.first.budget, g.first.key))
    return groups, sorted(apart, key=lambda a: (a.run, a.cell))


def run_name(cell: Cell) -> str:
    """A cell as a person would name it."""
    s = cell.spec
    return f"{s.dataset} / {s.model} / {s.protocol}, seed {s.seed}"


def _base(c: Cell) -> str:
    m = c.manifest
    return canonical_json([c.spec.dataset, m.rows_sha256, m.model_identity, m.template_hash, evaluation_of(c)])


def evaluation_of(c: Cell) -> dict[str, Any]:
    """How the policy was asked (tokens, temperature, samples): other options give other answers."""
    options = c.spec.data.get("evaluation")
    return {**_LATER_EVALUATION, **options} if isinstance(options, dict) else {}


def training_of(c: Cell) -> dict[str, Any]:
    """The training options that decide the policy."""
    own = c.spec.training
    return {k: v for k, v in {**_LATER_TRAINING, **own}.items() if k not in _SAME_POLICY} if own else {}


def _setting(c: Cell) -> str:
    return canonical_json([c.budget, c.mode, training_of(c)])


def _targets(c: Cell) -> frozenset[str]:
    return frozenset(s.behaviour for s in c.behaviours if s.role == "target")


def _asks_for(c: Cell, targets: frozenset[str]) -> bool:
    """Whether a cell takes none of its behaviours for something else than these targets do."""
    return all((s.role == "target") == (s.behaviour in targets) for s in c.behaviours)


def _by_targets(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Cells apart by what they take for the target; one that lacks a target goes where nothing contradicts."""
    found: dict[frozenset[str], list[Cell]] = {}
    for c in sorted(cells, key=lambda c: (-len(_targets(c)), sorted(_targets(c)), c.key)):
        home = next((t for t in found if _asks_for(c, t)), _targets(c))
        found.setdefault(home, []).append(c)
    return list(found.values())


def _put(apart: list[Apart], cell: Cell, reason: str) -> None:
    apart.append(Apart(cell=cell.key, run=run_name(cell), reason=reason))


def row_key(c: Cell) -> str:
    """What makes two cells seeds of the same row: protocol, parameters, and verdicts where they act."""
    acting = () if c.spec.protocol in {START, PLAIN} else c.spec.verdicts
    verdicts = sorted(canonical_json(v.model_dump(mode="json")) for v in acting)
    return canonical_json([c.spec.protocol, c.spec.parameters, verdicts, *(["elsewhere"] if c.elsewhere else [])])


def _latest(cells: Sequence[Cell], apart: list[Apart]) -> list[Cell]:
    """One cell for each run: the one with the most scores, then the youngest; the others go apart."""
    runs: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    for c in cells:
        runs[row_key(c), c.spec.seed].append(c)
    kept = []
    for same in runs.values():
        best = max(same, key=lambda c: (sum(s.value is not None for s in c.behaviours), c.created, c.key))
        kept.append(best)
        for c in same:
            if c is not best:
                code = c.manifest.code_version
                _put(apart, c, f"superseded by {best.key[:12]}: the same run, here with code {code}")
    return sorted(kept, key=lambda c: c.key)


def _versions(cells: Iterable[Cell]) -> dict[str, str]:
    return {s.behaviour: s.task_version for c in cells for s in c.behaviours}


def _conflict(cell: Cell, versions: Mapping[str, str]) -> str | None:
    for s in cell.behaviours:
        have = versions.get(s.behaviour, s.task_version)
        if have != s.task_version:
            return f"other task version: {s.behaviour} {s.task_version}, the board has {have}; run it again"
    return None


def _by_versions(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells apart by task versions: first those that agree with the newest that plain DPO has, else the newest."""
    found = []
    left = list(cells)
    while left:
        plain = [c for c in left if c.spec.protocol == PLAIN]
        versions: dict[str, str] = {}
        for group in (plain, left):
            newest: dict[str, str] = {}
            for c in group:
                for s in c.behaviours:
                    newest[s.behaviour] = max(newest.get(s.behaviour, ""), s.task_version, key=_order)
            versions = {**newest, **versions}
        agreeing = [c for c in left if _conflict(c, versions) is None]
        if not agreeing:  # no cell has the newest of all its behaviours: those of the first one
            versions = _versions(left[:1])
            agreeing = [c for c in left if _conflict(c, versions) is None]
        found.append(agreeing)
        taken = {c.key for c in agreeing}
        left = [c for c in left if c.key not in taken]
    return found


def _order(version: str) -> list[tuple[int, str]]:
    return [(int(p), "") if p.isdigit() else (-1, p) for p in version.split("-")]


def _comparable(groups: Sequence[Group]) -> tuple[list[Group], list[Apart]]:
    """Take out the groups without plain DPO that lie beside one with it; what was trained elsewhere has its own board."""
    kept: list[Group] = []
    apart: list[Apart] = []
    for g in groups:
        if not g.cells:
            continue
        beside = [k for k in kept if k.has_plain and _name(k) == _name(g)]
        if g.has_plain or not beside or g.first.elsewhere:
            kept.append(g)
        else:
            for c in g.cells:
                _put(apart, c, _difference(c, beside[0]))
    return kept, apart


def _name(g: Group) -> tuple[str, str]:
    return g.first.spec.dataset, g.first.spec.model


def _difference(cell: Cell, group: Group) -> str:
    board = group.first
    a, b = cell.manifest, board.manifest
    if a.rows_sha256 != b.rows_sha256:
        here, there = (f"{m.n_pairs} pairs, {m.rows_sha256[:8]}" for m in (a, b))
        return f"other rows ({here}; the board has {there})"
    if a.model_identity != b.model_identity:
        return f"other model weights ({a.model_identity[:12]}; the board has {b.model_identity[:12]})"
    if a.template_hash != b.template_hash:
        return "other chat template"
    if not _asks_for(cell, _targets(board)):
        here, there = (" and ".join(sorted(_targets(c))) or "none" for c in (cell, board))
        return f"other target ({here}; the board has {there}), and no plain DPO with it"
    if versions := _conflict(cell, group.task_versions):
        return versions
    if cell.budget != board.budget:
        return f"other budget ({cell.budget}; the board has {board.budget}), and no plain DPO at it"
    if cell.mode != board.mode:
        return f"trained in {cell.mode} mode (the board: {board.mode}), and no plain DPO in it"
    odd = _options(evaluation_of(cell), evaluation_of(board))
    if odd:
        return f"evaluated otherwise: {odd}"
    return f"trained otherwise, and no plain DPO so: {_options(training_of(cell), training_of(board))}"


def _options(x: Mapping[str, Any], y: Mapping[str, Any]) -> str:
    """The first options that differ, in words; empty if none does."""
    odd = [f"{k} {x.get(k)} (the board has {y.get(k)})" for k in sorted({*x, *y}) if x.get(k) != y.get(k)]
    return ", ".join(odd[:3])


def _join_start(starts: Sequence[Cell], base: str, groups: list[Group]) -> list[Apart]:
    """Put the start model on every board of its dataset and weights; alone it makes its own board.

    A board takes the cells that were made for its targets, where there are any: they hold its behaviours.
    """
    apart: list[Apart] = []
    homes = [g for g in groups if g.cells and _base(g.cells[0]) == base]
    if not homes:
        for agreeing in _by_versions(starts):
            alone = _latest(agreeing, apart)
            groups.append(Group([], alone, _versions(alone)))
        return apart
    left_out: dict[str, Apart] = {}
    for g in homes:
        targets = frozenset(t for c in g.cells for t in _targets(c))
        unused: list[Apart] = []
        agreeing = []
        for c in [c for c in starts if _asks_for(c, targets)] or starts:
            reason = _conflict(c, g.task_versions)
            if reason is None:
                agreeing.append(c)
            else:
                _put(unused, c, reason)
        g.start += _latest(agreeing, unused)
        left_out.update({a.cell: a for a in unused})
        g.task_versions = {**_versions(g.start), **g.task_versions}
    used = {c.key for g in homes for c in g.start}
    for c in starts:
        if c.key not in used and c.key not in left_out:
            _put(apart, c, "no trained policy with its target behaviours")
    return apart + [a for key, a in left_out.items() if key not in used]
