"""What the values of a label say: which of two answers won."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.data.cells import Row, cell_of, label_key
from offtarget.data.columns import parted, side_marks, words_of
from offtarget.data.polarity import WORSE, choice_named, lean

_THING = {
    "model", "response", "answer", "assistant", "option", "output", "completion", "candidate", "choice", "side", "system",
    "resp", "reply", "summary", "text", "chatbot", "bot", "version", "human", "ref",
}  # fmt: skip
_FILLS = {
    "is", "was", "much", "slightly", "significantly", "clearly", "strongly", "marginally", "far", "lot", "bit", "little",
    "the", "very", "somewhat", "choose", "chose", "select", "selected", "pick", "picked", "vote", "voted", "for", "stronger",
}  # fmt: skip
"""Words beside the name of an answer that do not say which way it goes."""
_FIRST = {"a", "1", "left", "first", "one"}
_SECOND = {"b", "2", "right", "second", "two"}
_THAN = re.compile(r" (?:than|over|to|against|beats|beat) ")
_MORE = re.compile(r"(?:\w+ )?(a|1)\s*([<>≻≺=~]+)\s*(?:\w+ )?(b|2)")
_LESS = re.compile(r"(?:\w+ )?(b|2)\s*([<>≻≺=~]+)\s*(?:\w+ )?(a|1)")
_A_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_STEPS = 11
"""Steps up to which a scale is written out."""
_TIES = re.compile(
    r"tie|ties|tied|={1,2}|draw|equal|equally(?: good| bad)?|same|both|neither|none|"
    r"both (?:are )?(?:equally )?(?:good|bad)|both ?bad|both ?good|"
    r"tie ?\(?both ?bad\)?|no preference|no difference|similar|about the same|indifferent|unsure|not sure|can't decide|undecided|c"
)


@dataclass(frozen=True)
class LabelRule:
    """Which labels say that the first answer won, which the second, and which a tie; as fields of `TwoResponses`."""

    fields: Mapping[str, Any]
    told: str
    """What was taken for what, with counts."""
    sure: bool = True
    """Whether the labels themselves, or the column's own name, say that one of the two is meant; bare numbers do not."""


@dataclass(frozen=True)
class Named:
    """What one label says."""

    side: str
    """The answer that it names as the better one, or just names: a, b, or tie."""
    judged: bool = False
    """Whether it says itself that this answer is the better one: "A>B", "A is better"; "A" does not."""


@dataclass(frozen=True)
class Unclear:
    """Labels that may mean one thing or the opposite."""

    why: str
    """What is in the column, and how to say what it means."""


def read_labels(
    label: str,
    values: Mapping[str, int],
    answers: Sequence[str],
    rows: Sequence[Row],
    about: Sequence[Sequence[str]] = (),
    shown: Mapping[str, str] | None = None,
    *,
    worse: bool | None = None,
) -> LabelRule | Unclear | None:
    """What a column says of two answers; None if it does not look as if it named one of them.

    Args:
        label: the column.
        values: its short values over all rows, with counts; as they are compared (`shapes.label_key`).
        answers: the columns of the two answers.
        rows: a sample of rows, for labels that hold the winner's text or name.
        about: columns that speak of the two answers, such as their models' names.
        shown: how the values are written.
        worse: whether it names the worse answer; by default as its name says.
    """
    marks = side_marks(answers)
    if worse is None:
        worse = choice_named(label, marks) == WORSE
    by_text = _by_cells(label, answers, rows, "text", answers, worse)
    if by_text:
        return by_text
    for names in about:
        by_name = _by_cells(label, answers, rows, "name", names[:2], worse)
        if by_name:
            return _side_or_name(label, answers, names, rows) or by_name
    values = {v: n for v, n in values.items() if v}
    named = {v: _side(v, answers, marks) for v in values}
    if not all(named.values()):
        return _unclear(label, values, answers, marks, shown or {})
    sides = {side: [v for v, found in named.items() if found and found.side == side] for side in ("a", "b", "tie")}
    if not sides["a"] and not sides["b"]:
        return None
    judged = {found.judged for found in named.values() if found and found.side != "tie"}
    sure = not any(v in ("0", "1", "2") for v in (*sides["a"], *sides["b"]))
    if not sure:
        if stated := _by_name_of_label(label, set(values), marks):
            sides, sure = {**stated, "tie": []}, True
            judged = {not set(words_of(label)) & _NUMBERS}
        elif not _certain(set(values), marks):
            return _unclear(label, values, answers, marks, shown or {})
    if worse and judged == {True, False}:
        return _mixed(label, values, answers, shown or {})
    if worse and judged == {False}:
        sides = {"a": sides["b"], "b": sides["a"], "tie": sides["tie"]}
    n = {side: sum(values[v] for v in found) for side, found in sides.items()}
    written = {side: tuple((shown or {}).get(v, v) for v in found) for side, found in sides.items()}
    said = {side: f"{n[side]} rows ({', '.join(texts)})" if texts else "none" for side, texts in written.items()}
    names_worse = " names the worse answer" if worse and judged == {False} else ""
    told = f"column {label}{names_worse}: {answers[0]} won in {said['a']}, {answers[1]} in {said['b']}"
    if sides["tie"]:
        told += f", ties in {said['tie']}"
    fields = {"label": label, "a_wins": written["a"], "b_wins": written["b"], "ties": written["tie"]}
    return LabelRule(fields, told, sure)


