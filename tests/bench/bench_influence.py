"""Does the influence of rows say what training on other rows does, and does it find the rows that were planted?

    python tests/bench/bench_influence.py [--out results/influence/planted-style.json] [--halves 16]

Validated as data attribution is (linear datamodeling score, arXiv 2303.14186): plain DPO is trained on random halves of 256 pairs
of planted-style, and the sum of the influence of a half's rows is held against the policy's score of the target behaviour, by
Spearman's rank correlation. Beside it the same with the rows' own difference in the concept in place of their influence, and
plan-made truth: of the first k rows by each ranking, the share in which the trait was inserted into chosen alone.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from offtarget.data.truth import Truth, read_truth
from offtarget.engine.grid import measured
from offtarget.engine.recipe import read_recipe
from offtarget.engine.run import start
from offtarget.models import resolve
from offtarget.registry import default
from offtarget.shaping.plan import ShapingPlan
from offtarget.store import Store, write_atomic
from offtarget.training.run import train

CONCEPT, BEHAVIOUR = "surface:markdown", "over_stylization"
TRAITS = ("bullets", "bold_opener")
"""What was inserted that the concept counts."""
PAIRS, SEED = 256, 11


def main() -> None:
    """Train the halves, or find them in the store, and print what agrees."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--out", type=Path)
    ask.add_argument("--halves", type=int, default=16)
    args = ask.parse_args()
    overrides = [f"train.pairs={PAIRS}", f"behaviours=[{BEHAVIOUR}]", "roles={}", "protocols=[dpo]", "null_adapters=0"]
    recipe, path = read_recipe("reference", overrides, None, "style_planted")

    def said(what: str, done: int, total: int) -> None:
        if done == total:
            print(f"{what}: {total}", flush=True)

    store = Store()
    run = start(recipe, path.parent, Path("runs/influence"), store=store, progress=said)
    rankings = {"score": run.readings.scores(CONCEPT, "feature").margin}
    for by in ("influence", "kernel"):
        asked = replace(run.readings.influence, by=by, _known={})  # type: ignore[type-var]
        rankings[by] = asked.of(CONCEPT).margin
    card = default().get("dataset", "planted-style")
    truth = read_truth(card.path.parent / card.card["truth"])
    planted = _planted(truth, [p.id for p in run.trained_pairs.pairs])
    n = len(planted)
    found = {
        "pairs": n,
        "planted": int(planted.sum()),
        "concept": CONCEPT,
        "behaviour": BEHAVIOUR,
        "precision": {},
        "lds": {},
    }
    for name, size in rankings.items():
        order = np.argsort(-size, kind="stable")
        found["precision"][name] = {str(k): float(planted[order[:k]].mean()) for k in (16, 32, 64)}
    found["precision"]["chance"] = float(planted.mean())
    print(json.dumps(found["precision"], indent=1))

    halves, scores = [], []
    for k in range(args.halves):
        keep = np.zeros(n, bool)
        keep[np.random.default_rng([SEED, k]).permutation(n)[: n // 2]] = True
        plan = ShapingPlan.identity(f"half {k}", run.trained_pairs.pairs).edit(keep=keep)
        made = train(run.training_set, plan, run.model, recipe.training, seed=SEED, store=store, progress=said)
        score = measured(run, resolve(str(made.path), store), SEED, f"half {k}")[BEHAVIOUR]
        halves.append(keep)
        scores.append(float(np.mean([v for v in score.samples.values() if v is not None])))
        print(f"half {k}: {scores[-1]:.3f}", flush=True)
    found["scores"] = scores
    for name, size in rankings.items() if halves else ():
        sums = [float(size[keep].sum()) for keep in halves]
        r = spearmanr(sums, scores)
        found["lds"][name] = {"rho": float(r.statistic), "p": float(r.pvalue)}
    print(json.dumps(found["lds"], indent=1))
    if args.out:
        write_atomic(args.out, json.dumps(found, indent=1) + "\n")


def _planted(truth: Truth, ids: list[str]) -> NDArray[np.bool_]:
    """(n_rows,) whether a trait was inserted into chosen and none into rejected."""
    traits = set(TRAITS)
    sides = [truth.rows[i] for i in ids]
    return np.array([bool(traits & up) and not traits & down for up, down in sides])


if __name__ == "__main__":
    main()
