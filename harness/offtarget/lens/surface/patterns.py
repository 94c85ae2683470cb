"""Phrase rules that read a text sentence by sentence, with regular expressions, in the writer's own voice.

For what a list of phrases cannot reach: what is said has parts that vary by themselves, or means it only where other
words do not stand beside it.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.surface.prose import Place, Prose

if TYPE_CHECKING:
    from offtarget.lens.surface.batch import Batch

EDGE = r"\b"
"""Where a word may begin."""
_BARE = ("^", "(?:^", "(?:,", "[,", ",")
_SELF = ("i ", "i(", "i'", "(?:i|", "(?:i'", "(?:i ")
"""How ways begin that begin with "I" or "this assistant": seen at a glance where a word begins with another letter."""
END = r"(?![\w'])"
"""Where a word may end."""


_BEFORE = re.compile(r"\W*")
_NO_SIGNS = str.maketrans(dict.fromkeys('.,;:!?"“”()[]*—–…-\ue000\ue001', " "))
"""Takes away what stands beside words without a space."""
_ODD_SIGNS = "‘´`"
"""Read as an apostrophe, though tokens end there."""
_ODD = re.compile(rf"\w[{_ODD_SIGNS}]\w")
_LETTER_APOSTROPHE = "ʼ"
"""Read as one too; tokens have it as a letter."""
_BITS = 60


def compiled(*ways: str, begin: str | None = None, of_self: bool = False) -> re.Pattern[str]:
    """One expression for several ways to say a thing, each from a word's beginning to a word's end.

    Args:
        ways: in lower case, with straight apostrophes; a space matches one or more. Those that begin with `^` or a
            sign need no word's beginning.
        begin: what must be where all of them begin, instead of that.
        of_self: those that open like `_SELF` do so with "I" or "this assistant" in every case.
    """
    if begin is None:
        bare = [w for w in ways if w.startswith(_BARE)]
        selves = [w for w in ways if of_self and w.startswith(_SELF)]
        rest = [w for w in ways if w not in bare and w not in selves]
        found = [*bare]
        if selves:
            found.append(f"{EDGE}(?=[it])(?:{'|'.join(selves)})")
        if rest:
            found.append(f"{EDGE}(?:{'|'.join(rest)})")
        one_of = "|".join(found)
    else:
        one_of = f"{begin}(?:{'|'.join(ways)})"
    return re.compile(re.sub(" (?![*+?{])", " +", f"(?:{one_of}){END}"))


@dataclass(frozen=True)
class Sense:
    """Ways to say one thing, and what takes that meaning away."""

    ways: re.Pattern[str]
    then: re.Pattern[str] | None = None
    """What must follow right behind (`re.Pattern.match`)."""
    behind: re.Pattern[str] | None = None
    """What must stand right before (searched for in what comes before, so it ends with `$`)."""
    unless: re.Pattern[str] | None = None
    """Found in the sentence: nothing of this sense counts there."""
    unless_next: re.Pattern[str] | None = None
    """Found at the beginning of the next sentence: nothing of this sense counts either."""
    longest: int = 0
    """Characters of the longest sentence that can say it; 0 for any."""

    def find(self, sentence: str, after: str) -> Place | None:
        """The first place where a sentence says it.

        Args:
            sentence: in lower case, with straight apostrophes.
            after: the next one; may be empty.
        """
        place = self._said(sentence)
        if (
            place is None
            or (self.unless and self.unless.search(sentence))
            or (self.unless_next and self.unless_next.match(after.lstrip()))
        ):
            return None
        return place

    def _said(self, sentence: str) -> Place | None:
        if self.longest and len(sentence) > self.longest:
            return None
        for m in self.ways.finditer(sentence):
            if self.behind and not self.behind.search(sentence[: m.start()]):
                continue
            if self.then is None:
                return m.span()
            if after := self.then.match(sentence, m.end()):
                return m.start(), after.end()
        return None


@dataclass(frozen=True)
class Group:
    """Senses that share words, so that most sentences need not be searched for any of them."""

    cues: tuple[frozenset[str], ...]
    """Of each of these, one word stands in every sentence that has one of the senses."""
    senses: tuple[Sense, ...]


def words(*lists: str) -> frozenset[str]:
    """The words of texts that are lists of them."""
    return frozenset(" ".join(lists).split())


_Asked = tuple[str, Group, int]
"""The rule, one of its groups, and the cues that it needs, as bits."""


@dataclass(frozen=True)
class Patterns:
    """A rule: sentences of the writer's own in which one of several senses is found."""

    name: str
    groups: Sequence[Group]
    alone: re.Pattern[str] | None = None
    """Matches a whole text that counts though it says nothing else."""