def _by_cells(
    label: str, answers: Sequence[str], rows: Sequence[Row], kind: str, columns: Sequence[str], worse: bool
) -> LabelRule | None:
    """Labels that are the winner's (or the loser's) own text, or its name as in two other columns."""
    won: Counter[str] = Counter()
    for row in rows:
        cells = [cell_of(row, c) for c in (label, *columns)]
        if not all(isinstance(c, str) for c in cells) or not cells[0].strip():
            continue  # numbers are ranks or scores, and no names
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
    whose = "the loser's" if worse else "the winner's"
    what = f"{whose} text"
    if worse:
        fields["label_says"] = "loser"
    if kind == "name":
        fields |= {"name_a": columns[0], "name_b": columns[1]}
        what = f"{whose} name, as in {columns[0]} and {columns[1]}"
    fields["ties"] = tuple(
        {label_key(r[label]) for r in rows if isinstance(r.get(label), str) and _TIES.fullmatch(label_key(r[label]))}
    )
    return LabelRule(fields, f"column {label} holds {what}")


def _side_or_name(label: str, answers: Sequence[str], names: Sequence[str], rows: Sequence[Row]) -> Unclear | None:
    """What to say where a label may be the side of the winner or its name, since A and B are names too; None if not.

    Args:
        label: the column, each label of which is a name in its row, or a tie.
        answers: the columns of the two answers.
        names: the columns of their names.
        rows: a sample of rows.
    """
    marks = side_marks(answers)
    apart = both = 0
    for row in rows:
        value, a, b = (label_key(cell_of(row, c)) for c in (label, *names[:2]))
        side = _side(value, answers, marks)
        if value not in (a, b) or a == b or side is None or side.side == "tie":
            continue
        both += 1
        apart += (side.side == "a") != (value == a)
    if not apart:
        return None
    way = f"--columns a={answers[0]},b={answers[1]},label={label}"
    return Unclear(
        f"column {label} may name the winner by its side ({answers[0]} or {answers[1]}) or by its name in {names[0]} and "
        f"{names[1]}, which say the opposite in {apart} of {both} rows looked at; by side: {way},a_wins=...,b_wins=..., "
        f"by name: {way},label_is=name,name_a={names[0]},name_b={names[1]}"
    )


_NUMBERS = {"index", "idx", "id", "number", "position"}
"""Words of a column that holds the number of an answer."""
_VERBS = {"chose", "choose", "chooses", "picked", "pick", "picks", "selected", "select", "selects"}


def _side(value: str, answers: Sequence[str], marks: Sequence[str]) -> Named | None:
    """What a label says; None if it names no answer and no tie."""
    text = (
        re.sub(r"[\[\](){}\"'*.:!,;]+", " ", value).replace("_", " ").replace("-", " ")
        if not value.startswith("-")
        else value
    )
    text = " ".join(text.split()).lower()
    named = [words_of(value) == words_of(a) for a in answers]
    if named[0] != named[1]:
        return Named("a" if named[0] else "b")
    if text in marks and marks[0] != marks[1]:
        return Named("ab"[marks.index(text)])
    if list(marks) == ["left", "right"] and text in ("l", "r"):
        return Named("a" if text == "l" else "b")
    for pattern, first in ((_MORE, True), (_LESS, False)):
        if match := pattern.fullmatch(text):
            signs = match[2]
            if set(signs) <= {"=", "~"}:
                return Named("tie")
            greater = signs[0] in ">≻"
            return Named("a" if greater is first else "b", judged=True)
    if text == "0":
        return Named("a")  # held against the other values by the caller
    if _TIES.fullmatch(text):
        return Named("tie")
    return _in_words(text)


def _in_words(text: str) -> Named | None:
    """A label of several words: "response a", "a is slightly better", "b loses", "prefer a over b"."""
    head, than, tail = _THAN.split(text, maxsplit=1)[0], _THAN.search(text), ""
    if than:
        tail = text[than.end() :]
    words = re.sub(r"\ba (lot|bit|little)\b", r"\1", head).split()
    sides = [w for w in words if w in _FIRST | _SECOND]
    if len(sides) == 2 and sides[1] == "one":
        sides.pop()
    rest = [w for w in words if w not in _FIRST | _SECOND | _THING | _FILLS]
    if len(sides) != 1 or not all(lean([w]) for w in rest):
        return None
    if than and not _names_other(tail, sides[0]):
        return None
    meaning = lean([*rest, *(["beats"] if than and than[0].strip() in ("over", "beats", "beat") else [])])
    if (rest or than) and not meaning:
        return None
    first = (sides[0] in _FIRST) != (meaning == WORSE)
    return Named("a" if first else "b", judged=bool(meaning))


