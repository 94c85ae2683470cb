"""What stands around a phrase: sentence edges, negation, quotation marks, names."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

NEGATIONS = frozenset({"not", "no", "never", "cannot", "if", "whether"})
ENDS = frozenset(".!?…:;。！？")
OPENERS = frozenset("\"'“”‘’«»([*_-–—•")
"""Signs that may stand before the first word of a sentence."""
EDGES = ENDS | OPENERS
"""Signs of which one is before each first word of a sentence that opens no line."""
QUOTES = frozenset('"“”„«»')
OPENING_QUOTES = frozenset("“„«")
LONGEST_QUOTE = 120


@dataclass
class Surroundings:
    """The tokens of a text, and what they say about a place among them."""

    tokens: Sequence[str]
    """In lower case, with straight apostrophes."""
    written: Sequence[str] | None = None
    """The same with their capitals."""
    opens: Collection[int] = ()
    """Numbers of the tokens that open a line."""

    def sentence_starts(self, i: int) -> bool:
        """Whether a token is the first of a sentence, of a line or after a colon or semicolon."""
        while i > 0 and i not in self.opens:
            i -= 1
            if self.tokens[i] in ENDS:
                return True
            if self.tokens[i] not in OPENERS:
                return False
        return True

    def sentence_ends(self, i: int) -> bool:
        """Whether a sentence or line ends before a token."""
        return i >= len(self.tokens) or i in self.opens or self.tokens[i] in ENDS

    def negated(self, start: int) -> bool:
        """Whether the sentence has a negation, or a condition, before a token."""
        for i in range(start - 1, -1, -1):
            if self.tokens[i] in ENDS:
                return False
            if self.tokens[i] in NEGATIONS or self.tokens[i].endswith("n't"):
                return True
        return False

    def in_name(self, start: int, stop: int) -> bool:
        """Whether words have a capital that is not the sentence's, or a capital that a capital follows.

        Words all in capitals are none.
        """
        written = self.written
        if not written or not written[start][:1].isupper() or written[start].isupper():
            return False
        goes_on = stop < len(written) and stop not in self.opens and written[stop - 1][0].isalnum()
        after = written[stop] if goes_on else ""
        follows = after[:1].isupper() and not after.isupper()
        return follows or not self.sentence_starts(start)

    def quoted(self, start: int) -> bool:
        """Whether a token stands within double quotation marks, not further apart than a few sentences."""
        return any(a < start < b for a, b in self._quotations)

    @cached_property
    def _quotations(self) -> list[tuple[int, int]]:
        return list(self._read_quotations())

    def _read_quotations(self) -> Iterator[tuple[int, int]]:
        """First and last token of each quotation: from one mark to the next in the same line."""
        begin = -1
        for i, sign in enumerate(self.tokens):
            if i in self.opens:
                begin = -1
            if sign not in QUOTES:
                continue
            if begin < 0 or sign in OPENING_QUOTES:
                begin = i
            else:
                if i - begin <= LONGEST_QUOTE:
                    yield begin, i
                begin = -1
