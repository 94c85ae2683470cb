"""How fast the `sae` lens reads pairs, against a plain transformers loop and sae-lens over the same texts.

    python tests/bench/bench_features.py [--file FILE] [--pairs 64] [--threads N] [--dtype bfloat16|float32]

The plain loop encodes every text by itself, prompt + chosen and prompt + rejected of each pair, through
the whole causal language model with `output_hidden_states=True`, sorted by length, at the fastest of five
batch sizes (`--body-only`: without its logits); its activations go through the same SAE and the same
pooling. Both sides are timed from token ids to pooled features, after a few texts to warm up. Agreement in
bfloat16 is to be read beside that of the plain loop with itself at another batch size, and beside how far either
is from the plain loop in float32 (of the first texts).

sae-lens' own caching (`CacheActivationsRunner`) is given the same texts as token ids and the same model in the
same precision, stops at the layer too, and writes activations to disk; neither SAE nor pooling is counted for it. It
cuts the stream of texts into contexts of one length. Of three lengths the longest is the one that holds texts as
the lens reads them (512 tokens); in shorter ones a token sees less, which is cheaper.

The share of the matrix multiplication limit is what the model's layers up to the one that is read must
multiply for each distinct text, over the time taken for all of it, against the fastest product of large matrices of the
same precision in the same run.

The default file is `alpaca_eval_gpt4_pairs`, where twelve pairs share a prompt and a response; `--distinct`
takes one pair per prompt instead, so that nothing is shared but the prompt of a pair.
"""

import argparse
import gzip
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

SHARED = Path(os.environ.get("OFFTARGET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
BATCH_SIZES = (1, 4, 8, 16, 32)
EXACT = 24
"""Texts that are read in float32, to say which of two bfloat16 readings is nearer to the truth."""
CONTEXTS = (128, 256, 512)
"""Context lengths for sae-lens, in batches of 2,048 tokens."""


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


def sae_lens_caching(path: str, layer: int, width: int, texts: list[Any], context: int, dtype: str) -> float:
    """Seconds in which sae-lens caches the activations of the texts, as contexts of one length."""
    import torch
    from datasets import Dataset
    from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig

    stream = [i for p, r in texts for i in p.ids + r.ids]
    batch = 2048 // context
    tokens = len(stream) // (context * batch) * context * batch
    rows = [stream[a : a + context] for a in range(0, tokens, context)]
    with TemporaryDirectory() as folder:
        config = CacheActivationsRunnerConfig(
            dataset_path="texts", model_name=path, model_class_name="AutoModelForCausalLM", model_batch_size=batch,
            hook_name=f"model.layers.{layer}", d_in=width, training_tokens=tokens, context_size=context,
            new_cached_activations_path=folder, shuffle=False, dtype="float32", device="cpu", prepend_bos=False,
            buffer_size_gb=context * batch * width * 4 * 1.01 / 1e9, streaming=False,
            model_from_pretrained_kwargs={"dtype": getattr(torch, dtype)},
        )  # fmt: skip
        runner = CacheActivationsRunner(config, override_dataset=Dataset.from_dict({"input_ids": rows}))
        began = time.perf_counter()
        cached = runner.run()
        took = time.perf_counter() - began
        assert len(cached) * context == tokens
    return took * len(stream) / tokens


def multiplications(model: Any, layer: int, tokens: Any) -> float:
    """Floating point operations of matrix products for one pass over each distinct text, up to a layer.

    A weight is used once per token; in attention a token of a response meets its prompt and what is before it.
    """
    from offtarget.architecture import decoder_layers

    config = model.config.get_text_config()
    weights = sum(p.numel() for b in decoder_layers(model)[: layer + 1] for p in b.parameters() if p.ndim == 2)
    wide = config.num_attention_heads * getattr(config, "head_dim", config.hidden_size // config.num_attention_heads)
    meetings = 0.0
    for c in tokens.conversations:
        p = len(c.prompt.ids)
        meetings += p * p / 2 + sum(len(r.ids) * (p + len(r.ids) / 2) for r in c.responses)
    return 2 * weights * tokens.n_tokens + 4 * wide * meetings * (layer + 1)


def matmul_limit(dtype: str) -> float:
    """Operations per second of the fastest product of two large square matrices."""
    import torch

    best = 0.0
    for n in (1024, 2048, 4096):
        a, b = (torch.randn(n, n).to(getattr(torch, dtype)) for _ in range(2))
        a @ b
        for _ in range(3):
            began = time.perf_counter()
            a @ b
            best = max(best, 2 * n**3 / (time.perf_counter() - began))
    return best


def main() -> None:
    """Print settings, speeds, the ratio and how well the two sides agree."""
    parser = argparse.ArgumentParser(description="Speed of the sae lens against a plain transformers loop.")
    parser.add_argument("--file", type=Path, default=SHARED / "data" / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz")
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--distinct", action="store_true", help="one pair per prompt")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), help="by default what suits the machine")
    parser.add_argument(
        "--body-only", action="store_true", help="the plain loop leaves out the logits (AutoModel, not causal LM)"
    )
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=BATCH_SIZES)
    parser.add_argument("--contexts", type=int, nargs="*", default=CONTEXTS)
    args = parser.parse_args()

    import torch

    from offtarget import machine, models
    from offtarget.data.pairs import PairSet
    from offtarget.lens.activations import use_threads
    from offtarget.lens.sae.encode import load_sae, read_features, shipped_sae
    from offtarget.lens.tokens import tokenise_pairs

    data = read_pairs(args.file, args.pairs, args.distinct)
    args.dtype = machine.precision(args.dtype)
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
        plain_loop(lens, network, texts[:2], 1)  # warm up, and the same for the other side
        read_features(lens, model, tokenizer, PairSet("warm", data.pairs[:2]), threads=threads)
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
        print(f"ratio to the fastest plain loop: {best[0] / mine[0]:.2f} (processor time {best[1] / mine[1]:.2f})")
        cached = []
        for context in args.contexts:
            cached.append(sae_lens_caching(ref.path, lens.layer, lens.width, texts, context, args.dtype))
            print(f"sae-lens caching, contexts of {context}: {len(data) / cached[-1]:.2f} pairs/s", flush=True)
        if cached:
            print(
                "ratio to sae-lens caching: "
                + ", ".join(f"{c / mine[0]:.2f} ({n})" for n, c in zip(args.contexts, cached, strict=True))
            )
        limit, needed = matmul_limit(args.dtype), multiplications(model, lens.layer, tokens)
        print(
            f"products of large {args.dtype} matrices reach {limit / 1e9:.0f} GFLOP/s; offtarget needs "
            f"{needed / 1e12:.2f} TFLOP of them, {needed / mine[0] / 1e9:.0f} GFLOP/s: {needed / mine[0] / limit:.0%}"
        )
    if len(args.batch_sizes) > 1:
        report("plain loop with itself", [t[2] for t in first], [t[2] for t in theirs])
    found = [ours.values[span, "max"][i].toarray()[0] for i in range(len(data)) for span in ("chosen", "rejected")]  # type: ignore[index]
    report("offtarget with plain loop", [t[2] for t in theirs], found)
    few = min(EXACT, len(texts))
    exact = [t[2] for t in plain_loop(lens, model.float(), texts[:few], 1)]
    report(f"plain loop with float32, {few} texts", exact, [t[2] for t in theirs[:few]])
    report(f"offtarget with float32, {few} texts", exact, found[:few])


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