def _names_other(tail: str, side: str) -> bool:
    """Whether what is behind "than" names the other answer."""
    words = [w for w in tail.split() if w not in _THING | {"the"}]
    return len(words) == 1 and words[0] in (_SECOND if side in _FIRST else _FIRST)


def _by_name_of_label(label: str, values: set[str], marks: Sequence[str]) -> dict[str, list[str]] | None:
    """What 0 and 1 mean where the column's own name says it: a_wins, is_b_better, b_lost, better_response_id.

    The number of an answer is that of the answer which the column names, be it the better or the worse one.
    """
    words = set(words_of(label))
    if values != {"0", "1"}:
        return None
    if words & _NUMBERS:
        return {"a": ["0"], "b": ["1"]}
    of_side = [m in words for m in marks]
    says = bool(lean(parted(label))) or bool(words & _VERBS)
    meaning = choice_named(label, marks) if says else 0
    if of_side[0] == of_side[1] or not meaning:
        return None
    first = of_side[0] == (meaning != WORSE)
    return {"a": ["1"], "b": ["0"]} if first else {"a": ["0"], "b": ["1"]}


def _certain(values: set[str], marks: Sequence[str]) -> bool:
    """Whether labels that are numbers can mean but one thing: they are the numbers of the answers, or 1 and 2."""
    numbers = {v for v in values if re.fullmatch(r"-?\d+(\.\d+)?", v)}
    return len(numbers) > 1 and (numbers <= set(marks) or (numbers <= {"1", "2"} and "0" not in marks))


def _unclear(
    label: str, values: Mapping[str, int], answers: Sequence[str], marks: Sequence[str], shown: Mapping[str, str]
) -> Unclear | None:
    """What to say where labels look as if they named a winner but may mean either; None if they do not."""
    numbers = sorted((v for v in values if _A_NUMBER.fullmatch(v)), key=float)
    most = sorted(values.items(), key=lambda x: -x[1])
    holds = ", ".join(f"{shown.get(v, v)} in {n}" for v, n in most[:6]) + (
        " rows" if len(most) <= 6 else " rows, and others"
    )
    way = f"--columns a={answers[0]},b={answers[1]},label={label}"
    if numbers and len(numbers) == len(values):
        if float(numbers[0]) < 0:
            ways = f"{way},scale=negative_a (below 0: the first won) or {way},scale=positive_a"
        elif numbers == ["0", "1", "2"]:
            ways = f"{way},a_wins=1,b_wins=2,ties=0 or {way},a_wins=0,b_wins=1,ties=2"
        elif len(numbers) > _STEPS:
            ways = f"{way},a_wins=...,b_wins=...,ties=... (several with bars: a_wins=1|2|3)"
        else:
            low, middle, high = _halves(numbers) if len(numbers) > 1 else ("0", "", "1")
            ties = f",ties={middle}" if middle else ""
            ways = f"{way},a_wins={low},b_wins={high}{ties} or {way},a_wins={high},b_wins={low}{ties}"
            if len(numbers) > 2:
                centre = (float(numbers[0]) + float(numbers[-1])) / 2
                ways += f" (the middle of {numbers[0]} to {numbers[-1]} is {centre:g})"
        return Unclear(
            f"column {label} ({holds}) may mean that {answers[0]} won or that {answers[1]} did; say which with {ways}"
        )
    known = {v: found.side if (found := _side(v, answers, marks)) else None for v in values}
    if all(known.values()):
        return Unclear(
            f"column {label} ({holds}) mixes conventions: numbers ({', '.join(numbers)}) beside "
            f"{', '.join(shown.get(v, v) for v in values if v not in numbers)}; say what each means with "
            f"{way},a_wins=...,b_wins=...,ties=... (several with bars: a_wins=A|left)"
        )
    if sum(values[v] for v, side in known.items() if side in ("a", "b")) > 0.5 * sum(values.values()):
        odd = next(v for v, side in known.items() if side is None)
        return Unclear(
            f"column {label} ({holds}): '{shown.get(odd, odd)[:40]}' names neither answer; say what each means with "
            f"{way},a_wins=...,b_wins=...,ties=... (several with bars: a_wins=A|A>B)"
        )
    return None


def _halves(numbers: Sequence[str]) -> tuple[str, str, str]:
    """Numbers of a scale below its middle, at it, and above it; several with bars."""
    middle = (float(numbers[0]) + float(numbers[-1])) / 2
    below, at, above = (
        "|".join(v for v in numbers if (float(v) > middle) - (float(v) < middle) == sign) for sign in (-1, 0, 1)
    )
    return below, at, above


def _mixed(label: str, values: Mapping[str, int], answers: Sequence[str], shown: Mapping[str, str]) -> Unclear:
    """What to say where a column is named after the worse answer and some labels say which is better or worse."""
    holds = ", ".join(f"{shown.get(v, v)} in {n}" for v, n in sorted(values.items(), key=lambda x: -x[1])[:6])
    return Unclear(
        f"column {label} ({holds} rows) is called after the worse answer, but some of its labels say themselves which is "
        f"better; say what each means with --columns a={answers[0]},b={answers[1]},label={label},a_wins=...,b_wins=...,ties=..."
    )
