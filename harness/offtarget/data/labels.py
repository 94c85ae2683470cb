"""Which column says who won, among all that name one of two answers.

A column says so by its name (winner, preferred, worse_response). One that only holds A and B may say which answer was
shown first, or what a model guessed: it is named, and taken if the person says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offtarget.data import columns as names_of
from offtarget.data.amounts import amount_of
from offtarget.data.cells import Row, cell_of, label_key
from offtarget.data.evidence import NUMBER, TALK, TEXT, TEXTS, Evidence, shown_of, values_of
from offtarget.data.messages import Drop
from offtarget.data.polarity import BETTER, WORSE, choice_named, is_amount_of, is_firm, lean
from offtarget.data.shapes import TwoResponses
from offtarget.data.winners import LabelRule, Unclear, read_labels
from offtarget.errors import ConfigError, DataError

FIELDS = {
    "response_a", "response_b", "label", "a_wins", "b_wins", "ties", "scale", "label_is", "label_says", "name_a", "name_b",
    "votes_a", "votes_b", "rank_a", "rank_b",
}  # fmt: skip
"""What can be said of two answers and who won; fields of `TwoResponses`."""
_TIE = ("tie", "ties", "tied", "draw")
"""Last words of a column that is set where no answer won."""
_MOST = 6
_AGAINST = {"down", "against", "no", "nay", "contra"}
"""Words of votes that are not for an answer."""


def rules(
    answers: Sequence[str], evidence: Evidence, whole: Evidence, given: Mapping[str, str], problems: list[str]
) -> Iterator[LabelRule]:
    """Ways in which the file says which of two answers won, the likeliest first.

    Args:
        answers: the columns of the two.
        evidence: the rows in question.
        whole: all rows of the file, for what labels mean.
        given: field of `TwoResponses` -> column or value, as the person said.
        problems: takes what keeps a column from being followed.
    """
    said = {k: v for k, v in given.items() if k in FIELDS - {"response_a", "response_b"}}
    if set(said) - {"label", "label_says"}:
        base = TwoResponses.model_construct(prompt=None, response_a=answers[0], response_b=answers[1])
        stated = base.with_columns(said)
        assert isinstance(stated, TwoResponses)
        fields = {k: getattr(stated, k) for k in TwoResponses.model_fields if k in FIELDS}
        if reason := _no_such_scale(stated, whole):
            raise ConfigError(reason)
        yield LabelRule(fields, _told(stated, whole))
        return
    if "label" in said:
        yield from _as_said(said, answers, evidence, whole, problems)
        return
    if "label_says" in said:
        raise ConfigError("--columns: label_says needs label=NAME, the column that it is about")
    found, others = _readable(answers, evidence, whole, problems)
    if found:
        if conflict := _conflict(found, answers, evidence.rows):
            problems.append(conflict)
        else:
            yield from found.values()
    elif votes := _votes(evidence):
        yield LabelRule({"votes_a": votes[0], "votes_b": votes[1]}, f"more votes win: columns {', '.join(votes)}")
    elif others:
        problems.append(_unnamed(others, answers, evidence.rows))
    elif not problems:
        problems += _unreadable(answers, evidence, whole)


def _told(stated: TwoResponses, whole: Evidence) -> str:
    """What the rule that the person stated makes of the file: how often each answer won, or which way numbers are read."""
    for name, which in (("votes", "higher"), ("rank", "lower")):
        columns = [str(getattr(stated, f"{name}_{side}", None) or "") for side in "ab"]
        if all(columns):
            return f"the {which} number wins: columns {', '.join(columns)}"
    if stated.label is None or stated.label_is is not None:
        return ""
    values, shown = values_of(whole, stated.label), shown_of(whole, stated.label)
    won: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for value in values:
        if value:
            won[_first_won(stated, {stated.label: shown.get(value, value)})].append(value)
    said = {
        side: f"{sum(values[v] for v in found)} rows ({_some([shown.get(v, v) for v in found])})" if found else "none"
        for side, found in won.items()
    }
    told = f"column {stated.label}: {stated.response_a} won in {said[True]}, {stated.response_b} in {said[False]}"
    return (f"{told}, neither in {said[None]}" if won[None] else told) if values else ""


def _some(values: Sequence[str]) -> str:
    return ", ".join([*values[:_MOST], *(["..."] if len(values) > _MOST else [])])


def _no_such_scale(stated: TwoResponses, whole: Evidence) -> str | None:
    """Why a column is no scale around 0, of which the sign says who won; None if it may be one."""
    if stated.scale is None or stated.label is None:
        return None
    numbers = sorted({n for v in values_of(whole, stated.label) if (n := _plain(v)) is not None})
    if not numbers:  # many different ones: those of the rows read
        cells = (_plain(cell_of(row, stated.label)) for row in whole.rows)
        numbers = sorted({n for n in cells if n is not None})
    if not numbers or numbers[0] < 0:
        return None
    return (
        f"--columns scale={stated.scale}: the sign of column {stated.label} says who won, and none of its numbers "
        f"({numbers[0]:g} to {numbers[-1]:g}) is below 0; say which numbers mean what with a_wins=...,b_wins=...,ties=... "
        "(several with bars: a_wins=1|2|3,b_wins=5|6|7,ties=4)"
    )


def _as_said(
    said: Mapping[str, str], answers: Sequence[str], evidence: Evidence, whole: Evidence, problems: list[str]
) -> Iterator[LabelRule]:
    """The column that the person named."""
    label = said["label"]
    says = said.get("label_says")
    if says not in (None, "winner", "loser"):
        raise ConfigError(f"--columns: label_says is '{says}'; it is winner or loser")
    one_hot = _one_hot(answers, evidence, whole)
    if one_hot and label in one_hot.columns:
        problems.append(
            f"column {label} does not say alone who won: of {_listed(one_hot.columns)} at most one is set in a row, and "
            f"{one_hot.n_ties} rows are ties; read them together with --columns a={answers[0]},b={answers[1]},"
            f"votes_a={one_hot.a},votes_b={one_hot.b}"
        )
        return
    rule = read_winner(label, answers, whole, evidence.rows, worse=None if says is None else says == "loser")
    if isinstance(rule, LabelRule):
        yield rule
    elif isinstance(rule, Unclear):
        problems.append(rule.why)
    else:
        shown = ", ".join(list(values_of(whole, label))[:6]) or "other text"
        problems.append(
            f"column {label} (the label) holds {shown}, which names neither {answers[0]} nor {answers[1]}; say "
            "which won with a_wins=...,b_wins=...,ties=... (several with bars: a_wins=A|A>B)"
        )


def _readable(
    answers: Sequence[str], evidence: Evidence, whole: Evidence, problems: list[str]
) -> tuple[dict[str, LabelRule], dict[str, LabelRule]]:
    """Columns that name one of the two answers: those whose names say that it is the better or the worse, and the others.

    Names that may mean something else (target, result) are followed only where no other says so.
    """
    marks = names_of.side_marks(answers)
    by_name: dict[str, LabelRule] = {}
    others: dict[str, LabelRule] = {}
    one_hot = _one_hot(answers, evidence, whole)
    if one_hot:
        by_name[one_hot.a] = one_hot.rule(answers)
    for label in label_columns(evidence, answers):
        if one_hot and label in one_hot.columns:
            continue
        rule = read_winner(label, answers, whole, evidence.rows)
        says = choice_named(label, marks)
        if isinstance(rule, Unclear) and says:
            problems.append(rule.why)
        if not isinstance(rule, LabelRule):
            continue
        if not rule.sure and names_of.has_counterpart(label, marks, evidence.columns):
            continue
        if says:
            by_name[label] = rule
        elif rule.sure:
            others[label] = rule
    firm = {label: rule for label, rule in by_name.items() if is_firm(label)}
    found = firm or by_name
    return dict(sorted(found.items(), key=lambda x: choice_named(x[0], marks) == WORSE)), others


def _unreadable(answers: Sequence[str], evidence: Evidence, whole: Evidence) -> Iterator[str]:
    """What to say of a column that says who won by its name, in words that are not known."""
    for label in label_columns(evidence, answers):
        values = {v: n for v, n in values_of(whole, label).items() if v}
        if is_firm(label) and choice_named(label) and 1 < len(values) <= _MOST and evidence.columns[label].kind == TEXT:
            shown = shown_of(whole, label)
            holds = ", ".join(f"{shown.get(v, v)} in {n}" for v, n in values.items())
            yield (
                f"column {label} may say who won, but not in known words ({holds} rows); say what each means with --columns "
                f"a={answers[0]},b={answers[1]},label={label},a_wins=...,b_wins=...,ties=... (several with bars: a_wins=A|A>B)"
            )


@dataclass(frozen=True)
class _OneHot:
    """One label in several columns of 0 and 1: `a` is set where the first answer won, `b` where the second did."""

    a: str
    b: str
    tie: str | None
    """The column that is set for a tie; where there is none, ties are the rows in which neither is set."""
    n_a: int
    n_b: int
    n_ties: int

    @property
    def columns(self) -> list[str]:
        """All its columns."""
        return [self.a, self.b, *([self.tie] if self.tie else [])]

    def rule(self, answers: Sequence[str]) -> LabelRule:
        """The label that they are together."""
        told = (
            f"columns {_listed(self.columns)} are read as one label: {answers[0]} won in {self.n_a} rows, {answers[1]} in "
            f"{self.n_b} rows, ties in {self.n_ties} rows"
        )
        return LabelRule({"votes_a": self.a, "votes_b": self.b}, told)


def _one_hot(answers: Sequence[str], evidence: Evidence, whole: Evidence) -> _OneHot | None:
    """Columns of 0 and 1 of which no row sets two, as in winner_model_a, winner_model_b, winner_tie; None if none are.

    Without a column for ties there must be rows that set none: each of two columns that always differ says it all.
    """
    marks = names_of.side_marks(answers)
    free = [c for c in evidence.columns if c not in answers and set(values_of(whole, c)) == {"0", "1"}]
    by_words = {names_of.words_of(c): c for c in free}
    for words, a in by_words.items():
        if marks[0] not in words or choice_named(a, marks) != BETTER:
            continue
        at = words.index(marks[0])
        b = by_words.get((*words[:at], marks[1], *words[at + 1 :]))
        plain = tuple(w for w in words[:at] if w not in ("model", "response", "answer"))
        stems = [words[:at], plain, ("is",), ()]
        tie = next((by_words[t] for s in stems for w in _TIE if (t := (*s, w)) in by_words), None)
        columns = [c for c in (a, b, tie) if c]
        filled = {sum(values_of(whole, c).values()) for c in columns}
        if b is None or len(filled) > 1 or not _exclusive(columns, evidence.rows, at_least=bool(tie)):
            continue
        n_a, n_b = (values_of(whole, c)["1"] for c in (a, b))
        n_ties = values_of(whole, tie)["1"] if tie else values_of(whole, a)["0"] - n_b
        if n_ties > 0:
            return _OneHot(a, b, tie, n_a, n_b, n_ties)
    return None


def _exclusive(columns: Sequence[str], rows: Sequence[Row], *, at_least: bool) -> bool:
    """Whether no row sets two of some columns of 0 and 1; and, if asked for, none sets none."""
    for row in rows:
        keys = [label_key(cell_of(row, c)) for c in columns]
        if set(keys) <= {"0", "1"} and (keys.count("1") > 1 or (at_least and "1" not in keys)):
            return False
    return True


def _votes(evidence: Evidence) -> tuple[str, ...] | None:
    """Columns with the number of votes for each of two answers."""
    for pair in names_of.numbered_answers(evidence.names(NUMBER), about=True):
        words = names_of.parted(pair[0])
        if len(pair) == 2 and {"vote", "votes"} & set(words) and not (_AGAINST & set(words) or lean(words) == WORSE):
            return pair
    return None


def label_columns(evidence: Evidence, answers: Sequence[str]) -> list[str]:
    """Columns that may say who won, those with a usual name first."""
    free = [c for c, column in evidence.columns.items() if c not in answers and column.kind not in (TALK, TEXTS)]
    usual = names_of.named(free, names_of.LABEL)
    prompts = names_of.named(free, names_of.PROMPT)
    return [*usual, *(c for c in free if c not in usual and c not in prompts)]


def read_winner(
    label: str, answers: Sequence[str], whole: Evidence, rows: Sequence[Row], *, worse: bool | None = None
) -> LabelRule | Unclear | None:
    """What a column says of two answers, from its values over the whole file; `worse` as in `winners.read_labels`."""
    about = [
        pair
        for pair in names_of.numbered_answers(list(whole.columns), about=True)
        if label not in pair and names_of.names_writer(pair[0]) and not (is_amount_of(pair[0]) or choice_named(pair[0]))
    ]
    return read_labels(label, values_of(whole, label), answers, rows, about, shown_of(whole, label), worse=worse)


def _conflict(found: Mapping[str, LabelRule], answers: Sequence[str], rows: Sequence[Row]) -> str | None:
    """What to say where columns that say who won do not say the same; None if they do."""
    apart, both = _disagreements(found, answers, rows)
    if not apart:
        return None
    marks = names_of.side_marks(answers)
    told = [f"{c} (the worse answer)" if choice_named(c, marks) == WORSE else c for c in found]
    return (
        f"columns {_listed(told)} say who won, and contradict each other in {apart} of the {both} rows looked at that both "
        f"fill; {_ways(found)}"
    )


def _unnamed(others: Mapping[str, LabelRule], answers: Sequence[str], rows: Sequence[Row]) -> str:
    """What to say where columns name one of the answers, and no name says that it is the better one."""
    names = list(others)
    if len(names) == 1:
        won = [_first_won(_adapter(others[names[0]], answers), row) for row in rows]
        n = f"{answers[0]} in {won.count(True)} and {answers[1]} in {won.count(False)}"
        return (
            f"no column says by its name who won; {names[0]} names one of the two answers ({n} of the {len(rows)} rows looked "
            f"at). If that is the better one: --columns label={names[0]}; if it is the worse one: "
            f"--columns label={names[0]},label_says=loser"
        )
    apart, both = _disagreements(others, answers, rows)
    differ = f"they disagree in {apart} of the {both} rows looked at that several fill" if apart else "they agree"
    return (
        f"no column says by its name who won; {_listed(names)} each name one of the two answers, and {differ}; "
        f"{_ways(others)}"
    )


def _ways(found: Mapping[str, LabelRule]) -> str:
    """How to go on where several columns name an answer."""
    named = "name the one that counts: --columns label=NAME"
    if _same_but_for_one_word(list(found)):
        return f"put a column with the majority of each row into the file and name it, or {named}"
    return named


def _same_but_for_one_word(names: Sequence[str]) -> bool:
    """Whether columns look as if they held the same of several people or models: annotator_1, annotator_2."""
    words = [names_of.words_of(n) for n in names]
    if len({len(w) for w in words}) != 1 or len(words[0]) < 2:
        return False
    return sum(len(set(at)) > 1 for at in zip(*words, strict=True)) == 1


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_MOST], *([f"{len(names) - _MOST} more"] if len(names) > _MOST else [])]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _disagreements(found: Mapping[str, LabelRule], answers: Sequence[str], rows: Sequence[Row]) -> tuple[int, int]:
    """(rows in which two of some columns name different answers as the better one, rows in which two name one)."""
    adapters = [_adapter(rule, answers) for rule in found.values()]
    apart = both = 0
    for row in rows:
        said = [won for adapter in adapters if (won := _first_won(adapter, row)) is not None]
        both += len(said) > 1
        apart += len(set(said)) > 1
    return apart, both


def _adapter(rule: LabelRule, answers: Sequence[str]) -> TwoResponses:
    return TwoResponses(**{**rule.fields, "response_a": answers[0], "response_b": answers[1]})


def _first_won(adapter: TwoResponses, row: Row) -> bool | None:
    """Whether a row says that the first answer won; None where it does not say."""
    try:
        return adapter.a_won(row)
    except (Drop, DataError):
        return None


def _plain(value: Any) -> float | None:
    """A cell as a number; None of a share of a whole, and of what is none."""
    amount = amount_of(value)
    return None if amount is None or amount.whole is not None else amount.value
