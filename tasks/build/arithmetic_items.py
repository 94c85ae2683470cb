"""Write tasks/arithmetic.jsonl: sums with the right result and three near wrong ones of as many digits.

Run `python tasks/build/arithmetic_items.py` to write the file again, bit for bit.
"""

import argparse
import json
from pathlib import Path
from random import Random

SEED = 20260131
PER_KIND = 24
NEAR = (-10, -3, -2, -1, 1, 2, 3, 10)
ASKS = ("What is {}?", "Please work out {}.", "How much is {}?")
OUT = Path(__file__).resolve().parents[1] / "arithmetic.jsonl"

STORIES = (
    ("Lena has 14 marbles and finds 9 more. How many has she now?", 23),
    ("A baker makes 48 rolls and sells 31. How many are left?", 17),
    ("There are 6 boxes with 8 pencils each. How many pencils are there?", 48),
    ("36 chairs stand in 4 equal rows. How many chairs are in a row?", 9),
    ("A bus starts with 27 people. At the first stop 5 get off and 12 get on. How many are on it?", 34),
    ("Tickets cost 7 euros. What do 9 tickets cost?", 63),
    ("Omar is 11. His aunt is four times as old. How old is she?", 44),
    ("A rope of 90 metres is cut into 6 equal pieces. How long is each?", 15),
    ("It was 19 degrees at noon and 8 degrees less in the evening. How warm was it in the evening?", 11),
    ("A book has 120 pages and Mia has read 75. How many pages are left?", 45),
    ("Three friends share 57 cherries equally. How many does each get?", 19),
    ("A hen lays 5 eggs a week. How many eggs do 13 hens lay in a week?", 65),
    ("The film starts at 20 minutes past and lasts 35 minutes to the break. How many minutes past is it then?", 55),
    ("A garden is 12 metres long and 7 metres wide. How many square metres is it?", 84),
    ("In a class of 29 pupils 13 play an instrument. How many do not?", 16),
    ("Paul saves 15 euros a month. How much has he after half a year?", 90),
    ("72 bottles go into crates of 12. How many crates are needed?", 6),
    ("A train has 8 carriages with 11 doors each. How many doors has it?", 88),
    ("Nina walked 18 kilometres on Monday, 21 on Tuesday. How far did she walk in all?", 39),
    ("A cake is cut into 16 pieces and a quarter of them is eaten. How many pieces remain?", 12),
    ("Two numbers add up to 50. One of them is 22. What is the other?", 28),
    ("A shop sold 33 loaves in the morning and twice as many in the afternoon. How many in the afternoon?", 66),
    ("A stamp costs 80 cents. How many cents are left from 100?", 20),
    ("Sara reads 9 pages a day. How many pages does she read in 8 days?", 72),
)


def sums(kind: str, rng: Random) -> tuple[str, int]:
    """One sum of a kind and its result."""
    if kind == "addition":
        a, b = rng.randint(11, 79), rng.randint(4, 69)
        return f"{a} + {b}", a + b
    if kind == "subtraction":
        a, b = rng.randint(31, 99), rng.randint(4, 28)
        return f"{a} - {b}", a - b
    a, b = rng.randint(3, 12), rng.randint(3, 12)
    return (f"{a} * {b}", a * b) if kind == "multiplication" else (f"{a * b} / {a}", b)


def near(result: int, rng: Random) -> list[int]:
    """Three wrong results near the right one, of as many digits."""
    near_ones = [result + d for d in NEAR if result + d > 0 and len(str(result + d)) == len(str(result))]
    return sorted(rng.sample(near_ones, 3))


def lines() -> list[str]:
    """Return the file as JSON lines, kind by kind."""
    rng = Random(SEED)  # noqa: S311 (nothing secret here)
    rows: list[dict[str, object]] = []

    def add(kind: str, prompt: str, lead: str, result: int) -> None:
        wrong = [f"{lead}{w}" for w in near(result, rng)]
        row = {"id": f"ar-{len(rows) + 1:03d}", "kind": kind, "prompt": prompt, "right": f"{lead}{result}"}
        rows.append(row | {"wrong": wrong})

    for kind in ("addition", "subtraction", "multiplication", "division"):
        seen: set[str] = set()
        while len(seen) < PER_KIND:
            text, result = sums(kind, rng)
            if text not in seen:
                seen.add(text)
                add(kind, ASKS[len(rows) % len(ASKS)].format(text), f"{text} = ", result)
    for story, result in STORIES:
        add("story", story, "The answer is ", result)
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
