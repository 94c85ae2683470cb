"""Boards as one HTML page, with a picture for each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from offtarget.board import sentences as say
from offtarget.board.cell_tables import anchor, apart_table, compared_table, numbers_of, scores_table
from offtarget.board.matrix import ABOUT, matrix_table
from offtarget.board.nulls import null_table
from offtarget.board.records import Board, Boards, Row
from offtarget.board.tables import as_html
from offtarget.report.html import environment, render_page
from offtarget.report.plots.effects import Interval, forest
from offtarget.report.plots.naming import Point
from offtarget.report.plots.scatters import Panel, scatter


def page(boards: Boards, command: str, pages: Mapping[str, str] | None = None) -> str:
    """All boards, and the command that makes them again.

    Args:
        boards: from `rank`.
        command: the command that makes this page again.
        pages: key of a cell -> address of its own page.
    """
    env = environment(Path(__file__).parent / "templates")
    pictures = [_picture(b, f"board-{i}") for i, b in enumerate(boards.boards)]
    return render_page(
        env, "board.html.j2", boards=boards, pictures=pictures,
        numbers=[numbers_of(b) for b in boards.boards], compared=[as_html(compared_table(b)) for b in boards.boards],
        scores=[as_html(scores_table(b, pages)) for b in boards.boards],
        matrices=[as_html(m) if (m := matrix_table(b)) else "" for b in boards.boards], matrix_about=ABOUT,
        anchors=[anchor(b) for b in boards.boards], pages=pages or {}, apart=as_html(apart_table(boards)),
        nulls=[null_table(b) for b in boards.boards], as_html=as_html,
        say=say, command=command,
    )  # fmt: skip


def _picture(b: Board, name: str) -> Markup:
    return _plot(b, name) if say.compared(b) else _scores(b, name)


def _scores(b: Board, name: str) -> Markup:
    """Where nothing is claimed: the targets' scores of the policies that were trained."""
    drawn = []
    for target in b.signal:
        found = [(r, x) for r in b.rows for x in r.behaviours if x.behaviour == target and x.score.value is not None]
        lines = [
            Interval(
                _short_label(r.label), x.score.value or 0.0, x.score.ci or x.score.sampling_ci,
                tone="muted" if r.kind != "protocol" else "up", faint=bool(r.provisional),
            )
            for r, x in found
        ]  # fmt: skip
        if len(lines) > 1:
            unit = found[0][1].unit
            label = f"{target}, {unit}  (better: {'left' if found[0][1].direction == 'lower' else 'right'})"
            alt = f"Scores on {target} of each policy, {b.dataset}, {b.model}"
            drawn.append(forest(lines, name=f"{name}-{target}", x_label=label, alt=alt))
    return Markup("").join(drawn)


def _short_label(label: str) -> str:
    """`reward_shaping (readout probe, strength −2)` as `reward_shaping −2, readout probe`: a plot has little room."""
    if not (found := re.fullmatch(r"(.*?) \((.*)\)", label)):
        return label
    parts = sorted(found[2].split(", "), key=lambda part: not part.startswith("strength "))
    return f"{found[1]} {', '.join(parts)}".replace(" strength ", " ", 1)


def _plot(b: Board, name: str) -> Markup:
    """What was gained against drift and against capability: recovery, and amplification where that was asked for."""
    drawn, numbers = [], numbers_of(b)
    for amplify, gain, unit in ((False, "recovery", ""), (True, "amplification", ", sd of dpo")):
        asked = {r.intent == "amplify" for r in say.compared(b) if r.kind == "protocol"} or {False}
        if amplify not in asked:
            continue
        rows = [r for r in say.compared(b) if r.kind != "protocol" or (r.intent == "amplify") == amplify]
        panels = [
            Panel(
                _points(rows, numbers, gain, "drift"),
                f"{gain}{unit}  (better: right)",
                "drift, sd of start  (better: down)",
            ),
            Panel(
                _points(rows, numbers, gain, "capability_vs_start"),
                f"{gain}{unit}  (better: right)",
                f"capability change, {b.capability_unit}  (better: up)",
            ),
        ]
        alt = f"{gain.capitalize()} against drift and against capability change, {b.dataset}, {b.model}"
        drawn.append(scatter(panels, name=f"{name}-{gain}", alt=alt))
    return Markup("").join(drawn)


def _points(rows: Sequence[Row], numbers: Mapping[str, int], gain: str, cost: str) -> list[Point]:
    """One point a row; references are where they are by definition."""
    found = []
    for r in rows:
        x, y = getattr(r, gain), getattr(r, cost)
        here, there = x.value, y.value
        if r.kind == "plain":
            here = 0.0
        elif r.kind == "start":
            here, there = 1.0 if gain == "recovery" else None, 0.0
        if here is None or there is None:
            continue
        name = str(numbers[r.label]) if numbers else _short_label(r.label)
        label = {"start": "start", "plain": "plain DPO"}.get(r.kind, name)
        point = Point(label, here, there, x.ci, y.ci, filled=not r.provisional)
        found.append(replace(point, tone="muted" if r.kind != "protocol" else "mark" if r.front else "up"))
    return found if any(p.tone != "muted" for p in found) else []
