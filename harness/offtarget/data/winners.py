"""What the values of a label say: which of two answers won."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.data.cells import Row, cell_of, label_key
from offtarget.data.columns import side_marks, words_of

_THING = (
    "(?:model|response|answer|assistant|option|output|completion|candidate|choice|side|system|resp|reply|summary|text|"
    "chatbot|bot|version|human|ref)"
)
_HOW = (
    "(?:is|was|wins?|won|winner|better|best|preferred|chosen|stronger|much|slightly|significantly|clearly|strongly|"
    "marginally|far|a|lot|bit|the)"
)
_SIDE = re.compile(rf"(?:{_THING} )?(a|b|1|2|left|right|first|second|one|two)(?: {_THING})?(?: {_HOW})*")
_MORE = re.compile(r"(?:\w+ )?(a|1)\s*([<>≻≺=~]+)\s*(?:\w+ )?(b|2)")
_LESS = re.compile(r"(?:\w+ )?(b|2)\s*([<>≻≺=~]+)\s*(?:\w+ )?(a|1)")
_TIES = re.compile(
    r"tie|ties|tied|draw|equal|equally(?: good| bad)?|same|both|neither|none|both (?:are )?(?:equally )?(?:good|bad)|both ?bad|both ?good|"
    r"tie ?\(?both ?bad\)?|no preference|no difference|similar|about the same|indifferent|unsure|not sure|can't decide|undecided|c"
)
_WINS = {"wins", "win", "won", "better", "best", "preferred", "chosen", "winner"}
_FIRST = {"a", "1", "left", "first", "one"}


@dataclass(frozen=True)
class LabelRule:
    """Which labels say that the first answer won, which the second, and which a tie; as fields of `TwoResponses`."""

    fields: Mapping[str, Any]
    told: str
    """What was taken for what, with counts."""
    sure: bool = True
    """Whether the labels themselves, or the column's own name, say that a winner is meant; bare numbers do not."""


@dataclass(frozen=True)
class Unclear:
    """Labels that may mean one thing or the opposite."""

    why: str
    """What stands in the column, and how to say what it means."""


def read_labels(
    label: str,
    values: Mapping[str, int],
    answers: Sequence[str],
    rows: Sequence[Row],
    about: Sequence[Sequence[str]] = (),
    shown: Mapping[str, str] | None = None,
) -> LabelRule | Unclear | None:
    """What a column says of two answers; None if it does not look as if it said who won.

    Args:
        label: the column.
        values: its short values over all rows, with counts; as they are compared (`shapes.label_key`).
        answers: the columns of the two answers.
        rows: a sample of rows, for labels that hold the winner's text or name.
        about: columns that speak of the two answers, such as their models' names.
        shown: how the values are written.
    """
    by_text = _by_cells(label, answers, rows, "text", answers)
    if by_text:
        return by_text
    for names in about:
        by_name = _by_cells(label, answers, rows, "name", names[:2])
        if by_name:
            return by_name
    values = {v: n for v, n in values.items() if v}
    marks = side_marks(answers)
    sides: dict[str, list[str]] = {"a": [], "b": [], "tie": []}
    for value in values:
        side = _side(value, answers, marks)
        if side is None:
            return _unclear(label, values, answers, marks, shown or {})
        sides[side].append(value)
    if not sides["a"] and not sides["b"]:
        return None
    sure = not any(v in ("0", "1", "2") for v in (*sides["a"], *sides["b"]))
    if not sure:
        if stated := _by_name_of_label(label, set(values), marks):
            sides, sure = {**stated, "tie": []}, True
        elif not _certain(set(values), marks):
            return _unclear(label, values, answers, marks, shown or {})
    n = {side: sum(values[v] for v in found) for side, found in sides.items()}
    written = {side: tuple((shown or {}).get(v, v) for v in found) for side, found in sides.items()}
    said = {
        side: f"{n[side]} rows ({', '.join(texts)})" if texts else "none" for side, texts in written.items()
    }
    told = f"column {label}: {answers[0]} won in {said['a']}, {answers[1]} in {said['b']}"
    if sides["tie"]:
        told += f", ties in {said['tie']}"
    fields = {"label": label, "a_wins": written["a"], "b_wins": written["b"], "ties": written["tie"]}
    return LabelRule(fields, told, sure)


