"""Makes the SAE that ships for the embedded model.

    python -m offtarget.lens.pretrained.recipe --data ../shared/data [--out DIR]

`--data` is the folder of preference sets named in SOURCES (JSON lines: prompt, chosen, rejected), which
are not redistributed here. Only sets whose licence allows it are used, and none of the planted sets.
Held-out chat text for the figures in training.json: `alpaca_eval_gpt4_pairs`, of which nothing is
trained on.
"""

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.lens.sae.collect import held_out, text_pairs
from offtarget.models import EMBEDDED

NAME = "smollm2-135m-l20"
LAYER = 20
SOURCES: dict[str, tuple[str, float]] = {
    "politeness_pairs": ("Apache-2.0", 0.4),
    "ultrafeedback_small": ("MIT", 0.15),
    "community_alignment_en": ("CC BY 4.0", 0.4),
    "hh_rlhf_harmless_base_test": ("MIT", 0.2),
    "ukp_convarg1_strict": ("CC BY 4.0", 0.02),
}
"""Pair sets, their licence, and the share of pairs that is used."""
TEXTS = ("text_corpus", "ODC-BY, CC BY-SA 3.0", 0.12)
HELD_OUT = "alpaca_eval_gpt4_pairs"


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def drawn(key: str, share: float) -> bool:
    """A draw that depends on the key alone."""
    return int(hashlib.sha256(f"recipe:{key}".encode()).hexdigest()[:8], 16) < share * 2**32


def pair_set(folder: Path, share: float = 1.0, limit: int | None = None) -> PairSet:
    """Pairs of one source: a share of its groups (ukp: of its rows), without held-out prompts."""
    pairs = []
    for row in read_rows(folder / "pairs.jsonl.gz"):
        group = prompt_group(row["prompt"])
        by_row = folder.name.startswith("ukp")
        if not drawn(row["id"] if by_row else group, share) or (share < 1 and held_out(group)):
            continue
        sides: list[Any] = [[{"role": "assistant", "content": row[side]}] for side in ("chosen", "rejected")]
        pairs.append(Pair(str(row["id"]), group, row["prompt"], sides[0], sides[1]))
        if len(pairs) == limit:
            break
    return PairSet(folder.name, pairs)


def sources(data: Path) -> list[PairSet]:
    """Everything that is trained on."""
    sets = [pair_set(data / name, share) for name, (_, share) in SOURCES.items()]
    name, _, share = TEXTS
    texts = [row["text"] for row in read_rows(data / name / "text.jsonl.gz") if drawn(str(row["id"]), share)]
    return [*sets, text_pairs(name, texts)]


def held_out_pairs(data: Path, n: int = 60) -> PairSet:
    """The first pair of each of the first `n` prompts of the held-out set."""
    first: dict[str, Pair] = {}
    for pair in pair_set(data / HELD_OUT).pairs:
        first.setdefault(pair.group, pair)
        if len(first) > n:
            break
    return PairSet(HELD_OUT, list(first.values())[:n])


def main() -> None:
    """Train the SAE and write it, with its figures."""
    from offtarget.lens.reader import Reader
    from offtarget.lens.sae.train import SaeRecipe, train_sae
    from offtarget.store import Store

    parser = argparse.ArgumentParser(description="Make the SAE that ships for the embedded model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of preference sets")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / NAME)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    sets = sources(args.data)

    def progress(stage: str, done: int, total: int) -> None:
        sys.stderr.write(f"\r{stage}: {done}/{total}    ")

    recipe = SaeRecipe(layer=LAYER, epochs=args.epochs, max_length=1024, autocast=True)
    reader = Reader(EMBEDDED, Store(), progress=progress)
    report = train_sae(reader, sets, args.out, recipe, held_out=held_out_pairs(args.data), threads=args.threads)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
