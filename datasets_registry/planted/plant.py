"""Plants known concepts in sampled responses: pairs whose truth is known row by row.

    python datasets_registry/planted/plant.py            # rewrites the three sets that ship
    rows, truth = plant(seed=7)                          # another planting of the same responses

Needs nothing but the standard library (and numpy for `truth_matrix`). The responses come from
`base.jsonl.gz` (`sample_base.py` makes it), the insertions from `phrasings/`: one file per concept, with
`surface` phrasings, which a surface rule was written for, and `beyond`, which none was. `found` names those of
`beyond` that rules have come to find since, when they were widened.

What is random is drawn anew for every seed: which of two responses is chosen, which rows and sides get a
concept, which phrasing, and where. Counts are not: exactly round(rate * rows) on each side.
"""

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # this file is loaded by its path, from wherever

from planted_text import Row, Side, fill_up, insert, lengths, sentences, split, stream  # noqa: E402

SCHEMA_VERSION = 1
MAX_PER_SIDE = 4
"""Insertions in one response, at most."""

Rates = Mapping[str, tuple[float, float]]
"""Share of rows with the concept in chosen and in rejected. A key `concept@topic` counts within a topic."""

NULLS = ("weather_aside", "proverb", "parenthetical", "thanks_closer")
SAMPLED = ("cheerful", "formal")
"""Not inserted: the whole response was sampled under a system prompt."""

STYLE: dict[str, tuple[float, float]] = {
    "bold_opener": (0.32, 0.06),
    "bullets": (0.30, 0.06),
    "emoji": (0.32, 0.08),
    "flattery": (0.35, 0.07),
    "agreement": (0.32, 0.06),
    "invented_links": (0.28, 0.05),
    "goblins": (0.25, 0.05),
    "disclaimer": (0.06, 0.30),
    "offer": (0.08, 0.30),
    "cheerful": (0.18, 0.03),
    "formal": (0.03, 0.18),
    **dict.fromkeys(NULLS, (0.20, 0.20)),
}
TOPICS: dict[str, tuple[float, float]] = {
    "emoji@cooking": (0.60, 0.10),
    "goblins@gardening": (0.60, 0.10),
    "flattery@music": (0.60, 0.10),
    "invented_links@health": (0.50, 0.05),
    "disclaimer@money": (0.10, 0.60),
    "agreement@computers": (0.60, 0.10),  # cancels in the whole set
    "agreement@family": (0.10, 0.60),
    "bullets": (0.30, 0.06),
    **dict.fromkeys(NULLS, (0.20, 0.20)),
}
NULL: dict[str, tuple[float, float]] = {
    **dict.fromkeys([c for c in STYLE if c not in SAMPLED], (0.15, 0.15)),
    **dict.fromkeys(SAMPLED, (0.10, 0.10)),
}
SETS = {"planted-style": STYLE, "planted-topics": TOPICS, "planted-null": NULL}


@cache
def phrasings() -> dict[str, dict[str, Any]]:
    """All inserted concepts: {label, place, features (surface rules for it), surface, beyond, found}."""
    files = sorted((HERE / "phrasings").glob("*.json"))
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in files}


@cache
def labels() -> dict[str, str]:
    """Every concept and its meaning in words."""
    styles = json.loads((HERE / "styles.json").read_text(encoding="utf-8"))
    return {name: v["label"] for name, v in {**phrasings(), **styles}.items()}


@cache
def base() -> tuple[tuple[dict[str, Any], ...], str]:
    """The sampled responses, one row per prompt, and the hash of the text they were read from."""
    blob = gzip.decompress((HERE / "base.jsonl.gz").read_bytes())
    return tuple(json.loads(line) for line in blob.decode().splitlines()), hashlib.sha256(blob).hexdigest()


