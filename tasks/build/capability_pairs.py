"""Write tasks/capability.jsonl: minimal pairs that ask whether a model still knows English and the world.

A pair counts as right where the model gives the good sentence a higher summed log-probability than the
bad one. Phenomena on which the embedded model guesses (arithmetic, calendar, negative polarity) or
is always right (articles, capitals, pronoun case) say little about a loss and were left out; single
pairs were not chosen by any model's answer.

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


def draw(name: str) -> Unit:
    """Draw the pairs of one phenomenon, whole units at a time, no sentence twice.

    Each phenomenon has a generator of its own, so that adding one leaves the others as they are.
    """
    rng = Random(f"{SEED}:{name}")  # noqa: S311 (nothing secret here)
    pairs: Unit = []
    seen: set[str] = set()
    for _ in range(MAX_DRAWS):
        unit = PHENOMENA[name](rng)
        sentences = [sentence for pair in unit for sentence in pair]
        if len(set(sentences)) < len(sentences) or seen.intersection(sentences):
            continue
        seen.update(sentences)
        pairs.extend(unit)
        if len(pairs) >= PER_PHENOMENON:
            return pairs
    raise ValueError(f"{name}: only {len(pairs)} different pairs in {MAX_DRAWS} draws; give it more words")


def lines() -> list[str]:
    """Return the file as JSON lines, phenomenon by phenomenon."""
    rows = []
    for name in sorted(PHENOMENA):
        for number, (good, bad) in enumerate(draw(name), start=1):
            rows.append({"id": f"{name}-{number:02d}", "phenomenon": name, "good": good, "bad": bad})
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
