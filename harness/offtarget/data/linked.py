"""Rows that are one unit because they share their answers: one pair of answers under several prompts is asked once.

Rows hang together where they have a prompt in common, or both answers (`identity.normalise`, whichever was chosen), or,
where answers repeat widely, one answer that is under several prompts but not in over 2 % of the rows. Each connected
component is one unit. Where labels are given by prompt this loses little: swapped by whole components, labels keep their
distribution.

Two cases do not take this. Where single answers are drawn from one pool, nearly all rows hang together: there only rows
with both answers in common are one unit. Where a few pairs of answers are under many prompts and are preferred now
one way and now the other, as coins would have it, labels go by prompt, and prompts stay the units.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from offtarget.data.identity import text_key
from offtarget.data.pairs import Pair
from offtarget.data.stock import MIN_PROMPTS

MIN_UNITS = 10
WORTH_SAYING = 0.01
"""It is said from this share of prompts on that are not their own units."""
COMMON = 0.02
"""An answer in more than this share of the rows, in three units or more, is a stock answer and joins nothing."""
WIDELY = 0.1
"""Share of units that single answers must join before they count as more than coincidence."""
POOLED = 0.1
"""Share of the rows that a unit of answers in common may hold; beyond it answers are from one pool."""
COINS = 30
"""Prompts that must share their answers with others before it is asked whether labels go by prompt."""
P_BY_PAIR, DEALS = 0.01, 999


@dataclass(frozen=True)
class Linked:
    """The unit of each row, and what is to be said of them."""

    names: tuple[str, ...]
    n_units: int
    n_prompts: int
    """Groups of the rows before."""
    n_answers: int
    """Different pairs of answers, in either order."""
    told: str = ""
    """One line; empty where nothing is worth saying."""

    @property
    def effective(self) -> float:
        """As many units of equal size (Kish)."""
        return kish(self.names)


def kish(names: Iterable[Hashable]) -> float:
    """As how many groups of equal size some rows are (n² over the sum of squared sizes)."""
    sizes = Counter(names).values()
    return sum(sizes) ** 2 / sum(n * n for n in sizes)


def join(first: Sequence[str], sets: Iterable[Sequence[int]]) -> list[str]:
    """The connected components of rows that agree in a label or are in one set.

    Args:
        first: a label of each row; a component is named after the label of its first row.
        sets: numbers of rows that hang together.
    """
    parent = list(range(len(first)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for members in (*alike(first), *sets):
        for i in members[1:]:
            a, b = root(members[0]), root(i)
            parent[max(a, b)] = min(a, b)
    return [first[root(i)] for i in range(len(first))]


def alike(labels: Iterable[Hashable]) -> list[list[int]]:
    """Numbers of the rows of each label."""
    rows: dict[Hashable, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        rows[label].append(i)
    return list(rows.values())


def linked(pairs: Sequence[Pair], noun: str = "prompts") -> Linked:
    """The unit of each row of at least one pair.

    Args:
        pairs: the rows.
        noun: what their groups are, for the line.
    """
    groups = [p.group for p in pairs]
    sides = [(text_key(p.chosen), text_key(p.rejected)) for p in pairs]
    answers = [tuple(sorted(s)) for s in sides]
    n_prompts, n_answers = len(set(groups)), len(set(answers))
    names = join(groups, alike(answers))
    names = _by_single_answers(names, sides)
    n_units = len(set(names))
    if n_units > (1 - WORTH_SAYING) * n_prompts:
        return Linked(tuple(names), n_units, n_prompts, n_answers)
    told = f"{len(pairs):,} pairs from {n_prompts:,} {noun} hold "
    told += "one pair of answers" if n_answers == 1 else f"{n_answers:,} different pairs of answers"
    if kish(names) < MIN_UNITS <= kish(groups) and _by_prompt(groups, sides):
        told += (
            f": they are preferred now one way and now the other, so the {noun} stay the units; what is found speaks for "
            "these answers"
        )
        return Linked(tuple(groups), n_prompts, n_prompts, n_answers, told)
    if n_units == n_answers:
        told += ": it is one unit" if n_units == 1 else ": they are the units"
    else:
        told += f": rows that share their answers are one unit, which makes {n_units:,} units"
    effective = kish(names)
    if effective < 0.9 * n_units:
        told += f" (as good as {effective:.0f} of equal size)"
    return Linked(tuple(names), n_units, n_prompts, n_answers, told)


def _by_single_answers(names: list[str], sides: Sequence[tuple[str, str]]) -> list[str]:
    """Units joined by one answer that is in several of them: where that is no coincidence, and does not join all."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, (chosen, rejected) in enumerate(sides):
        rows[chosen].append(i)
        rows[rejected].append(i)
    shared = []
    for members in rows.values():
        n_units = len({names[i] for i in members})
        stock = n_units >= MIN_PROMPTS and len(members) > COMMON * len(names)
        if n_units > 1 and not stock:
            shared.append(members)
    out = join(names, shared)
    rare = len(set(out)) > (1 - WIDELY) * len(set(names))
    pooled = max(Counter(out).values()) > max(POOLED * len(names), *Counter(names).values())
    return names if rare or pooled else out


def _by_prompt(groups: Sequence[str], sides: Sequence[tuple[str, str]]) -> bool:
    """Whether the labels of pairs of answers that are under several prompts agree no more than coins by prompt would.

    Statistic: the sum over pairs of answers of the squared sum of signs, one sign a prompt.
    """
    import numpy as np

    way: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for group, (chosen, rejected) in zip(groups, sides, strict=True):
        way[min(chosen, rejected), max(chosen, rejected)][group] += 1 if chosen < rejected else -1
    signs = [np.sign(list(of.values())) for of in way.values() if len(of) > 1]
    n = sum(map(len, signs))
    if n < COINS:
        return False
    starts = np.cumsum([0, *map(len, signs)])[:-1]
    seen = (np.add.reduceat(np.concatenate(signs), starts) ** 2).sum()
    rng = np.random.default_rng(0)
    more = sum((np.add.reduceat(rng.choice([-1, 1], n), starts) ** 2).sum() >= seen for _ in range(DEALS))
    return bool((1 + more) / (1 + DEALS) >= P_BY_PAIR)