def _by_cells(
    label: str, answers: Sequence[str], rows: Sequence[Row], kind: str, columns: Sequence[str]
) -> LabelRule | None:
    """Labels that are the winner's own text, or its name as in two other columns."""
    won: Counter[str] = Counter()
    for row in rows:
        cells = [cell_of(row, c) for c in (label, *columns)]
        if not isinstance(cells[0], str) or not cells[0].strip():
            continue
        value, a, b = map(label_key, cells)
        won[
            "tie"
            if a == b or (_TIES.fullmatch(value) and value not in (a, b))
            else "a"
            if value == a
            else "b"
            if value == b
            else "?"
        ] += 1
    if not (won["a"] + won["b"]) or won["?"] > 0.01 * won.total():
        return None
    fields: dict[str, Any] = {"label": label, "label_is": kind}
    what = "the winner's text"
    if kind == "name":
        fields |= {"name_a": columns[0], "name_b": columns[1]}
        what = f"the winner's name, as in {columns[0]} and {columns[1]}"
    fields["ties"] = tuple(
        {
            label_key(r[label])
            for r in rows
            if isinstance(r.get(label), str) and _TIES.fullmatch(label_key(r[label]))
        }
    )
    return LabelRule(fields, f"column {label} holds {what}")


def _side(value: str, answers: Sequence[str], marks: Sequence[str]) -> str | None:
    """Which side a label names: a, b or tie; None if it names none."""
    text = (
        re.sub(r"[\[\](){}\"'*.:]+", " ", value).replace("_", " ").replace("-", " ")
        if not value.startswith("-")
        else value
    )
    text = " ".join(text.split()).lower()
    named = [words_of(value) == words_of(a) for a in answers]
    if named[0] != named[1]:
        return "a" if named[0] else "b"
    if text in marks and marks[0] != marks[1]:
        return "ab"[marks.index(text)]
    for pattern, first in ((_MORE, True), (_LESS, False)):
        if match := pattern.fullmatch(text):
            signs = match[2]
            if set(signs) <= {"=", "~"}:
                return "tie"
            greater = signs[0] in ">≻"
            return "a" if greater is first else "b"
    if match := _SIDE.fullmatch(text):
        return "a" if match[1] in _FIRST else "b"
    if text == "0":
        return "a"  # held against the other values by the caller
    return "tie" if _TIES.fullmatch(text) else None


def _by_name_of_label(label: str, values: set[str], marks: Sequence[str]) -> dict[str, list[str]] | None:
    """What 0 and 1 mean where the column's own name says it: a_wins, is_b_better, better_response_id."""
    words = set(words_of(label))
    if values != {"0", "1"}:
        return None
    if words & {"index", "idx", "id", "number", "position"}:
        return {"a": ["0"], "b": ["1"]}
    of_side = [m in words for m in marks]
    if of_side[0] != of_side[1] and words & _WINS:
        return {"a": ["1"], "b": ["0"]} if of_side[0] else {"a": ["0"], "b": ["1"]}
    return None


def _certain(values: set[str], marks: Sequence[str]) -> bool:
    """Whether labels that are numbers can mean but one thing: they are the numbers of the answers, or 1 and 2."""
    numbers = {v for v in values if re.fullmatch(r"-?\d+(\.\d+)?", v)}
    return len(numbers) > 1 and (numbers <= set(marks) or (numbers <= {"1", "2"} and "0" not in marks))


def _unclear(
    label: str,
    values: Mapping[str, int],
    answers: Sequence[str],
    marks: Sequence[str],
    shown: Mapping[str, str],
) -> Unclear | None:
    """What to say where labels look as if they named a winner but may mean either; None if they do not."""
    numbers = sorted((v for v in values if re.fullmatch(r"-?\d+(\.\d+)?", v)), key=float)
    most = sorted(values.items(), key=lambda x: -x[1])
    holds = ", ".join(f"{shown.get(v, v)} in {n}" for v, n in most[:6]) + (
        " rows" if len(most) <= 6 else " rows, and others"
    )
    way = f"--columns a={answers[0]},b={answers[1]},label={label}"
    if numbers and len(numbers) == len(values):
        if numbers[0].startswith("-"):
            ways = f"{way},scale=negative_a (below 0: the first won) or {way},scale=positive_a"
        elif numbers == ["0", "1", "2"]:
            ways = f"{way},a_wins=1,b_wins=2,ties=0 or {way},a_wins=0,b_wins=1,ties=2"
        else:
            low, high = (numbers[0], numbers[-1]) if len(numbers) > 1 else ("0", "1")
            ties = f",ties={'|'.join(numbers[1:-1])}" if numbers[1:-1] else ""
            ways = f"{way},a_wins={low},b_wins={high}{ties} or {way},a_wins={high},b_wins={low}{ties}"
        return Unclear(
            f"column {label} ({holds}) may mean that {answers[0]} won or that {answers[1]} did; say which with {ways}"
        )
    known = {v: _side(v, answers, marks) for v in values}
    if sum(values[v] for v, side in known.items() if side in ("a", "b")) > 0.5 * sum(values.values()):
        odd = next(v for v, side in known.items() if side is None)
        return Unclear(
            f"column {label} ({holds}): '{shown.get(odd, odd)[:40]}' names neither answer; say what each means with "
            f"{way},a_wins=...,b_wins=...,ties=... (several with bars: a_wins=A|A>B)"
        )
    return None
