"""What an audit says of itself before its findings: what was cut, and why nothing could be tested by topic."""

from dataclasses import replace

import numpy as np
import pytest

from offtarget.audit.cautions import cautions
from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.audit.statistics.means import group_codes
from offtarget.data.pairs import PairSet

TOO_FEW = "too few words or latents tell the rows apart (each must be in 3 rows and in no more than half of them)"


@pytest.mark.parametrize(("cut", "said"), [(59, False), (60, True), (150, True), (0, False)])
def test_pairs_cut_at_a_lenses_limit_are_a_caution_from_three_in_ten(cut, said, make_pairs, make_surface):
    pairs = make_pairs([f"g{i}" for i in range(200)])
    part = make_surface(pairs, np.ones((200, 1)), np.zeros((200, 1)), ["bold"])
    part = replace(part, lens="sae", info={"n_truncated": cut, "max_length": 256})
    found = [w for w in cautions(pairs, [part], group_codes([p.group for p in pairs.pairs])) if "cut" in w]
    assert bool(found) == said
    if said:
        assert "lens 'sae' reads 256 tokens" in found[0]
        assert f"{cut / 200:.0%} of the pairs ({cut} of 200)" in found[0]
        assert "--max-length" in found[0]


def told(pairs, make_surface, **options):
    rng = np.random.default_rng(0)
    sides = [(rng.random((len(pairs), 1)) < 0.4).astype(float) for _ in range(2)]
    found = audit(pairs, [make_surface(pairs, *sides, ["bold"])], **options)
    return found, [w.partition(": ")[2] for w in found.audit.warnings if w.startswith("nothing was tested by topic: ")]


def same_words(pairs, words):
    """Every prompt and answer becomes the same text."""
    one = [{"role": "user", "content": words}], [{"role": "assistant", "content": words}]
    rows = [replace(p, prompt=one[0], chosen=one[1], rejected=one[1]) for p in pairs.pairs]
    return PairSet("s", rows, unit_given=True)


def test_why_nothing_was_tested_by_topic_is_the_reason_that_holds(make_pairs, make_surface, tmp_path):
    few = make_pairs([f"g{i}" for i in range(80)], [i % 3 for i in range(80)])
    found, why = told(few, make_surface)
    assert why == ["80 rows are too few for two topics of 50"]
    assert found.audit.families["global"].left_out == {"no context to test": 1}
    same = same_words(make_pairs([f"g{i}" for i in range(200)]), "hello")
    assert told(same, make_surface)[1] == [TOO_FEW]
    # eleven prompts of twenty rows: no topic can hold ten of them
    lumps = make_pairs([f"g{i // 20}" for i in range(220)], [i // 20 % 3 for i in range(220)])
    (reason,) = told(lumps, make_surface)[1]
    assert reason.startswith("no topic has 25 rows from 10 prompts: the one of most prompts has ")
    plenty = make_pairs([f"g{i // 2}" for i in range(600)], [i // 2 % 3 for i in range(600)])
    found, why = told(plenty, make_surface)
    assert why == [] and found.audit.families["global"].tested > 0
    # an earlier audit's topics
    (tmp_path / "few").mkdir()
    AuditFolder(tmp_path / "few").write(told(few, make_surface)[0])
    assert told(plenty, make_surface, like=tmp_path / "few")[1] == ["the audit that --like names has no topics"]
    (tmp_path / "plenty").mkdir()
    AuditFolder(tmp_path / "plenty").write(found)
    one = few.pairs[0]
    cooking = make_pairs([f"g{i // 2}" for i in range(120)], [0] * 120)
    cooking = PairSet(
        "s",
        [replace(p, prompt=one.prompt, chosen=one.chosen, rejected=one.chosen) for p in cooking.pairs],
        unit_given=True,
    )
    (reason,) = told(cooking, make_surface, like=tmp_path / "plenty")[1]
    assert reason == "all 120 rows that could be placed lie in one topic, so there are none to compare with"
    strange = same_words(make_pairs([f"g{i // 2}" for i in range(120)]), "zzz")
    (reason,) = told(strange, make_surface, like=tmp_path / "plenty")[1]
    assert reason == "only 0 of 120 rows show anything to place them in a topic by"
