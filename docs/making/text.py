"""Small parts of Markdown."""

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """One cell of a table: one line, without signs that would end the cell or be read as HTML."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    """Code inside a cell; a bar in it would end the cell."""
    return f"`{' '.join(str(text).split())}`".replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table whose last `numbers` columns are set right."""
    words = len(head) - numbers
    rule = ["---" if i < words else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))
