"""The board of the audit benchmark as text. Nothing is computed here."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from offtarget.benchmark import sentences as say
from offtarget.benchmark.records import AuditBoard
from offtarget.board.estimate import Estimate
from offtarget.board.tables import Table, as_html, as_markdown, escape_cell, table
from offtarget.report.html import environment, fixed, percent, render_page
from offtarget.report.plots.curves import Curve, CurvePanel, curves
from offtarget.store import write_atomic


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


NOT_RUN = ("not run", "–")
"""Cells of a section that was not run, or not yet counted when the board was made."""


def tables(board: AuditBoard) -> list[Table]:
    """What every form of the board shows."""
    out: list[Table] = []

    def add(title: str, about: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if rows:
            out.append(table(title, head, rows, about=about, words=_WORDS))

    aims = [
        [
            a.method,
            *(_asked(e) for e in (a.recall, a.recall_ruled, a.recall_strict)),
            _asked(a.fdp, 3),
            _asked(a.any_finding, 3),
        ]
        for a in board.aims
    ]
    head = ["method", "in its top K", "with a rule", "strictly", "false discoveries", "shuffled labels with a finding"]
    head, aims, lacks = _measured(head, aims)
    why = _why_none((a.method, e) for a in board.aims for e in (a.recall, a.fdp, a.any_finding))
    add("What was asked", f"{say.AIMS}{lacks}{why}", head, aims)
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
            line = [p.method, f"{p.difference + p.rejected:g} % / {p.rejected:g} %"]
            line += [_figure(e) for e in (p.recall, p.recall_ruled, p.detected, p.detected_ruled, p.auroc)]
            lines.append(line)
        head = ["method", "in chosen / rejected", "in its top K", "top K, with a rule"]
        head += ["found at q < 0.05", "found, with a rule", "AUROC"]
        why = _why_none((p.method, e) for p in mine for e in (p.recall, p.detected))
        about = f"{mine[0].draws} sets at each point: a concept is in so many of chosen and of rejected answers.{why}"
        add(f"Power at {n:,} pairs", about, head, lines)
    if board.concepts:
        lines = [
            [c.concept + ("" if c.ruled else " (no rule)"), c.method, _figure(c.recall), _figure(c.detected)]
            for c in sorted(board.concepts, key=lambda c: c.concept)
        ]
        about = "From 5 points over a rejected rate of at most 5 %, at 2,000 pairs."
        about += _why_none((c.method, e) for c in board.concepts for e in (c.recall, c.detected))
        add("Concept by concept", about, ["concept", "method", "in its top K", "found at q < 0.05"], lines)
    if board.discoveries:
        lines = [
            [d.planting, d.method, f"{d.draws}", with_interval(d.fdp, 3), _or_dash(d.fdp_with_grey),
             fixed(d.true, 1), fixed(d.false, 2), fixed(d.grey, 1),
             f"{d.null_claims:,}", _figure(d.recall), _figure(d.recall_ruled), _figure(d.auroc)]
            for d in board.discoveries
        ]  # fmt: skip
        head = [
            "set",
            "method",
            "plantings",
            "FDP",
            "FDP, grey as false",
            "true ones",
            "false ones",
            "grey ones",
            "null claims",
        ]
        head, lines, lacks = _measured([*head, "in its top K", "top K, with a rule", "AUROC"], lines)
        add("False discoveries", f"{say.DISCOVERIES}{lacks}", head, lines)
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
        head = ["concept", "method", "plantings", "in its top K", "found at q < 0.05"]
        add("Topic-only concepts", "", head, lines)
    if board.shuffles:
        lines = [
            [s.method, f"{s.pairs:,}", f"{s.shuffles}", with_interval(s.any_finding, 3), fixed(s.mean_findings, 2)]
            for s in board.shuffles
        ]
        head = ["method", "pairs", "shuffles", "share with any finding", "findings a shuffle"]
        add("Label shuffles", "", head, lines)
    return out


def _measured(head: Sequence[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]], str]:
    """The columns and rows with something measured, and a sentence on the others."""
    keep = [k for k in range(len(head)) if any(row[k] not in NOT_RUN for row in rows)]
    left = [[row[k] for k in keep] for row in rows]
    full = [row for row in left if any(cell not in NOT_RUN for cell in row[1:])]
    columns = [f'"{name}"' for k, name in enumerate(head) if k not in keep]
    methods = [f"`{row[0]}`" for row in left if row not in full]
    said = [
        f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for what, names in (("column", columns), ("method", methods))
        if names
    ]
    lacks = f" Not run here: {'; '.join(said)}." if said and rows else ""
    return [head[k] for k in keep], full, lacks


def _figure(e: Estimate, places: int = 2) -> str:
    """A number, or a dash whose reason stands above the table."""
    return "–" if e.value is None else with_interval(e, places)


def _asked(e: Estimate, places: int = 2) -> str:
    return e.note if e.note in NOT_RUN else _figure(e, places)


def _why_none(cells: Iterable[tuple[str, Estimate]]) -> str:
    """Why methods have no figure, such as that they only rank."""
    found = [(method, e.note) for method, e in cells if e.value is None and e.note and e.note not in NOT_RUN]
    why = dict.fromkeys(f"`{method}` {note}" for method, note in found)
    return f" No figure (–): {', '.join(why)}." if why else ""


def audit_markdown(board: AuditBoard) -> str:
    """The board as markdown."""
    out = [
        f"# {escape_cell(board.title)}",
        "",
        f"**{say.lead(board)}**",
        "",
        f"Made by `{board.command}`; never edited.",
        "",
    ]
    for one in tables(board):
        out += as_markdown(one)
    out += ["## How to read it", "", *(f"- {line}" for line in say.method_of(board)), ""]
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
        method=say.method_of(board),
        lead=say.lead(board),
    )


def _pictures(board: AuditBoard) -> Iterable[tuple[str, Any]]:
    """What is in the top K, and what is found, against the difference: a picture for each number of pairs."""
    for n in sorted({p.pairs for p in board.power}):
        mine = [p for p in board.power if p.pairs == n]
        rates = sorted({p.rejected for p in mine})
        panels = []
        for what, label in (("recall", "in its top K"), ("detected", "found at q < 0.05")):
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
