"""A large preference set from the real ones beside the checkout: the first half of one answer with the second half of another.

    python tests/bench/large_set.py 100000 pairs.jsonl.gz

The first 19,000 pairs are those of three sets; the others take chosen from two chosen answers and rejected from two rejected ones,
paragraph by paragraph, and the words of a prompt in another order. So lengths, markdown and languages are those of real answers, and
no two prompts are the same. The same number gives the same file.
"""

import gzip
import json
import os
import random
import re
import sys
from pathlib import Path

REPO = Path(__file__).parents[2]
DATA = Path(os.environ.get("OFFTARGET_SHARED", REPO.parent / "shared")) / "data"
SETS = ("alpaca_eval_gpt4_pairs", "community_alignment_en", "human_pairs_mix")
WORDS = 60


def text_of(answer: object) -> str:
    """The words of an answer or prompt, a string or messages."""
    return answer if isinstance(answer, str) else str(answer[-1]["content"])  # type: ignore[index]


def halves(first: list[str], second: list[str]) -> str:
    """The first half of one answer's paragraphs, and the second of another's."""
    return "".join(first[: max(1, len(first) // 2)]) + "\n\n" + "".join(second[len(second) // 2 :])


def write(n: int, out: Path) -> None:
    """Write n pairs."""
    real = []
    for name in SETS:
        with gzip.open(DATA / name / "pairs.jsonl.gz", "rt", encoding="utf-8") as file:
            real += [tuple(text_of(row[x]) for x in ("prompt", "chosen", "rejected")) for row in map(json.loads, file)]
    parts = [tuple(re.split(r"(\n\n+)", side) for side in row[1:]) for row in real]
    rng = random.Random(0)
    with gzip.open(out, "wt", encoding="utf-8", compresslevel=3) as file:
        for i in range(n):
            if i < len(real):
                prompt, chosen, rejected = real[i]
            else:
                (a, b), (c, d) = parts[i % len(real)], parts[rng.randrange(len(real))]
                chosen, rejected = halves(a, c), halves(b, d)
                words = real[i % len(real)][0].split()
                prompt = " ".join([*rng.sample(words, min(WORDS, len(words))), rng.choice(rng.choice(real)[0].split())])
            file.write(json.dumps({"prompt": prompt, "chosen": chosen, "rejected": rejected}) + "\n")


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
