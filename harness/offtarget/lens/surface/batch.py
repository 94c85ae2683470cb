"""Several texts read at once: their tokens, lines and sentences as arrays over all of them.

What `lexicon.tokenize` and `sentences` find in one text after another is found here for all; a test compares them. Before
each text and behind the last stands `EDGE`, a token that no text holds, so that nothing is read across two texts.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface import characters
from offtarget.lens.surface.characters import ALONE, APOSTROPHE, CLOSER, DIGIT, END, SAYS, SPACE, STOP, TOKEN, WORD
from offtarget.lens.surface.sentences import ABBREVIATION, may_abbreviate
from offtarget.lens.surface.vocabulary import Vocabulary

EDGE = "\x00"
"""A control, which is no token of a text."""
_JOINT = "\n" + EDGE
Indices = NDArray[np.intp]


class Batch:
    """Texts and their tokens by number, `EDGE` among them."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take texts.

        Args:
            texts: in any order; those in ASCII are read quicker where all are.
        """
        self.joined = EDGE + _JOINT.join([*texts, ""])
        self.codes, self.signs = characters.kinds_of(self.joined)
        lengths = np.fromiter(map(len, texts), np.intp, len(texts))
        self.begins: Indices = np.concatenate([[1], 1 + np.cumsum(lengths + len(_JOINT))])
        """Where each text begins; last, where one more would."""
        self.stops: Indices = self.begins[:-1] + lengths

    @cached_property
    def _tokens(self) -> tuple[Indices, NDArray[np.bool_]]:
        """Where each token begins, and which characters are part of words."""
        token = self.signs & TOKEN
        token[self.begins - 1] = ALONE
        in_word = token == WORD
        alone = token == ALONE
        marks = np.flatnonzero(token == APOSTROPHE)
        inner = in_word[marks - 1] & in_word[marks + 1]
        in_word[marks[inner]] = True
        alone[marks[~inner]] = True
        alone[1:] |= in_word[1:] & ~in_word[:-1]
        return np.flatnonzero(alone), in_word

    @property
    def starts(self) -> Indices:
        """The first character of each token."""
        return self._tokens[0]

    @cached_property
    def edges(self) -> Indices:
        """The numbers of the tokens that are `EDGE`: one before each text, one behind the last."""
        return np.searchsorted(self.starts, self.begins - 1)

    @property
    def n_tokens(self) -> Indices:
        """Tokens of each text."""
        return np.diff(self.edges) - 1

    @property
    def n_digits(self) -> Indices:
        """Digits of each text."""
        return self._per_text(np.flatnonzero(self.signs & DIGIT))

    def _per_text(self, places: Indices) -> Indices:
        return np.diff(np.searchsorted(places, self.begins))

    @cached_property
    def opens(self) -> NDArray[np.bool_]:
        """Whether each token is the first of a line; of an empty line the next one counts."""
        out = np.zeros(len(self.starts) + 1, bool)
        out[np.searchsorted(self.starts, np.flatnonzero(self.codes == ord("\n")))] = True
        out[self.edges + 1] = True
        return out[:-1]

    def numbers(self, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """The number of each token."""
        starts, in_word = self._tokens
        words = np.where(in_word, self.codes, self.codes.dtype.type(ord(" "))).tobytes()
        spelled = words.decode("ascii" if self.codes.itemsize == 1 else "utf-32-le").split()
        is_word = in_word[starts]
        out = np.empty(len(starts), np.int32)
        out[is_word] = vocabulary.numbers(spelled, len(spelled))
        signs, which = np.unique(self.codes[starts[~is_word]], return_inverse=True)
        out[~is_word] = vocabulary.numbers(map(chr, signs.tolist()), len(signs))[which]
        vocabulary.learn()
        return out

    @cached_property
    def sentences(self) -> tuple[Indices, Indices]:
        """The first character of each sentence of all texts, and the one after its last."""
        bounds = np.concatenate([self.begins, np.flatnonzero(self.signs & STOP) + 1, self._ends()])
        bounds.sort()
        says = np.maximum.reduceat(self.signs & SAYS, bounds[:-1]) > 0
        says &= bounds[1:] > bounds[:-1]
        begins = bounds[:-1][says]
        text = np.searchsorted(self.begins, begins, side="right") - 1
        return begins, np.minimum(bounds[1:][says], self.stops[text])

    @property
    def n_sentences(self) -> Indices:
        """Sentences of each text."""
        return self._per_text(self.sentences[0])

    def sentences_of_texts(self) -> list[list[tuple[int, int]]]:
        """The sentences of each text, by its own characters."""
        begins, stops = self.sentences
        text = np.searchsorted(self.begins, begins, side="right") - 1
        first = self.begins[text]
        pairs = list(zip((begins - first).tolist(), (stops - first).tolist(), strict=True))
        bounds = np.searchsorted(text, np.arange(len(self.stops) + 1)).tolist()
        return [pairs[a:b] for a, b in pairwise(bounds)]

    def _ends(self) -> Indices:
        """Behind each run of end marks and closing quotes that a space follows, and that is no abbreviation's."""
        marks = np.flatnonzero(self.signs & END)
        if not len(marks):
            return marks
        apart = np.diff(marks) > 1
        first = marks[np.concatenate([[True], apart])]
        stop = marks[np.concatenate([apart, [True]])] + 1
        closed = (self.signs[stop] & CLOSER) > 0
        if closed.any():
            others = np.flatnonzero((self.signs & CLOSER) == 0)
            stop[closed] = others[np.searchsorted(others, stop[closed])]
        is_end = (self.signs[stop] & SPACE) > 0
        first, stop = first[is_end], stop[is_end]
        dot = (stop - first == 1) & (self.codes[first] == ord("."))
        short = dot & may_abbreviate(self.codes[np.maximum(first - 2, 0)], self.codes[first - 1])
        for k in np.flatnonzero(short).tolist():
            at = int(stop[k])
            short[k] = ABBREVIATION.search(self.joined, max(0, at - 6), at) is not None
        ends: Indices = stop[~short]
        return ends

    def sums(self, of_tokens: NDArray[Any]) -> NDArray[np.int64]:
        """The sum over the tokens of each text."""
        total = np.concatenate([[0], np.cumsum(of_tokens, dtype=np.int64)])
        found: NDArray[np.int64] = total[self.edges[1:]] - total[self.edges[:-1] + 1]
        return found
