"""What measuring costs: all behaviours beside the sampling of their answers, and the provider beside Inspect's own `hf`.

    python tests/bench/bench_evals.py [--limit 12] [--max-tokens 128] [--samples 32] [--only PART]

The suite is every behaviour (`--behaviours all`) on the embedded model from an empty store, at --limit prompts or items each;
beside it is the time in which the pool of its answers is sampled alone, in the same process (limit 1.5). Loading the model is
left out of both. The provider answers the same prompts as Inspect's `hf`, greedily and in float32, each in a process of its own and with
its own defaults; counted is what Inspect says the run took, loading apart (limit 1.5 times the samples a second). The
answers must be the same; where they are not, the first that differ are shown. On a machine that is busy with other work the
ratios of processor seconds say more.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def suite(args: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the pool alone, and of all behaviours with it."""
    from offtarget.evals.content import pool_rows
    from offtarget.evals.every import every_behaviour
    from offtarget.evals.policy import Policy, Sampling
    from offtarget.evals.pool import rollouts
    from offtarget.evals.run import evaluate
    from offtarget.lens.reader import Reader
    from offtarget.models import resolve
    from offtarget.registry import default
    from offtarget.store import Store

    gc.set_threshold(100_000, 20)  # as the command line does
    store = Store()
    names = every_behaviour()
    rows = pool_rows([default().get("behaviour", n) for n in names], args.limit, None)
    sampling = Sampling(max_tokens=args.max_tokens)
    reader = Reader(resolve("smollm2-135m", store), store)
    Policy(*reader.load())
    begun, used = time.perf_counter(), time.process_time()
    policy = Policy(*reader.load())
    load, load_cpu = time.perf_counter() - begun, time.process_time() - used
    policy.generate([[{"role": "user", "content": "Hello"}]], max_tokens=2)
    begun, used = time.perf_counter(), time.process_time()
    rollouts(reader, [r["prompt"] for r in rows], sampling, lambda: policy)
    sampled, sampled_cpu = time.perf_counter() - begun, time.process_time() - used
    begun, used = time.perf_counter(), time.process_time()
    scores = evaluate("smollm2-135m", names, store=store, limit=args.limit, sampling=sampling)
    rest, rest_cpu = time.perf_counter() - begun - load, time.process_time() - used - load_cpu
    return {
        "behaviours": len(scores),
        "prompts": len(rows),
        "items": sum(
            len(s.samples)
            for n, s in scores.items()
            if "prompts" not in default().get("behaviour", n).card["parameters"]
        ),
        "loading": load,
        "sampling": sampled,
        "all": sampled + rest,
        "ratio": (sampled + rest) / sampled,
        "ratio_cpu": (sampled_cpu + rest_cpu) / sampled_cpu,
    }


def provider(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """Seconds and answers of one provider."""
    import torch
    from inspect_ai import Task
    from inspect_ai import eval as inspect_eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import get_model
    from inspect_ai.solver import generate

    from offtarget.evals.prompts import read_rows
    from offtarget.models import embedded_model
    from offtarget.registry import builtin_root
    from offtarget.store import Store

    folder = str(embedded_model(Store()))
    rows = read_rows(builtin_root() / "tasks" / "over_stylization.jsonl")[: args.samples]
    dataset = MemoryDataset([Sample(id=r["id"], input=r["prompt"]) for r in rows])
    if name == "hf":
        model = get_model(
            "hf/local", model_path=folder, tokenizer_path=folder, dtype=torch.float32, device="cpu", do_sample=False
        )
        greedy: dict[str, float] = {}  # with do_sample off it takes no temperature
    else:
        model = get_model(f"offtarget/{folder}", dtype="float32")
        greedy = {"temperature": 0.0}
    log_dir = tempfile.mkdtemp()
    options = {"display": "none", "log_dir": log_dir, **greedy, "max_tokens": args.max_tokens, "ctl_server": False}
    inspect_eval(Task(dataset=dataset[:1], solver=generate()), model=model, **options)  # loads
    begun, used = time.perf_counter(), time.process_time()
    (log,) = inspect_eval(Task(dataset=dataset, solver=generate()), model=model, **options)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    assert log.status == "success", log.error
    return {"seconds": seconds, "cpu": cpu, "answers": {str(s.id): s.output.completion for s in log.samples}}


def main() -> None:
    """Print both ratios; exit 1 where one is over its limit."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--limit", type=int, default=12)
    ask.add_argument("--max-tokens", type=int, default=128)
    ask.add_argument("--samples", type=int, default=32)
    ask.add_argument("--only", choices=("suite", "offtarget", "hf"), help="one part alone, printed as JSON")
    args = ask.parse_args()
    if args.only:
        found = suite(args) if args.only == "suite" else provider(args, args.only)
        sys.stdout.write(f"\nFOUND {json.dumps(found)}\n")
        return
    with tempfile.TemporaryDirectory() as home:
        own = _run("suite", {"OFFTARGET_HOME": home})
    print(f"suite: {own['behaviours']} behaviours, {own['prompts']} prompts and {own['items']} items")
    print(f"  sampling {own['sampling']:.0f} s, all {own['all']:.0f} s, ratio {own['ratio']:.2f} (limit 1.5)")
    print(f"  of processor seconds {own['ratio_cpu']:.2f}")
    ours, theirs = _run("offtarget", {}), _run("hf", {})
    same = [k for k, v in ours["answers"].items() if theirs["answers"][k].strip() == v.strip()]
    speed = theirs["seconds"] / ours["seconds"]
    print(f"provider: {args.samples} samples, ours {ours['seconds']:.1f} s, hf {theirs['seconds']:.1f} s")
    print(f"  {speed:.2f} times the samples a second (limit 1.5), {theirs['cpu'] / ours['cpu']:.2f} a processor second")
    print(f"  {len(same)} of {args.samples} answers are the same")
    for key in [k for k in ours["answers"] if k not in same][:3]:
        print(
            f"  {key}: ours {ours['answers'][key][:160]!r}\n  {' ' * len(key)}  hf   {theirs['answers'][key][:160]!r}"
        )
    sys.exit(0 if own["ratio"] <= 1.5 and speed >= 1.5 and len(same) == args.samples else 1)


def _run(part: str, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "--only", part, *sys.argv[1:]],
        env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    line = next((x for x in done.stdout.splitlines() if x.startswith("FOUND ")), None)
    if line is None:
        sys.exit(f"{part} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return dict(json.loads(line.removeprefix("FOUND ")))


if __name__ == "__main__":
    main()
