"""How fast the fast mode trains, against plain trl on the same rows.

    python tests/bench/bench_dpo.py [--data FILE] [--steps 5] [--batch 4] [--threads 1,2]

The plain side is trl's DPOTrainer as it comes: bf16 autocast, checkpointing off, reference precomputed, the
same LoRA weights, batches, padding and seed, at its fastest thread count. Timed are the optimiser steps; the
reference pass of each side is printed beside them, and a second ratio includes it. Losses are compared step
by step (limit 1e-3). Beside that gap is the gap of plain trl with itself, the same steps taken in half
batches accumulated: what rounding alone does, once Adam has divided small gradients by their own size.
`--float32` compares without bf16.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))


class Clock:
    """Seconds in `train()` and in the reference pass of a trainer."""

    def __init__(self) -> None:
        self.train = self.reference = 0.0


def plain(training_set: Any, spec: Any, ref: Any, first: int) -> tuple[list[float], Clock]:
    """trl alone."""
    import torch
    import transformers
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import DPOTrainer

    from offtarget.models import load_tokenizer
    from offtarget.training.here import dpo_config

    clock = Clock()

    class Timed(DPOTrainer):  # type: ignore[misc]
        def _precompute_ref_logps(self, *args: Any, **kw: Any) -> Any:
            start = time.perf_counter()
            out = super()._precompute_ref_logps(*args, **kw)
            clock.reference = time.perf_counter() - start
            return out

    # loaded as trl's users do: `offtarget.models.load` also has the process keep freed memory
    model = AutoModelForCausalLM.from_pretrained(ref.path, dtype=torch.float32)
    tokenizer = load_tokenizer(ref)
    config = LoraConfig(
        r=spec.lora_rank,
        lora_alpha=spec.lora_alpha,
        lora_dropout=0.0,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        layers_to_transform=list(range(first, len(model.model.layers))),
        layers_pattern="layers",
        task_type="CAUSAL_LM",
    )
    rows = [{"prompt": p.prompt, "chosen": p.chosen, "rejected": p.rejected} for p in training_set.pairs]
    with tempfile.TemporaryDirectory() as out:
        trainer = Timed(
            model=model,
            args=dpo_config(spec, 0, Path(out)),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=config,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        start = time.perf_counter()
        trainer.train()
        clock.train = time.perf_counter() - start
    return [h["loss"] for h in trainer.state.log_history if "loss" in h], clock


def fast(training_set: Any, spec: Any, ref: Any, first: int) -> tuple[list[float], Clock]:
    """Ours."""
    import transformers

    from offtarget.models import load
    from offtarget.shaping.plan import ShapingPlan
    from offtarget.store import Store
    from offtarget.training.here import make_trainer
    from offtarget.training.reference import reference

    clock = Clock()
    model, tokenizer = load(ref)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        stored = reference(
            model.requires_grad_(False),
            tokenizer,
            ref,
            training_set.ids,
            max_length=spec.max_length,
            bf16=spec.bf16,
            prefix_layer=first,
            store=Store(Path(out) / "store"),
        )
        clock.reference = time.perf_counter() - start
        plan = ShapingPlan.identity("dpo", training_set.pairs, control=True)
        trainer = make_trainer(model, tokenizer, training_set, plan, spec, 0, Path(out), stored, first)
        trainer.remove_callback(transformers.PrinterCallback)
        start = time.perf_counter()
        trainer.train()
        clock.train = time.perf_counter() - start
    return [h["loss"] for h in trainer.state.log_history if "loss" in h], clock


def largest(a: list[float], b: list[float]) -> float:
    """The largest difference of two runs' losses, step by step."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def main() -> None:
    import torch
    import transformers

    from offtarget.data.loading import load_pairs
    from offtarget.machine import precision
    from offtarget.models import resolve
    from offtarget.training.run import prepare
    from offtarget.training.spec import TrainingSpec

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(SHARED / "data/alpaca_eval_gpt4_pairs/pairs.jsonl.gz"))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--max-length", type=int, default=384)
    parser.add_argument("--threads", default=",".join(str(i + 1) for i in range(len(os.sched_getaffinity(0)))))
    parser.add_argument("--float32", action="store_true", help="without bf16 autocast, where the machine has it")
    args = parser.parse_args()
    if not Path(args.data).exists():
        args.data = "planted-style"
    transformers.logging.set_verbosity_error()
    spec = TrainingSpec(
        max_steps=args.steps,
        batch_size=args.batch,
        max_length=args.max_length,
        save_every=10_000,
        bf16=precision() == "bfloat16" and not args.float32,
    )
    ref = resolve("smollm2-135m")
    pairs = load_pairs(args.data, limit=args.steps * args.batch)
    training_set = prepare(pairs, ref, spec)
    first = spec.first_trained(30)
    print(
        f"{args.data}: {len(training_set.pairs)} pairs, {args.steps} steps of {args.batch}, max_length "
        f"{args.max_length}, LoRA r {spec.lora_rank} on layers {first} to 29, "
        f"{'bf16 autocast' if spec.bf16 else 'float32'}"
    )
    best: dict[str, tuple[list[float], Clock, int]] = {}
    for name, side in (("plain trl", plain), ("fast mode", fast)):
        for threads in [int(t) for t in args.threads.split(",")]:
            torch.set_num_threads(threads)
            losses, clock = side(training_set, spec, ref, first)
            print(f"{name}, {threads} thread(s): {clock.train:.1f} s of steps, {clock.reference:.1f} s of reference")
            print("  losses", " ".join(f"{x:.5f}" for x in losses))
            if name not in best or clock.train < best[name][1].train:
                best[name] = (losses, clock, threads)
    (a, plain_clock, plain_threads), (b, fast_clock, fast_threads) = best["plain trl"], best["fast mode"]
    halves = spec.model_copy(update={"batch_size": args.batch // 2, "gradient_accumulation": 2})
    torch.set_num_threads(plain_threads)
    again, _ = plain(training_set, halves, ref, first)
    gap, noise = largest(a, b), largest(a, again)
    whole = (plain_clock.train + plain_clock.reference) / (fast_clock.train + fast_clock.reference)
    print(
        f"ratio of steps {plain_clock.train / fast_clock.train:.2f} (aim 1.5), with the reference pass {whole:.2f}; "
        f"plain at {plain_threads} thread(s), fast at {fast_threads}\n"
        f"largest difference of a loss {gap:.1e} (limit 1e-3); plain trl with itself in half batches {noise:.1e}"
    )
    if gap > max(1e-3, 3 * noise):
        sys.exit("the losses are not those of plain trl")


if __name__ == "__main__":
    main()
