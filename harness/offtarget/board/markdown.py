"""Boards as markdown."""

from offtarget.board import sentences as say
from offtarget.board.cell_tables import apart_table, compared_table, scores_table
from offtarget.board.matrix import matrix_table
from offtarget.board.nulls import null_table
from offtarget.board.records import Board, Boards
from offtarget.board.tables import as_markdown, escape_cell


def markdown(boards: Boards, command: str) -> str:
    """All boards, and the command that makes them again."""
    out = ["# Boards", "", f"Made by `{command}` from the cells of the results folder; never edited.", ""]
    for b in boards.boards:
        out += _board(b)
    if not boards.boards:
        out += ["No board: no cell could be read.", ""]
    if boards.apart:
        out += as_markdown(apart_table(boards))
    if boards.problems:
        out += ["## Files that could not be read", "", *(f"- {escape_cell(p)}" for p in boards.problems), ""]
    out += ["## How to read it", "", *(f"- {line}" for line in say.METHOD), ""]
    return "\n".join(out)


def _board(b: Board) -> list[str]:
    out = [f"## {escape_cell(say.title(b))}", ""]
    out += [f"**{escape_cell(b.lead, 1200)}**", ""]
    mode = f", {b.mode} mode" if b.mode else ""
    out += [f"{b.n_pairs:,} pairs (rows `{b.rows_sha256[:12]}`), budget {escape_cell(b.budget)}{mode}.", ""]
    out += [f"- {escape_cell(line, 1200)}" for line in say.facts(b)]
    out += [f"- {line}" for line in b.limits] + [""]
    if say.compared(b):
        out += as_markdown(compared_table(b))
    out += as_markdown(scores_table(b), level=3)
    for further in (matrix_table(b), null_table(b)):
        if further:
            out += as_markdown(further, level=3)
    return out
