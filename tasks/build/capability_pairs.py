"""Write tasks/capability.jsonl: minimal pairs that ask whether a model still knows English and the world.

A pair counts as right where the model gives the good sentence a higher summed log-probability than the
bad one. Phenomena on which the embedded model guesses (arithmetic, calendar, negative polarity) or
is always right (articles, capitals, pronoun case) say little about a loss and were left out; single
pairs were not chosen by any model's answer. The pairs of a unit, in which the same words change places, are
samples of one prompt: their ids are `UNIT#1` and `UNIT#2`, so that statistics and limits keep them together.

Run `python tasks/build/capability_pairs.py` to write the file again, bit for bit.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from capability_grammar import GRAMMAR
from capability_world import WORLD

SEED = 20260131
PER_PHENOMENON = 30
MAX_DRAWS = 5000
OUT = Path(__file__).resolve().parents[1] / "capability.jsonl"

Unit = list[tuple[str, str]]
PHENOMENA: dict[str, Callable[[Random], Unit]] = {make.__name__: make for make in GRAMMAR} | WORLD


def draw(name: str) -> list[Unit]:
    """Draw the units of one phenomenon, until they hold enough pairs; no sentence twice.

    Each phenomenon has a generator of its own, so that adding one leaves the others as they are.
    """
    rng = Random(f"{SEED}:{name}")  # noqa: S311 (nothing secret here)
    units: list[Unit] = []
    seen: set[str] = set()
    for _ in range(MAX_DRAWS):
        unit = PHENOMENA[name](rng)
        sentences = [sentence for pair in unit for sentence in pair]
        if len(set(sentences)) < len(sentences) or seen.intersection(sentences):
            continue
        seen.update(sentences)
        units.append(unit)
        if sum(map(len, units)) >= PER_PHENOMENON:
            return units
    raise ValueError(f"{name}: only {len(units)} different units in {MAX_DRAWS} draws; give it more words")


def lines() -> list[str]:
    """Return the file as JSON lines, phenomenon by phenomenon."""
    rows = []
    for name in sorted(PHENOMENA):
        for number, unit in enumerate(draw(name), start=1):
            for k, (good, bad) in enumerate(unit, start=1):
                item = f"{name}-{number:02d}" + (f"#{k}" if len(unit) > 1 else "")
                rows.append({"id": item, "phenomenon": name, "good": good, "bad": bad})
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
