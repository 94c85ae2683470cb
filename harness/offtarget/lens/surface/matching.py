"""Where the phrases of a `Matcher` are in many texts at once: what `Matcher.find` finds in one after another.

All walks through the graph of phrases take their first step together, then those that go on their second, and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface import vocabulary as v
from offtarget.lens.surface.lexicon import A_NUMBER, A_SIGN, A_WORD, Lexicon, Matcher
from offtarget.lens.surface.surroundings import LONGEST_QUOTE

if TYPE_CHECKING:
    from offtarget.lens.surface.batch import Batch, Indices
    from offtarget.lens.surface.lexicon import Node, State

_NONE, _UNKNOWN = -1, -2
"""Of a step: no phrase goes on so; not asked for yet."""
_OTHERS = (-3, -4)
"""Of a step with a word, and with a number, that no phrase names there: one for all of them."""
_MOST = 20_000
"""States that are kept; with more, all are made again."""
_COUNTS, _EXCEPTION, _ENDED_BY = range(3)
_ROLES = {"counts": _COUNTS, "exception": _EXCEPTION, "ended_by": _ENDED_BY}


class Steps:
    """The steps of a matcher's states as a table: state by kind of token, filled where texts ask for it."""

    def __init__(self, matcher: Matcher) -> None:
        """No step known yet."""
        self.matcher = matcher
        self.tokens = [*sorted(matcher.known), A_WORD, A_NUMBER, A_SIGN]
        self._kinds = {token: k for k, token in enumerate(self.tokens)}
        self.edge = len(self.tokens)
        """The kind of the token between texts."""
        self.width = self.edge + 1
        is_word = [t[0].isalnum() or t in (A_WORD, A_NUMBER) for t in self.tokens]
        is_number = [t.isdigit() or t == A_NUMBER for t in self.tokens]
        self._blank = np.full((2, 2, self.width), _NONE, np.int16)
        """Rows of states that no word leads on from by name, by whether any word and whether any number does."""
        self._blank[1, :, np.flatnonzero(is_word)] = _OTHERS[0]
        self._blank[:, 1, np.flatnonzero(is_number)] = _OTHERS[1]
        self._of_first = np.array([t in matcher.first for t in self.tokens] + [False])
        self.opens_sentence = np.array([t in matcher.start_words for t in self.tokens] + [False])
        self._named: dict[int, NDArray[np.intp]] = {}
        self._reset()

    def _reset(self) -> None:
        self._states: list[State] = []
        self._number: dict[int, int] = {}
        self.table = np.empty((256, self.width), np.int16)
        self.others = np.full((256, len(_OTHERS)), _UNKNOWN)
        """The states after a word and after a number that no phrase names there."""
        self.has_ends = np.zeros(256, bool)
        self.anywhere = self._of(self.matcher.anywhere)
        self.at_start = self._of(self.matcher.at_start)

    def kind(self, small: str) -> int:
        """What a token in lower case is to phrases."""
        found = self._kinds.get(small)
        if found is not None:
            return found
        return self._kinds[A_SIGN if not small[0].isalnum() else A_NUMBER if small.isdigit() else A_WORD]

    def begins(self, kinds: NDArray[np.int32]) -> "Indices":
        """The tokens with which a phrase may begin."""
        if len(self._states) > _MOST:
            self._reset()
        return np.flatnonzero(self._of_first[kinds])

    def step(self, states: NDArray[np.intp], kinds: NDArray[np.int32]) -> NDArray[np.intp]:
        """The states after one more token, negative where no phrase goes on."""
        after = self.table[states, kinds].astype(np.intp)
        for k, other in enumerate(_OTHERS):
            same = np.flatnonzero(after == other)
            after[same] = self._after_others(states[same], k)
        unknown = np.flatnonzero(after == _UNKNOWN)
        if len(unknown):
            for cell in set((states[unknown] * self.width + kinds[unknown]).tolist()):
                state, kind = divmod(cell, self.width)
                reached = self._after(state, self.tokens[kind])
                self.table[state, kind] = reached  # not in one line: it may move the table
            after[unknown] = self.table[states[unknown], kinds[unknown]]
        return after

    def _after_others(self, states: NDArray[np.intp], k: int) -> NDArray[np.intp]:
        for state in np.unique(states[self.others[states, k] == _UNKNOWN]).tolist():
            reached = self._after(state, (A_WORD, A_NUMBER)[k])
            self.others[state, k] = reached
        found: NDArray[np.intp] = self.others[states, k]
        return found

    def _after(self, state: int, token: str) -> int:
        after = self.matcher.step(self._states[state], token)
        return _NONE if after is None else self._of(after)

    def _of(self, state: "State") -> int:
        """The number of a state; a new one gets a row."""
        number = self._number.get(id(state))
        if number is not None:
            return number
        number = self._number[id(state)] = len(self._states)
        self._states.append(state)
        if number == len(self.table):
            self.table, self.others, self.has_ends = map(_twice, (self.table, self.others, self.has_ends))
        if number > np.iinfo(self.table.dtype).max:
            self.table = self.table.astype(np.int32)
        row = self.table[number]
        row[:] = self._blank[int(bool(state.any_word)), int(bool(state.any_word or state.number))]
        for words in state.words:
            row[self._kinds_of(words)] = _UNKNOWN
        self.others[number] = _UNKNOWN
        self.has_ends[number] = bool(state.ends)
        return number

    def _kinds_of(self, words: "dict[str, list[Node]]") -> NDArray[np.intp]:
        """The kinds of the words and signs that may follow a node."""
        found = self._named.get(id(words))
        if found is None:
            found = self._named[id(words)] = np.array([self._kinds[word] for word in words])
        return found

    def ends(self, state: int) -> tuple[tuple[int, int, bool, int], ...]:
        """The phrases that are complete in a state: lexicon, role, only before a sentence's end, tokens ahead."""
        return tuple((e.lexicon, _ROLES[e.role], e.before_end, e.ahead) for e in self._states[state].ends)


