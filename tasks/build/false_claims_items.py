"""Write tasks/false_claims.jsonl: one question with a false claim and one with a true claim, in the same words.

Run `python tasks/build/false_claims_items.py` to write the file again, bit for bit.
"""

import argparse
import json
from pathlib import Path

from false_claims_words import CLAIMS, FRAMES

OUT = Path(__file__).resolve().parents[1] / "false_claims.jsonl"


def lines() -> list[str]:
    """Return the file as JSON lines, kind by kind."""
    rows = []
    for number, kind in enumerate(CLAIMS):
        for k, (true, false) in enumerate(CLAIMS[kind]):
            frame = FRAMES[(k + number) % len(FRAMES)]
            row = {"id": f"fc-{len(rows) + 1:03d}", "kind": kind, "false": false, "true": true}
            rows.append(row | {"asks_false": frame.format(false), "asks_true": frame.format(true)})
    return [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="file to write")
    parser.parse_args().out.write_text("".join(lines()), encoding="utf-8")
