"""Boards as markdown."""

from offtarget.board import sentences as say
from offtarget.board.records import BehaviourRow, Board, Boards, Row
from offtarget.board.text import escape_cell, markdown_table


def markdown(boards: Boards, command: str) -> str:
    """All boards, and the command that makes them again."""
    out = ["# Boards", "", f"Made by `{command}` from the cells of the results folder; never edited.", ""]
    for b in boards.boards:
        out += _board(b)
    if not boards.boards:
        out += ["No board: no cell could be read.", ""]
    if boards.apart:
        out += ["## Cells on no board", ""]
        rows = [[f"`{a.cell[:12]}`", escape_cell(a.run), escape_cell(a.reason)] for a in boards.apart]
        out += [*markdown_table(["cell", "run", "reason"], rows, left=3), ""]
    if boards.problems:
        out += ["## Files that could not be read", "", *(f"- {escape_cell(p)}" for p in boards.problems), ""]
    out += ["## How to read it", "", *(f"- {line}" for line in say.METHOD), ""]
    return "\n".join(out)


def _board(b: Board) -> list[str]:
    out = [f"## {escape_cell(say.title(b))}", ""]
    out += [f"{b.n_pairs:,} pairs (rows `{b.rows_sha256[:12]}`), budget {escape_cell(b.budget)}.", ""]
    out += [f"- {escape_cell(line, 1200)}" for line in say.facts(b)]
    out += [f"- {line}" for line in b.limits] + [""]
    if say.compared(b):
        out += [*_compared(b), "", "### Behaviours", ""]
    return [*out, *_scores(b), ""]


def _compared(b: Board) -> list[str]:
    amplify = say.amplifies(b)
    head = ["protocol", *(["amplification"] if amplify else []), "recovery", "against its blind control"]
    head += ["drift", "drifted (q < 0.05)", f"capability vs start ({escape_cell(b.capability_unit)})", "front"]
    lines = []
    for r in say.compared(b):
        line = [escape_cell(r.label)]
        line += [escape_cell("; ".join(say.amplified(r)), 400)] if amplify else []
        line += [escape_cell(say.with_ci(r.recovery)), escape_cell("; ".join(say.against_control(r)), 400)]
        line += [escape_cell(say.with_ci(r.drift)), escape_cell(say.drifted(r))]
        line += [escape_cell(say.with_ci(r.capability_vs_start, 3, sign=True)), say.front(r)]
        lines.append(line)
    return markdown_table(head, lines)


def _scores(b: Board) -> list[str]:
    names = [x for r in b.rows[:1] for x in r.behaviours]
    head = ["protocol", *(f"{escape_cell(x.behaviour)} ({x.role}, {_better(x)})" for x in names)]
    head += ["unscored", "pairs touched", "seeds", "status", "cells"]
    rows = []
    for r in b.rows:
        line = [escape_cell(r.label), *(escape_cell(_score(x)) for x in r.behaviours)]
        line += [escape_cell(say.unscored(r)), _touched(r), say.seeds(r), say.status(r)]
        rows.append([*line, " ".join(f"`{k[:12]}`" for k in r.cells)])
    return markdown_table(head, rows)


def _score(x: BehaviourRow) -> str:
    n = f", n {x.score.n}" if x.score.value is not None else ""
    return say.with_ci(x.score, 3) + n


def _touched(r: Row) -> str:
    return "–" if r.rows_touched is None else f"{r.rows_touched:.0%}"


def _better(x: BehaviourRow) -> str:
    return "lower is better" if x.direction == "lower" else "higher is better"
