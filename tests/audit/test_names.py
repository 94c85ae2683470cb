"""No name without what vouches for it: an invariant over whole audits, worked out here without the code under test."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from offtarget.audit.records import Audit
from offtarget.audit.run import audit
from offtarget.data.pairs import PairSet, text_of
from offtarget.lens.features import FeatureMatrix


def broken_names(found: Audit, surface: FeatureMatrix, latents: FeatureMatrix, pairs: PairSet) -> list[str]:
    """Concepts of latents whose name does not hold: r over distinct responses, and over those of held-out prompts."""
    texts = [text_of(p.chosen) for p in pairs.pairs] + [text_of(p.rejected) for p in pairs.pairs]
    groups = [p.group for p in pairs.pairs] * 2
    made = {t for t, g in zip(texts, groups, strict=True) if hashlib.sha256(g.encode()).digest()[0] & 1}
    first = sorted({t: i for i, t in reversed(list(enumerate(texts)))}.values())
    held = np.array([texts[i] not in made for i in first])
    fires = np.concatenate([latents.values[s, "freq"].toarray() for s in ("chosen", "rejected")]) > 0.01
    rules = np.concatenate([surface.values[s, "value"].toarray() for s in ("chosen", "rejected")])
    column = {c.id: j for j, c in enumerate(latents.columns)}
    rule = {c.id: j for j, c in enumerate(surface.columns)}
    shape = {"presence": lambda x: x > 0, "log": np.log1p, "value": lambda x: x}
    wrong = []
    for c in found.concepts:
        if c.lens != latents.lens:
            continue
        vouched = c.evidence.correlate
        if (c.name == "rule") != (vouched is not None) or c.name == "lens":
            wrong.append(f"{c.id}: {c.name} but {vouched}")
            continue
        if vouched is None:
            if not c.label.startswith("unnamed: ") or re.search(r"\(r ", c.label):
                wrong.append(f"{c.id}: {c.label}")
            continue
        share = fires[first][:, [column[m] for m in c.members]].mean(axis=1)
        j = rule[vouched.concept]
        value = shape[surface.columns[j].contrast](rules[first][:, j]).astype(float)
        r, again = np.corrcoef(share, value)[0, 1], np.corrcoef(share[held], value[held])[0, 1]
        if min(abs(r), abs(again)) < 0.6 or r * again < 0 or abs(r - vouched.r) > 1e-3:
            wrong.append(f"{c.id}: {c.label}, r {r:.3f}, held out {again:.3f}")
    return wrong


def test_every_name_of_a_synthetic_audit_holds(make_pairs, make_surface, make_latents) -> None:
    """Latents follow three rules with all degrees of noise; a tenth of the rows is one canned answer, where all agree."""
    rng = np.random.default_rng(4)
    pairs = make_pairs([f"g{g}" for g in range(320)])
    for p in pairs.pairs[::5]:
        p.rejected[0]["content"] = "I cannot help with that."
    rules = [(rng.random((320, 3)) < 0.4).astype(float) for _ in range(2)]
    rules[1][::5] = 1.0
    noise = np.linspace(0, 0.5, 40)
    sides = []
    for x in rules:
        follows = np.repeat(x, 40, axis=1)
        flip = rng.random(follows.shape) < np.tile(noise, 3)
        sides.append(np.concatenate([np.where(flip, 1 - follows, follows), rng.random((320, 40)) < 0.2], axis=1) * 0.2)
    sides[1][::5] = 0.2
    surface, latents = make_surface(pairs, *rules, ["bold", "offers", "emoji"]), make_latents(pairs, *sides)
    found = audit(pairs, [surface, latents]).audit
    named = [c for c in found.concepts if c.name == "rule"]
    assert named, "something follows the rules closely enough"
    assert any(c.name == "none" for c in found.concepts)
    assert broken_names(found, surface, latents, pairs) == []


@pytest.mark.slow
@pytest.mark.parametrize("data", ["planted-style", "hh_rlhf_harmless_base_test"])
def test_every_name_of_an_audit_with_the_embedded_model_holds(
    data: str, request: pytest.FixtureRequest, store_home: Path
) -> None:
    from offtarget.data.loading import load_pairs
    from offtarget.lens.reader import Reader
    from offtarget.lens.table import features_of
    from offtarget.store import Store

    if data != "planted-style":
        data = str(request.getfixturevalue("shared_data") / data / "pairs.jsonl.gz")
    pairs, store = load_pairs(data, limit=150), Store()
    surface, latents = features_of(pairs, ["surface", "sae"], Reader("smollm2-135m", store, 192))
    found = audit(pairs, [surface, latents]).audit
    assert len([c for c in found.concepts if c.lens == "sae"]) > 50
    assert broken_names(found, surface, latents, pairs) == []
