"""The board of the audit benchmark: records, and the board as text. Nothing is computed here."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from offtarget.board.estimate import Estimate
from offtarget.board.tables import Table, as_html, as_markdown, escape_cell, table
from offtarget.records import Record
from offtarget.report.html import environment, fixed, percent, render_page
from offtarget.report.plots.curves import Curve, CurvePanel, curves
from offtarget.store import write_atomic

SCHEMA_VERSION: Literal[1] = 1


class MethodRow(Record):
    """One audit method, and what it costs."""

    method: str
    summary: str
    source: str
    lenses: tuple[str, ...]
    seconds: float | None
    """Processor seconds per 1,000 pairs of the method itself, median over all draws."""
    reading: float | None
    """Processor seconds per 1,000 pairs that the surface lens takes to read them, for methods that ask for it."""


class AimRow(Record):
    """The figures that the benchmark is held to, for one method."""

    method: str
    recall: Estimate
    """Recall at K from 5 points over at most 5 %, at 2,000 pairs."""
    recall_ruled: Estimate
    """The same of the concepts that a surface rule was written for."""
    recall_strict: Estimate
    """And if a claim must correlate with the concept at 0.3 to cover it."""
    fdp: Estimate
    """The largest mean false discovery proportion of all sets."""
    any_finding: Estimate
    """The largest share of shuffles with a finding."""


class PowerRow(Record):
    """One method at one point of the grid."""

    method: str
    pairs: int
    rejected: float
    """Per cent."""
    difference: float
    """Points."""
    draws: int
    recall: Estimate
    recall_ruled: Estimate
    detected: Estimate
    """Share of planted concepts that are covered by a finding (q < 0.05)."""
    detected_ruled: Estimate
    auroc: Estimate


class ConceptRow(Record):
    """How often one planted concept was found by one method, over the grid points that aims are about."""

    method: str
    concept: str
    ruled: bool
    recall: Estimate
    detected: Estimate


class DiscoveryRow(Record):
    """One method on many plantings at the same rates."""

    method: str
    planting: str
    pairs: int
    draws: int
    fdp: Estimate
    """Mean over draws; its interval is two standard errors each way."""
    fdp_with_grey: Estimate | None = None
    """The same if all grey ones are false: what it is at most; None on boards made before it was counted."""
    true: float
    """Discoveries (q < 0.1) a draw that cover a planted concept."""
    false: float
    """That are null, or name the side against which insertion moved them."""
    grey: float
    """Neither: insertion moved them to the side they name, but they correlate with no planted concept enough to cover
    it."""
    null_claims: int
    """Claims, over all draws, that are null: what could be falsely discovered."""
    grey_most: tuple[str, ...]
    """The grey ones that are discovered most often, with the movement in standard deviations."""
    false_most: tuple[str, ...]
    recall: Estimate
    recall_ruled: Estimate
    auroc: Estimate


class TopicRow(Record):
    """One topic-only concept, or one of the whole set beside them."""

    method: str
    concept: str
    draws: int
    recall: Estimate
    detected: Estimate


class ShuffleRow(Record):
    """One method where labels are given by a coin for each prompt."""

    method: str
    pairs: int
    shuffles: int
    any_finding: Estimate
    mean_findings: float | None


class AuditBoard(Record):
    """The audit board."""

    schema_version: Literal[1] = SCHEMA_VERSION
    rules: Literal[1, 2] = 1
    """By which rules claims were counted: 1, near-duplicates from r 0.5 on whatever side they name, each id its own
    discovery; 2, as `METHOD` says."""
    title: str
    command: str
    code: str
    planting: str
    """Hash of the responses, phrasings and scripts that the sets were made from."""
    packages: dict[str, str]
    recipe: dict[str, Any]
    methods: tuple[MethodRow, ...]
    aims: tuple[AimRow, ...]
    power: tuple[PowerRow, ...]
    concepts: tuple[ConceptRow, ...]
    discoveries: tuple[DiscoveryRow, ...]
    topics: tuple[TopicRow, ...]
    shuffles: tuple[ShuffleRow, ...]


METHOD = (
    "Sets: concepts inserted in sampled responses by `datasets_registry/planted/plant.py`, at exact counts. Half of a "
    "concept's phrasings were written to escape every surface rule; goblins has no rule at all. Sets of more than 2,092 pairs hold "
    "several plantings of the same responses, so rows of one prompt share a group.",
    "A claim covers a planted concept if its u correlates with the concept's presence over rows (balanced "
    "correlation of at least 0.2, which a perfect rule for a thirteenth of its phrasings has: rows that differ in the "
    "concept weigh as much as all others; and three standard errors from zero), with no other concept more, and names "
    "the right side. A claim in a context covers a concept of a topic if half of the topic's rows lie inside, three "
    "times as frequent there as in the whole set.",
    "Recall at K: planted concepts covered within the first K places by |score|, K being how many were planted. "
    "Further claims on a concept already covered take no place; of claims that cover nothing each takes one, unless it says the "
    "same (r of u, turned to the side that is named, at least 0.9) as one before. A claim and its opposite are both void.",
    "Detected: planted concepts covered by a claim with q < 0.05. A method that names no findings has none. A method that finds "
    "something in more than 10 % of label shuffles has neither recall nor detection. A method is refused if its u differs "
    "between rows of equal text.",
    "AUROC: a claim about a planted concept, whatever side it names, against every other claim, by |score|.",
    "Null, computed from the inserter: over all plantings, the mean of (u with insertion - u of the same rows without "
    "it) is, two standard errors included, within 0.01 standard deviations of u, or exactly zero. Filling sentences, "
    "which level the length, are insertion too. FDP is the share of false ones (null, or on the side against which "
    "insertion moved them) among discoveries (q < 0.1) that are not grey; 0 where there is none. What insertion moved unequally "
    "without covering a planted concept is grey and counted apart: it is no noise, and nothing that was asked for; the column "
    "with the grey counts it as false, so that the proportion is between the two. Discoveries that say the same count once. A "
    "claim that fewer than half of the plantings have by its id is judged by its own movement (null up to 0.05).",
    "Seconds are processor seconds, median over all sets, without the reading of the responses by a lens.",
    "Shuffles: the order in which the responses were sampled takes the place of the label, turned by a coin for "
    "each prompt; a finding is q < 0.05.",
    "Brackets are 95 % intervals: Wilson over planted concepts or shuffles, two standard errors over draws for FDP "
    "and AUROC.",
)

BEFORE = (
    "This board was made before the rules of places, voids and merged discoveries below were in force: near-duplicates took no place "
    "from r 0.5 on whatever side they named, a claim and its opposite both counted, each id was its own discovery, and u was "
    "not tried for noise. Make it again with its command."
)


def method_of(board: AuditBoard) -> tuple[str, ...]:
    """How a board is to be read."""
    return METHOD if board.rules == 2 else (BEFORE, *METHOD)


AIMS = (
    "Asked for: recall at K at least 0.95 from 5 points over a rejected rate of at most 5 %, at 2,000 pairs; mean FDP at "
    "q < 0.1 at most 0.1 plus two standard errors over at least 100 plantings; the share of at least 500 shuffles with "
    "any finding at most 0.05 (the nominal share). Reported as found."
)


def write_audit_board(board: AuditBoard, out: Path) -> list[Path]:
    """Write `board.md`, `board.json` and `board.html` into a folder."""
    texts = {"md": audit_markdown(board), "json": board.model_dump_json(indent=1) + "\n", "html": audit_html(board)}
    return [write_atomic(out / f"board.{form}", text) for form, text in texts.items()]


def with_interval(e: Estimate, places: int = 2) -> str:
    """`0.75 [0.61, 0.88]`, or why there is no number."""
    if e.value is None:
        return e.note or "–"
    inside = f" [{fixed(e.ci[0], places)}, {fixed(e.ci[1], places)}]" if e.ci else ""
    return fixed(e.value, places) + inside


def _or_dash(e: Estimate | None) -> str:
    return "–" if e is None else with_interval(e, 3)


def tables(board: AuditBoard) -> list[Table]:
    """What every form of the board shows."""
    out: list[Table] = []

    def add(title: str, about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        out.append(table(title, head, rows, about=about, words=_WORDS))

    aims = [
        [
            a.method,
            *(with_interval(e) for e in (a.recall, a.recall_ruled, a.recall_strict)),
            with_interval(a.fdp, 3),
            with_interval(a.any_finding, 3),
        ]
        for a in board.aims
    ]
    head = [
        "method",
        "recall at K",
        "of those with a rule",
        "cover at 0.3",
        "mean FDP (worst set)",
        "shuffles with a finding (worst)",
    ]
    add("What was asked", AIMS, head, aims)
    cost = [
        [m.method, m.summary, ", ".join(m.lenses) or "none", fixed(m.seconds, 3), fixed(m.reading, 3)]
        for m in board.methods
    ]
    head = ["method", "what it does", "lenses", "seconds per 1,000 pairs", "reading them by surface rules"]
    add("Methods", "", head, cost)
    for n in sorted({p.pairs for p in board.power}):
        mine = [p for p in board.power if p.pairs == n]
        lines = []
        for p in mine:
            line = [p.method, f"{p.rejected:g} %", f"{p.difference:g}"]
            line += [with_interval(e) for e in (p.recall, p.recall_ruled, p.detected, p.detected_ruled, p.auroc)]
            lines.append(line)
        head = ["method", "rejected rate", "difference, points", "recall at K", "of those with a rule", "detected"]
        head += ["of those with a rule", "AUROC"]
        add(f"Power at {n:,} pairs", f"{mine[0].draws} sets at each point.", head, lines)
    if board.concepts:
        lines = [
            [
                c.concept + ("" if c.ruled else " (no rule)"),
                c.method,
                with_interval(c.recall),
                with_interval(c.detected),
            ]
            for c in board.concepts
        ]
        about = "Over the points of the grid that the first figure is about."
        add("Concept by concept", about, ["concept", "method", "recall at K", "detected"], lines)
    if board.discoveries:
        lines = [
            [d.planting, d.method, f"{d.draws}", with_interval(d.fdp, 3), _or_dash(d.fdp_with_grey),
             fixed(d.true, 1), fixed(d.false, 2), fixed(d.grey, 1),
             f"{d.null_claims:,}", with_interval(d.recall), with_interval(d.recall_ruled), with_interval(d.auroc)]
            for d in board.discoveries
        ]  # fmt: skip
        head = [
            "set",
            "method",
            "plantings",
            "mean FDP",
            "with the grey",
            "true a draw",
            "false a draw",
            "grey a draw",
            "null claims",
        ]
        add("False discoveries", "", [*head, "recall at K", "of those with a rule", "AUROC"], lines)
        lines = [
            [d.planting, d.method, "; ".join(d.false_most) or "–", "; ".join(d.grey_most) or "–"]
            for d in board.discoveries
        ]
        about = "By id and share of plantings; in brackets the movement by insertion, in standard deviations of u."
        add("Discovered most often, of the false and the grey", about, ["set", "method", "false", "grey"], lines)
    if board.topics:
        lines = [
            [t.concept, t.method, f"{t.draws}", with_interval(t.recall), with_interval(t.detected)]
            for t in board.topics
        ]
        add("Topic-only concepts", "", ["concept", "method", "plantings", "recall at K", "detected"], lines)
    if board.shuffles:
        lines = [
            [s.method, f"{s.pairs:,}", f"{s.shuffles}", with_interval(s.any_finding, 3), fixed(s.mean_findings, 2)]
            for s in board.shuffles
        ]
        head = ["method", "pairs", "shuffles", "share with any finding", "findings a shuffle"]
        add("Label shuffles", "", head, lines)
    return out


def audit_markdown(board: AuditBoard) -> str:
    """The board as markdown."""
    out = [f"# {escape_cell(board.title)}", "", f"Made by `{board.command}`; never edited.", ""]
    for one in tables(board):
        out += as_markdown(one)
    out += ["## How to read it", "", *(f"- {line}" for line in method_of(board)), ""]
    made = ", ".join(f"{k} {v}" for k, v in board.packages.items())
    out += [f"Code `{board.code}`, planted content `{board.planting[:12]}`, {made}.", ""]
    return "\n".join(out)


_WORDS = {"method", "what it does", "lenses", "concept", "set", "false", "grey"}
"""Heads of columns that hold words."""


def audit_html(board: AuditBoard) -> str:
    """The board as one self-contained page, with power curves."""
    env = environment(Path(__file__).parent)
    return render_page(
        env,
        "benchmark.html.j2",
        board=board,
        tables=[(one.title, one.about, as_html(one)) for one in tables(board)],
        pictures=list(_pictures(board)),
        method=method_of(board),
    )


def _pictures(board: AuditBoard) -> Iterable[tuple[str, Any]]:
    """Recall at K and detection against the difference: a picture for each number of pairs."""
    for n in sorted({p.pairs for p in board.power}):
        mine = [p for p in board.power if p.pairs == n]
        rates = sorted({p.rejected for p in mine})
        panels = []
        for what, label in (("recall", "recall at K"), ("detected", "detected at q < 0.05")):
            for rejected in rates:
                lines = []
                for method in dict.fromkeys(p.method for p in mine):
                    points = [p for p in mine if p.method == method and p.rejected == rejected]
                    values = [(p.difference, getattr(p, what)) for p in points]
                    shown = [(x, e.value, e.ci) for x, e in values if e.value is not None]
                    if shown:
                        lines.append(Curve(method, *map(tuple, zip(*shown, strict=True))))
                title = f"{percent(rejected / 100, 0)} in rejected"
                panels.append(CurvePanel(lines, "difference, points", label, title))
        plot = curves(panels, per_row=len(rates), name=f"power-{n}", alt=f"Power curves at {n} pairs")
        yield f"{n:,} pairs", plot
