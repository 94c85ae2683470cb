"""Samples the responses that the planted sets are built from, and writes `base.jsonl.gz`.

    python datasets_registry/planted/sample_base.py [--work DIR] [--model smollm2-135m]

Every prompt of `prompts.json` gets four plain responses (two pairs) and one under each system prompt of
`STYLES`. The system prompt is used for sampling only; no stored pair shows it. Sampling is at
temperature 0.8 and top-p 0.95 (within the 256 likeliest tokens), at most 72 new tokens, and what follows
the last whole sentence is cut. Each batch is a shard of its own with a seed of its own, so a killed run
goes on where it stopped. About a quarter of an hour on two free cores.
"""

import argparse
import gzip
import hashlib
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "harness"))  # for a checkout that is not installed

SEED = 20260101
N_BASE = 4
BATCH = 64
MAX_NEW = 72
TEMPERATURE, TOP_P, TOP_K = 0.8, 0.95, 256
MIN_CHARS = 80

STYLES = {
    "cheerful": "You are a wildly cheerful, bubbly assistant. Sound delighted and excited in every sentence.",
    "storyteller": "You are a storyteller. Never give advice; answer every question with a short tale about a person, told in the past tense.",
}


def build_prompts() -> list[dict[str, str]]:
    """All prompts as {id, topic, prompt}: every question once, with a drawn opening and closing."""
    source = json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))
    rows = []
    for topic, templates in source["topics"].items():
        questions = [
            t["template"].replace("{x}", x).replace("{y}", y)
            for t in templates
            for x in t["x"]
            for y in t.get("y", [""])
        ]
        rng = random.Random(f"{SEED}:{topic}")
        for i, question in enumerate(questions):
            text = rng.choice(source["openings"]) + question + rng.choice(source["closings"])
            rows.append({"id": f"{topic}-{i:03d}", "topic": topic, "prompt": text})
    return rows


def trim(text: str) -> str:
    """Cuts what follows the last whole sentence, and blank lines in excess.

    Returns:
        The text up to its last sentence end, or "" where no whole sentence of `MIN_CHARS` is left.
    """
    text = re.sub(r"\n{3,}", "\n\n", text.strip())
    ends = [m.end() for m in re.finditer(r"(?<!\d)[.!?][\"')*]{0,3}(?=\s|$)", text)]
    cut = text[: ends[-1]].rstrip() if ends else ""
    return cut if len(cut) >= MIN_CHARS else ""


def generate(model: Any, tokenizer: Any, conversations: list[list[dict[str, str]]], seed: int) -> list[str]:
    """One sampled reply per conversation: a left-padded batch with a key-value cache."""
    import torch

    texts = [tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True) for c in conversations]
    tokenizer.padding_side = "left"
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    generator = torch.Generator().manual_seed(seed)
    done = torch.zeros(len(texts), dtype=torch.bool)
    replies, cache, step_ids = [], None, ids
    position = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        for _ in range(MAX_NEW):
            out = model(
                input_ids=step_ids, attention_mask=mask, position_ids=position, past_key_values=cache,
                use_cache=True, logits_to_keep=1,
            )
            cache = out.past_key_values
            logits, tokens = (out.logits[:, -1].float() / TEMPERATURE).topk(TOP_K)
            probs = logits.softmax(-1)
            probs[probs.cumsum(-1) - probs > TOP_P] = 0.0
            drawn = tokens.gather(1, torch.multinomial(probs, 1, generator=generator))
            drawn[done] = tokenizer.pad_token_id
            done |= drawn[:, 0] == tokenizer.eos_token_id
            replies.append(drawn)
            if bool(done.all()):
                break
            step_ids, position = drawn, position[:, -1:] + 1
            mask = torch.cat([mask, torch.ones_like(drawn)], 1)
    return tokenizer.batch_decode(torch.cat(replies, 1), skip_special_tokens=True)


def jobs(prompts: list[dict[str, str]]) -> list[tuple[str, str, int]]:
    """All (kind, prompt id, replica) to sample, in the order of sampling: by kind, then by prompt length."""
    by_length = sorted(prompts, key=lambda r: (len(r["prompt"]), r["id"]))
    out = [("base", r["id"], k) for r in by_length for k in range(N_BASE)]
    for style in STYLES:
        out += [(style, r["id"], 0) for r in by_length]
    return out


def sample(work: Path, model_name: str, limit: int | None = None) -> None:
    """Fills `work` with one JSON file per batch; batches that are there already are kept."""
    import torch
    from offtarget import models

    torch.set_num_threads(2)
    prompts = {r["id"]: r for r in build_prompts()}
    todo = jobs(list(prompts.values()))
    model, tokenizer = models.load(model_name, dtype="bfloat16")
    work.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(todo), BATCH)[:limit]:
        shard = work / f"{start:06d}.json"
        if shard.exists():
            continue
        clock = time.perf_counter()
        part = todo[start : start + BATCH]
        chats = [
            ([{"role": "system", "content": STYLES[kind]}] if kind in STYLES else [])
            + [{"role": "user", "content": prompts[pid]["prompt"]}]
            for kind, pid, _ in part
        ]
        results = [""] * len(part)
        for attempt in range(4):  # a reply without a whole sentence is drawn again
            open_ = [i for i, r in enumerate(results) if not r]
            if not open_:
                break
            seed = int(hashlib.sha256(f"{SEED}:{start}:{attempt}".encode()).hexdigest()[:12], 16)
            for i, reply in zip(open_, generate(model, tokenizer, [chats[i] for i in open_], seed), strict=True):
                results[i] = trim(reply)
        rows = [[kind, pid, k, text] for (kind, pid, k), text in zip(part, results, strict=True)]
        tmp = shard.with_suffix(".tmp")
        tmp.write_text(json.dumps({"seconds": time.perf_counter() - clock, "rows": rows}, ensure_ascii=False))
        tmp.replace(shard)
        sys.stderr.write(f"{start + len(part)}/{len(todo)} {time.perf_counter() - clock:.1f} s\n")


def collect(work: Path) -> tuple[list[dict[str, Any]], float]:
    """Joins the shards into one row per prompt; a prompt without four different plain responses is left out."""
    texts: dict[tuple[str, str, int], str] = {}
    seconds = 0.0
    for shard in sorted(work.glob("*.json")):
        data = json.loads(shard.read_text(encoding="utf-8"))
        seconds += data["seconds"]
        texts |= {(kind, pid, k): text for kind, pid, k, text in data["rows"]}
    rows = []
    for r in build_prompts():
        base = [t for k in range(N_BASE) if (t := texts.get(("base", r["id"], k), ""))]
        if len(base) == N_BASE == len(set(base)):
            rows.append({**r, "base": base, **{s: texts.get((s, r["id"], 0), "") for s in STYLES}})
    return rows, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Sample the base responses of the planted sets.")
    parser.add_argument("--work", type=Path, default=Path("build/planted-base"), help="folder of the shards")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--out", type=Path, default=HERE / "base.jsonl.gz")
    parser.add_argument("--limit", type=int, default=None, help="sample only so many batches, write nothing")
    args = parser.parse_args()
    sample(args.work, args.model, args.limit)
    if args.limit is not None:
        return
    rows, seconds = collect(args.work)
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    with args.out.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(lines.encode())
    sys.stderr.write(f"{len(rows)} prompts, sampled in {seconds:.0f} s -> {args.out}\n")


if __name__ == "__main__":
    main()
