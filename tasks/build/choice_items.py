"""Write tasks/choice.jsonl: questions with four options: the right one and three wrong ones.

The prompt is the question alone. A small model that sees the options repeats the one that it likes: with them in
the prompt the embedded model was near chance.

Run `python tasks/build/choice_items.py` to write the file again, bit for bit.
"""

import argparse
import json
from pathlib import Path

from choice_words import QUESTIONS

OUT = Path(__file__).resolve().parents[1] / "choice.jsonl"


def lines() -> list[str]:
    """Return the file as JSON lines, kind by kind."""
    rows: list[dict[str, object]] = []
    for kind, questions in QUESTIONS.items():
        for question, right, *wrong in questions:
            row = {"id": f"cc-{len(rows) + 1:03d}", "kind": kind, "prompt": question, "right": right}
            rows.append(row | {"wrong": wrong})
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
