"""Sentences, and how phrases are put into them: the fast part of planting that knows no rows."""

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ORDER = ("tail", "between", "after", "emoji", "list", "before", "end", "title")
"""Insertions are made in this order of places, so that none falls apart by a later one."""

ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")

_UNIT_END = re.compile(r"(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\be\.g)(?<!\bi\.e)(?<!\d)([.!?][\"')*]{0,3})(\s+)(?=\S)")
_MARKER = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")


@dataclass
class Side:
    """One response while it is being built."""

    source: str
    units: list[list[str]] = field(default_factory=list)
    """[text, separator that follows it] in order."""
    inserted: dict[str, str] = field(default_factory=dict)
    filler: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(a + b for a, b in self.units).strip()


@dataclass
class Row:
    """One pair while it is being built."""

    id: str
    topic: str
    prompt: str
    swapped: bool
    sides: tuple[Side, Side]
    spare: list[str]
    """Sentences of the prompt's other responses, for filling."""
    style: tuple[str, str] | None
    prompt_id: str


def stream(*parts: object) -> random.Random:
    """A random stream of its own for every purpose, so that one draw never moves another."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - nothing secret


def split(text: str) -> list[list[str]]:
    """A text as [sentence, white space after it]; joined they are the text."""
    parts = _UNIT_END.split(text)
    units = [["".join(parts[i : i + 2]), parts[i + 2]] for i in range(0, len(parts) - 1, 3)]
    return [*units, [parts[-1], ""]]


def sentences(text: str) -> list[str]:
    """The plain sentences of a text: one line, no markup, 20 to 170 characters."""
    plain = (u for u, _ in split(text) if 20 <= len(u) <= 170 and u[0].isupper() and u[-1] in ".!?")
    return [u for u in plain if not set(u) & set("\n*#`:[]")]


def insert(side: Side, places: Mapping[str, str], rng: random.Random) -> None:
    """Puts what a side was given into its text.

    Args:
        side: with `inserted` filled; its `units` change.
        places: where each inserted concept goes, one of `ORDER`; concepts without a place are left alone.
        rng: draws the sentence beside which a phrase goes.
    """
    todo = [(places[c], c, p) for c, p in side.inserted.items() if c in places]
    rng.shuffle(todo)
    units = side.units
    gap = "\n\n" if any(place == "list" for place, _, _ in todo) else " "
    for place, _, phrase in sorted(todo, key=lambda t: ORDER.index(t[0])):
        if place in ("between", "after"):
            low = 1 if place == "between" else max(1, math.ceil(len(units) / 2))
            put(units, rng.randint(low, len(units)), phrase)
        elif place == "tail":
            i = rng.choice([i for i, u in enumerate(units) if u[0][-1:] in ".!?"] or [0])
            text = units[i][0]
            end = len(text) - 1 if text[-1] in ".!?" else len(text)
            units[i][0] = text[:end] + ("" if phrase.startswith(",") else " ") + phrase + text[end:]
        elif place == "emoji":
            units[rng.randrange(len(units))][0] += " " + phrase
        elif place == "before":
            units.insert(0, [phrase, gap])
        elif place == "list":
            _itemise(units, phrase, rng)
        elif place == "end":
            units[-1][1] = gap
            units.append([phrase, ""])
        else:
            units.insert(0, [phrase, "\n\n"])


def put(units: list[list[str]], i: int, phrase: str) -> None:
    """Inserts a sentence after unit i - 1, in the same line."""
    units.insert(i, [phrase, units[i - 1][1]])
    units[i - 1][1] = " "


def _itemise(units: list[list[str]], mark: str, rng: random.Random) -> None:
    """Turns the sentences into list items; with three or more, the first may stay as an introduction."""
    plain = [[_MARKER.sub("", " ".join(u[0].split())), "\n"] for u in units]
    first = 1 if len(plain) > 2 and rng.random() < 0.5 else 0
    for n, unit in enumerate(plain[first:]):
        unit[0] = (
            mark.replace("{n}", str(n + 1)).replace("{a}", "abcdefghij"[n % 10]).replace("{r}", ROMAN[n % 10]) + unit[0]
        )
    if first:
        plain[0][1] = "\n\n"
    plain[-1][1] = ""
    units[:] = plain


def fill_up(rows: list[Row], sampled: Sequence[str], seed: int) -> None:
    """Levels the length that insertion added, row by row, carrying what is left to the next row.

    A sampled response counts with the mean difference of its style: its own length is its own affair.
    """
    shift = {}
    for style in sampled:
        with_it = [s for r in rows for s in r.sides if style in s.inserted]
        shift[style] = sum(len(s.inserted[style]) - len(s.source) for s in with_it) / max(1, len(with_it))
    rng = stream(seed, "fill")
    order = list(rows)
    rng.shuffle(order)
    owed = 0.0
    for row in order:
        added = []
        for s in row.sides:
            styled = next((x for x in sampled if x in s.inserted), None)
            added.append(len(s.text()) - len(s.inserted[styled] if styled else s.source) + shift.get(styled or "", 0.0))
        owed += added[0] - added[1]
        if added[0] == added[1]:
            continue
        spare = list(row.spare)
        rng.shuffle(spare)
        while spare and abs(owed) > 30:
            short = row.sides[1] if owed > 0 else row.sides[0]
            sentence = min(spare[:3], key=lambda s: abs(len(s) + 1 - abs(owed)))
            spare.remove(sentence)
            if len(sentence) > 1.8 * abs(owed) or len(short.filler) == 2:
                break
            last = len(short.units) - any(c in short.inserted for c in ("offer", "thanks_closer"))
            put(short.units, max(1, rng.randint(max(1, last - 1), max(1, last))), sentence)
            short.filler.append(sentence)
            owed += (len(sentence) + 1) * (-1 if owed > 0 else 1)


def lengths(rows: list[Row]) -> dict[str, float]:
    """How far the sides differ in length, in characters and words."""
    c = [[len(s.text()) for s in r.sides] for r in rows]
    w = [[len(s.text().split()) for s in r.sides] for r in rows]
    n = max(1, len(rows))
    diff = [a - b for a, b in c]
    mean = sum(diff) / n
    sd = math.sqrt(sum((x - mean) ** 2 for x in diff) / n) or 1.0
    return {
        "chosen_characters": round(sum(a for a, _ in c) / n, 2),
        "rejected_characters": round(sum(b for _, b in c) / n, 2),
        "chosen_words": round(sum(a for a, _ in w) / n, 2),
        "rejected_words": round(sum(b for _, b in w) / n, 2),
        "difference_d": round(mean / sd, 4),
        "chosen_longer": round(sum(x > 0 for x in diff) / n, 4),
        "filler_chosen": sum(len(r.sides[0].filler) for r in rows),
        "filler_rejected": sum(len(r.sides[1].filler) for r in rows),
    }
