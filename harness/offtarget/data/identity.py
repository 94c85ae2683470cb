"""When two texts are the same text: one answer for duplicates, contradictions, leaks and prompt groups.

Compared are texts after Unicode NFKC (full-width letters, ligatures and composed accents become one form), without
case (casefold), with every run of white space as one space and none at the ends. Nothing else is taken off:
punctuation and markdown tell texts apart.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from offtarget.data.pairs import Message, Pair, prompt_group

_ROLE_END, _TURN_END = "\x1f", "\x1e"
"""Separators of what is compared; white space to `str.split`, so no normalised text holds them."""


@lru_cache(maxsize=1 << 15)  # each text of a set is asked for several times, by one check after another
def normalise(text: str) -> str:
    """The form of a text in which it is compared with others."""
    if not text.isascii():
        # a second pass, since the fold of a letter may again be composed (Unicode 3.13, D145)
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.casefold().split())


def text_key(messages: Iterable[Message]) -> str:
    """What a conversation says, to compare: the normalised turns with their roles."""
    return _TURN_END.join(m["role"] + _ROLE_END + normalise(m["content"]) for m in messages)


class PromptGroups:
    """The group of each prompt of one set: one for all prompts that are the same text.

    A group is named by the hash of the first of them, so a set without such variants has the names that the
    prompts alone give, and they stay where rows are added behind.
    """

    def __init__(self) -> None:
        """No prompt seen yet."""
        self._named: dict[str, str] = {}

    def of(self, prompt: list[Message]) -> str:
        """The group of a prompt; the first of its text names it."""
        key = text_key(prompt)
        if key not in self._named:
            self._named[key] = prompt_group(prompt)
        return self._named[key]


def pair_keys(pairs: Iterable[Pair]) -> list[tuple[str, str, str]]:
    """For each pair what its prompt, chosen and rejected say, to compare."""
    return [(text_key(p.prompt), text_key(p.chosen), text_key(p.rejected)) for p in pairs]


def letters_of(pairs: Iterable[Pair]) -> list[tuple[str, str, str]]:
    """The same with nothing normalised: what is equal here is the same to the letter."""
    return [(_letters(p.prompt), _letters(p.chosen), _letters(p.rejected)) for p in pairs]


def _letters(messages: Iterable[Message]) -> str:
    """A conversation as one text, no two the same: each part has its length before it."""
    return "".join(f"{len(part)}:{part}" for m in messages for part in (m["role"], m["content"]))