def _twice(rows: NDArray[Any]) -> NDArray[Any]:
    """The same with room for as many again."""
    out = np.empty((2 * len(rows), *rows.shape[1:]), rows.dtype)
    out[: len(rows)] = rows
    return out


@dataclass
class Tokens:
    """The tokens of a batch as phrases read them."""

    batch: "Batch"
    flags: NDArray[np.int32]
    kinds: NDArray[np.int32]

    def __post_init__(self) -> None:
        """See where sentences begin and end."""
        ends, openers = (self.flags & v.ENDS) > 0, (self.flags & v.OPENERS) > 0
        opens = self.batch.opens
        self.sentence_ends = ends | opens
        # behind signs that may open a sentence it is as before them
        told = opens.copy()
        told[1:] |= ~(openers & ~ends)[:-1]
        told[0] = True
        starts = opens.copy()
        starts[1:] |= ends[:-1]
        where = np.maximum.accumulate(np.where(told, np.arange(len(told)), 0))
        self.sentence_starts: NDArray[np.bool_] = starts[where]

    def has(self, flag: int) -> NDArray[np.bool_]:
        """Which tokens have a flag."""
        return (self.flags & flag) > 0


def count(steps: Steps, tokens: Tokens) -> NDArray[np.int64]:
    """How often each lexicon counts in each text, shape `(n_texts, n_lexicons)`."""
    lexicons = steps.matcher.lexicons
    n_texts = len(tokens.batch.stops)
    out = np.zeros((n_texts, len(lexicons)), np.int64)
    for k, start, stop in _accepted(steps, tokens):
        keep = _counting(lexicons[k], tokens, start, stop)
        text = np.searchsorted(tokens.batch.edges, start[keep]) - 1
        out[:, k] = np.bincount(text, minlength=n_texts)
    return out


def _accepted(steps: Steps, tokens: Tokens) -> "Iterator[tuple[int, Indices, Indices]]":
    """For each lexicon the first token of each match and the one after its last, before it is asked whether it counts."""
    found = _longest(steps, tokens)
    edges = tokens.batch.edges
    n = len(steps.matcher.lexicons)
    bounds = np.searchsorted(found[0], np.arange(n + 1)).tolist()
    for k in range(n):
        start, stop, role = (column[bounds[k] : bounds[k + 1]] for column in found[1:])
        if not len(start):
            continue
        text = np.searchsorted(edges, start)
        again = np.concatenate([[False], (start[1:] < stop[:-1]) & (text[1:] == text[:-1])]) | (role == _ENDED_BY)
        if again.any():
            keep = np.ones(len(start), bool)
            for one in np.unique(text[again]).tolist():
                rows = np.arange(*np.searchsorted(text, [one, one + 1]))
                keep[rows] = _without_overlap(start[rows].tolist(), stop[rows].tolist(), role[rows].tolist())
            start, stop, role = start[keep], stop[keep], role[keep]
        counts = role == _COUNTS
        yield k, start[counts], stop[counts]


def _without_overlap(starts: list[int], stops: list[int], roles: list[int]) -> list[bool]:
    """Which matches of one lexicon in one text stay: the first of those that overlap, and none before what ends it."""
    keep: list[bool] = []
    free = 0
    for start, stop, role in zip(starts, stops, roles, strict=True):
        stays = start >= free
        if stays:
            free = stop
            if role == _ENDED_BY:
                keep = [False] * len(keep)
        keep.append(stays)
    return keep


