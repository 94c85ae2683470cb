"""The audit against planted truth: what was planted leads, what was put on both sides equally is not found.

The fast case re-plants a few small sets; the slow one (`make test-all`) twenty whole ones.
"""

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.lens import surface

PLANTED = Path(__file__).resolve().parents[2] / "datasets_registry" / "planted"
CASES = [pytest.param(3, 700, id="3 small"), pytest.param(20, None, id="20 whole", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def plant() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted_by_path", PLANTED / "plant.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_by_path"] = module
    spec.loader.exec_module(module)
    return module


def as_pairs(rows: list[dict[str, Any]]) -> PairSet:
    pairs = []
    for r in rows:
        prompt: Any = [{"role": "user", "content": r["prompt"]}]
        sides: list[Any] = [[{"role": "assistant", "content": r[s]}] for s in ("chosen", "rejected")]
        pairs.append(Pair(r["id"], prompt_group(prompt), prompt, sides[0], sides[1]))
    return PairSet("replanted", pairs)


def audited(plant: ModuleType, seed: int, n: int | None, rates: Any = None) -> tuple[Any, dict[str, Any]]:
    rows, truth = plant.plant(seed, n, rates)
    pairs = as_pairs(rows)
    return audit(pairs, [surface.encode(pairs.pairs)], seed=seed), truth


@pytest.mark.parametrize(("replantings", "n"), CASES)
@pytest.mark.timeout(1800)
def test_planted_concepts_lead_and_nulls_are_not_found(plant: ModuleType, replantings: int, n: int | None) -> None:
    found, leading, cases, false = [], [], 0, 0
    for seed in range(100, 100 + replantings):
        result, truth = audited(plant, seed, n)
        names, signed = plant.truth_matrix(truth)
        kinds = {k: c["kind"] for k, c in truth["concepts"].items()}
        overall = sorted((h for h in result.audit.findings if h.view == "overall"), key=lambda h: -abs(h.z))
        q = {h.concept: h.q for h in result.audit.hypotheses if h.view == "overall"}
        direction = {h.concept: h.direction for h in overall}
        for c in truth["concepts"].values():
            ids = [f"surface:{f}" for f in c["features"]]
            if c["kind"] == "planted" and ids:
                found.append(any(direction.get(i) == c["direction"] for i in ids))
            if c["kind"] == "null":
                cases += len(ids)
                false += sum(q.get(i, 1.0) < 0.05 for i in ids)
        # the leading findings: each goes along, over pairs, with something that was planted
        planted = np.stack([signed[:, j] for j, k in enumerate(names) if kinds[k] == "planted"], 1)
        nulls = np.stack([signed[:, j] for j, k in enumerate(names) if kinds[k] == "null"], 1)
        for h in overall[: planted.shape[1]]:
            u = result.workings.column(h.concept)
            r = [
                np.nanmax(np.abs([np.corrcoef(u, side[:, j])[0, 1] for j in range(side.shape[1])]))
                for side in (planted, nulls)
            ]
            leading.append(r[0] > 0.15 and r[0] > r[1])
    assert np.mean(found) >= 0.95, f"{np.mean(found):.2f} of the planted concepts that a rule can see were found"
    assert np.mean(leading) >= 0.9, f"{np.mean(leading):.2f} of the leading findings go along with what was planted"
    assert cases >= 2 * replantings and false <= 0.05 * cases, f"{false} of {cases} null cases are findings"


@pytest.mark.parametrize(("replantings", "n"), CASES)
@pytest.mark.timeout(1800)
def test_where_everything_is_equal_nothing_is_found(plant: ModuleType, replantings: int, n: int | None) -> None:
    cases = false = 0
    for seed in range(200, 200 + replantings):
        result, truth = audited(plant, seed, n, plant.NULL)
        q = {h.concept: h.q for h in result.audit.hypotheses if h.view == "overall"}
        ids = {f"surface:{f}" for c in truth["concepts"].values() for f in c["features"]}
        cases += len(ids)
        false += sum(q.get(i, 1.0) < 0.05 for i in ids)
    assert cases > 8 * replantings and false <= 0.05 * cases, f"{false} of {cases} null cases are findings"


TOPIC_ONLY = [
    ("emoji", "cooking", "chosen"),
    ("flattery_opener", "music", "chosen"),
    ("url", "health", "chosen"),
    ("professional_referral", "money", "rejected"),
    ("agreement_opener", "computers", "chosen"),
]


@pytest.fixture(scope="module")
def topical(plant: ModuleType) -> Any:
    result, truth = audited(plant, 0, None, plant.TOPICS)
    return result, np.array([r["id"].rsplit("-", 2)[0] for r in truth["rows"]])


@pytest.mark.parametrize(("feature", "where", "direction"), TOPIC_ONLY)
def test_a_topic_only_concept_is_found_in_its_topic(topical: Any, feature: str, where: str, direction: str) -> None:
    """The global view places it in a topic that holds most of its rows, where they are much more frequent.

    The sixth one that a rule can see, agreement in the rows on family, is missed: by their words those rows lie
    scattered over several topics.
    """
    result, topic = topical
    hits = [
        h
        for h in result.audit.findings
        if h.view == "global" and h.concept == f"surface:{feature}" and h.direction == direction
    ]
    assert hits, f"{feature} was not found in any topic"
    inside, mine = result.workings.inside(max(hits, key=lambda h: abs(h.z)).context), topic == where
    assert inside[mine].mean() > 0.6
    assert mine[inside].mean() > 3 * mine.mean()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_concepts_that_no_rule_sees_are_found_by_the_sae(plant: ModuleType, tmp_path: Path) -> None:
    """Goblins and a formal tone have no rule of the surface lens; some latents follow them, and are findings.

    The third such concept, a cheerful tone, is not asserted: what follows it best does so with |r| 0.3 only.
    """
    from offtarget.data.loading import load_pairs
    from offtarget.lens.reader import Reader
    from offtarget.lens.sae.encode import load_sae, shipped_sae
    from offtarget.models import EMBEDDED, resolve
    from offtarget.store import Store

    store = Store(tmp_path)
    model = resolve(EMBEDDED, store)
    pairs = load_pairs("planted-style")
    latents = load_sae(shipped_sae(model)).encode(pairs, Reader(model, store))
    result = audit(pairs, [latents])
    truth = json.loads(gzip.decompress((PLANTED / "planted-style.truth.json.gz").read_bytes()))
    names, signed = plant.truth_matrix(truth)
    row_of = {r["id"]: i for i, r in enumerate(truth["rows"])}
    signed = np.nan_to_num(signed[[row_of[pid] for pid in result.workings.pair_ids]])
    for concept in ("goblins", "formal"):
        planted = signed[:, names.index(concept)]
        r = [np.corrcoef(result.workings.column(h.concept), planted)[0, 1] for h in result.audit.findings]
        assert np.abs(r).max() > 0.35, concept
