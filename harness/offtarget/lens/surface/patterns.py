"""Phrase rules that read a text sentence by sentence, with regular expressions, in the writer's own voice.

For what a list of phrases cannot reach: what is said has parts that vary by themselves, or means it only where other
words do not stand beside it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offtarget.lens.surface.prose import Place, Prose

EDGE = r"\b"
"""Where a word may begin."""
_BARE = ("^", "(?:^", "(?:,", "[,", ",")
_SELF = ("i ", "i(", "i'", "(?:i|", "(?:i'", "(?:i ")
"""How ways begin that begin with "I" or "this assistant": seen at a glance where a word begins with another letter."""
END = r"(?![\w'])"
"""Where a word may end."""


_BEFORE = re.compile(r"\W*")
_ENDS_WITHOUT_SPACE = "。！？"
"""Behind these a sentence ends within what is a word between spaces."""
_SIGNS = '.,;:!?"“”()[]*—–…-\ue000\ue001'
"""What stands beside words without a space."""


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
        self._groups: list[tuple[str, Group, int]] = []
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

    def find(self, prose: Prose) -> dict[str, list[Place]]:
        """Where each rule counts: one place in each sentence at most, in order; rules that find nothing are left out."""
        found = self._find(prose, prose.plain, range(len(prose.sentences)))
        if found:  # seldom: whose voice it is takes longer to see than what it says
            starts = {start for places in found.values() for start, _ in places}
            said = [k for k, (a, b) in enumerate(prose.sentences) if any(a <= s < b for s in starts)]
            found = self._find(prose, prose.own, said)
        whole = prose.plain.strip()
        for rule in self.rules:
            if rule.alone and rule.alone.fullmatch(whole):
                start = prose.plain.index(whole)
                found[rule.name] = [(start, start + len(whole))]
        return found

    def _find(self, prose: Prose, text: str, numbers: Iterable[int]) -> dict[str, list[Place]]:
        """What each rule finds in some sentences, by their numbers."""
        bare = text
        for sign in _SIGNS:
            bare = bare.replace(sign, " ")
        groups = self._groups
        if not any(sign in text for sign in _ENDS_WITHOUT_SPACE):  # then no sentence has a word that the text has not
            bits = self._bits_of(bare)
            groups = [g for g in groups if bits & g[2] == g[2]]
        if not groups:
            return {}
        bounds = prose.sentences
        out: dict[str, list[Place]] = {}
        for k in numbers:
            start, stop = bounds[k]
            bits = self._bits_of(bare[start:stop])
            sentence, after = "", ""
            for name, group, needed in groups:
                if bits & needed != needed or (name in out and out[name][-1][0] >= start):
                    continue
                if not sentence:
                    sentence = text[start:stop]
                    after = text[slice(*bounds[k + 1])] if k + 1 < len(bounds) else ""
                if place := next(filter(None, (s.find(sentence, after) for s in group.senses)), None):
                    first = start + place[0] + len(_BEFORE.match(sentence[slice(*place)])[0])  # type: ignore[index]
                    out.setdefault(name, []).append((first, start + place[1]))
        return out

    def _bits_of(self, bare: str) -> int:
        """The cues that a text without signs has a word of."""
        bits = 0
        for word in self._cues.intersection(bare.split()):
            bits |= self._bits[word]
        return bits
