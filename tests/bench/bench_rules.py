"""Recall and precision of every phrase rule on labelled text: `python tests/bench/bench_rules.py`."""

import argparse
import json
from pathlib import Path

from offtarget.lens.quality import Half, Labelled, half, measure, mistakes

LABELLED = Path(__file__).parents[1] / "lens" / "labelled"


def labelled(rule: str, which: Half) -> list[Labelled]:
    """One half of a rule's labelled text."""
    rows = map(json.loads, (LABELLED / f"{rule}.jsonl").read_text(encoding="utf-8").splitlines())
    return [Labelled(r["text"], bool(r["label"]), r["kind"]) for r in rows if half(rule, r["text"]) == which]


def main() -> None:
    """Print the table, or the mistakes of one rule on the development half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("development", "held-out"), default="held-out")
    parser.add_argument(
        "--mistakes", metavar="RULE", help="list what this rule gets wrong on the development half"
    )
    given = parser.parse_args()
    if given.mistakes:
        for item in mistakes(given.mistakes, labelled(given.mistakes, "development")):
            print(("MISSED     " if item.label else "FALSE ALARM"), f"[{item.kind}]", item.text)
        return
    for path in sorted(LABELLED.glob("*.jsonl")):
        q = measure(path.stem, labelled(path.stem, given.half))
        print(f"{q.rule:22} recall {q.recall:.2f} of {q.hits + q.misses:3}  precision {q.precision:.2f}")


if __name__ == "__main__":
    main()
