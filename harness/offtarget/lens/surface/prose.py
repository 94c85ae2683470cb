"""The prose of one text as phrase rules read it: each view of it is made once, and only where a rule asks for it."""

from collections.abc import Collection
from functools import cached_property

from offtarget.lens.surface import voice
from offtarget.lens.surface.lexicon import tokenize_lines
from offtarget.lens.surface.sentences import sentences

Place = tuple[int, int]
"""First character, and the one after the last."""


class Prose:
    """Text without code, addresses and markdown markers, in the views that rules ask for."""

    def __init__(self, text: str, quoted: Collection[int] = ()) -> None:
        """Hold a text.

        Args:
            text: `markup.Markup.prose`, or the text with spaces for what is no prose.
            quoted: numbers of its lines that are in a block quote.
        """
        self.text = text
        self.quoted = quoted

    @cached_property
    def _lines(self) -> tuple[list[str], set[int]]:
        return tokenize_lines(self.text)

    @property
    def tokens(self) -> list[str]:
        """Words and signs, as they are written."""
        return self._lines[0]

    @property
    def opens(self) -> set[int]:
        """Numbers of the tokens that open a line."""
        return self._lines[1]

    @cached_property
    def lower(self) -> list[str]:
        """The tokens in lower case with straight apostrophes."""
        if self.text.isascii():
            return [t.lower() for t in self.tokens]
        return [t.replace("’", "'").lower() for t in self.tokens]

    @cached_property
    def places(self) -> list[Place]:
        """Where each token is."""
        cursor, out = 0, []
        for token in self.tokens:
            start = self.text.index(token, cursor)
            cursor = start + len(token)
            out.append((start, cursor))
        return out

    @cached_property
    def sentences(self) -> list[Place]:
        """Where each sentence is."""
        return list(sentences(self.text))

    @cached_property
    def plain(self) -> str:
        """See `voice.plain`."""
        return voice.plain(self.text)

    @cached_property
    def own(self) -> str:
        """See `voice.own`."""
        return voice.own(self.text, self.quoted)
