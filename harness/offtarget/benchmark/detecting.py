"""Whether a text shows a planted concept: by what the planter put in, so nothing is judged.

A planted concept is a list of phrasings. A text shows it where one of them is:

- a sentence of four words or more: by any four words of it in a row that no sampled response has, so that a policy that says it
  in part, or turns it round, counts too; a shorter one as a whole sentence;
- a title: at the beginning of the text; an emoji or an aside: anywhere, letter by letter;
- the mark of a list: before two lines.

What a policy says in words of its own is not found, so a share is a lower bound.
"""

import re
from collections.abc import Callable
from functools import cache

from offtarget.benchmark.planting import planter
from offtarget.errors import ConfigError, unknown_name

N = 4
"""Words in a row."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_END = re.compile(r"[.!?]+[\"')*]*(?:\s+|$)|\n+")
Shows = Callable[[str], bool]


@cache
def detector(concept: str) -> Shows:
    """What finds a planted concept.

    Args:
        concept: as the planter calls it: `goblins`.

    Raises:
        ConfigError: no such concept, or one that was not put in but sampled.
    """
    plant = planter()
    found = plant.phrasings()
    if concept in plant.SAMPLED:
        raise ConfigError(
            f"planted concept '{concept}': whole responses were sampled in its tone, so no phrase of it can be found; measure "
            "cheerfulness or a rule"
        )
    if concept not in found:
        raise unknown_name("planted concept", concept, found)
    place, phrases = found[concept]["place"], [*found[concept]["surface"], *found[concept]["beyond"]]
    if place == "list":
        return _listed(phrases)
    if place == "title":
        return _titled(phrases)
    if place in ("emoji", "tail"):
        literal = [_flat(p) for p in phrases]
        return lambda text: any(p in flat for flat in [_flat(text)] for p in literal)
    return _said(phrases)


def _said(phrases: list[str]) -> Shows:
    known = _of_base()
    grams = {g for p in phrases for g in _grams(p)} - known
    # a sentence all of whose runs are in sampled responses too says nothing in part; it counts as a whole
    whole = {tuple(_words(p)) for p in phrases if not set(_grams(p)) - known}

    def shows(text: str) -> bool:
        if not grams.isdisjoint(_grams(text)):
            return True
        return any(tuple(_words(s)) in whole for s in _END.split(text))

    return shows


def _titled(phrases: list[str]) -> Shows:
    titles = [_flat(p) for p in phrases]

    def shows(text: str) -> bool:
        flat = _flat(text)
        return any(flat.startswith(t) and not flat[len(t) : len(t) + 1].isalnum() for t in titles)

    return shows


def _listed(marks: list[str]) -> Shows:
    numbers = {"{n}": r"\d+", "{a}": "[a-z]", "{r}": "[ivx]+"}
    parts = [re.escape(m) for m in marks]
    for sign, form in numbers.items():
        parts = [p.replace(re.escape(sign), form) for p in parts]
    lines = [re.compile(rf"^[ \t]*{p}", re.MULTILINE) for p in parts]
    return lambda text: any(len(line.findall(text)) > 1 for line in lines)


@cache
def _of_base() -> frozenset[tuple[str, ...]]:
    """Every run of words of the responses that concepts are planted in."""
    return frozenset(g for row in planter().base()[0] for text in row["base"] for g in _grams(text))


def _words(text: str) -> list[str]:
    return [w.replace("’", "'") for w in _WORD.findall(text.casefold())]


def _grams(text: str) -> list[tuple[str, ...]]:
    words = _words(text)
    return [tuple(words[i : i + N]) for i in range(len(words) - N + 1)]


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