class PatternReader:
    """Finds what several rules count, in one walk over the sentences of a text."""

    def __init__(self, rules: Sequence[Patterns]) -> None:
        """Give each cue of each group of each rule a bit, and each word those of the cues it is among."""
        self.rules = tuple(rules)
        self._bits: dict[str, int] = {}
        self._groups: list[_Asked] = []
        bit = 1
        for rule in rules:
            for group in rule.groups:
                needed = 0
                for cue in group.cues:
                    for word in cue:
                        self._bits[word] = self._bits.get(word, 0) | bit
                    needed, bit = needed | bit, bit << 1
                self._groups.append((rule.name, group, needed))
        self._cues = frozenset(self._bits)
        self.n_numbers = -(-bit.bit_length() // _BITS)
        """Numbers of `_BITS` bits that hold all cues."""
        self._needed = [[(k, n) for k, n in enumerate(self._split(g[2])) if n] for g in self._groups]

    def find(self, prose: Prose, sayings: Mapping[int, Sequence[int]] | None = None) -> dict[str, list[Place]]:
        """Where each rule counts: one place in each sentence at most, in order; rules that find nothing are left out.

        Args:
            prose: a text.
            sayings: from `sayings`, where that was asked; else every sentence is read.
        """
        if sayings is None:
            every = range(len(self._groups))
            sayings = {k: every for k in range(len(prose.sentences))}
        found = self._find(prose, prose.plain, sayings) if sayings else {}
        if found:  # seldom: whose voice it is takes longer to see than what it says
            starts = {start for places in found.values() for start, _ in places}
            begins = [begin for begin, _ in prose.sentences]
            held = {bisect_right(begins, start) - 1 for start in starts}
            said = {k: groups for k, groups in sayings.items() if k in held}
            found = self._find(prose, prose.own, said)
        whole = prose.plain.strip()
        for rule in self.rules:
            if rule.alone and rule.alone.fullmatch(whole):
                start = prose.plain.index(whole)
                found[rule.name] = [(start, start + len(whole))]
        return found

    def _find(self, prose: Prose, text: str, sayings: Mapping[int, Sequence[int]]) -> dict[str, list[Place]]:
        """What each rule finds in some sentences."""
        bounds = prose.sentences
        out: dict[str, list[Place]] = {}
        for k, numbers in sayings.items():
            start, stop = bounds[k]
            sentence = text[start:stop]
            bits, after = self._bits_of(sentence), ""
            for number in numbers:
                name, group, needed = self._groups[number]
                if bits & needed != needed or (name in out and out[name][-1][0] >= start):
                    continue
                if not after and k + 1 < len(bounds):
                    after = text[slice(*bounds[k + 1])]
                if place := next(filter(None, (s.find(sentence, after) for s in group.senses)), None):
                    first = start + place[0] + len(_BEFORE.match(sentence[slice(*place)])[0])  # type: ignore[index]
                    out.setdefault(name, []).append((first, start + place[1]))
        return out

    def _bits_of(self, sentence: str) -> int:
        """The cues that a sentence has a word of."""
        bits = 0
        for word in self._cues.intersection(sentence.translate(_NO_SIGNS).split()):
            bits |= self._bits[word]
        return bits

    def cues(self, small: str) -> Sequence[int] | None:
        """The cues that a token is a word of, as numbers of `_BITS` bits; None without any.

        Args:
            small: the token in lower case with straight apostrophes.
        """
        bits = self._bits.get(small) or self._bits.get(small.replace(_LETTER_APOSTROPHE, "'"))
        return self._split(bits) if bits else None

    def _split(self, bits: int) -> Sequence[int]:
        return [bits >> _BITS * k & (1 << _BITS) - 1 for k in range(self.n_numbers)]

    def sayings(self, batch: "Batch", cues: NDArray[np.uint64], texts: Sequence[str]) -> list[dict[int, list[int]]]:
        """For each text the sentences that some group may have a sense in, and the numbers of these groups.

        Others have not the words that are needed, and need not be read.

        Args:
            batch: the texts.
            cues: for each token the cues it is a word of, shape `(n_tokens, n_numbers)`.
            texts: the same.
        """
        out: list[dict[int, list[int]]] = [{} for _ in texts]
        begins = batch.sentences[0]
        if not len(begins):
            return out
        first = np.searchsorted(batch.starts, begins)
        held = np.bitwise_or.reduceat(cues, first, axis=0)
        may = np.ones((len(begins), len(self._groups)), bool)
        for group, needed in enumerate(self._needed):
            for k, bits in needed:
                may[:, group] &= (held[:, k] & np.uint64(bits)) == bits
        text = np.searchsorted(batch.begins, begins, side="right") - 1
        for k in [k for k, t in enumerate(texts) if any(s in t for s in _ODD_SIGNS) and _ODD.search(t)]:
            may[text == k] = True  # what is one word here may be two tokens
        number = np.arange(len(begins)) - np.searchsorted(text, text)
        rows, groups = np.nonzero(may)
        for t, k, group in zip(text[rows].tolist(), number[rows].tolist(), groups.tolist(), strict=True):
            out[t].setdefault(k, []).append(group)
        return out
