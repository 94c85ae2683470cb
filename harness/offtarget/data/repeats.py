"""Rows that say the same as others: repeats, opposite labels, circles of preferences, prompts in two splits.

All of it compares texts in the one form of `identity.normalise`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from offtarget.data.identity import text_key
from offtarget.data.pairs import Pair
from offtarget.records import Record

Keys = Sequence[tuple[str, str, str]]
"""What each row's prompt, chosen and rejected say (`identity.pair_keys`)."""


class Contradiction(Record):
    """The same two responses to the same prompt, preferred one way and the other."""

    one_way: tuple[str, ...]
    """Ids."""
    other_way: tuple[str, ...]


class Cycle(Record):
    """Responses to one prompt of which each is preferred to the next, and the last to the first."""

    rows: tuple[str, ...]
    """Ids of the shortest such circle: the rejected response of each row is the chosen one of the next."""
    n_rows: int
    """Rows among responses that can be reached from one another, this circle and all that touch it."""


class Leak(Record):
    """One prompt, or one group, with rows in more than one split."""

    kind: str
    """prompt or group."""
    ids: dict[str, tuple[str, ...]]
    """Split -> ids of its rows with that prompt or group."""


def duplicates(pairs: Sequence[Pair], keys: Keys) -> list[tuple[str, ...]]:
    """Ids of the rows with one prompt, chosen and rejected, for each such set of two or more."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for p, key in zip(pairs, keys, strict=True):
        found[key].append(p.id)
    return [tuple(ids) for ids in found.values() if len(ids) > 1]


def same_sides(pairs: Sequence[Pair], keys: Keys) -> list[str]:
    """Ids of the rows whose chosen and rejected are the same text."""
    return [p.id for p, (_, chosen, rejected) in zip(pairs, keys, strict=True) if chosen == rejected]


def contradictions(pairs: Sequence[Pair], keys: Keys) -> list[Contradiction]:
    """The pairs of responses that rows of one prompt prefer both ways."""
    found: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for p, (prompt, chosen, rejected) in zip(pairs, keys, strict=True):
        ways = found.setdefault((prompt, min(chosen, rejected), max(chosen, rejected)), ([], []))
        if chosen != rejected:
            ways[chosen > rejected].append(p.id)
    return [Contradiction(one_way=tuple(a), other_way=tuple(b)) for a, b in found.values() if a and b]


def n_repeats(pairs: Sequence[Pair], keys: Keys) -> int:
    """Rows that repeat an earlier one."""
    return sum(len(ids) - 1 for ids in duplicates(pairs, keys))


def n_contradicted(pairs: Sequence[Pair], keys: Keys) -> int:
    """Rows that another row contradicts."""
    return sum(len(c.one_way) + len(c.other_way) for c in contradictions(pairs, keys))


def but_for(n: int, exact: int) -> str:
    """What is to be said where of n equal things not all are so to the letter; begins with a space."""
    if exact >= n:
        return ""
    return " but for case and spaces" + (f", {exact} of them to the letter" if exact else "")


def leaks(pairs: Iterable[Pair]) -> list[Leak]:
    """Prompts and groups with rows in several splits."""
    by_prompt: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    by_group: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for p in pairs:
        split = str(p.meta.get("split", ""))
        by_prompt[text_key(p.prompt)][split].append(p.id)
        by_group[p.group][split].append(p.id)
    found, told = [], set()
    for kind, table in (("prompt", by_prompt), ("group", by_group)):
        for homes in table.values():
            ids = {s: tuple(v) for s, v in homes.items()}
            rows = frozenset(i for v in ids.values() for i in v)
            if len(ids) > 1 and rows not in told:
                told.add(rows)
                found.append(Leak(kind=kind, ids=ids))
    return found
