"""What a grid of protocols costs beside plain trl, and how much memory a cell takes.

    python tests/bench/bench_grid.py [--data FILE] [--steps 6] [--batch 4]

The grid trains eight protocols on one set from an empty store: features, scores, the reference pass, loading, training
and saving are all counted. Beside it is plain trl's DPOTrainer with the same LoRA weights, rows and options, loading
and its own reference pass counted too, once, times eight (each of eight separate runs would do the same again; limit
0.5). The losses of the identity cell are held against trl's in float32 (limit 1e-3), in two runs more where the grid
itself trains in bf16, whose rounding alone moves a loss by more (see bench_dpo). Peak memory is that of a process
which trains one cell, over that of a process which runs plain trl (limit 1.2). The strength sweep at the end counts
what the store had to make again: policies only.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
GRID: tuple[tuple[str, dict[str, Any]], ...] = (
    ("dpo", {}), ("random_filter", {"strength": 0.3}), ("filter", {"strength": 0.3}), ("label_flip", {"strength": 0.1}),
    ("reweight", {}), ("random_reweight", {}), ("reward_shaping", {"strength": 2.0}), ("steering", {}),
)  # fmt: skip
CONCEPT = "surface:tokens"


def setting(args: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Training spec, start model and training set."""
    from offtarget.data.loading import load_pairs
    from offtarget.models import resolve
    from offtarget.training.run import prepare
    from offtarget.training.spec import TrainingSpec

    spec = TrainingSpec(
        max_steps=args.steps, batch_size=args.batch, max_length=args.max_length, save_every=10_000, bf16=args.bf16
    )
    ref = resolve("smollm2-135m")
    pairs = load_pairs(args.data, limit=args.steps * args.batch)
    return spec, ref, prepare(pairs, ref, spec)


def plain(args: argparse.Namespace) -> list[float]:
    """One run of trl by itself, from loading to saving."""
    import torch
    import transformers
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import DPOTrainer

    from offtarget.models import load_tokenizer
    from offtarget.training.here import dpo_config

    spec, ref, training_set = setting(args)
    # loaded as trl's users do: `offtarget.models.load` also has the process keep freed memory
    model = AutoModelForCausalLM.from_pretrained(ref.path, dtype=torch.float32)
    tokenizer = load_tokenizer(ref)
    n = len(model.model.layers)
    config = LoraConfig(
        r=spec.lora_rank, lora_alpha=spec.lora_alpha, lora_dropout=0.0,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        layers_to_transform=list(range(spec.first_trained(n), n)), layers_pattern="layers", task_type="CAUSAL_LM",
    )  # fmt: skip
    rows = [{"prompt": p.prompt, "chosen": p.chosen, "rejected": p.rejected} for p in training_set.pairs]
    with tempfile.TemporaryDirectory() as out:
        trainer = DPOTrainer(
            model=model, args=dpo_config(spec, 0, Path(out)), train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer, peft_config=config,
        )  # fmt: skip
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
        trainer.save_model(out)
    return [h["loss"] for h in trainer.state.log_history if "loss" in h]


def grid(args: argparse.Namespace, protocols: Any, store: Any) -> list[list[float]]:
    """The losses of some protocols, each stage from the store if it is there."""
    from offtarget.data.pairs import PairSet
    from offtarget.engine.planning import make_shaping_plan, readings_of
    from offtarget.lens.reader import Reader
    from offtarget.lens.table import features_of
    from offtarget.shaping.context import Target
    from offtarget.training.run import train

    spec, ref, training_set = setting(args)
    pairs = PairSet("bench", training_set.pairs)
    reader = Reader(ref, store, spec.max_length)
    features = features_of(pairs, ["surface"], reader)
    members = {c.id: (c.id,) for part in features for c in part.columns}
    readings = readings_of(pairs, features, members, ["surface"], reader)
    losses = []
    for name, parameters in protocols:
        plan = make_shaping_plan(name, parameters, readings, [Target(CONCEPT, -1)], 0)
        losses.append(train(training_set, plan, ref, spec, seed=0, store=store).digest["losses"])
    return losses


def child(args: argparse.Namespace, what: str, bf16: bool) -> dict[str, Any]:
    """Seconds, losses and peak memory of one side in its own process."""
    command = [sys.executable, __file__, "--only", what, "--data", str(args.data), "--steps", str(args.steps)]
    command += ["--batch", str(args.batch), "--max-length", str(args.max_length)]
    command += ["--bf16" if bf16 else "--no-bf16"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print settings, both times, their ratio, the gap of the losses, both memories, and what a sweep makes again."""
    from offtarget.machine import precision
    from offtarget.store import Store

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(SHARED / "data" / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz"))
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--max-length", type=int, default=384)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=precision() == "bfloat16")
    parser.add_argument("--only", choices=("plain", "cell", "grid"))
    args = parser.parse_args()
    if not Path(args.data).exists():
        args.data = "planted-style"
    if args.only:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as home:
            if args.only == "plain":
                losses = [plain(args)]
            else:
                losses = grid(args, GRID if args.only == "grid" else GRID[:1], Store(Path(home)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({"seconds": time.perf_counter() - start, "losses": losses, "peak": peak}))
        return
    print(f"{args.data}, {args.steps} steps of {args.batch}, {'bf16 autocast' if args.bf16 else 'float32'}")
    alone, cell, whole = (child(args, what, args.bf16) for what in ("plain", "cell", "grid"))
    exact = [child(args, what, False) for what in ("plain", "cell")] if args.bf16 else [alone, whole]
    n = len(GRID)
    ratio = whole["seconds"] / (n * alone["seconds"])
    print(f"plain trl: {alone['seconds']:.1f} s, times {n}: {n * alone['seconds']:.0f} s")
    print(f"grid of {n} protocols: {whole['seconds']:.1f} s, ratio {ratio:.2f} (limit 0.5)")
    gap = max(abs(a - b) for a, b in zip(*(side["losses"][0] for side in exact), strict=True))
    print(f"largest difference of a loss of the identity cell, float32: {gap:.1e} (limit 1e-3)")
    times = cell["peak"] / alone["peak"]
    print(f"peak memory: plain {alone['peak']:.2f} GiB, cell {cell['peak']:.2f} GiB, {times:.2f} times (limit 1.2)")
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        grid(args, [("reward_shaping", {"strength": 1.0})], store)
        before = sum(e["event"] == "made" for e in store.events())
        grid(args, [("reward_shaping", {"strength": s}) for s in (2.0, 4.0)], store)
        made = [e["stage"] for e in store.events() if e["event"] == "made"][before:]
    print(f"a sweep over two more strengths made anew: {', '.join(made)}")
    missed = [
        what
        for what, over in (
            ("time", ratio > 0.5),
            ("losses", gap > 1e-3),
            ("memory", times > 1.2),
            ("sweep", {*made} != {"policy"}),
        )
        if over
    ]
    if missed:
        sys.exit(f"over the limit: {', '.join(missed)}")


if __name__ == "__main__":
    main()
