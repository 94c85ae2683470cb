"""Rows that nearly repeat others, and prompts of a test set that are in a training set."""

from collections import defaultdict
from collections.abc import Sequence

from offtarget.data.identity import normalise, text_key
from offtarget.data.near import THRESHOLD, WORDS, near_others, near_sets
from offtarget.data.pairs import Pair, PairSet, text_of
from offtarget.records import Record

SHOWN = 50
"""Sets or rows that a report lists; the counts are of all."""


class Near(Record):
    """Texts that nearly repeat another one without being the same."""

    threshold: float = THRESHOLD
    """Jaccard similarity of the sets of this many words in a row, from which on two texts are near."""
    words: int = WORDS
    n_prompts: int
    """Different prompts that have a near one."""
    prompts: tuple[tuple[str, ...], ...]
    """Sets of prompts, by the id of the first row of each; at most 50 sets."""
    n_answers: int
    """Different answers of either side, of any prompt, that have a near one."""
    answers: tuple[tuple[str, ...], ...]
    """As `id/chosen` and `id/rejected`."""
    n_rows: int
    """Rows whose prompt, chosen and rejected are all near, or the same as, those of an earlier row, without repeating it."""
    rows: tuple[tuple[str, ...], ...]


class Overlap(Record):
    """What a set shares with another one, of which models have seen the rows."""

    against: str
    """The other set."""
    n_against: int
    """Its pairs."""
    n_rows: int
    """Rows of this set whose prompt is a prompt of the other one (the same but for case, white space and Unicode form)."""
    rows: tuple[tuple[str, str], ...]
    """Id here and id of the first such row there; at most 50."""
    n_prompts: int
    """Different prompts here that the other set holds."""
    n_near_rows: int
    """Rows whose prompt is near one of the other set, and none of it."""
    near_rows: tuple[tuple[str, str], ...]
    n_near_prompts: int
    n_same_pairs: int
    """Rows whose prompt, chosen and rejected all are together in the other set, preferred this way or the other."""


def find_near(pairs: Sequence[Pair]) -> Near:
    """Near-duplicates among the prompts, the answers and the rows of a set."""
    ids = [p.id for p in pairs]
    normal: dict[str, str] = {}
    prompts = [_normal(text_of(p.prompt), normal) for p in pairs]
    sides = [_normal(text_of(side), normal) for p in pairs for side in (p.chosen, p.rejected)]
    near_prompts, near_answers = near_sets(prompts), near_sets(sides)
    named = [f"{p.id}/{side}" for p in pairs for side in ("chosen", "rejected")]
    rows = _near_rows(ids, _labels(prompts, near_prompts), _labels(sides, near_answers), prompts, sides)
    return Near(
        n_prompts=sum(map(len, near_prompts)),
        prompts=tuple(tuple(ids[i] for i in found) for found in near_prompts[:SHOWN]),
        n_answers=sum(map(len, near_answers)),
        answers=tuple(tuple(named[i] for i in found) for found in near_answers[:SHOWN]),
        n_rows=sum(len(found) - 1 for found in rows),
        rows=tuple(map(tuple, rows[:SHOWN])),
    )


def _normal(text: str, known: dict[str, str]) -> str:
    if text not in known:
        known[text] = normalise(text)
    return known[text]


def _labels(texts: Sequence[str], sets: Sequence[Sequence[int]]) -> list[str]:
    """Of each normalised text what it has in common with those near it: the first of them."""
    first = {texts[i]: texts[found[0]] for found in sets for i in found}
    return [first.get(t, t) for t in texts]


def _near_rows(
    ids: Sequence[str], asked: Sequence[str], said: Sequence[str], prompts: Sequence[str], sides: Sequence[str]
) -> list[list[str]]:
    """Sets of rows that agree in all three labels, one row of each that says the same."""
    found: dict[tuple[str, str, str], dict[tuple[str, str, str], str]] = defaultdict(dict)
    for i, name in enumerate(ids):
        exact = (prompts[i], sides[2 * i], sides[2 * i + 1])
        found[asked[i], said[2 * i], said[2 * i + 1]].setdefault(exact, name)
    return [list(rows.values()) for rows in found.values() if len(rows) > 1]


def find_overlap(pairs: PairSet, against: PairSet) -> Overlap:
    """The prompts of a set that are, or nearly are, in another one.

    Args:
        pairs: the set that is to be unseen, such as a test set.
        against: the set that was seen, such as a training set.
    """
    here, there = pairs.pairs, against.pairs
    seen: dict[str, str] = {}
    for p in there:
        seen.setdefault(text_key(p.prompt), p.id)
    same = [(p, seen[key]) for p in here if (key := text_key(p.prompt)) in seen]
    left = [p for p in here if text_key(p.prompt) not in seen]
    near = near_others([text_of(p.prompt) for p in left], [text_of(p.prompt) for p in there])
    near_rows = [(left[i], there[j].id) for i, j in near.items()]
    rows_there = {_unordered(p) for p in there}
    return Overlap(
        against=against.name,
        n_against=len(against),
        n_rows=len(same),
        rows=tuple((p.id, other) for p, other in same[:SHOWN]),
        n_prompts=len({text_key(p.prompt) for p, _ in same}),
        n_near_rows=len(near_rows),
        near_rows=tuple((p.id, other) for p, other in near_rows[:SHOWN]),
        n_near_prompts=len({text_key(p.prompt) for p, _ in near_rows}),
        n_same_pairs=sum(_unordered(p) in rows_there for p in here),
    )


def _unordered(p: Pair) -> tuple[str, ...]:
    return (text_key(p.prompt), *sorted((text_key(p.chosen), text_key(p.rejected))))
