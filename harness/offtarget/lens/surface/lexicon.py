"""Counting phrases from word lists: many lists in one walk over the tokens of a text."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from offtarget.lens.surface.surroundings import EDGES, Surroundings
from offtarget.lens.surface.templates import AHEAD, ANY_WORD, NUMBER, SENTENCE_END, SENTENCE_START, Item, read_template

# Combining marks, which \w leaves out: without them words of many scripts would fall apart.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0981-\u0e4e"
    "\u1ab0-\u1aff\u20d0-\u20ef"
)
# Signs nobody sees: controls, zero-width and bidirectional marks, variation selectors.
_UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
APOSTROPHES = "'’"
WORD_SIGN = re.compile(rf"[\w{_MARKS}]")
"""What words are of."""
TOKEN = re.compile(rf"[\w{_MARKS}]++(?>(?:[{APOSTROPHES}][\w{_MARKS}]++)*)|[^\w\s{_MARKS}{_UNSEEN}]")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
CONTRACTION = re.compile(
    r"(?:[a-z]+(?:n't|'(?:re|ve|ll|d|m))|(?:it|that|there|here|what|who|where|how|why|when|let|he|she|this)'s)(?:'ve)?"
)
A_WORD, A_NUMBER, A_SIGN = " word", " number", " sign"
"""Stand for all tokens of a kind that no phrase names; no token has a space."""


def tokenize(text: str) -> list[str]:
    """Words and punctuation marks, in order; not a model's tokens.

    A word is a run of letters, digits, underscores and combining marks, with inner apostrophes
    ("don't" is one word, "well-known" is three tokens). Each other visible sign is a token. Chinese
    characters and Japanese kana, written without spaces, are a word each; Thai and its like count a
    run as one word.
    """
    if not text.isascii():
        text = CJK.sub(r" \g<0> ", text)
    return TOKEN.findall(text)


def tokenize_lines(text: str) -> tuple[list[str], set[int]]:
    """The tokens of a text (as `tokenize`), and the numbers of those that open a line."""
    tokens: list[str] = []
    opens: set[int] = set()
    for line in text.split("\n"):
        opens.add(len(tokens))
        tokens += tokenize(line)
    return tokens, opens


@dataclass(frozen=True)
class Lexicon:
    """A list of phrases that count as one feature."""

    name: str
    phrases: tuple[str, ...]
    """Lower case, as templates (see `offtarget.lens.surface.templates`)."""
    exceptions: tuple[str, ...] = ()
    """Phrases that do not count, nor what begins within them: longer ones than those that do, or with words before."""
    opening: int = 0
    """If positive: a phrase counts only if it begins within the first so many tokens, with no negation
    before it in its sentence."""
    closing: int = 0
    """If positive: a phrase counts only if it begins within the last so many tokens."""
    ended_by: tuple[str, ...] = ()
    """What stands before one of these phrases does not count: a letter's words are not the writer's to the reader."""
    quoted: bool = True
    """Whether phrases within double quotation marks count."""
    names: bool = True
    """Whether words that are part of a name ("The Amazing Race") count."""


@dataclass(eq=False)
class Node:
    """A place in the phrases: what may follow, and the phrases that are complete here."""

    words: "dict[str, list[Node]]" = field(default_factory=dict)
    skips: "list[Node]" = field(default_factory=list)
    """Where one is already, without a token."""
    ends: "list[_End]" = field(default_factory=list)


@dataclass(frozen=True)
class _End:
    lexicon: int
    role: str
    """`counts`, `exception` or `ended_by`."""
    before_end: bool
    """Only before the end of a sentence."""
    ahead: int
    """Tokens at its end that must follow, but are no part of it."""


@dataclass(eq=False)
class State:
    """All nodes in which a walk may be after the same tokens."""

    nodes: tuple[Node, ...]
    next: "dict[str, State | None]" = field(default_factory=dict)
    ends: tuple[_End, ...] = ()

    def __post_init__(self) -> None:
        """See what may follow."""
        self.words = [node.words for node in self.nodes if node.words]
        self.any_word = [after for words in self.words for after in words.get(ANY_WORD, ())]
        self.number = [after for words in self.words for after in words.get(NUMBER, ())]


class Matcher:
    """Counts the phrases of several lexicons at once.

    Within a lexicon the longest phrase wins and matches do not overlap. A phrase must match token by
    token, so it never runs across punctuation that it does not hold itself. Phrases share one graph of
    tokens; its states (sets of nodes) are made when a text first needs them.
    """

    def __init__(self, lexicons: Iterable[Lexicon], classes: Mapping[str, str] | None = None) -> None:
        """Put all phrases into one graph of tokens.

        Args:
            lexicons: lists of phrases.
            classes: named choices that templates refer to.
        """
        self.lexicons = tuple(lexicons)
        self.known: set[str] = set()
        self._states: dict[tuple[int, ...], State] = {}
        anywhere, at_start = Node(), Node()
        for k, lexicon in enumerate(self.lexicons):
            for role, templates in (
                ("counts", lexicon.phrases),
                ("exception", lexicon.exceptions),
                ("ended_by", lexicon.ended_by),
            ):
                for template in templates:
                    self._add(read_template(template, classes or {}), k, role, anywhere, at_start)
        self.anywhere = State(_reached([anywhere]))
        self.at_start = State(_reached([anywhere, at_start]))
        self.first = {word for node in self.at_start.nodes for word in node.words}
        self.start_words = {word for node in _reached([at_start]) for word in node.words}
        if self.first & {ANY_WORD, NUMBER}:
            raise ValueError("a phrase may not begin with any word or any number")
        if any(node.ends for node in self.at_start.nodes):
            raise ValueError("a phrase may be empty")

    def count(
        self, tokens: Sequence[str], written: Sequence[str] | None = None, opens: Collection[int] = ()
    ) -> list[int]:
        """Matches of each lexicon, in their order.

        Args:
            tokens: lower-case tokens with straight apostrophes.
            written: the same tokens with their capitals; without them nothing is taken for a name.
            opens: numbers of tokens that open a line; a line's end is a sentence's end.
        """
        hits = [0] * len(self.lexicons)
        for k, _, _ in self.find(tokens, written, opens):
            hits[k] += 1
        return hits

    def find(
        self, tokens: Sequence[str], written: Sequence[str] | None = None, opens: Collection[int] = ()
    ) -> list[tuple[int, int, int]]:
        """Every match: number of its lexicon, its first token, and the one after its last.

        Args:
            tokens: as for `count`.
            written: as for `count`.
            opens: as for `count`.
        """
        out: list[tuple[int, int, int]] = []
        free = [0] * len(self.lexicons)
        text = Surroundings(tokens, written, opens)
        known, first, start_words = self.known, self.first, self.start_words
        kinds = [
            t if t in known else A_SIGN if not t[0].isalnum() else A_NUMBER if t.isdigit() else A_WORD for t in tokens
        ]
        for start, token in enumerate(kinds):
            if token not in first:
                continue
            anchored = (
                token in start_words
                and (not start or tokens[start - 1] in EDGES or start in opens)
                and text.sentence_starts(start)
            )
            state = self.at_start if anchored else self.anywhere
            opened = state.next[token] if token in state.next else self.step(state, token)
            if opened is None or (not opened.ends and self._stops(opened, kinds, start + 1)):
                continue  # as most do
            for k, (stop, role) in self._longest(state, text, kinds, start):
                if start < free[k]:
                    continue
                free[k] = stop
                if role == "ended_by":
                    out = [match for match in out if match[0] != k]
                elif role == "counts" and _counts(self.lexicons[k], text, start, stop):
                    out.append((k, start, stop))
        return out

    def _stops(self, state: State, kinds: Sequence[str], at: int) -> bool:
        """Whether no phrase goes on with a token."""
        if at >= len(kinds):
            return True
        token = kinds[at]
        return (state.next[token] if token in state.next else self.step(state, token)) is None

    def _longest(
        self, state: State, text: Surroundings, kinds: Sequence[str], start: int
    ) -> Iterable[tuple[int, tuple[int, str]]]:
        """The longest phrase of each lexicon that begins at a token."""
        found: dict[int, tuple[int, str]] = {}
        for end in range(start, len(kinds)):
            token = kinds[end]
            after = state.next[token] if token in state.next else self.step(state, token)
            if after is None:
                break
            state = after
            for e in state.ends:
                if not e.before_end or text.sentence_ends(end + 1):
                    found[e.lexicon] = (end + 1 - e.ahead, e.role)
        return found.items() if found else ()

    def step(self, state: State, token: str) -> State | None:
        """The state after one more token: a word or sign that some phrase names, or what stands for all others."""
        nodes = [after for words in state.words if token in words for after in words[token]]
        if token[0].isalnum() or token in (A_WORD, A_NUMBER):
            nodes += state.any_word
            if token.isdigit() or token == A_NUMBER:
                nodes += state.number
        state.next[token] = self._state(nodes) if nodes else None
        return state.next[token]

    def _state(self, nodes: Sequence[Node]) -> State:
        """The state of being in some nodes."""
        given = tuple(map(id, nodes))
        if given not in self._states:
            reached = _reached(nodes)
            key = tuple(sorted(map(id, reached)))
            if key not in self._states:
                ends = sorted({e for n in reached for e in n.ends}, key=lambda e: (e.role != "counts", e.before_end))
                self._states[key] = State(reached, {}, tuple(ends))
            self._states[given] = self._states[key]
        return self._states[given]

    def _add(self, items: Sequence[Item], k: int, role: str, anywhere: Node, at_start: Node) -> None:
        """Put one phrase into the graph."""
        anchored = items[0] == SENTENCE_START
        before_end = items[-1] == SENTENCE_END
        body = [item for item in items[anchored : len(items) - before_end] if item != AHEAD]
        end = Node(ends=[_End(k, role, before_end, int(AHEAD in items))])
        self._lead(at_start if anchored else anywhere, body, end)

    def _lead(self, begin: Node, items: Sequence[Item], end: Node) -> None:
        """Lead from one node through a sequence to another."""
        if not items:
            begin.skips.append(end)
        for i, item in enumerate(items):
            after = end if i == len(items) - 1 else Node()
            if isinstance(item, str):
                self.known.add(item)
                begin.words.setdefault(item, []).append(after)
            else:
                for option in item.options:
                    self._lead(begin, option, after)
            begin = after


def _reached(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes, and those in which one is with them, each once."""
    seen: dict[int, Node] = {}
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            todo += node.skips
    return tuple(seen.values())


def _counts(lexicon: Lexicon, text: Surroundings, start: int, stop: int) -> bool:
    """Whether a phrase of a lexicon counts where it stands."""
    if lexicon.opening and (start >= lexicon.opening or text.negated(start)):
        return False
    if lexicon.closing and start < len(text.tokens) - lexicon.closing:
        return False
    if not lexicon.names and text.in_name(start, stop):
        return False
    return lexicon.quoted or not text.quoted(start)
