"""Samples the responses that the planted sets are built from, and writes `base.jsonl.gz` and `base.info.json`.

    python datasets_registry/planted/sample_base.py [--work DIR] [--model smollm2-135m]

Every prompt of `prompts.json` gets plain responses (three make two pairs) and one in one of the styles of
`styles.json`: a system prompt with two example turns, used for sampling only; no stored pair shows them.
Sampling is at temperature 0.8 and top-p 0.95 (within the 256 likeliest tokens), at most 56 new tokens, and
what follows the last whole sentence is cut. Each batch is a shard of its own with a seed of its own, so a
killed run goes on where it stopped. About a quarter of an hour on two free cores.
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
N_BASE = 3
BATCH = 256
MAX_NEW = 56
TEMPERATURE, TOP_P, TOP_K = 0.8, 0.95, 256
MIN_CHARS = 60
PASSES = 4
"""A reply without a whole sentence is drawn again, at most three times."""

Chat = list[dict[str, str]]


def styles() -> dict[str, Chat]:
    """The turns that stand before the prompt, by style."""
    source = json.loads((HERE / "styles.json").read_text(encoding="utf-8"))
    return {name: style["turns"] for name, style in source.items()}


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
        rng = random.Random(f"{SEED}:{topic}")  # noqa: S311 - nothing secret
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


def generate(model: Any, tokenizer: Any, chats: list[Chat], seed: int) -> list[str]:
    """One sampled reply per chat, in one batch.

    All chats share the turns before the last; these are run once, equal neighbours are run once up to
    their reply, and rows that have ended leave the batch.
    """
    import torch

    head, texts = split_prefix(tokenizer, chats)
    distinct = [t for i, t in enumerate(texts) if i == 0 or t != texts[i - 1]]
    which = [sum(a != b for a, b in zip(texts[1 : i + 1], texts[:i], strict=True)) for i in range(len(texts))]
    tokenizer.padding_side = "left"
    head_ids = tokenizer(head, return_tensors="pt", add_special_tokens=False)["input_ids"]
    batch = tokenizer(distinct, return_tensors="pt", padding=True, add_special_tokens=False)
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        cache = model(input_ids=head_ids, use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_repeat_interleave(len(distinct))
        mask = torch.cat([torch.ones(len(distinct), head_ids.shape[1], dtype=torch.long), batch["attention_mask"]], 1)
        position = head_ids.shape[1] + (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
        logits = model(
            input_ids=batch["input_ids"],
            attention_mask=mask,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        index = torch.tensor(which)
        cache.batch_select_indices(index)
        mask, position, logits = mask[index], position[index, -1:], logits[index]
        replies: list[list[int]] = [[] for _ in texts]
        alive = torch.arange(len(texts))
        for _ in range(MAX_NEW):
            scores, tokens = (logits.float() / TEMPERATURE).topk(TOP_K)
            probs = scores.softmax(-1)
            probs[probs.cumsum(-1) - probs > TOP_P] = 0.0
            drawn = tokens.gather(1, torch.multinomial(probs, 1, generator=generator))
            for row, token in zip(alive.tolist(), drawn[:, 0].tolist(), strict=True):
                replies[row].append(token)
            open_ = (drawn[:, 0] != tokenizer.eos_token_id).nonzero()[:, 0]
            if len(open_) == 0:
                break
            if len(open_) < len(alive):
                cache.batch_select_indices(open_)
                alive, drawn, mask, position = alive[open_], drawn[open_], mask[open_], position[open_]
            mask, position = torch.cat([mask, torch.ones_like(drawn)], 1), position + 1
            logits = model(
                input_ids=drawn,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
    return [str(t) for t in tokenizer.batch_decode(replies, skip_special_tokens=True)]


def split_prefix(tokenizer: Any, chats: list[Chat]) -> tuple[str, list[str]]:
    """The templated text that all chats begin with, up to the last user turn, and the rest of each."""
    texts = [tokenizer.apply_chat_template(c, tokenize=False, add_generation_prompt=True) for c in chats]
    cut = {t.rindex("<|im_start|>user") for t in texts}
    if len(cut) != 1 or len({t[: min(cut)] for t in texts}) != 1:
        raise ValueError("the chats of a batch must share all turns but the last")
    return texts[0][: min(cut)], [t[min(cut) :] for t in texts]


Job = tuple[str, str, int]
"""Kind (base or a style), prompt id, replica."""


def jobs(prompts: list[dict[str, str]]) -> list[Job]:
    """All replies to sample, by prompt length: the styles (one for each prompt), then the plain ones."""
    by_length = sorted(prompts, key=lambda r: (len(r["prompt"]), r["id"]))
    out: list[Job] = []
    for k, style in enumerate(names := list(styles())):
        out += [(style, r["id"], 0) for r in by_length[k :: len(names)]]
    return out + [("base", r["id"], k) for r in by_length for k in range(N_BASE)]


def batches(todo: list[Job]) -> list[list[Job]]:
    """Cuts a list of jobs into batches of one kind each."""
    out = []
    for kind in dict.fromkeys(j[0] for j in todo):
        part = [j for j in todo if j[0] == kind]
        out += [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
    return out


def sample(work: Path, model_name: str, threads: int, limit: int | None = None) -> None:
    """Fills `work` with one JSON file per batch; batches that are there already are kept."""
    import torch

    from offtarget import models

    torch.set_num_threads(threads)
    prompts = {r["id"]: r["prompt"] for r in build_prompts()}
    turns = {"base": [], **styles()}
    model, tokenizer = models.load(model_name, dtype="bfloat16")
    work.mkdir(parents=True, exist_ok=True)
    todo = jobs([{"id": k, "prompt": v} for k, v in prompts.items()])
    for attempt in range(PASSES):
        failed: list[Job] = []
        for i, part in enumerate(batches(todo)[:limit]):
            shard = work / f"{attempt}-{i:03d}.json"
            if not shard.exists():
                clock = time.perf_counter()
                chats = [[*turns[kind], {"role": "user", "content": prompts[pid]}] for kind, pid, _ in part]
                seed = int(hashlib.sha256(f"{SEED}:{attempt}:{i}".encode()).hexdigest()[:12], 16)
                replies = [trim(r) for r in generate(model, tokenizer, chats, seed)]
                seconds = time.perf_counter() - clock
                rows = [[*job, text] for job, text in zip(part, replies, strict=True)]
                tmp = shard.with_suffix(".tmp")
                tmp.write_text(json.dumps({"seconds": seconds, "rows": rows}, ensure_ascii=False), encoding="utf-8")
                tmp.replace(shard)
                sys.stderr.write(f"pass {attempt}: {len(part)} {part[0][0]} replies in {seconds:.1f} s\n")
            rows = json.loads(shard.read_text(encoding="utf-8"))["rows"]
            failed += [(kind, pid, k) for kind, pid, k, text in rows if not text]
        todo = failed


def collect(work: Path) -> tuple[list[dict[str, Any]], float]:
    """Joins the shards into one row per prompt; without enough different plain responses it is left out.

    Returns:
        Rows {id, topic, prompt, base: texts, style: [name, text] or null}, and the seconds of
        sampling.
    """
    texts: dict[Job, str] = {}
    seconds = 0.0
    for shard in sorted(work.glob("*.json")):
        data = json.loads(shard.read_text(encoding="utf-8"))
        seconds += data["seconds"]
        texts |= {(kind, pid, k): text for kind, pid, k, text in data["rows"] if text}
    rows = []
    for r in build_prompts():
        base = list(dict.fromkeys(t for k in range(N_BASE) if (t := texts.get(("base", r["id"], k)))))
        style = next(([s, t] for s in styles() if (t := texts.get((s, r["id"], 0)))), None)
        if len(base) == N_BASE:
            rows.append({**r, "base": base, "style": style})
    return rows, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Sample the base responses of the planted sets.")
    parser.add_argument("--work", type=Path, default=Path("build/planted-base"), help="folder of the shards")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=2, help="1 where another process uses the cores")
    parser.add_argument("--out", type=Path, default=HERE / "base.jsonl.gz")
    parser.add_argument("--limit", type=int, default=None, help="sample only so many batches, write nothing")
    args = parser.parse_args()
    sample(args.work, args.model, args.threads, args.limit)
    if args.limit is not None:
        return
    rows, seconds = collect(args.work)
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    with args.out.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(lines.encode())
    info = {
        "model": args.model,
        "seed": SEED,
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "top_k": TOP_K,
        "max_new_tokens": MAX_NEW,
        "prompts": len(rows),
        "responses": sum(len(r["base"]) for r in rows),
        "styled": {name: sum(bool(r["style"]) and r["style"][0] == name for r in rows) for name in styles()},
        "seconds": round(seconds),
        "text_sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
    args.out.with_name("base.info.json").write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(rows)} prompts, sampled in {seconds:.0f} s -> {args.out}\n")


if __name__ == "__main__":
    main()
