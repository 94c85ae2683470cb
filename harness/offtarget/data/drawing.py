"""Which pairs a limit takes: whole prompts, drawn by a seed, whatever the order of the rows."""

import hashlib
from bisect import insort
from dataclasses import dataclass, field

from offtarget.data.pairs import Pair


def rank(unit: str, seed: int) -> bytes:
    """Where a unit is in the order of a draw: uniform over seeds, and the same in every file."""
    return hashlib.sha256(f"draw:{seed}:{unit}".encode()).digest()


@dataclass
class Draw:
    """A draw of whole groups while the pairs come, in memory that grows with the limit, not with the source.

    Groups are taken in the order of a hash of (seed, group) until the next one would pass the limit; the first is taken
    whatever its size. What is drawn depends on the groups alone, not on the order in which their pairs come.
    """

    limit: int
    seed: int = 0
    n_pairs: int = 0
    """All pairs that came."""
    _order: list[tuple[bytes, str]] = field(default_factory=list)
    _kept: dict[str, list[tuple[int, Pair]]] = field(default_factory=dict)
    _beyond: tuple[bytes, str] | None = None
    """The first group in the order that is known not to fit."""
    _held: int = 0
    _units: set[str] = field(default_factory=set)

    def add(self, pair: Pair, unit: str) -> None:
        """One pair more, of some unit (its group, by a name that does not depend on the order of the rows)."""
        self.n_pairs += 1
        self._units.add(unit)
        key = (rank(unit, self.seed), unit)
        if self._beyond is not None and key >= self._beyond:
            return
        if unit not in self._kept:
            self._kept[unit] = []
            insort(self._order, key)
        self._kept[unit].append((self.n_pairs, pair))
        self._held += 1
        if self._held > self.limit:
            self._shed()

    def _shed(self) -> None:
        """Let go of the groups that cannot fit any more: those before them only grow."""
        total = 0
        for i, (key, group) in enumerate(self._order):
            total += len(self._kept[group])
            if total > self.limit and i:
                self._beyond = (key, group)
                for _, late in self._order[i:]:
                    self._held -= len(self._kept.pop(late))
                del self._order[i:]
                return

    def drawn(self) -> list[Pair]:
        """The pairs that were drawn, in the order in which they came."""
        numbered: list[tuple[int, Pair]] = []
        for _, group in self._order:
            if numbered and len(numbered) + len(self._kept[group]) > self.limit:
                break
            numbered += self._kept[group]
        return [pair for _, pair in sorted(numbered, key=lambda x: x[0])]

    @property
    def n_groups(self) -> int:
        """All groups that came."""
        return len(self._units)
