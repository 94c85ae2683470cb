"""Texts that nearly repeat another one, by MinHash.

Two texts are near where the Jaccard similarity of their sets of three words in a row is at least `THRESHOLD`. MinHash
(Broder, "On the resemblance and containment of documents", 1997; `datasketch`) finds candidates by bands of equal
hashes: with 25 bands of 5, a pair at the threshold is a candidate with probability 1 - (1 - J⁵)²⁵ = 0.9999, one at 0.6
with 0.87. The exact similarity then decides, so what is counted is near, and hardly any that is near is missed.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offtarget.data.identity import normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THRESHOLD = 0.8
"""Jaccard similarity from which on two texts are near."""
WORDS = 3
"""Words in a row that make one element of a text's set; shorter texts are compared as they are."""
_BANDS, _ROWS = 25, 5
_SEED = 1
_COMPARED = 64
"""Of the texts in one band this many representatives are compared with a new one."""
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class _Sketch:
    """What is kept of one text."""

    shingles: frozenset[int]
    bands: tuple[bytes, ...]


def near_sets(texts: Sequence[str]) -> list[list[int]]:
    """Sets of texts that are near one another, by their numbers: components of the graph of near pairs.

    Texts that are the same (`identity.normalise`) count as one and are represented by the first, so a set holds
    different texts. Each set is in order, and so are the sets.

    Args:
        texts: as they are.
    """
    first = {normalise(t): i for i, t in reversed(list(enumerate(texts)))}
    sketches = dict(zip(first.values(), _sketches(first), strict=True))
    parent = {i: i for i in sketches}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i in sorted(sketches):
        sketch = sketches[i]
        tried: set[int] = set()
        for band in enumerate(sketch.bands):
            bucket = buckets[band]
            joined = False
            for j in bucket[:_COMPARED]:
                if j in tried:
                    continue
                tried.add(j)
                if root(j) == root(i):
                    joined = True
                elif jaccard(sketch.shingles, sketches[j].shingles) >= THRESHOLD:
                    parent[max(root(i), root(j))] = min(root(i), root(j))
                    joined = True
            if not joined:
                bucket.append(i)
    members: dict[int, list[int]] = defaultdict(list)
    for i in sorted(sketches):
        members[root(i)].append(i)
    return [found for found in members.values() if len(found) > 1]


def near_others(texts: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """For each text that is near, but not the same as, one of some others: the number of the nearest of those.

    Args:
        texts: as they are.
        others: what they are compared with.
    """
    known = {normalise(t): j for j, t in reversed(list(enumerate(others)))}
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    sketches = dict(zip(known.values(), _sketches(known), strict=True))
    for j, sketch in sketches.items():
        for band in enumerate(sketch.bands):
            buckets[band].append(j)
    keys = list(map(normalise, texts))
    found: dict[str, int] = {}
    wanted = [k for k in dict.fromkeys(keys) if k not in known]
    for key, sketch in zip(wanted, _sketches(wanted), strict=True):
        near = {j for band in enumerate(sketch.bands) for j in buckets.get(band, ())}
        scored = [(jaccard(sketch.shingles, sketches[j].shingles), -j) for j in near]
        best, at = max(scored, default=(0.0, 0))
        if best >= THRESHOLD:
            found[key] = -at
    return {i: found[key] for i, key in enumerate(keys) if key in found}


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    """Shared over all elements; 0 of two empty sets."""
    if len(a) * THRESHOLD > len(b) or len(b) * THRESHOLD > len(a):  # cannot reach it
        return min(len(a), len(b)) / max(len(a), len(b))
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if shared else 0.0


def shingles(text: str) -> frozenset[int]:
    """The hashes of each three words in a row of a normalised text, punctuation marks being words too."""
    words = _WORD.findall(text)
    if len(words) < WORDS:
        return frozenset((zlib.crc32(text.encode()),)) if text else frozenset()
    coded = [w.encode() for w in words]
    runs = zip(*(coded[k:] for k in range(WORDS)), strict=False)
    return frozenset(map(zlib.crc32, map(b" ".join, runs)))


def _sketches(texts: Iterable[str]) -> list[_Sketch]:
    """The sketch of each normalised text."""
    from datasketch import MinHash

    empty = MinHash(num_perm=_BANDS * _ROWS, seed=_SEED, hashfunc=_as_is)
    out = []
    for text in texts:
        elements = shingles(text)
        sketch = empty.copy()
        sketch.update_batch(elements)
        out.append(_Sketch(elements, _bands(sketch.hashvalues) if elements else ()))
    return out


def _as_is(element: int) -> int:
    return element


def _bands(values: "NDArray[np.uint64]") -> tuple[bytes, ...]:
    return tuple(values[k * _ROWS : (k + 1) * _ROWS].tobytes() for k in range(_BANDS))
