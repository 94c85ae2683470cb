"""The counterfactual sets are what their script makes, differ in one trait, and share no phrasing with the directions."""

import gzip
import importlib.util
import json
import re
import statistics
import sys
from pathlib import Path
from types import ModuleType

import pytest

from offtarget.data.loading import load_pairs
from offtarget.lens.directions.examples import read_concepts

FOLDER = Path(__file__).resolve().parents[2] / "datasets_registry" / "counterfactual"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("counterfactual_rewrite", FOLDER / "rewrite.py")
    assert spec and spec.loader
    out = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = out
    spec.loader.exec_module(out)
    return out


rewrite = module()
TRAITS = tuple(rewrite.TRAITS)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.mark.parametrize("trait", TRAITS)
def test_what_ships_is_what_the_script_makes(trait: str) -> None:
    lines = gzip.decompress((FOLDER / f"counterfactual-{trait}.jsonl.gz").read_bytes()).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == rewrite.rewrite(trait)
    pairs = load_pairs(f"counterfactual-{trait}").pairs
    assert len(pairs) == len({p.group for p in pairs}) == 100
    assert len({r["chosen"] for r in rows}) == len({r["rejected"] for r in rows}) == 100
    drawn = trait not in {"length", "jargon"}
    assert (rewrite.rewrite(trait, seed=1) != rows) == drawn, "phrases and layouts are drawn by seed"


@pytest.mark.parametrize("trait", TRAITS)
def test_both_sides_are_about_equally_long_but_for_length_and_marks(trait: str) -> None:
    rows = rewrite.rewrite(trait)
    sizes = [[len(words(r[side])) for r in rows] for side in ("chosen", "rejected")]
    ratio = statistics.mean(sizes[0]) / statistics.mean(sizes[1])
    if trait == "length":
        assert 1.7 < ratio < 2.2
    else:
        # equal in characters: jargon has fewer and longer words, and so have vague remarks
        low = {"jargon": 0.7, "vagueness": 0.85}.get(trait, 0.93)
        assert low < ratio < 1.15


def test_structure_only_adds_marks_and_labels() -> None:
    for answer, row in zip(rewrite.answers(), rewrite.rewrite("structure"), strict=True):
        sentences = [*rewrite.plain(answer), *answer["more"]]
        assert row["rejected"] == " ".join(sentences)
        assert all(s in row["chosen"] for s in sentences)
        assert len(re.findall(r"^\s*[-*] ", row["chosen"], re.M)) >= 3


@pytest.mark.parametrize("trait", ["flattery", "agreement", "moralising", "confidence"])
def test_the_points_of_the_answer_are_on_both_sides(trait: str) -> None:
    for answer, row in zip(rewrite.answers(), rewrite.rewrite(trait), strict=True):
        assert all(s in row["chosen"] and s in row["rejected"] for s in rewrite.plain(answer))


def test_no_phrase_stands_in_the_examples_of_the_directions() -> None:
    """No six words in a row, so that a direction that names a trait has not read these very sentences."""
    size = 6

    def runs(text: str) -> set[tuple[str, ...]]:
        w = words(text)
        return {tuple(w[i : i + size]) for i in range(len(w) - size + 1)}

    read: set[tuple[str, ...]] = set()
    for c in read_concepts():
        for e in (*c.examples, *c.held_out):
            read |= {run for t in (e.positive, e.negative) if t for run in runs(t)}
    banks = [p for trait in ("vagueness", "flattery", "agreement", "moralising", "confidence")
             for part in rewrite.phrases(trait).values() for p in part]  # fmt: skip
    assert len(banks) >= 250
    assert not {run for text in banks for run in runs(text)} & read
    jargon = [a["jargon"] for a in rewrite.answers()]
    assert sum(bool(runs(text) & read) for text in jargon) <= 2, "terms of two or three topics are in both"
