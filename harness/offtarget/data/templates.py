"""Prompts that fill one template: "Write a poem about X" five hundred times.

A template is a run of words at the start and one at the end of a prompt that stay, around one slot that does not. It
has to be plain before prompts are taken for fillings of one: at least `MIN_FIXED` words stay, one of them no common
word, no fewer than the slot holds, and `MIN_FILLS` different prompts fill it. A slot holds at most `MAX_SLOT` words (a
name, a number, a thing), so neither questions that open alike nor an instruction before its own text are one.
Compared is the last user turn (`identity.normalise`) of prompts with the same turns before it. Templates that share a
prompt are one: "Write a sad poem about X" and "Write a Y poem about cats".
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from offtarget.data.identity import normalise, text_key
from offtarget.data.language import ENGLISH
from offtarget.data.pairs import Pair

MIN_SHARE = 0.1
"""Templates that hold a smaller share of the rows, all together, are of no weight."""
MIN_FIXED, MIN_FILLS, MAX_SLOT = 4, 5, 3
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Signs of scripts without spaces: two of them count as a word."""
_WORD = re.compile(rf"{_DENSE.pattern}|(?:(?!{_DENSE.pattern})\w)+|[^\w\s]")
_SHORT_WORDS = "a an i me my do does in on as so is he she no us am s t"
_COMMON = ENGLISH | frozenset(_SHORT_WORDS.split())
SLOT = "…"


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and the rows whose prompts fill it."""

    frame: str
    """The words that stay, normalised, with … for the slot."""
    n_prompts: int
    """Different prompts that fill it."""
    rows: tuple[int, ...]
    """Numbers of their rows."""


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A prompt as words, with what its first and its last words come to."""

    text: str
    words: list[tuple[int, int]]
    """Where each word is."""
    starts: list[int]
    """Hash of the turns before and the first k words."""
    ends: list[int]
    """Hash of the last k words."""
    weight: list[float]
    """Words among the first k: a punctuation mark is none."""
    telling: list[int]
    """Words that are not common among the first k."""

    @classmethod
    def of(cls, before: str, last: str) -> "_Prompt":
        found = list(_WORD.finditer(last))
        words = [m[0] for m in found]
        weights = [(0.5 if _DENSE.match(w) else 1.0) if w[0].isalnum() or w[0] == "_" else 0.0 for w in words]
        return cls(
            last,
            [m.span() for m in found],
            list(accumulate(words, lambda h, w: hash((h, w)), initial=hash(before))),
            list(accumulate(reversed(words), lambda h, w: hash((h, w)), initial=0)),
            list(accumulate(weights, initial=0.0)),
            list(accumulate((x > 0 and w not in _COMMON for w, x in zip(words, weights, strict=True)), initial=0)),
        )

    def frames(self, n_start: "Counter[int]", n_end: "Counter[int]") -> Iterator[tuple[int, int]]:
        """How many words stay before and behind each slot that the prompt may be a filling of.

        Args:
            n_start: how many prompts have each start.
            n_end: how many have each end.
        """
        n = len(self.words)
        for before in range(n):
            if n_start[self.starts[before]] < MIN_FILLS:
                return
            for stop in range(before + 1, min(before + MAX_SLOT, n) + 1):
                slot = self.weight[stop] - self.weight[before]
                fixed = self.weight[n] - slot
                telling = self.telling[n] - (self.telling[stop] - self.telling[before])
                if slot and fixed >= max(MIN_FIXED, slot) and telling and n_end[self.ends[n - stop]] >= MIN_FILLS:
                    yield before, n - stop

    def frame(self, before: int, behind: int) -> str:
        """The text with … for what is between the first and the last this many words."""
        slot = self.words[before : len(self.words) - behind]
        return self.text[: slot[0][0]] + SLOT + self.text[slot[-1][1] :]


def templates(pairs: Sequence[Pair]) -> list[Template]:
    """The templates of a set of prompts, that with most rows first."""
    rows_of: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, p in enumerate(pairs):
        rows_of[text_key(p.prompt[:-1]), normalise(p.prompt[-1]["content"]) if p.prompt else ""].append(i)
    prompts = [_Prompt.of(before, last) for before, last in rows_of]
    n_start = Counter(h for prompt in prompts for h in prompt.starts)
    n_end = Counter(h for prompt in prompts for h in prompt.ends)
    fillings: dict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for k, prompt in enumerate(prompts):
        for before, behind in prompt.frames(n_start, n_end):
            fillings[prompt.starts[before], prompt.ends[behind], before, behind].append(k)
    found = [(key, members) for key, members in fillings.items() if len(members) >= MIN_FILLS]
    # the frame of most prompts names what others join; of two for the same prompts that with the shorter slot
    found.sort(key=lambda x: (-len(x[1]), x[1][0], -x[0][2] - x[0][3], -x[0][2]))
    parent = list(range(len(prompts)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    frame_of: dict[int, str] = {}
    for (_, _, before, behind), members in found:
        frame = prompts[members[0]].frame(before, behind)
        roots = {root(k) for k in members}
        named = next((frame_of[r] for r in sorted(roots) if r in frame_of), frame)
        for r in roots:
            parent[r] = min(roots)
        frame_of[min(roots)] = named
    filled: dict[int, list[int]] = defaultdict(list)
    for k in range(len(prompts)):
        if root(k) in frame_of:
            filled[root(k)].append(k)
    rows = list(rows_of.values())
    out = [
        Template(frame_of[r], len(members), tuple(sorted(i for k in members for i in rows[k])))
        for r, members in filled.items()
    ]
    return sorted(out, key=lambda t: (-len(t.rows), t.rows))


def of_weight(pairs: Sequence[Pair]) -> list[Template]:
    """The templates of a set where they make a tenth of its rows or more, all together; else none."""
    found = templates(pairs)
    return found if sum(len(t.rows) for t in found) >= MIN_SHARE * len(pairs) else []
