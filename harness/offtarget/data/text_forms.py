"""How the texts of a file are to be taken, decided from a sample of its rows."""

from collections import defaultdict
from collections.abc import Sequence

from offtarget.data.decoding import Decoder, is_answer, last_turn, repeated
from offtarget.data.drops import WARNED
from offtarget.data.evidence import Census
from offtarget.data.guessing import Shapes
from offtarget.data.messages import Drop
from offtarget.data.serialised import looks_like_talk
from offtarget.data.transcripts import FORMS, Marks, alternates, parse, parse_as
from offtarget.errors import DataError

_ALL = 0.95
_MOSTLY = 0.5
_MANY = 0.2
_NEARLY_ALL = 0.9
"""Shares of cells, or of rows."""


def decoder_of(shapes: Shapes, seen: Census, cautions: list[str]) -> Decoder:
    """How the texts of a file are to be taken, by a sample of its rows; what is unclear goes to `cautions`."""
    cells: dict[str, list[str]] = defaultdict(list)
    prompts: set[str] = set()
    n = both = both_short = 0
    plain = Decoder()
    for row in seen.whole.rows:
        try:
            candidates = shapes.of(row).adapter.candidates(row)
        except (Drop, DataError):
            continue
        for c in candidates[:1]:
            prompts.add(c.columns[0])
            for column, cell in zip(c.columns, (c.prompt, c.chosen, c.rejected), strict=True):
                if isinstance(cell, str):
                    cells[column].append(cell)
            if c.columns[0] and isinstance(c.chosen, str) and isinstance(c.rejected, str):
                n += 1
                taken, chosen, rejected = plain.candidate(c.prompt, (c.chosen, c.rejected), c.columns)
                if isinstance(chosen, str) and isinstance(rejected, str):
                    both += repeated(c.prompt, last_turn(taken), chosen, rejected) is not None
                    both_short += repeated(c.prompt, last_turn(taken), chosen, rejected, short=True) is not None
    written = frozenset(
        column for column, texts in cells.items() if sum(map(looks_like_talk, texts)) >= _MOSTLY * len(texts)
    )
    talks = frozenset(
        column
        for column, texts in cells.items()
        if sum(_is_talk(t, column in prompts) for t in texts) >= _MOSTLY * len(texts)
    )
    unsure = {column: marks for column, texts in cells.items() if (marks := _marks(column, texts, cautions))}
    if n and WARNED < both / n < _MANY:
        cautions.append(
            f"both answers begin with their prompt in {both / n:.0%} of the rows looked at: they are read as they are"
        )
    return Decoder(
        unsure,
        talks | unsure.keys(),
        written,
        cut=n > 0 and both_short >= _MANY * n,
        cut_short=n > 0 and both_short >= _NEARLY_ALL * n,
    )


def _is_talk(text: str, is_prompt: bool) -> bool:
    talk = parse(text)
    return talk is not None and (is_prompt or is_answer(talk))


def _marks(column: str, texts: Sequence[str], cautions: list[str]) -> Marks | None:
    """Marks of plain words that nearly all texts of a column use; where a part of them does, a caution says so."""
    texts = [t for t in texts if parse(t) is None]
    for marks in FORMS:
        if marks.sure or not texts:
            continue
        talks = [parse_as(t, marks) for t in texts]
        n = sum(t is not None and alternates(t) for t in talks)
        if n >= _ALL * len(texts):
            return marks
        if n > max(1, WARNED * len(texts)):
            cautions.append(
                f"column {column}: {n} of {len(texts)} texts looked at are written as a conversation ({marks.shown}), the "
                "others are not; all are read as plain text"
            )
            return None
    return None
