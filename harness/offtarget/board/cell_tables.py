"""The tables of a board of cells: the comparison, the scores, the cells on no board, and all measures in long form."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from offtarget.board import sentences as say
from offtarget.board.cost import seconds_in_words
from offtarget.board.estimate import Estimate, Scored
from offtarget.board.records import BehaviourRow, Board, Boards, Row
from offtarget.board.tables import Entry, Table, Value, ours, table
from offtarget.report.html import fixed, p_value, percent
from offtarget.store import hash_of

MOST_NAMED = 11
"""Rows of a board whose points are named in its plots; with more of them the points have numbers."""


def numbers_of(b: Board) -> dict[str, int]:
    """Row label -> its number in the table, where a plot has no room for the names; else nothing."""
    rows = say.compared(b)
    return {r.label: k for k, r in enumerate(rows, 1)} if len(rows) > MOST_NAMED else {}


def compared_table(b: Board) -> Table:
    """What each protocol with enough seeds gained and cost."""
    amplify, numbers = say.amplifies(b), numbers_of(b)
    drifted = Entry("drifted (q < 0.05)", ("drifted,", "q < 0.05"), ours=True)
    capability = Entry(f"capability vs start ({b.capability_unit})", ("capability vs start,", b.capability_unit))
    head: list[str | Entry] = [
        "protocol",
        *(["amplification"] if amplify else []),
        "recovery",
        "against its blind control",
    ]
    head += [Entry("drift", ("drift,", "sd of start")), drifted, capability, "front"]
    lines = []
    for r in say.compared(b):
        line: list[Value] = [_label(r, numbers)]
        if amplify:
            line.append(_several(say.amplified(r), "" if r.amplification.value is None else r.amplification.value))
        line += [_estimate(r.recovery), _several(say.against_control(r)), _estimate(r.drift)]
        line.append(Entry(say.drifted(r), key="" if r.drifted is None else len(r.drifted)))
        lines.append([*line, _estimate(r.capability_vs_start, 3, sign=True), _front(r)])
    tones = tuple(("ref" if r.kind != "protocol" else "") + (" front" if r.front else "") for r in say.compared(b))
    falling = frozenset({"amplification", "recovery", capability.text, "front"})
    return replace(table("", head, lines, words=["protocol"]), falling=falling, tones=tones)


def anchor(b: Board) -> str:
    """What a link to a board ends in."""
    return f"board-{b.key[:10]}"


def row_anchor(b: Board, r: Row) -> str:
    """What a link to a row ends in: of the protocol, its parameters and verdicts, whatever seeds there are."""
    asked = [b.key, r.protocol, r.parameters, [v.model_dump(mode="json") for v in r.verdicts]]
    return f"row-{hash_of(asked)[:10]}"


def scores_table(b: Board, pages: Mapping[str, str] | None = None) -> Table:
    """The scores of every policy, its cost, and its cells.

    Args:
        b: the board.
        pages: key of a cell -> address of its own page, for a page to link to.
    """
    names = [x for r in b.rows[:1] for x in r.behaviours]
    head: list[str | Entry] = ["protocol"]
    for x in names:
        better = f"{x.role}, {'↓' if x.direction == 'lower' else '↑'} better"
        head.append(Entry(f"{x.behaviour} ({x.role}, {_better(x)})", (x.behaviour, better, x.unit)))
    aside = ["pairs touched", "seeds", "status", "cells"]
    head += ["unscored", Entry("cost of a cell", ("cost", "of a cell")), *aside]
    rows: list[list[Value]] = []
    for r in b.rows:
        first = replace(_label(r, touched=True), links=_links(r, pages or {}))
        line: list[Value] = [first, *(_score(x, r) for x in r.behaviours)]
        line.append(Entry(say.unscored(r), key=r.unscored))
        line.append(_cost(r))
        line += ["–" if r.rows_touched is None else f"{r.rows_touched:.0%}", say.seeds(r), say.status(r)]
        rows.append([*line, ours(" ".join(f"`{k[:12]}`" for k in r.cells))])
    tones = tuple("ref" if r.kind != "protocol" else "" for r in b.rows)
    title = "Behaviours" if say.compared(b) else ""
    ids = tuple(row_anchor(b, r) for r in b.rows)
    return replace(table(title, head, rows, words=["protocol"]), tones=tones, aside=frozenset(aside), ids=ids)


def _cost(r: Row) -> Entry:
    """Mean time of a cell, on whatever machine, and what its training is worth in forward passes over the pairs."""
    time = seconds_in_words(r.seconds, len(r.cells))
    passes = f"{r.forward_equivalents:.1f} passes" if r.forward_equivalents else ""
    return Entry(f"{time}, {passes}" if passes else time, (time, *([passes] if passes else [])), key=r.seconds)


def _links(r: Row, pages: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """A link to the page of each cell."""
    return tuple((k[:6], pages[k]) for k in r.cells if k in pages)


def apart_table(boards: Boards) -> Table:
    """The cells that no board could take, and why."""
    rows: list[list[Value]] = [
        [Entry(f"`{a.cell[:12]}`", (a.cell[:12],), ours=True), a.run, a.reason] for a in boards.apart
    ]
    head = ["cell", "run", "reason"]
    return table("Cells on no board", head, rows, words=head)


LONG = (
    *("dataset", "model", "rows_sha256", "budget", "row", "protocol", "seeds", "status", "front", "measure"),
    *("behaviour", "value", "ci_low", "ci_high", "interval_of", "n", "q", "unit", "note", "cells"),
)

Measure = tuple[str, str, Estimate, float | None, str]


def long_table(boards: Boards) -> Table:
    """Every measure of every row of every board, one a line: for spreadsheets and programs."""
    rows: list[list[Value]] = []
    for b in boards.boards:
        for r in b.rows:
            start: list[Value] = [
                b.dataset,
                b.model,
                b.rows_sha256,
                b.budget,
                r.label,
                r.protocol,
                " ".join(map(str, r.seeds)),
            ]
            start += [say.status(r), "yes" if r.front else "no"]
            for measure, behaviour, e, q, unit in _measures(b, r):
                sampling = e.sampling_ci if isinstance(e, Scored) and e.ci is None else None
                low, high = e.ci or sampling or (None, None)
                of = "seeds" if e.ci else "sampling" if sampling else ""
                rows.append(
                    [*start, measure, behaviour, e.value, low, high, of, e.n, q, unit, e.note, " ".join(r.cells)]
                )
    return table("", LONG, rows, words=LONG)


def _measures(b: Board, r: Row) -> Iterable[Measure]:
    yield "recovery", "", r.recovery, None, "share"
    yield "control_recovery", "", r.control_recovery, None, "share"
    yield "amplification", "", r.amplification, None, "sd of dpo"
    yield "drift", "", r.drift, None, "sd of start"
    n = None if r.drifted is None else float(len(r.drifted))
    yield "drifted", "", Estimate(value=n, n=r.drift_tested), None, "behaviours"
    yield "capability_vs_start", "", r.capability_vs_start, None, b.capability_unit
    yield "capability_vs_dpo", "", r.capability_vs_dpo, None, b.capability_unit
    yield "front_share", "", Estimate(value=r.front_share), None, "share of draws"
    yield "seconds", "", Estimate(value=r.seconds / len(r.cells), n=len(r.cells)), None, "seconds a cell"
    yield "forward_equivalents", "", Estimate(value=r.forward_equivalents), None, "passes over the pairs"
    yield "unscored", r.unscored_on, Estimate(value=r.unscored), None, "share"
    for x in r.behaviours:
        yield "score", x.behaviour, x.score, None, x.unit
        yield "unscored", x.behaviour, Estimate(value=x.score.unscored), None, "share"
        yield "vs_start", x.behaviour, x.vs_start, x.q_start, x.unit
        yield "vs_dpo", x.behaviour, x.vs_dpo, x.q_dpo, x.unit
        yield "shift", x.behaviour, x.shift, x.q_start, "sd of start"
        yield "shift_on_board", x.behaviour, x.shift, x.q_board, "sd of start"
        if x.null is not None:
            yield "null_size", x.behaviour, Estimate(value=x.null.size, n=len(x.null.shifts)), None, x.unit
        if x.role == "target":
            yield "recovery", x.behaviour, x.recovery, None, "share"
            yield "vs_control", x.behaviour, x.vs_control, x.q_control, x.unit
            yield "amplification", x.behaviour, x.amplification, x.q_dpo, "sd of dpo"


def _label(r: Row, numbers: Mapping[str, int] | None = None, *, touched: bool = False) -> Entry:
    seeds = "before training" if r.kind == "start" else f"seeds: {say.seeds(r)}"
    if touched and r.kind != "start" and r.rows_touched is not None:
        seeds += f" · {percent(r.rows_touched, 0)} of pairs touched"
    lead = str(numbers[r.label]) if numbers and r.kind == "protocol" else ""
    again = f"made again: {r.made_again}" if r.made_again and touched else ""
    tag = "; ".join(filter(None, (r.provisional if touched else "", "unverified" if r.unverified else "", again)))
    return Entry(r.label, (r.label, seeds), lead=lead, tag=tag, tone="warn")


def _several(lines: list[str], key: float | str | None = None) -> Entry:
    return Entry("; ".join(lines) or "", tuple(lines) or ("–",), key=key)


def _estimate(e: Estimate, places: int = 2, *, sign: bool = False) -> Entry:
    text = say.with_ci(e, places, sign=sign)
    if e.value is None:
        return Entry(text, key="", tone="muted")
    below = _interval(e.ci, places, sign=sign) if e.ci else e.note
    return Entry(text, (fixed(e.value, places, sign=sign), *([below] if below else [])), key=e.value)


def _interval(ci: tuple[float, float], places: int = 3, *, sign: bool = False) -> str:
    return f"{fixed(ci[0], places, sign=sign)} … {fixed(ci[1], places, sign=sign)}"


def _front(r: Row) -> Entry:
    text = say.front(r)
    if r.kind != "protocol":
        return Entry(text, ("",), key="", tag="reference")
    if r.front_share is None:
        return Entry(text, ("–",), key="")
    tag = "front" if r.front else ""
    return Entry(text, (fixed(r.front_share),), key=r.front_share, tag=tag, tone="mark" if tag else "")


def _score(x: BehaviourRow, r: Row) -> Entry:
    """The score in words; on a page with its interval, n, bounds, and what the row changed."""
    s = x.score
    text = say.with_ci(s, 3)
    if s.value is None:
        return Entry(text, key="", tone="muted")
    lines = [fixed(s.value, 3)]
    if s.ci or s.sampling_ci:
        lines.append(_interval(s.ci) if s.ci else f"sampling {_interval(s.sampling_ci or (0.0, 0.0))}")
    lines.append(f"n {s.n}" + (f", {s.note}" if s.note else ""))
    if s.bounds:
        lines.append(f"with unscored {_interval(s.bounds)}")
    if x.q_start is not None:
        lines.append(f"vs start {fixed(x.vs_start.value, 3, sign=True)}, q {p_value(x.q_start)}")
    if x.q_dpo is not None and r.kind == "protocol":
        lines.append(f"vs dpo {fixed(x.vs_dpo.value, 3, sign=True)}, q {p_value(x.q_dpo)}")
    return Entry(f"{text}, n {s.n}", tuple(lines), key=s.value)


def _better(x: BehaviourRow) -> str:
    return "lower is better" if x.direction == "lower" else "higher is better"
