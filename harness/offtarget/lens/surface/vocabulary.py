"""The tokens that texts hold, each known by a number, and what rules ask of one: seen once, however often it is there."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface import surroundings
from offtarget.lens.surface.lexicon import CONTRACTION

(COUNTED, CONTRACTED, NEGATED, CAPITALS, LONG, TITLE, ALNUM, ENDS, OPENERS, NEGATION, QUOTES, OPENING_QUOTES) = (
    1 << k for k in range(12)
)
"""A word, not a sign; a contraction; one with n't; in capitals; of five signs or more; with a capital in front, not all in
capitals; with a letter or digit in front; the signs and words of `surroundings`."""
_PLAIN = COUNTED | ALNUM
LARGEST = 1_000_000
"""Tokens that are remembered; with more, all are forgotten."""


class Vocabulary(dict[str, int]):
    """Token -> its number; asking for a new one gives it the next."""

    def __init__(self, kind: Callable[[str], int], cues: Callable[[str], Sequence[int] | None], n_cues: int) -> None:
        """No token yet.

        Args:
            kind: what the phrases of lexicons know a token as, by its form in lower case.
            cues: what pattern rules look for in a sentence before they read it, by the same, as numbers of 64 bits.
            n_cues: how many numbers these are.
        """
        super().__init__()
        self._kind, self._cues_of, self._n_bits = kind, cues, n_cues
        self._rows: list[tuple[int, int, int, int]] = []
        self._cues: list[Sequence[int]] = []
        self._none = (0,) * n_cues
        self.flags = np.zeros(0, np.int32)
        self.kinds = np.zeros(0, np.int32)
        self.lower = np.zeros(0, np.int32)
        """The number of its form in lower case, with a straight apostrophe."""
        self.length = np.zeros(0, np.int32)
        """Characters of that."""
        self.cues = np.zeros((0, n_cues), np.uint64)

    def __missing__(self, token: str) -> int:
        """Give a token its number, and see what it is."""
        number = len(self)
        self[token] = number
        small = token.lower() if token.isascii() else token.replace("’", "'").lower()
        if small == token and token.isalpha() and token.islower():
            flags = _PLAIN | LONG if len(token) >= 5 else _PLAIN
            if token in surroundings.NEGATIONS:
                flags |= NEGATION
            self._rows.append((flags, self._kind(token), number, len(token)))
            self._cues.append(self._cues_of(token) or self._none)
            return number
        self._rows.append((0, 0, number, len(small)))  # its place, before that of its small form
        self._cues.append(self._none)
        lower = number if small == token else self[small]
        self._rows[number] = (_flags_of(token, small), self._kind(small), lower, len(small))
        self._cues[number] = self._cues_of(small) or self._none
        return number

    def numbers(self, tokens: Iterable[str], n: int) -> NDArray[np.int32]:
        """The numbers of tokens, shape `(n,)`."""
        return np.fromiter(map(self.__getitem__, tokens), np.int32, n)

    def learn(self) -> None:
        """Have what was seen of new tokens ready in the arrays."""
        known = len(self.flags)
        if known == len(self._rows):
            return
        fresh = np.array(self._rows[known:], np.int32)
        self.flags, self.kinds, self.lower, self.length = (
            np.concatenate([old, fresh[:, k]])
            for k, old in enumerate((self.flags, self.kinds, self.lower, self.length))
        )
        self.cues = np.concatenate([self.cues, np.array(self._cues[known:], np.uint64).reshape(-1, self._n_bits)])


def _flags_of(token: str, small: str) -> int:
    if token.isalpha() and token[:1].isupper() and token[1:].islower() and small not in surroundings.NEGATIONS:
        return _PLAIN | TITLE | (LONG if len(token) >= 5 else 0)
    word = small[0].isalnum() or len(small) > 1
    upper = token.isupper()
    said: tuple[tuple[int, Any], ...] = (
        (COUNTED, word),
        (CONTRACTED, word and "'" in small and CONTRACTION.fullmatch(small)),
        (NEGATED, word and small.endswith("n't")),
        (CAPITALS, upper and len(token) > 1 and token.isalpha()),
        (LONG, len(token) >= 5),
        (TITLE, token[:1].isupper() and not upper),
        (ALNUM, token[0].isalnum()),
        (ENDS, small in surroundings.ENDS),
        (OPENERS, small in surroundings.OPENERS),
        (NEGATION, small in surroundings.NEGATIONS or small.endswith("n't")),
        (QUOTES, small in surroundings.QUOTES),
        (OPENING_QUOTES, small in surroundings.OPENING_QUOTES),
    )
    return sum(flag for flag, is_so in said if is_so)