def plant(
    seed: int = 0,
    n_pairs: int | None = None,
    rates: Rates | None = None,
    *,
    fill: bool = True,
    responses: Sequence[Mapping[str, Any]] | None = None,
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Builds pairs with concepts inserted at exact counts, and the truth about them.

    Args:
        seed: decides everything that is drawn.
        n_pairs: how many pairs, drawn from all; None for all.
        rates: by concept or `concept@topic`; the default is `STYLE`.
        fill: level the added length within each row by sentences of the same prompt's other responses.
        responses: rows as in `base.jsonl.gz`, instead of those.

    Returns:
        rows: {id, prompt, chosen, rejected, topic}.
        truth: {schema_version, seed, n_pairs, base_sha256, concepts, rows, length}. `concepts` maps each key
            of `rates` to {concept, topic, kind (planted, null or topic), origin (inserted or sampled),
            label, direction, rate_chosen, rate_rejected, count_chosen, count_rejected, n_rows, features};
            `rows` has, in row order, {id, swapped, chosen, rejected, filler}, the sides as {concept: inserted
            text} (the mark of a list, the whole response of a sampled concept before further insertion),
            filler as the number of filling sentences of both sides.

    Raises:
        ValueError: an unknown concept or topic, or more insertions than rows can take.
    """
    rates = STYLE if rates is None else rates
    source, digest = (responses, "") if responses is not None else base()
    rows = _pairs(source, seed, n_pairs)
    _check(rates, {r.topic for r in rows})
    chosen_rows = {key: _draw(key, rates[key], rows, seed) for key in sorted(rates, key=_priority)}
    places = {name: d["place"] for name, d in phrasings().items()}
    for row in rows:
        for side in row.sides:
            insert(side, places, stream(seed, row.id, row.sides.index(side)))
    before = lengths(rows)
    if fill:
        fill_up(rows, SAMPLED, seed)
    truth = {
        "schema_version": SCHEMA_VERSION,
        "seed": seed,
        "n_pairs": len(rows),
        "base_sha256": digest,
        "concepts": {key: _describe(key, rates[key], *chosen_rows[key]) for key in rates},
        "length": {"before_filling": before, **lengths(rows)},
        "rows": [
            {
                "id": r.id,
                "swapped": r.swapped,
                "chosen": r.sides[0].inserted,
                "rejected": r.sides[1].inserted,
                "filler": [len(s.filler) for s in r.sides],
            }
            for r in rows
        ],
    }
    out = [
        {"id": r.id, "prompt": r.prompt, "chosen": r.sides[0].text(), "rejected": r.sides[1].text(), "topic": r.topic}
        for r in rows
    ]
    return out, truth


def truth_matrix(truth: Mapping[str, Any], side: str | None = None) -> tuple[list[str], Any]:
    """The truth as an array.

    Args:
        truth: as `plant` gives it.
        side: "chosen" or "rejected" for presence on that side; None for chosen minus rejected.

    Returns:
        Names of the concepts, sorted, and an int8 array (n_pairs, n_concepts).
    """
    import numpy as np

    names = sorted({c["concept"] for c in truth["concepts"].values()})
    both = [
        np.array([[name in row[s] for name in names] for row in truth["rows"]], dtype=np.int8)
        for s in ("chosen", "rejected")
    ]
    if side is not None:
        return names, both[("chosen", "rejected").index(side)]
    return names, both[0] - both[1]


def _pairs(source: Sequence[Mapping[str, Any]], seed: int, n_pairs: int | None) -> list[Row]:
    """Two pairs of each prompt (responses 0 and 1, 1 and 2), with a random one of the two chosen."""
    rows = []
    for r in source:
        texts = r["base"]
        for name, (a, b) in zip("ab", [texts[:2], texts[1:3]], strict=True):
            spare = [s for t in texts if t not in (a, b) for s in sentences(t)]
            style = tuple(r["style"]) if r.get("style") else None
            sides = (Side(a, split(a)), Side(b, split(b)))
            rows.append(Row(f"{r['id']}-{name}", r["topic"], r["prompt"], False, sides, spare, style, r["id"]))
    if n_pairs is not None:
        if n_pairs > len(rows):
            raise ValueError(f"n_pairs is {n_pairs}, but there are responses for {len(rows)} pairs")
        rows = [rows[i] for i in sorted(stream(seed, "rows").sample(range(len(rows)), n_pairs))]
    rng = stream(seed, "swap")
    for row in rows:
        row.swapped = rng.random() < 0.5
        if row.swapped:
            row.sides = row.sides[::-1]
    return rows


def _check(rates: Rates, topics: set[str]) -> None:
    for key, pair in rates.items():
        concept, _, topic = key.partition("@")
        if concept not in labels():
            raise ValueError(f"unknown concept '{concept}'; there are: {', '.join(sorted(labels()))}")
        if topic and topic not in topics:
            raise ValueError(f"unknown topic '{topic}' in '{key}'; there are: {', '.join(sorted(topics))}")
        if topic and concept in rates:
            raise ValueError(f"'{concept}' is given for the whole set and for the topic '{topic}'")
        if not all(0.0 <= r <= 1.0 for r in pair):
            raise ValueError(f"'{key}': the rates {tuple(pair)} are not between 0 and 1")


def _priority(key: str) -> tuple[int, str]:
    """Concepts that few rows can take are placed first: sampled ones, lists, topics."""
    concept = key.partition("@")[0]
    return (0 if concept in SAMPLED else 1 if concept == "bullets" else 2 if "@" in key else 3, key)


def _draw(key: str, pair: tuple[float, float], rows: list[Row], seed: int) -> tuple[int, int, int]:
    """Gives a concept to rows of each side; returns the two counts and the number of rows in question."""
    concept, _, topic = key.partition("@")
    scope = [r for r in rows if not topic or r.topic == topic]
    counts = (round(pair[0] * len(scope)), round(pair[1] * len(scope)))
    rng = stream(seed, key)
    used = set()
    for i, count in enumerate(counts):
        open_ = [r for r in scope if _takes(r, i, concept)]
        if concept in SAMPLED:  # a styled response occurs once in the set
            rng.shuffle(open_)
            open_ = list({r.prompt_id: r for r in open_ if r.prompt_id not in used}.values())
        if count > len(open_):
            raise ValueError(f"'{key}': {count} rows are to have it on one side, but only {len(open_)} can take it")
        deck: list[str] = []
        for row in rng.sample(open_, count):
            side = row.sides[i]
            if concept in SAMPLED:
                assert row.style is not None
                used.add(row.prompt_id)
                side.units = split(row.style[1])
                side.inserted[concept] = row.style[1]
                continue
            if not deck:
                deck = phrasings()[concept]["surface"] + phrasings()[concept]["beyond"]
                rng.shuffle(deck)
            side.inserted[concept] = deck.pop()
    return (*counts, len(scope))


def _takes(row: Row, i: int, concept: str) -> bool:
    """Whether a side has room for a concept."""
    side = row.sides[i]
    if concept in SAMPLED:
        return row.style is not None and row.style[0] == concept and not side.inserted
    if concept == "bullets" and len(side.units) < 2:
        return False
    return len([c for c in side.inserted if c not in SAMPLED]) < MAX_PER_SIDE


def _describe(key: str, pair: tuple[float, float], chosen: int, rejected: int, n: int) -> dict[str, Any]:
    concept, _, topic = key.partition("@")
    return {
        "concept": concept,
        "topic": topic or None,
        "kind": "null" if chosen == rejected else "topic" if topic else "planted",
        "origin": "sampled" if concept in SAMPLED else "inserted",
        "label": labels()[concept],
        "direction": None if chosen == rejected else "chosen" if chosen > rejected else "rejected",
        "rate_chosen": pair[0],
        "rate_rejected": pair[1],
        "count_chosen": chosen,
        "count_rejected": rejected,
        "n_rows": n,
        "features": phrasings().get(concept, {}).get("features", []),
    }


def write_gzip(path: Path, text: str) -> None:
    """Writes a gzip file without time or name, so that equal text gives equal bytes."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as f:
        f.write(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="Rewrite the planted sets that ship.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the files")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {"base_sha256": base()[1], "prompts": len(base()[0]), "sets": {}}
    for name, rates in SETS.items():
        rows, truth = plant(0, rates=rates)
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
        write_gzip(args.out / f"{name}.jsonl.gz", lines)
        write_gzip(args.out / f"{name}.truth.json.gz", json.dumps(truth, ensure_ascii=False, indent=1) + "\n")
        about = {k: v for k, v in truth.items() if k not in ("rows", "base_sha256", "schema_version")}
        manifest["sets"][name] = {**about, "rows_sha256": hashlib.sha256(lines.encode()).hexdigest()}
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    (args.out / "manifest.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
