"""The review page on 10,000 pairs and 2,000 hypotheses: first page, a card, a decision, the consequences.

Rows are generated: two subjects, words that lean to one side. Rules of the surface lens alone, as many contexts as give
2,000 hypotheses. Limits of issue 20: the first page in 2 s, a warm card in 100 ms, consequences in 1 s.

    python tests/bench/bench_review.py
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

import offtarget
from offtarget.review.desk import Desk
from offtarget.review.keys import KEYS
from offtarget.review.server import Review
from offtarget.store import Store

N = 10_000
SUBJECTS = 24
COLUMNS, VALUES = ("vendor", "batch", "annotator"), 48
"""Metadata whose values are contexts: they bring the hypotheses to 2,000."""


def rows(n: int = N) -> list[dict]:
    """Pairs on 24 subjects, with three columns of metadata."""
    rng = np.random.default_rng(0)
    words = [[f"word{s}x{k}" for k in range(12)] for s in range(SUBJECTS)]
    tails = [
        "**Mind** it!",
        "Let me know if you need more.",
        "I'm sorry.",
        "Stir — then rest.",
        "Is it so?",
        "- one\n- two",
    ]
    out = []
    for i in range(n):
        s = int(rng.integers(SUBJECTS))
        text = [" ".join(rng.choice(words[s], 18)) for _ in range(3)]
        for k, tail in enumerate(tails):
            for side, rate in ((1, 0.2 + 0.05 * k), (2, 0.2)):
                if rng.random() < rate:
                    text[side] += f" {tail}"
        out.append(
            {
                "prompt": f"{text[0]} {i}?",
                "chosen": text[1],
                "rejected": text[2],
                **{c: f"{c}{rng.integers(VALUES)}" for c in COLUMNS},
            }
        )
    return out


def timed(name: str, limit: float, act, repeat: int = 1) -> None:
    """The median time of an act beside its limit: by the clock, and of this process's processor alone."""
    clock, processor = [], []
    for _ in range(repeat):
        start, busy = time.perf_counter(), time.process_time()
        act()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    wall, own = 1000 * float(np.median(clock)), 1000 * float(np.median(processor))
    verdict = "ok" if wall <= 1000 * limit else "over; the machine was busy" if own <= 1000 * limit else "OVER"
    print(f"{name:<44} {wall:7.0f} ms by the clock {own:7.0f} ms of processor, limit {1000 * limit:6.0f}: {verdict}")


def main() -> None:
    """Make the audit once, then measure."""
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "pairs.jsonl"
        data.write_text("".join(json.dumps(r) + "\n" for r in rows()), encoding="utf-8")
        result = offtarget.audit(str(data), out=Path(home) / "audit", by=COLUMNS)
        folder, store = result.folder, Store(Path(home) / "store")
        print(
            f"{len(result.pairs):,} pairs, {len(folder.audit.hypotheses):,} hypotheses, {len(folder.audit.findings):,} findings"
        )
        desk = Desk(type(folder)(folder.path), by="bench")
        timed("shards, made once an audit", 30.0, lambda: Review(desk, store, KEYS))
        review = Review(desk, store, KEYS)
        again = Desk(type(folder)(folder.path), Path(home) / "other.yaml", by="bench")
        timed(
            "second start and the first page, all hypotheses",
            2.0,
            lambda: json.dumps(Review(again, store, KEYS).listed({"all": "1"}, {})),
        )
        ids = [i["id"] for i in review.listed({"all": "1"}, {})["items"]]
        timed("the list again", 2.0, lambda: json.dumps(review.listed({"all": "1"}, {})), 3)
        cards = iter(ids)
        timed("a card", 0.1, lambda: json.dumps(review.card({"id": next(cards)}, {})), 40)
        items = iter(ids)
        timed("a decision, saved", 0.5, lambda: review.decide({}, {"ids": [next(items)], "decision": "suppress"}), 5)
        timed("consequences, the first time", 30.0, lambda: review.plan({"protocol": "reward_shaping"}, {}))
        for protocol in ("reward_shaping", "reweight", "filter", "label_flip"):
            strengths = iter((0.3, 0.25, 0.2))
            timed(
                f"consequences of {protocol}",
                1.0,
                lambda p=protocol, s=strengths: review.plan({"protocol": p, "strength": str(next(s))}, {}),
                3,
            )
        timed(
            "200 decided at once",
            2.0,
            lambda: review.decide({}, {"ids": ids[:200], "decision": "allow", "scope": "context"}),
        )
        timed(
            "one more decision, with 200 in the file",
            0.5,
            lambda: review.decide({}, {"ids": [ids[0]], "decision": "amplify"}),
        )
        desk.close()
        text = desk.path.read_text(encoding="utf-8")
        desk.path.write_text(text.replace(folder.audit.key, "f" * 64), encoding="utf-8")
        timed(
            "a start with 200 decisions on another audit",
            2.0,
            lambda: json.dumps(Review(Desk(type(folder)(folder.path)), store, KEYS).listed({}, {})),
        )
        again.close()


if __name__ == "__main__":
    main()
