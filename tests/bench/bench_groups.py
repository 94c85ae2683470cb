"""What reading the rows of a batch in groups of like length saves in fast training, against one padded batch.

    python tests/bench/bench_groups.py [--steps 4] [--batch 8] [--data FILE ...]

Both sides train the same LoRA weights on the same rows in the same order from the same cached states of the reference
pass; only the number of groups differs, one or at most three. Timed are the optimiser steps. Losses are compared step by
step (limit 1e-3): a group changes only what is padded.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
SETS = (
    SHARED / "data/hh_rlhf_harmless_base_test/pairs.jsonl.gz",
    SHARED / "data/alpaca_eval_gpt4_pairs/pairs.jsonl.gz",
    Path("planted-style"),
)
LIMIT = 1e-3


def steps(training_set: Any, spec: Any, ref: Any, store: Any, most: int) -> tuple[float, list[float]]:
    """Seconds of the optimiser steps with at most this many groups, and the losses."""
    import transformers

    from offtarget.models import load
    from offtarget.shaping.plan import ShapingPlan
    from offtarget.training import head
    from offtarget.training.here import make_trainer
    from offtarget.training.reference import reference

    model, tokenizer = load(ref)
    first = spec.first_trained(len(model.model.layers))
    stored = reference(
        model.requires_grad_(False), tokenizer, ref, training_set.ids, max_length=spec.max_length, bf16=spec.bf16,
        prefix_layer=first, store=store,
    )  # fmt: skip
    plan = ShapingPlan.identity("dpo", training_set.pairs, control=True)
    cut = head.length_groups
    with tempfile.TemporaryDirectory() as out:
        trainer = make_trainer(model, tokenizer, training_set, plan, spec, 0, Path(out), stored, first)
        trainer.remove_callback(transformers.PrinterCallback)
        head.length_groups = lambda lengths: cut(lengths, most)
        try:
            start = time.perf_counter()
            trainer.train()
            seconds = time.perf_counter() - start
        finally:
            head.length_groups = cut
    return seconds, [h["loss"] for h in trainer.state.log_history if "loss" in h]


def main() -> None:
    """Print both times of each set, their ratio, and the gap of the losses."""
    import transformers

    from offtarget.data.loading import load_pairs
    from offtarget.machine import precision
    from offtarget.models import resolve
    from offtarget.store import Store
    from offtarget.training.run import prepare
    from offtarget.training.spec import TrainingSpec

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=[str(x) for x in SETS])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=384)
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    spec = TrainingSpec(
        max_steps=args.steps, batch_size=args.batch, max_length=args.max_length, save_every=10_000,
        bf16=precision() == "bfloat16",
    )  # fmt: skip
    ref = resolve("smollm2-135m")
    gap = 0.0
    for data in args.data:
        if data.endswith(".gz") and not Path(data).exists():
            print(f"{data}: not there, left out")
            continue
        training_set = prepare(load_pairs(data, limit=args.steps * args.batch), ref, spec)
        with tempfile.TemporaryDirectory() as home:
            store = Store(Path(home))
            one, alone = steps(training_set, spec, ref, store, 1)
            three, grouped = steps(training_set, spec, ref, store, 3)
        largest = max(abs(x - y) for x, y in zip(alone, grouped, strict=True))
        gap = max(gap, largest)
        print(
            f"{Path(data).parent.name or data}: {args.steps} steps of {args.batch}, one batch {one:.1f} s, groups "
            f"{three:.1f} s, ratio {one / three:.2f}; largest difference of a loss {largest:.1e} (limit {LIMIT:.0e})"
        )
    if gap > LIMIT:
        sys.exit("groups change the losses")


if __name__ == "__main__":
    main()
