"""Audits of real preference data say what is known of them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.run import audit
from offtarget.audit.statistics.length import log_length_difference
from offtarget.audit.statistics.means import group_codes, half_by_group
from offtarget.audit.views.common import Rows
from offtarget.audit.views.overall import overall_view
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.lens import surface


def load(path: Path, every: int = 1) -> PairSet:
    """Rows of a pairs file; of every n-th prompt."""
    pairs = []
    with gzip.open(path, "rt") as file:
        for line in file:
            row = json.loads(line)
            sides = [[{"role": "assistant", "content": row[s]}] for s in ("chosen", "rejected")]
            pairs.append(
                Pair(row["id"], row.get("group") or prompt_group(row["prompt"]), row["prompt"], *sides)
            )
    names = list(dict.fromkeys(p.group for p in pairs))
    keep = set(names[::every])
    return PairSet(path.parent.name, [p for p in pairs if p.group in keep])


def overall(pairs: PairSet):
    part = surface.encode(pairs.pairs)
    specs, _ = find_concepts([part], seed=0)
    groups = [p.group for p in pairs.pairs]
    rows = Rows(part.pair_ids, group_codes(groups), half_by_group(groups), log_length_difference(pairs.pairs))
    c = contrasts([part], specs)
    names = [s.id for s in specs]
    return (
        names,
        c,
        {h.concept: h for h in overall_view(rows, names, c, np.arange(len(names)), seed=0).result.hypotheses},
    )


def test_ukp_rewards_length_and_not_markdown(shared_data: Path):
    names, c, found = overall(load(shared_data / "ukp_convarg1_strict" / "pairs.jsonl.gz"))
    length = found["surface:characters"]
    assert length.finding
    assert length.direction == "chosen"
    assert (c.u[:, names.index("surface:characters")] > 0).mean() == pytest.approx(0.772, abs=0.005)
    assert not found["surface:markdown"].finding
    assert length.welch_z / length.z > 3


def test_every_tenth_alpaca_prompt_rewards_length_and_markdown_at_equal_length(shared_data: Path):
    names, c, found = overall(load(shared_data / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz", every=10))
    longer = (c.u[:, names.index("surface:characters")] > 0).mean()
    assert longer == pytest.approx(0.839, abs=0.05)
    assert found["surface:characters"].finding
    markdown = found["surface:markdown"]
    assert markdown.finding
    assert markdown.length_controlled.effect > 0.2
    assert markdown.length_controlled.p < 0.05


@pytest.mark.slow()
def test_alpaca_whole(shared_data: Path):
    pairs = load(shared_data / "alpaca_eval_gpt4_pairs" / "pairs.jsonl.gz")
    found = audit(pairs, [surface.encode(pairs.pairs)])
    evidence = found.concept("surface:characters").evidence
    assert evidence.more_in_chosen == pytest.approx(0.839, abs=0.002)
    markdown = found.concept("surface:markdown").evidence
    assert (markdown.chosen_rate, markdown.rejected_rate) == pytest.approx((0.46, 0.25), abs=0.01)
    assert {"surface:characters", "surface:markdown"} <= {
        h.concept for h in found.findings if h.view == "overall"
    }
