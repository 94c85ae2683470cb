"""How fast the `sae` lens reads pairs, against a plain transformers loop over the same file.

    python tests/bench/bench_features.py [--file FILE] [--pairs 64] [--threads N] [--dtype bfloat16]

The plain loop encodes every text by itself, prompt + chosen and prompt + rejected of each pair, through
the whole causal language model with `output_hidden_states=True`, sorted by length, at the fastest of five
batch sizes (`--body-only`: without its logits); its activations go through the same SAE and the same
pooling. Both sides are timed from token ids to pooled features. Agreement in bfloat16 is to be read beside
that of the plain loop with itself at another batch size.

The default file is `alpaca_eval_gpt4_pairs`, where twelve pairs share a prompt and a response; `--distinct`
takes one pair per prompt instead, so that nothing is shared but the prompt of a pair.
"""

import argparse
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
BATCH_SIZES = (1, 4, 8, 16, 32)


def read_pairs(file: Path, n: int, distinct: bool) -> Any:
    """The first n pairs of a gzipped JSON lines file (prompt, chosen, rejected; text or messages)."""
    from offtarget.data.pairs import Pair, PairSet, prompt_group

    pairs: list[Pair] = []
    seen: set[str] = set()
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for i, line in enumerate(lines):
            row = json.loads(line)
            prompt = row["prompt"]
            if isinstance(prompt, str):
                prompt = [{"role": "user", "content": prompt}]
            group = prompt_group(prompt)
            if distinct and group in seen:
                continue
            seen.add(group)
            sides: list[Any] = [
                t if isinstance(t, list) else [{"role": "assistant", "content": t}]
                for t in (row["chosen"], row["rejected"])
            ]
            pairs.append(Pair(str(row.get("id", i)), group, prompt, sides[0], sides[1]))
            if len(pairs) == n:
                break
    return PairSet(file.parent.name, pairs)


def plain_loop(lens: Any, model: Any, texts: list[tuple[Any, Any]], batch_size: int) -> list[tuple[Any, ...]]:
    """Prompt and response features (max, freq) of each text, every text by itself, in the order given."""
    import torch

    out: list[Any] = [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i][0].ids) - len(texts[i][1].ids))
    with torch.inference_mode():
        for a in range(0, len(order), batch_size):
            batch = order[a : a + batch_size]
            ids = [texts[i][0].ids + texts[i][1].ids for i in batch]
            longest = len(ids[0])
            padded = torch.tensor([x + [0] * (longest - len(x)) for x in ids])
            mask = torch.tensor([[1] * len(x) + [0] * (longest - len(x)) for x in ids])
            states = model(input_ids=padded, attention_mask=mask, output_hidden_states=True, use_cache=False)
            hidden = states.hidden_states[lens.layer + 1]
            for j, i in enumerate(batch):
                prompt, response = texts[i]
                n = len(prompt.ids)
                spans = []
                for start, piece in ((0, prompt), (n, response)):
                    keep = torch.tensor([start + t for t, content in enumerate(piece.content) if content])
                    latents = lens.sae.encode(hidden[j, keep].float())
                    spans += [latents.amax(0).numpy(), (latents > 0).float().mean(0).numpy()]
                out[i] = tuple(spans)
    return out


def main() -> None:
    """Print settings, speeds, the ratio and how well the two sides agree."""
    parser = argparse.ArgumentParser(description="Speed of the sae lens against a plain transformers loop.")
    parser.add_argument(
        "--file", type=Path, default=SHARED / "data" / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz"
    )
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--distinct", action="store_true", help="one pair per prompt")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument(
        "--body-only",
        action="store_true",
        help="the plain loop leaves out the logits (AutoModel, not causal LM)",
    )
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=BATCH_SIZES)
    args = parser.parse_args()

    import torch
    from offtarget import models
    from offtarget.lens.activations import use_threads
    from offtarget.lens.sae import load_sae, read_features, shipped_sae
    from offtarget.lens.tokens import tokenise_pairs

    data = read_pairs(args.file, args.pairs, args.distinct)
    ref = models.resolve(models.EMBEDDED)
    lens = load_sae(shipped_sae(ref))
    model, tokenizer = models.load(ref, dtype=args.dtype)
    tokens = tokenise_pairs(tokenizer, data.pairs)
    texts = [
        (tokens.conversations[c].prompt, tokens.conversations[c].responses[r])
        for c, *both in tokens.where
        for r in both
    ]
    plain_tokens = sum(len(p.ids) + len(r.ids) for p, r in texts)
    with use_threads(args.threads) as threads:
        print(
            f"{len(data)} pairs of {data.name}{' (one per prompt)' if args.distinct else ''}, "
            f"layer {lens.layer} of {model.config.num_hidden_layers}, {args.dtype}, {threads} threads, "
            f"torch {torch.__version__}"
        )
        print(f"tokens: plain loop {plain_tokens}, distinct texts {tokens.n_tokens}")
        network = model.base_model if args.body_only else model
        plain_loop(lens, network, texts[:2], 1)  # warm up
        began, cpu = time.perf_counter(), time.process_time()
        ours = read_features(lens, model, tokenizer, data, threads=threads)
        mine = (time.perf_counter() - began, time.process_time() - cpu)
        print(f"offtarget: {len(data) / mine[0]:.2f} pairs/s ({mine[0]:.1f} s, {mine[1]:.1f} s of processor)")
        best: tuple[float, float] | None = None
        first: list[Any] = []
        theirs: list[Any] = []
        for batch_size in args.batch_sizes:
            began, cpu = time.perf_counter(), time.process_time()
            theirs = plain_loop(lens, network, texts, batch_size)
            took = (time.perf_counter() - began, time.process_time() - cpu)
            best = min(best or took, took)
            first = first or theirs
            print(
                f"plain loop, batch {batch_size:2d}: {len(data) / took[0]:.2f} pairs/s ({took[0]:.1f} s, "
                f"{took[1]:.1f} s of processor)",
                flush=True,
            )
        assert best is not None
        print(
            f"ratio to the fastest plain loop: {best[0] / mine[0]:.2f} (processor time "
            f"{best[1] / mine[1]:.2f})"
        )
    if len(args.batch_sizes) > 1:
        report("plain loop with itself", [t[2] for t in first], [t[2] for t in theirs])
    found = [
        ours.values[span, "max"][i].toarray()[0] for i in range(len(data)) for span in ("chosen", "rejected")
    ]  # type: ignore[index]
    report("offtarget with plain loop", [t[2] for t in theirs], found)


def report(what: str, reference: list[Any], found: list[Any]) -> None:
    """Print how well the maxima of response spans agree."""
    a, b = np.stack(reference), np.stack(found)
    overlap = ((a > 0) & (b > 0)).sum() / ((a > 0) | (b > 0)).sum()
    gap = np.linalg.norm(a - b) / np.linalg.norm(a)
    print(
        f"agreement of {what}: support overlap {overlap:.4f}, relative difference {gap:.4f}, "
        f"largest {np.abs(a - b).max():.2f} (values reach {a.max():.1f})"
    )


if __name__ == "__main__":
    main()
