"""Methods that try to look good on the benchmark without finding anything, and what they get for it.

Each was seen to gain from it before: a method that never looks at the labels had a recall of 0.6, copies of one sure claim
brought the false discovery proportion from 0.17 to 0.03, and names that change with the rows to 0.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.method import AuditInput, Claim, run_method
from offtarget.audit.statistics import means as st
from offtarget.benchmark.planting import PlantedSet, beside, grid_rates, plant_set
from offtarget.benchmark.recipe import MethodRun
from offtarget.benchmark.run import _moved, _score, over_twice_the_rows
from offtarget.benchmark.summary import discovered, movements
from offtarget.data.pairs import text_of

SETS = 3
FEW = {
    "bold_opener": (0.15, 0.05), "emoji": (0.05, 0.15), "flattery": (0.15, 0.05), "offer": (0.05, 0.15),
    **{k: (0.1, 0.1) for k in ("agreement", "bullets", "disclaimer", "goblins", "invented_links")},
    **{k: (0.2, 0.2) for k in ("parenthetical", "proverb", "thanks_closer", "weather_aside")},
}  # fmt: skip
Method = Callable[[AuditInput], list[Claim]]


def rules(given: AuditInput) -> tuple[list[str], Any]:
    specs, _ = find_concepts([given.features["surface"]], seed=0)
    u = contrasts([given.features["surface"]], specs).u
    there = np.flatnonzero(u.any(axis=0))
    return [specs[j].id for j in there], u[:, there]


def honest(given: AuditInput) -> list[Claim]:
    """The overall view of the audit."""
    names, u = rules(given)
    test = st.mean_test(u, st.group_codes([p.group for p in given.pairs.pairs]))
    q = st.bh(test.p)
    return [Claim(n, n, float(test.t[k]), u[:, k], float(q[k])) for k, n in enumerate(names)]


def careless(given: AuditInput) -> list[Claim]:
    """Tests on rows, corrected for nothing."""
    out = []
    names, u = rules(given)
    for name, x in zip(names, u.T, strict=True):
        z = float(x.mean() / x.std(ddof=1) * np.sqrt(len(x)))
        out.append(Claim(name, name, z, x, float(2 * stats.norm.sf(abs(z)))))
    return out


def both_ways(given: AuditInput) -> list[Claim]:
    """Says of everything, in both directions, that it is sure."""
    return [replace(c, id=f"{c.id}:{s}", score=s * abs(c.score), q=0.0) for c in honest(given) for s in (1, -1)]


def blind(given: AuditInput) -> list[Claim]:
    """Never looks at the labels: every rule both ways, all in one common noise, so that the wrong ones look like one."""
    noise = np.random.default_rng(0).standard_normal(len(given.pairs)).astype(np.float32)
    out = [Claim("decoy", "decoy", 9.0, noise, 1.0)]
    names, u = rules(given)
    for k, (name, x) in enumerate(zip(names, u.T, strict=True)):
        z = (x - x.mean()) / x.std()
        out += [
            Claim(f"{name}:{s}", name, s * (1 + 1e-6 * k), (z + 0.62 * noise).astype(np.float32), 0.0) for s in (1, -1)
        ]
    return out


def one_sided(given: AuditInput) -> list[Claim]:
    """Never looks at the labels, and names one side only, hidden in the common noise."""
    return [c for c in blind(given) if c.score > 0]


def padded(given: AuditInput) -> list[Claim]:
    claims = careless(given)
    best = max(claims, key=lambda c: abs(c.score))
    return claims + [replace(best, id=f"{best.id}~{k}") for k in range(60)]


def renamed(given: AuditInput) -> list[Claim]:
    """Ids that hold a hash of the rows, as those of data-driven concepts do."""
    tag = hashlib.sha256("".join(p.id + p.chosen[0]["content"] for p in given.pairs.pairs).encode()).hexdigest()[:8]
    return [replace(c, id=f"{c.id}@{tag}") for c in careless(given)]


@pytest.fixture(scope="module")
def sets() -> list[PlantedSet]:
    return [plant_set(grid_rates(4, 0.05, 0.2, 0.05, seed), 500, seed) for seed in range(SETS)]


def recall(method: Method, sets: Sequence[PlantedSet], what: str) -> float:
    draws = [_score(method(AuditInput(s.pairs, {"surface": s.surface}, 0)), s) for s in sets]
    return sum(len(set(d[what]) & set(d["planted"])) for d in draws) / sum(len(d["planted"]) for d in draws)


def test_who_never_looks_at_the_labels_finds_nothing_at_k(sets: list[PlantedSet]) -> None:
    """Of 12 planted concepts; the honest ranking finds at least half as a yardstick that something can be found."""
    assert recall(honest, sets, "found") >= 0.5
    for method in (blind, both_ways):
        assert recall(method, sets, "found") == 0
        assert recall(method, sets, "detected") == 0
    assert recall(one_sided, sets, "found") <= 0.15  # by luck of the first places


def test_copies_and_changing_names_do_not_lower_the_false_discovery_proportion() -> None:
    draws: dict[str, list[Any]] = {m.__name__: [] for m in (careless, padded, renamed)}
    for seed in range(SETS):
        planted = plant_set(FEW, 500, seed)
        both = beside(planted, plant_set({}, 500, seed))
        for method in (careless, padded, renamed):
            claims, read = (method(AuditInput(s.pairs, {"surface": s.surface}, 0)) for s in (planted, both))
            draws[method.__name__].append({"moved": _moved(claims, read, planted)})
    found = {}
    for name, of in draws.items():
        moved = movements(of)
        sorted_ = [discovered(d, moved) for d in of]
        found[name] = (np.mean([d.fdp for d in sorted_]), np.mean([d.fdp_with_grey for d in sorted_]))
    assert found["careless"][0] > 0  # something to hide
    assert found["padded"] == found["careless"]
    assert found["renamed"][0] >= 0.5 * found["careless"][0]
    assert found["renamed"][1] == pytest.approx(found["careless"][1], abs=0.02)


def test_a_rare_word_of_what_was_inserted_was_moved_by_it() -> None:
    """Methods that leave out rare words must see those of insertion in the set that is twice as large."""
    planted, bare = plant_set({"invented_links": (0.3, 0.0)}, 500, 0), plant_set({}, 500, 0)
    both = beside(planted, bare)
    words = MethodRun(method="words", parameters={"min_share": 0.008})
    assert over_twice_the_rows(words).parameters == {"min_share": 0.004}
    assert over_twice_the_rows(MethodRun(method="words")).parameters == {"min_share": 0.0025}
    assert over_twice_the_rows(MethodRun(method="overall")).parameters == {}
    claims, seen = (
        run_method("words", AuditInput(s.pairs, {}, 0), m.parameters)
        for s, m in ((planted, words), (both, over_twice_the_rows(words)))
    )
    assert {c.id for c in claims} <= {c.id for c in seen}
    moved = {name: values[3] for name, values in _moved(claims, seen, planted).items()}
    texts = [text_of(p.chosen) for p in planted.pairs.pairs]
    only = [
        c for c in claims
        if 4 <= sum(c.u > 0) < 12 and sum(c.u < 0) == 0
        and not any(c.id.removeprefix("word:") in text_of(side).lower() for p in bare.pairs.pairs for side in (p.chosen, p.rejected))
    ]  # fmt: skip
    assert len(texts) == 500 and len(only) >= 2, "rare words that only insertion brought"
    assert all(moved[c.id] > 0.05 for c in only)


def test_what_occurs_only_where_something_was_inserted_was_moved_by_it() -> None:
    """Insertion brings web addresses and em dashes; the responses without it hold none, so no claim there is about them."""
    planted, bare = plant_set({"invented_links": (0.3, 0.0), "bullets": (0.3, 0.0)}, 500, 0), plant_set({}, 500, 0)
    found, alone, read = (
        {c.id: c for c in honest(AuditInput(s.pairs, {"surface": s.surface}, 0))}
        for s in (planted, bare, beside(planted, bare))
    )
    only = [k for k in found if k not in alone]
    assert {"surface:url", "surface:em_dash"} <= set(only)
    moved = _moved(list(found.values()), list(read.values()), planted)
    for name in only:
        expected = found[name].u.mean() / found[name].u.std()  # without insertion it is 0 in every row
        assert moved[name][3] == pytest.approx(expected, rel=0.05)
