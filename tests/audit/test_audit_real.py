"""Audits of real preference data say what is known of them: the surface lens, on a sample and on the whole.

What is known was measured by another program (the README of the data): how often chosen is longer, how many texts
hold markdown, which direction a set was made for.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.diff.test import Comparison
from offtarget.audit.records import Hypothesis
from offtarget.audit.run import audit
from offtarget.audit.statistics.length import Lengths
from offtarget.audit.statistics.means import bh, group_codes, half_by_group
from offtarget.audit.views.common import Rows
from offtarget.audit.views.overall import overall_view
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.lens import surface

Found = Mapping[str, Hypothesis]
LISTS = {"bullets", "glyph_bullets", "numbered"}
MARKUP = {"markdown", "bold", "italic", "heading", "table", "rule", "bold_opener", "emoji"} | LISTS


def load(folder: Path, rows: int | None = None, *, by_prompt: bool = True) -> PairSet:
    """The pairs of a set, or a seeded sample of about this many, by whole prompts or by rows."""
    pairs = []
    with gzip.open(folder / "pairs.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            sides = [[{"role": "assistant", "content": row[s]}] for s in ("chosen", "rejected")]
            pairs.append(Pair(row["id"], row.get("group") or prompt_group(row["prompt"]), row["prompt"], *sides))
    if rows is not None:
        units = [p.group if by_prompt else p.id for p in pairs]
        names = list(dict.fromkeys(units))
        share = rows / len(pairs)
        keep = {n for n, x in zip(names, np.random.default_rng(0).random(len(names)), strict=True) if x < share}
        pairs = [p for p, unit in zip(pairs, units, strict=True) if unit in keep]
    return PairSet(folder.name, pairs)


def overall(pairs: PairSet) -> Found:
    """The overall view alone, by concept without its lens; most of an audit's time goes into the others."""
    part = surface.encode(pairs.pairs)
    specs, _ = find_concepts([part], seed=0)
    groups = [p.group for p in pairs.pairs]
    rows = Rows(part.pair_ids, group_codes(groups), half_by_group(groups), Lengths.of(pairs.pairs))
    names = [s.id for s in specs]
    view = overall_view(rows, names, contrasts([part], specs), np.arange(len(names)), seed=0)
    return {h.concept.removeprefix("surface:"): h for h in view.result.hypotheses}


def leans(h: Hypothesis, direction: str = "chosen") -> bool:
    return h.finding and h.direction == direction


def alpaca(found: Found) -> None:
    """GPT-4 prefers long answers; that it likes markdown among answers of equal length is not shown."""
    assert leans(found["characters"]) and found["characters"].d > 0.5
    assert leans(found["markdown"])
    assert found["markdown"].length_controlled.effect < found["markdown"].effect / 2
    assert len([h for h in found.values() if h.length_controlled and h.length_controlled.q < 0.05]) <= 3


def community(found: Found) -> None:
    """Markdown rises although length does not: chosen is the longer answer in 42 % of rows."""
    assert leans(found["markdown"]) and found["markdown"].effect > 0.1
    assert leans(found["characters"], "rejected")
    at_equal_length = found["markdown"].length_controlled
    assert at_equal_length.ci[0] > 0.05 and at_equal_length.q < 1e-6


def ukp(found: Found) -> None:
    """Debate arguments: the longer one convinces, and nobody writes markdown, lists or emoji."""
    assert leans(found["characters"]) and found["characters"].d > 0.5
    assert not [name for name in MARKUP & found.keys() if found[name].finding]
    # 32 prompts: a test that counts rows claims far too much
    assert found["characters"].welch_z / found["characters"].z > 2
    # 15 rows of one prompt differ in it: labels like coins, at equal length too
    if "rule" in found:
        assert found["rule"].p > 0.2 and found["rule"].length_controlled.p > 0.05


def harmless(found: Found) -> None:
    """Harmless answers refuse and apologise more, and are shorter."""
    assert leans(found["refusal"]) and leans(found["apology"])
    assert leans(found["characters"], "rejected")


def polite(found: Found) -> None:
    """Made for politeness at equal length: its rule and stock polite openings lead, length is nearly level."""
    first = sorted(found.values(), key=lambda h: -abs(h.d))[:3]
    assert "surface:politeness" in {h.concept for h in first}
    assert leans(found["politeness"])
    assert abs(found["characters"].d) < 0.1 and abs(found["tokens"].d) < 0.1


SETS = [
    ("alpaca_eval_gpt4_pairs", alpaca, 1000, True),
    ("community_alignment_en", community, None, True),
    ("ukp_convarg1_strict", ukp, 3000, False),  # 32 prompts: all of them are kept
    ("hh_rlhf_harmless_base_test", harmless, None, True),
    ("politeness_pairs", polite, None, True),
]


@pytest.mark.parametrize(("name", "says", "rows", "by_prompt"), SETS, ids=[s[0] for s in SETS])
def test_what_is_known_of_a_real_set_is_found(
    shared_data: Path, name: str, says: Callable[[Found], None], rows: int | None, by_prompt: bool
) -> None:
    says(overall(load(shared_data / name, rows, by_prompt=by_prompt)))


def test_random_halves_of_a_real_set_differ_no_oftener_than_by_chance(shared_data: Path) -> None:
    """100 splits of community_alignment_en by prompt: 5 % of p below 0.05, few splits with any change at q < 0.05."""
    part = surface.encode(load(shared_data / "community_alignment_en").pairs)
    u = contrasts([part], find_concepts([part], seed=0)[0]).u
    codes, rng = group_codes(part.groups), np.random.default_rng(0)
    p, any_change = [], 0
    for _ in range(100):
        half = (rng.random(codes.max() + 1) < 0.5)[codes]
        none = np.full(half.sum(), -1)
        sides = (u[half], codes[half]), (u[~half], codes[~half])
        found = Comparison(*sides, none, int(codes.max()) + 1).test(np.arange(u.shape[1]))
        p.append(found.p[found.testable])
        any_change += bool((bh(p[-1]) < 0.05).any())
    share = (np.concatenate(p) < 0.05).mean()
    assert 0.03 < share < 0.06
    assert any_change <= 9  # 5 % of 100, and two standard errors


WHOLE = {  # chosen longer; texts with markdown, chosen and rejected (the data's README)
    "alpaca_eval_gpt4_pairs": (0.839, 0.462, 0.253),
    "community_alignment_en": (0.416, 0.170, 0.014),
    "ukp_convarg1_strict": (0.772, 0.006, 0.007),
    "hh_rlhf_harmless_base_test": (0.443, 0.007, 0.010),
    "politeness_pairs": (0.513, 0.023, 0.019),
}


@pytest.mark.slow()
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "says"), [s[:2] for s in SETS], ids=[s[0] for s in SETS])
def test_a_whole_audit_of_a_real_set_says_the_same(shared_data: Path, name: str, says: Callable[[Found], None]) -> None:
    pairs = load(shared_data / name)
    result = audit(pairs, [surface.encode(pairs.pairs)])
    says({h.concept.removeprefix("surface:"): h for h in result.audit.hypotheses if h.view == "overall"})
    longer, chosen, rejected = WHOLE[name]
    assert result.audit.dataset.chosen_longer == pytest.approx(longer, abs=0.002)
    markdown = result.audit.concept("surface:markdown").evidence
    # the README's pattern is looser than the audit's rule
    assert (markdown.chosen_rate, markdown.rejected_rate) == pytest.approx((chosen, rejected), abs=0.02)
