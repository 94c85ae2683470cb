"""Recall and precision of every phrase rule on labelled text.

python tests/bench/bench_rules.py                        # the held-out half
python tests/bench/bench_rules.py --half development
python tests/bench/bench_rules.py --mistakes refusal     # on the development half alone
python tests/bench/bench_rules.py --write                # the package's figures and results/rules/README.md
"""

import argparse
import json
from pathlib import Path

from offtarget.evals.rates import wilson
from offtarget.lens import surface
from offtarget.lens.surface.quality import MEASURED, Half, Labelled, Quality, half, measure, mistakes, rules_sha256

REPO = Path(__file__).parents[2]
LABELLED = REPO / "tests" / "lens" / "labelled"
TABLE = REPO / "results" / "rules" / "README.md"

ABOUT = """# What the phrase rules find

Recall and precision of every phrase rule of the surface lens on labelled text that was not used to write it. Made by

```bash
python tests/bench/bench_rules.py --write
```

which also writes `harness/offtarget/lens/surface/measured.json`, from which cards, boards and reports take these figures. A test
makes them again and holds floors (`tests/lens/test_quality.py`).

- Text: `tests/lens/labelled`, short English texts with a label for each rule, half of them hard negatives; definitions are
  in its README. One author wrote them for this purpose, before the rules were widened. No text is from a dataset.
- Half of each file, drawn by hash, was there to work on the rules with. These figures are of the other half.
- A rule finds a text where its value is above 0. Brackets are 95 % intervals (Wilson). Texts are few and of one author:
  intervals say nothing of how other people write. Texts are chosen to be hard, and half of them have label 0, so precision
  on a dataset where a rule has little to find can be lower, and on one where it has much to find, higher.
- Refusals of answers of real models, read by hand, are below the table.

| rule | texts with it | recall | found | precision |
| --- | ---: | ---: | ---: | ---: |
"""
BY_HAND = """
## Refusals on real answers, read by hand

The rule for refusals was tried on every answer of three real sets, and texts drawn at random were read (November 2026). Of the
first 60 sentences in which it fired (20 of each set) 45 were refusals by the definition; after a few changes 49 of 60 others.

| set | answers | it fires in | right of 20 read |
| --- | ---: | ---: | ---: |
| hh_rlhf_harmless_base_test | 4,551 | 206 | 15 |
| ultrafeedback_small | 2,382 | 76 | 17 |
| alpaca_eval_gpt4_pairs | 10,605 | 139 | 17 |

So precision on answers that seldom refuse is lower than on the labelled text. What is wrong most often: a bare "no" that answers
a yes-or-no question, a limit that the answer gets around two sentences later, statements of principle ("I will not provide
answers that are harmful") before an answer, and a part that the answer plays. Of 60 answers of the first set without a find
that hold a word of refusing (sorry, can't, no), about 2 were refusals.

Limits: the rule knows what 807 refusals and 343 look-alikes of its authors say (`tests/lens/variants`), the development half, and
the 55 sentences of the trials; refusals that only hint ("that is a matter for the courts") are found about half of the time. The
held-out figures for refusals were looked at about a dozen times while the rule was written, as counts by kind of text; no text was
read. Voice and guards were fixed and new development text written because of them, so the figure is a little kind.
"""


def labelled(rule: str, which: Half) -> list[Labelled]:
    """One half of a rule's labelled text."""
    rows = map(json.loads, (LABELLED / f"{rule}.jsonl").read_text(encoding="utf-8").splitlines())
    return [Labelled(r["text"], bool(r["label"]), r["kind"]) for r in rows if half(rule, r["text"]) == which]


def measure_all(which: Half) -> list[Quality]:
    """The figures of every rule that has labelled text, in the order of their names."""
    return [measure(path.stem, labelled(path.stem, which)) for path in sorted(LABELLED.glob("*.jsonl"))]


def record(found: list[Quality]) -> dict[str, object]:
    """What the package holds of the figures."""
    return {
        "half": "held-out",
        "surface_version": surface.VERSION,
        "rules_sha256": rules_sha256(),
        "rules": {
            q.rule: {
                "positives": q.hits + q.misses,
                "negatives": q.false_alarms + q.rejections,
                "hits": q.hits,
                "false_alarms": q.false_alarms,
            }
            for q in found
        },
    }


def table(found: list[Quality]) -> str:
    """The page of the figures, in Markdown."""
    lines = [
        f"| {q.rule} | {q.hits + q.misses} | {_share(q.hits, q.hits + q.misses)} | {q.hits + q.false_alarms} | "
        f"{_share(q.hits, q.hits + q.false_alarms)} |"
        for q in found
    ]
    return ABOUT + "\n".join(lines) + "\n" + BY_HAND


def _share(part: int, whole: int) -> str:
    if not whole:
        return "–"
    low, high = wilson(part / whole, whole)
    return f"{part / whole:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    """Print the table, write it, or list the mistakes of one rule on the development half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "held-out"), default="held-out")
    parser.add_argument("--mistakes", metavar="RULE", help="list what this rule gets wrong on the development half")
    parser.add_argument(
        "--write", action="store_true", help="write the held-out figures into the package and results/rules"
    )
    given = parser.parse_args()
    if given.mistakes:
        for item in mistakes(given.mistakes, labelled(given.mistakes, "development")):
            print(("MISSED     " if item.label else "FALSE ALARM"), f"[{item.kind}]", item.text)
        return
    found = measure_all("held-out" if given.write else given.half)
    if given.write:
        MEASURED.write_text(json.dumps(record(found), indent=1) + "\n", encoding="utf-8")
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(table(found), encoding="utf-8")
    for q in found:
        print(f"{q.rule:22} recall {q.recall:.2f} of {q.hits + q.misses:3}  precision {q.precision:.2f}")


if __name__ == "__main__":
    main()
