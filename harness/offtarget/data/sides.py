"""What the source says of either response beside its text: its score, its writer, its votes.

Two columns speak of the two sides where their names are the same but for one word for the side. The word is one for
the better and the worse answer (chosen_score and rejected_score, score_winner and score_loser, preferredRating and
dispreferredRating), or the one that tells the columns of the two answers apart (response_a and response_b:
score_a and score_b); which of those is the chosen side is then known from row to row.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from offtarget.data.adapter_base import Candidate
from offtarget.data.cells import Row, cell_of, has
from offtarget.data.columns import words_of
from offtarget.data.messages import clean, conversation_of

_OPPOSITES = {
    "chosen": ("rejected",), "winner": ("loser",), "winning": ("losing",), "accepted": ("rejected",),
    "preferred": ("dispreferred", "nonpreferred", "unpreferred"),
}  # fmt: skip
"""Word for the chosen side -> words for the rejected one; words that hardly mean anything else."""
_SURE_WORDS = frozenset(_OPPOSITES).union(*_OPPOSITES.values())
_OPPOSITES_OF_SCORES = {
    "win": ("lose",), "won": ("lost",), "better": ("worse",), "best": ("worst",), "positive": ("negative",),
    "pos": ("neg",), "good": ("bad",), "w": ("l",),
}  # fmt: skip
"""The same, words that may mean another thing unless the name says that it is a score."""
SCORE_WORDS = frozenset({
    "score", "scores", "rating", "ratings", "reward", "rewards", "grade", "grades", "quality", "overall", "utility",
    "helpfulness", "points", "vote", "votes", "elo", "preference", "value",
})  # fmt: skip
SIDE = "*"
"""What stands for the word for the side in a stem."""
_NOT_ASCII = re.compile(r"([^\x00-\x7f]+)")
_OF_A_TURN = frozenset({"turn", "role", "content", "if_chosen"})
"""Entries of an answer's own record that are the answer, and that it won."""


@dataclass(frozen=True, slots=True)
class SideColumns:
    """Two columns that say the same thing of the two sides."""

    stem: str
    """Their common name, with `*` instead of the word for the side: `*_score`, `model_*`."""
    chosen: str
    """Column of the chosen side; or, with the marks of two answers, of the first of them."""
    rejected: str


def side_columns(names: Iterable[str], marks: tuple[str, str] | None = None) -> list[SideColumns]:
    """Pairs of columns that say the same thing of the two sides, in the order of the first of each.

    Args:
        names: of all columns.
        marks: words that name the two answers, the chosen one first: a and b.
    """
    by_words = {side_words(name): name for name in names}
    found: dict[str, SideColumns] = {}
    for words, name in by_words.items():
        for k, word in enumerate(words):
            for opposite in _opposites(word, words, marks):
                other = by_words.get((*words[:k], opposite, *words[k + 1 :]))
                stem = _stem(words, k)
                if other is not None and len(words) > 1:
                    found.setdefault(stem, SideColumns(stem, name, other))
    return list(found.values())


def side_words(column: str) -> tuple[str, ...]:
    """The words of a name (`columns.words_of`), those without Latin letters too: 评分_chosen -> (评分, chosen)."""
    if column.isascii():
        return words_of(column)
    plain = "".join(c for c in unicodedata.normalize("NFKD", column) if not unicodedata.combining(c))
    parts = _NOT_ASCII.split(plain)
    return tuple(w for part in parts for w in (words_of(part) if part.isascii() else (part,)))


def _opposites(word: str, words: tuple[str, ...], marks: tuple[str, str] | None) -> tuple[str, ...]:
    """Words for the rejected side that go with a word for the chosen one."""
    if marks is not None and word == marks[0]:
        return (marks[1],)
    found = _OPPOSITES.get(word, ())
    return found or (_OPPOSITES_OF_SCORES.get(word, ()) if SCORE_WORDS.intersection(words) else ())


def _stem(words: tuple[str, ...], k: int) -> str:
    return "_".join((*words[:k], SIDE, *words[k + 1 :]))


def stems_of(column: str) -> set[str]:
    """Every stem that a column may belong to."""
    words = side_words(column)
    return {_stem(words, k) for k in range(len(words))}


def names_one_side(column: str) -> bool:
    """Whether a name has a word for the chosen or the rejected side: `winner_model`, but not `model_a`."""
    return not _SURE_WORDS.isdisjoint(side_words(column))


def names_of(stem: str) -> tuple[str, str]:
    """What a stem may be called: without the word for the side, or with `side` in its place where two would be called alike."""
    return "_".join(w for w in stem.split("_") if w != SIDE), stem.replace(SIDE, "side")


def marks_of(one: str, other: str) -> tuple[str, str] | None:
    """The words in which the names of two answers differ, where that is one: response_a, response_b -> a, b."""
    a, b = side_words(one), side_words(other)
    apart = [k for k in range(len(a)) if len(a) == len(b) and a[k] != b[k]]
    return (a[apart[0]], b[apart[0]]) if len(apart) == 1 else None


@dataclass
class SideReader:
    """Reads what rows say of either response; remembers which columns go together."""

    _known: dict[tuple[str, ...], list[SideColumns]] = field(default_factory=dict)

    def read(self, row: Row, candidate: Candidate) -> dict[str, tuple[Any, Any]]:
        """Stem -> (of the chosen, of the rejected response); None where the row does not say it of that one.

        Args:
            row: the row.
            candidate: which responses of it, and where they came from.
        """
        _, chosen, rejected = candidate.columns
        names = tuple(dict.fromkeys(_names(row, chosen)))
        key = (chosen, rejected, *names)
        columns = self._known.get(key)
        if columns is None:
            free = [n for n in names if n not in (chosen, rejected)]
            columns = self._known[key] = side_columns(free, marks_of(chosen, rejected))
        out: dict[str, tuple[Any, Any]] = {}
        for c in columns:
            one, other = (cell_of(row, n) if has(row, n) else None for n in (c.chosen, c.rejected))
            if candidate.places is not None:
                one, other = (_at(x, i) for x, i in zip((one, other), candidate.places, strict=True))
            _put(out, c.stem, one, other)
        if candidate.records is not None:
            first, second = candidate.records
            for name in dict.fromkeys((*first, *second)):
                if name not in _OF_A_TURN:
                    _put(out, "_".join((SIDE, *side_words(str(name)))), first.get(name), second.get(name))
        return out


def _at(cell: Any, place: int) -> Any:
    """The entry of a response in a list with one for each of them; what is no list holds for all."""
    if not isinstance(cell, list):
        return cell
    return cell[place] if place < len(cell) else None


def _put(out: dict[str, tuple[Any, Any]], stem: str, chosen: Any, rejected: Any) -> None:
    cells = _scalar(chosen), _scalar(rejected)
    if cells != (None, None):
        out.setdefault(stem, cells)


def _scalar(value: Any) -> Any:
    """A cell as text, number or truth; None where it is none of these."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else None


def _names(row: Row, answer: str) -> Iterable[str]:
    """The columns of a row, entries of mappings as `column.entry`; also in the list in which an answer is."""
    for name, value in row.items():
        yield name
        if isinstance(value, Mapping):
            if conversation_of(value) is None:
                yield from (f"{name}.{entry}" for entry in value)
        elif isinstance(value, list) and answer.startswith(f"{name}."):
            for i, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from (f"{name}.{i}.{entry}" for entry in item)
