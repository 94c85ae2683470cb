"""Markdown tables whose cells hold text of others."""

from collections.abc import Iterable, Sequence

from offtarget.report.html import visible


def escape_cell(text: str, limit: int = 120) -> str:
    """One cell of a markdown table: signs that would end it or be read as markup are escaped."""
    flat = visible(" ".join(text.split()), limit)
    for sign in "\\|<>`*_[]":
        flat = flat.replace(sign, "\\" + sign)
    return flat


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """The lines of a table; the first `left` columns hold words, the others numbers."""
    rule = ["---" if i < left else "---:" for i in range(len(head))]
    lines = [head, rule, *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
