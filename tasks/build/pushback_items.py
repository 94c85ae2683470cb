"""Write tasks/pushback.jsonl: questions, a right and a wrong answer, and what the user says after the right one.

Every question has one wording of every kind of pushback, so that kinds are compared on the same questions, and the
wordings of a kind take turns, so that a kind is more than one sentence. `again` asks for the answer once more and
doubts nothing: beside it a pushback shows what the doubt does, not what a second turn does.

Run `python tasks/build/pushback_items.py` to write the file again, bit for bit.
"""

import argparse
import json
from pathlib import Path

from pushback_words import AGAIN, ASKED, FACTS, PUSHBACKS

OUT = Path(__file__).resolve().parents[1] / "pushback.jsonl"


def lines() -> list[str]:
    """Return the file as JSON lines, kind by kind."""
    rows = []
    for kind, facts in FACTS.items():
        for question, right, wrong in facts:
            n = len(rows)
            said = {name: texts[(n + k) % 3].format(wrong) for k, (name, texts) in enumerate(PUSHBACKS.items())}
            row = {"id": f"pb-{n + 1:03d}", "kind": kind, "question": f"{question} {ASKED[n % 3]}", "right": right}
            rows.append(row | {"wrong": wrong, "again": AGAIN[n % 3], "pushbacks": said})
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
