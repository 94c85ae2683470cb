"""Counting phrases from word lists: many lists in one walk over the tokens of a text."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# Combining marks, which \w leaves out: without them words of many scripts would fall apart.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0981-\u0e4e"
    "\u1ab0-\u1aff\u20d0-\u20ef"
)
# Signs nobody sees: controls, zero-width and bidirectional marks, variation selectors.
_UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_TOKEN = re.compile(rf"[\w{_MARKS}]++(?>(?:['’][\w{_MARKS}]++)*)|[^\w\s{_MARKS}{_UNSEEN}]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_BRACES = re.compile(r"\{([^{}]*)\}")


def tokenize(text: str) -> list[str]:
    """Words and punctuation marks, in order; not a model's tokens.

    A word is a run of letters, digits, underscores and combining marks, with inner apostrophes
    ("don't" is one word, "well-known" is three tokens). Each other visible sign is a token. Chinese
    characters and Japanese kana, written without spaces, are a word each; Thai and its like count a
    run as one word.
    """
    if not text.isascii():
        text = _CJK.sub(r" \g<0> ", text)
    return _TOKEN.findall(text)


def expand(template: str) -> list[str]:
    """All phrases of a template: `"i {can't|cannot} help"` gives two; an empty choice leaves the word out."""
    pieces = _BRACES.split(template)
    choices = [p.split("|") if k % 2 else [p] for k, p in enumerate(pieces)]
    return [" ".join("".join(c).split()) for c in itertools.product(*choices)]


@dataclass(frozen=True)
class Lexicon:
    """A list of phrases that count as one feature."""

    name: str
    phrases: tuple[str, ...]
    """Lower case, as templates (see `expand`)."""
    exceptions: tuple[str, ...] = ()
    """Longer phrases that do not count though they begin like one that does."""
    opening: int = 0
    """If positive: a phrase counts only if it begins within the first so many tokens, with no negation
    before it."""
    closing: int = 0
    """If positive: a phrase counts only if it begins within the last so many tokens."""


@dataclass
class _Node:
    children: "dict[str, _Node]" = field(default_factory=dict)
    ends: dict[int, bool] = field(default_factory=dict)
    """Number of the lexicon whose phrase ends here -> whether it counts (False: an exception)."""


class Matcher:
    """Counts the phrases of several lexicons at once.

    Within a lexicon the longest phrase wins and matches do not overlap. A phrase must match token by
    token, so it never runs across punctuation that it does not hold itself.
    """

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        """Put all phrases into one tree of tokens."""
        self.lexicons = tuple(lexicons)
        self._root = _Node()
        self._opening = max((x.opening for x in self.lexicons), default=0)
        for k, lexicon in enumerate(self.lexicons):
            for templates, counts in ((lexicon.phrases, True), (lexicon.exceptions, False)):
                for phrase in itertools.chain.from_iterable(map(expand, templates)):
                    node = self._root
                    for token in tokenize(phrase):
                        node = node.children.setdefault(token, _Node())
                    node.ends[k] = counts

    def count(self, tokens: Sequence[str]) -> list[int]:
        """Matches of each lexicon, in their order.

        Args:
            tokens: lower-case tokens with straight apostrophes.
        """
        hits = [0] * len(self.lexicons)
        for k, _, _ in self.find(tokens):
            hits[k] += 1
        return hits

    def find(self, tokens: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Every match: number of its lexicon, its first token, and the one after its last.

        Args:
            tokens: as for `count`.
        """
        free = [0] * len(self.lexicons)
        n = len(tokens)
        negated = n
        for start, token in enumerate(tokens):
            if start < self._opening and negated == n and (token in _NEGATIONS or token.endswith("n't")):
                negated = start
            node = self._root.children.get(token)
            if node is None:
                continue
            found: dict[int, tuple[int, bool]] = {}
            end = start + 1
            while node is not None:
                for k, counts in node.ends.items():
                    found[k] = (end, counts)
                node = node.children.get(tokens[end]) if end < n else None
                end += 1
            for k, (stop, counts) in found.items():
                if start < free[k]:
                    continue
                free[k] = stop
                lexicon = self.lexicons[k]
                if lexicon.opening and (start >= lexicon.opening or start > negated):
                    continue
                if lexicon.closing and start < n - lexicon.closing:
                    continue
                if counts:
                    yield k, start, stop


_NEGATIONS = frozenset({"not", "no", "never", "cannot"})
