"""Claims against truth, on examples worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest

from offtarget.audit.method import Claim
from offtarget.benchmark.planting import Truth
from offtarget.benchmark.run import _MostLike
from offtarget.benchmark.scoring import association, auroc, found_at_k, match, merged, void
from offtarget.benchmark.summary import Movement, discovered, mean, movements, share

N = 1200


def truth(name: str, sign: int, presence: Any, inside: Any = None) -> Truth:
    return Truth(name, sign, True, np.asarray(presence, dtype=np.int8), inside)


@pytest.fixture()
def world() -> tuple[list[Truth], np.random.Generator]:
    """Three planted concepts (the second towards rejected) and a null, each in its own rows."""
    presence = np.zeros((4, N), dtype=np.int8)
    for k in range(4):
        presence[k, 100 * k : 100 * k + 80] = -1 if k == 1 else 1
        presence[k, 100 * k + 80 : 100 * k + 100] = 1 if k == 1 else -1
    presence[3, 300:350], presence[3, 350:400] = 1, -1
    truths = [truth(n, s, p) for n, s, p in zip("abcn", (1, -1, 1, 0), presence, strict=True)]
    return truths, np.random.default_rng(0)


def claim(name: str, score: float, u: Any, q: float | None = None, context: Any = None) -> Claim:
    return Claim(name, name, score, np.asarray(u, dtype=np.float32), q, context)


def noise(rng: np.random.Generator) -> Any:
    return rng.choice([-1, 0, 1], N)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.4])
def test_a_rule_for_half_of_the_phrasings_has_one_over_root_three_however_rare_the_concept(rate: float) -> None:
    # balanced: E[s] = 1/2, E[u] = 1/4, cov = 1/8, var u = 3/16, var s = 1/4 -> r = (1/8)/sqrt(3/64) = 1/sqrt(3)
    n = round(rate * N)
    s, u = np.zeros((N, 1), dtype=np.int8), np.zeros((N, 2), dtype=np.float32)
    s[:n], u[: n // 2, 0], u[: n // 6, 1] = 1, 1, 1
    r = association(u, s)[:, 0]
    assert r == pytest.approx([1 / math.sqrt(3), math.sqrt(1 / 11)], abs=1e-6)  # a sixth: (1/12)/(11/12)


def test_too_few_rows_and_what_chance_could_do_go_along_with_nothing() -> None:
    s, u = np.zeros((N, 1), dtype=np.int8), np.zeros((N, 1), dtype=np.float32)
    s[:4], u[:4] = 1, 1
    assert association(u, s) == 0
    # r = 0.5 over 20 rows is 2.2 standard errors from zero
    s, u = np.tile([1, -1], 10).astype(np.int8), np.zeros((20, 1), dtype=np.float32)
    u[:, 0] = s
    u[:5, 0] *= -1
    assert np.corrcoef(u[:, 0], s)[0, 1] == pytest.approx(0.5, abs=0.01)
    assert association(u, s[:, None]) == 0


def test_the_truth_itself_scores_one(world: Any) -> None:
    truths, rng = world
    claims = [claim(t.name, 10.0 * t.sign, t.presence) for t in truths]
    claims += [claim(f"noise{i}", 0.1, noise(rng)) for i in range(20)]
    matching = match(claims, truths)
    assert matching.about[:4].tolist() == [0, 1, 2, 3] and (matching.about[4:] == -1).all()
    assert matching.covers.tolist() == [True] * 3 + [False] * 21
    assert found_at_k(claims, matching, truths) == {0, 1, 2}
    assert auroc(claims, matching, truths) == 1.0


def test_the_wrong_side_is_not_found_but_still_ranked(world: Any) -> None:
    truths, _ = world
    claims = [claim(t.name, -10.0 * t.sign or 1.0, t.presence) for t in truths]
    matching = match(claims, truths)
    assert not matching.covers.any() and found_at_k(claims, matching, truths) == set()
    assert auroc(claims, matching, truths) == 1.0


def test_less_of_the_opposite_covers_a_concept(world: Any) -> None:
    truths, _ = world
    opposite = [claim("not a", -5.0, -truths[0].presence)]
    assert match(opposite, truths).covers.tolist() == [True]


def test_near_duplicates_take_one_place_and_repeated_cover_takes_none(world: Any) -> None:
    truths, rng = world
    a, b, c, _ = (t.presence for t in truths)
    x, y, z = noise(rng), noise(rng), noise(rng)
    twice = np.where(rng.random(N) < 0.95, x, 0)
    akin = np.where(rng.random(N) < 0.7, x, 0)  # r of about 0.8: other than x
    covered = [claim("a", 5, a), claim("a2", 4.9, a), claim("b", -3, b), claim("c", 2, c)]

    def found(*wrong: Claim) -> set[int]:
        claims = [*wrong, *covered]
        return found_at_k(claims, match(claims, truths), truths)

    assert found() == {0, 1, 2}
    assert found(claim("x", 9, x)) == {0, 1}
    assert found(claim("x", 9, x), claim("x2", 8, twice)) == {0, 1}  # one place
    assert found(claim("x", 9, x), claim("x3", 8, akin)) == {0}  # two
    assert found(claim("x", 9, x), claim("x2", -8, twice)) == {0}  # the other side of the same: two
    assert found(claim("x", 9, x), claim("y", 8, y)) == {0}  # two
    assert found(claim("x", 9, x), claim("y", 8, y), claim("z", 7, z)) == set()


def test_a_claim_and_its_opposite_are_both_void(world: Any) -> None:
    truths, _ = world
    a, b = truths[0].presence, truths[1].presence
    claims = [claim("a", 5, a), claim("not a", -4, a), claim("less of the opposite of a", -3, -a), claim("b", -2, b)]
    assert void(claims).tolist() == [True, True, True, False]  # the second contradicts the first and the third
    matching = match(claims, truths)
    assert matching.covers.tolist() == [False, False, False, True]
    assert found_at_k(claims, matching, truths) == {1}  # two wrong places: one said twice, one said against it
    inside = np.arange(N) < 600
    assert not void([claim("a", 5, a), claim("elsewhere", -5, a, context=inside)]).any()


def test_copies_of_a_claim_are_spoken_for_by_the_surest(world: Any) -> None:
    truths, rng = world
    a, x = truths[0].presence, noise(rng)
    claims = [
        claim("copy", 3, a, q=0.02),
        claim("a", 3, a, q=0.01),
        claim("turned", -3, -a, q=0.05),
        claim("x", 1, x, q=0.5),
    ]
    assert merged(claims).tolist() == [1, 1, 1, 3]


def test_a_claim_with_no_score_is_not_found(world: Any) -> None:
    truths, _ = world
    claims = [claim(t.name, 0.0, t.presence) for t in truths]
    assert found_at_k(claims, match(claims, truths), truths) == set()


def test_auroc_counts_pairs(world: Any) -> None:
    truths, rng = world
    claims = [claim("a", 3, truths[0].presence), claim("b", -1, truths[1].presence)]
    claims += [claim("x", 2, noise(rng)), claim("y", 0, noise(rng))]
    assert auroc(claims, match(claims, truths), truths) == 0.75
    assert auroc(claims[:2], match(claims[:2], truths), truths) is None


def test_a_random_ranking_finds_what_chance_finds(world: Any) -> None:
    """12 unrelated claims, 3 of them right: a place holds a planted one with the right sign 1 time in 8."""
    truths, rng = world
    us = [t.presence for t in truths[:3]] + [noise(rng) for _ in range(9)]
    found, area = [], []
    for _ in range(400):
        claims = [claim(str(i), s, u) for i, (s, u) in enumerate(zip(rng.normal(size=12), us, strict=True))]
        matching = match(claims, truths)
        found.append(len(found_at_k(claims, matching, truths)) / 3)
        area.append(auroc(claims, matching, truths))
    assert np.mean(found) == pytest.approx(1 / 8, abs=0.03)
    assert np.mean(area) == pytest.approx(0.5, abs=0.03)


def test_a_claim_in_a_context_covers_a_concept_of_that_topic_only() -> None:
    topic = np.arange(N) < 100
    presence = np.where(topic & (np.arange(N) % 2 == 0), 1, 0)
    truths = [truth("a@t", 1, presence, topic), truth("b", 1, np.roll(presence, 500))]
    most = np.arange(N) < 150
    few = np.arange(N) < 40
    everywhere = np.arange(N) < 600
    us = [claim(n, 5, presence, context=c) for n, c in (("in", most), ("part", few), ("wide", everywhere))]
    claims = [*us, claim("whole set", 5, presence)]
    assert match(claims, truths).covers.tolist() == [True, False, False, False]


def test_null_is_what_insertion_moved_equally() -> None:
    rng = np.random.default_rng(1)
    draws = [
        {
            "moved": {
                "untouched": (0.5, False, 1, 0.0, "untouched"),
                "equal": (0.5, False, 1, 0.02 * s, "equal"),  # +0.02 and -0.02 in turn: mean zero, two errors 0.004
                "unequal": (0.5, False, 1, 0.05 + 0.01 * s, "unequal"),
                "unknown": (0.5, False, 1, float(rng.normal(0, 0.5)), "unknown"),
                # names that only this planting has are judged by what moved here
                f"rare {i}": (0.5, False, 1, 0.04, f"rare {i}"),
                f"moved {i}": (0.5, False, 1, 0.06, f"moved {i}"),
            }
        }
        for i, s in enumerate([1, -1] * 50)
    ]
    moved = movements(draws)
    assert {name for name, m in moved.items() if m.null} == {"untouched", "equal", *(f"rare {i}" for i in range(100))}
    assert moved["unequal"].mean == pytest.approx(0.05)


def test_false_discoveries_are_null_or_on_the_wrong_side_and_grey_is_counted_apart() -> None:
    moved = {
        "right": Movement(0.3, False),
        "wrong side": Movement(0.1, False),
        "null": Movement(0.0, True),
        "grey": Movement(-0.1, False),
        "null, not found": Movement(0.0, True),
    }
    claims = {
        "right": (0.01, True, 1, 0.3, "right"),
        "right again": (0.01, True, 1, 0.3, "right"),  # says the same: counts once
        "wrong side": (0.05, False, -1, 0.1, "wrong side"),
        "null": (0.09, False, 1, 0.0, "null"),
        "grey": (0.0, False, -1, -0.1, "grey"),
        "null, not found": (0.1, False, 1, 0.0, "null, not found"),
    }
    got = discovered({"moved": claims}, moved)
    assert (got.true, got.false, got.grey) == (("right",), ("wrong side", "null"), ("grey",))
    assert got.fdp == pytest.approx(2 / 3)
    assert got.fdp_with_grey == pytest.approx(3 / 4)
    assert discovered({"moved": {"null": (None, False, 1, 0.0, "null")}}, moved).fdp == 0


def test_intervals() -> None:
    eight = share(8, 10)  # Wilson 1927
    assert eight.value == 0.8 and eight.ci == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share(0, 0).value is None
    assert mean([1.0, 2.0, 3.0]).ci == pytest.approx((2 - 2 / math.sqrt(3), 2 + 2 / math.sqrt(3)))


def test_the_namesake_of_a_claim_is_the_one_that_correlates_with_it_most_from_a_half_on() -> None:
    rng = np.random.default_rng(0)
    others = [claim(str(i), 1.0, u) for i, u in enumerate(rng.normal(size=(20, 200)))]
    others[3] = claim("3", 1.0, np.ones(200))
    near = others[7].u + 0.8 * rng.normal(size=200)
    r = [abs(float(np.corrcoef(near, c.u)[0, 1])) if c.id != "3" else 0.0 for c in others]
    assert int(np.argmax(r)) == 7 and r[7] > 0.5
    most_like = _MostLike(others, 200)
    assert most_like(claim("x", 1.0, near)) is others[7]
    assert most_like(claim("x", 1.0, -near)) is None, "the other side of a thing is not the thing"
    assert most_like(claim("x", 1.0, rng.normal(size=200))) is None
    assert most_like(claim("x", 1.0, np.ones(200))) is None and _MostLike([], 200)(others[0]) is None