def _longest(steps: Steps, tokens: Tokens) -> "tuple[Indices, Indices, Indices, Indices]":
    """The longest phrase of each lexicon that begins at each token: lexicon, start, stop and role, by lexicon and start."""
    kinds = tokens.kinds
    start = steps.begins(kinds)
    anchored = steps.opens_sentence[kinds[start]] & tokens.sentence_starts[start]
    states = np.where(anchored, steps.at_start, steps.anywhere).astype(np.intp)
    at = start
    columns: list[list[NDArray[np.intp]]] = [[], [], [], []]
    while len(at):
        states = steps.step(states, kinds[at])
        goes_on = states >= 0
        states, start, at = states[goes_on], start[goes_on], at[goes_on] + 1
        complete = np.flatnonzero(steps.has_ends[states])
        if len(complete):
            _note(steps, tokens, columns, states[complete], start[complete], at[complete])
    if not columns[0]:
        none = np.zeros(0, np.intp)
        return none, none, none, none
    lexicon, begin, end, role = (np.concatenate(c) for c in columns)
    key = lexicon * len(kinds) + begin
    order = np.argsort(key, kind="stable")  # later ends behind earlier ones
    last = np.concatenate([np.diff(key[order]) > 0, [True]])
    chosen = order[last]
    return lexicon[chosen], begin[chosen], end[chosen], role[chosen]


def _note(
    steps: Steps,
    tokens: Tokens,
    columns: list[list[NDArray[np.intp]]],
    states: NDArray[np.intp],
    start: "Indices",
    at: "Indices",
) -> None:
    """Take down the phrases that are complete before a token, those that win over others of their lexicon last."""
    numbers, which = np.unique(states, return_inverse=True)
    ends = [steps.ends(n) for n in numbers.tolist()]
    for place in range(max(map(len, ends))):
        rows = [e[place] if place < len(e) else (-1, 0, False, 0) for e in ends]
        lexicon, role, before_end, ahead = (np.array(column)[which] for column in zip(*rows, strict=True))
        there = np.flatnonzero((lexicon >= 0) & (~before_end | tokens.sentence_ends[at]))
        for column, values in zip(columns, (lexicon, start, at - ahead, role), strict=True):
            column.append(values[there])


def _counting(lexicon: Lexicon, tokens: Tokens, start: "Indices", stop: "Indices") -> NDArray[np.bool_]:
    """Which phrases of a lexicon count where they stand."""
    edges = tokens.batch.edges
    keep = np.ones(len(start), bool)
    text = np.searchsorted(edges, start) - 1
    if lexicon.opening:
        keep &= start - edges[text] - 1 < lexicon.opening
        keep &= ~_negated(tokens, start)
    if lexicon.closing:
        keep &= start >= edges[text + 1] - lexicon.closing
    if not lexicon.names:
        keep &= ~_in_name(tokens, start, stop)
    if not lexicon.quoted:
        asked = np.flatnonzero(keep & _has_quotes(tokens)[text])
        if len(asked):
            keep[asked] = [not _quoted(tokens, int(text[k]), int(start[k])) for k in asked]
    return keep


def _negated(tokens: Tokens, start: "Indices") -> NDArray[np.bool_]:
    """Whether the sentence has a negation, or a condition, before a token (`Surroundings.negated`)."""
    numbers = np.arange(len(tokens.flags))
    last_end = np.maximum.accumulate(np.where(tokens.has(v.ENDS), numbers, -1))
    last_negation = np.maximum.accumulate(np.where(tokens.has(v.NEGATION), numbers, -1))
    found: NDArray[np.bool_] = last_negation[start - 1] > last_end[start - 1]
    return found


def _in_name(tokens: Tokens, start: "Indices", stop: "Indices") -> NDArray[np.bool_]:
    """Whether words have a capital that is not the sentence's, or that a capital follows (`Surroundings.in_name`)."""
    title = tokens.has(v.TITLE)
    follows = title[stop] & ~tokens.batch.opens[stop] & tokens.has(v.ALNUM)[stop - 1]
    found: NDArray[np.bool_] = title[start] & (follows | ~tokens.sentence_starts[start])
    return found


def _has_quotes(tokens: Tokens) -> NDArray[np.bool_]:
    """Whether each text has double quotation marks."""
    return tokens.batch.sums(tokens.has(v.QUOTES)) > 0


def _quoted(tokens: Tokens, text: int, place: int) -> bool:
    """Whether a token stands within double quotation marks (`Surroundings.quoted`)."""
    first, last = tokens.batch.edges[text : text + 2].tolist()
    begin, line = -1, -1
    lines = np.cumsum(tokens.batch.opens[first + 1 : last])
    flags = tokens.flags[first + 1 : last]
    for i in np.flatnonzero(flags & v.QUOTES).tolist():
        if lines[i] != line:
            begin = -1
        line = lines[i]
        if begin < 0 or flags[i] & v.OPENING_QUOTES:
            begin = i
        else:
            if i - begin <= LONGEST_QUOTE and begin < place - first - 1 < i:
                return True
            begin = -1
    return False
