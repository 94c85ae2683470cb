"""How well topics follow the subject, by each way of making them.

    python tests/bench/bench_topics.py [--ukp FOLDER] [--rows 3000] [--seeds 3]

Normalised mutual information of topics (at the audit's own K, silent rows as one more topic) with the subject that
each row names: the debate of `ukp_convarg1_strict` (16 of them), the field of `planted-topics` (14). Rows are drawn by
a hash of their ids. Reading the activations takes minutes the first time.
"""

import argparse
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def main() -> None:
    """Print one line for each set and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ukp", type=Path, default=SHARED / "data" / "ukp_convarg1_strict")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()

    from sklearn.metrics import normalized_mutual_info_score

    from offtarget.audit.concepts.spaces import By
    from offtarget.audit.concepts.vocabulary import find_concepts
    from offtarget.audit.run import topics_of
    from offtarget.data.loading import load_pairs
    from offtarget.lens.reader import Reader
    from offtarget.lens.table import features_of
    from offtarget.models import EMBEDDED, resolve
    from offtarget.store import Store

    store = Store()
    model = resolve(EMBEDDED, store)
    for data in (str(args.ukp / "pairs.jsonl.gz"), "planted-topics"):
        if data.endswith(".gz") and not Path(data).is_file():
            print(f"{data} is not available; left out")
            continue
        whole = load_pairs(data)
        drawn = sorted(whole.pairs, key=lambda p: hashlib.sha256(p.id.encode()).digest())[: args.rows]
        pairs = replace(whole, pairs=drawn)
        subject = np.unique([str(p.meta["topic"]) for p in pairs.pairs], return_inverse=True)[1]
        features = features_of(pairs, ["sae"], Reader(model, store, 384))
        concepts, _ = find_concepts(features, seed=0)
        for by in get_args(By):
            found = [topics_of(pairs, features, concepts, by, seed=seed) for seed in range(args.seeds)]
            shared = [float(normalized_mutual_info_score(subject, codes)) for _, codes in found]
            k = len(found[0][0]) if found[0][0] else 0
            print(
                f"{pairs.name}, {len(pairs)} pairs, {subject.max() + 1} subjects, {k} topics by {by}: NMI "
                f"{np.mean(shared):.2f} (seeds {', '.join(f'{x:.2f}' for x in shared)})",
                flush=True,
            )


if __name__ == "__main__":
    main()
