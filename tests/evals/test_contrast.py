"""Errors of prompts and seeds against scipy, statsmodels and formulas written out."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from offtarget.evals.contrast import Contrast, covariance, difference, level_of, mean_interval, ratio_interval, total
from offtarget.evals.panel import Panel
from offtarget.evals.rates import effective_n, is_rate, wilson


def panel(values: np.ndarray, *, rate: bool = False, trained: bool = True, samples: int = 1) -> Panel:
    """(seeds, samples) with ids p000, p001, ...; `samples` of each prompt."""
    n = values.shape[1] // samples
    ids = [f"p{i:03}#{k}" for i in range(n) for k in range(samples)] if samples > 1 else [f"p{i:03}" for i in range(n)]
    return Panel(tuple(ids), values.astype(float), tuple(range(len(values))), rate, trained)


def test_one_seed_a_side_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(5, 2, (1, 40)), rng.normal(5.4, 2, (1, 40))
    got = difference(panel(b), panel(a), of="b", to="a")
    want = stats.ttest_rel(b[0], a[0])
    assert got.p() == pytest.approx(want.pvalue, rel=1e-9)
    assert got.interval() == pytest.approx(tuple(want.confidence_interval()), rel=1e-9)
    assert not got.told, "one seed says nothing of its noise"


def test_samples_of_a_prompt_are_clustered_as_in_statsmodels() -> None:
    rng = np.random.default_rng(2)
    change = np.repeat(rng.normal(0.5, 1, 12), 3) + rng.normal(0, 0.1, 36)
    got = level_of(panel(change[None], trained=False, samples=3))
    robust = OLS(change, np.ones(36)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(12), 3)}, use_t=True
    )
    # statsmodels scales by (n − 1)/(n − k) as well, which is 1 here
    assert got.p() == pytest.approx(float(robust.pvalues[0]), rel=1e-6)
    assert math.sqrt(got.variance) == pytest.approx(float(robust.bse[0]), rel=1e-9)


def test_where_only_seeds_vary_it_is_welchs_test_over_seed_means() -> None:
    """Every prompt has its seed's value: V_prompts is 0, and Satterthwaite's degrees of freedom are Welch's."""
    a, b = np.array([0.42, 0.35, 0.53]), np.array([0.20, 0.31, 0.15, 0.24])
    got = difference(panel(np.repeat(b[:, None], 30, axis=1)), panel(np.repeat(a[:, None], 30, axis=1)), of="b", to="a")
    want = stats.ttest_ind(b, a, equal_var=False)
    assert got.p() == pytest.approx(want.pvalue, rel=1e-9)
    assert got.seeds_df == pytest.approx(want.df, rel=1e-9)
    assert got.interval() == pytest.approx(tuple(want.confidence_interval()), rel=1e-9)
    assert got.told


def test_prompts_and_seeds_have_each_their_own_t() -> None:
    """h² = t²(G − 1)·V_prompts + t²(k)·V_seeds (Banerjee 1961), and p is the level at which h reaches |D|."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.3, 1, (3, 50)), rng.normal(0, 1, (5, 50))
    got = difference(panel(x), panel(y), of="x", to="y")
    prompts = np.var(x.mean(0) - y.mean(0), ddof=1) / 50
    a, b = np.var(x.mean(1), ddof=1) / 3, np.var(y.mean(1), ddof=1) / 5
    assert got.variance == pytest.approx(prompts + a + b)
    k = (a + b) ** 2 / (a**2 / 2 + b**2 / 4)
    for level in (0.95, 0.99):
        tail = 0.5 + level / 2
        half = math.sqrt(stats.t.ppf(tail, 49) ** 2 * prompts + stats.t.ppf(tail, k) ** 2 * (a + b))
        assert got.interval(level) == pytest.approx((got.value - half, got.value + half), rel=1e-9)
    assert got.half(1 - got.p()) == pytest.approx(abs(got.value), rel=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.1, 1.0, 5.0])
def test_the_size_holds_at_the_small_levels_that_families_need(share: float) -> None:
    """Three seeds of one trained policy, V_prompts `share` times V_seeds: one t with Satterthwaite's degrees of freedom
    was up to 4.6 times too large at 0.05/8."""
    rng = np.random.default_rng(int(100 * share))
    n = 4000
    seeds = rng.normal(0, 1, (n, 3))
    prompts = rng.normal(0, math.sqrt(share / 3), n)
    for level, nominal in ((0.95, 0.05), (1 - 0.05 / 8, 0.05 / 8)):
        missed = 0
        for e, own in zip(prompts, seeds, strict=True):
            values = dict(enumerate((own + e).tolist()))
            c = Contrast(float(own.mean() + e), {"p": math.sqrt(share / 3)}, {"row": values}, 96)
            missed += abs(c.value) > c.half(level)
        assert missed / n <= nominal + 3 * math.sqrt(nominal * (1 - nominal) / n)


def test_the_start_model_has_no_training_seeds() -> None:
    """Its seeds are those of sampling, which is among the prompts' noise already."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, (3, 50)), rng.normal(0, 1, (3, 50)) + np.array([[0.0], [5.0], [9.0]])
    got = difference(panel(x), panel(y, trained=False), of="row", to="start")
    assert set(got.seeds) == {"row"} and got.told


def test_shares_get_two_more_prompts() -> None:
    """Bonett and Price 2012: variance of the differences with one +1 and one −1 added, over n + 2."""
    up = np.array([[0.0] * 30 + [1.0] * 10])
    flat = np.zeros((1, 40))
    got = difference(panel(up, rate=True), panel(flat, rate=True), of="b", to="a")
    d = up[0]
    want = (((d - d.mean()) ** 2).sum() + 2) / 41 / 42
    assert got.variance == pytest.approx(want, rel=1e-9)
    none = difference(panel(flat, rate=True), panel(flat, rate=True), of="b", to="a")
    low, high = none.interval() or (0.0, 0.0)
    assert none.p() == 1.0 and low == pytest.approx(-high)
    assert high == pytest.approx(stats.t.ppf(0.975, 39) * math.sqrt(2 / 41 / 42)), "never 0 to 0: about 3/n"


def test_a_change_of_every_prompt_by_the_same_is_not_certain() -> None:
    same = Contrast(1.0, {f"p{i}": 0.0 for i in range(3)}, {}, 3)
    assert same.p() == 0.25  # 2^(1 − 3): all three the same way by chance
    assert same.interval() is None
    assert Contrast(0.0, {"p": 0.0, "q": 0.0}, {}, 2).p() == 1.0


def test_prompts_of_unequal_size_count_for_fewer() -> None:
    ids = tuple([f"a#{k}" for k in range(8)] + ["b#1", "c#1"])
    got = level_of(Panel(ids, np.arange(10.0)[None], (0,)))
    assert got.n_prompts == pytest.approx(10**2 / (64 + 1 + 1))


def test_fieller_is_where_the_ratio_is_t_errors_from_the_truth() -> None:
    rng = np.random.default_rng(5)
    start, dpo = rng.normal(0, 1, (3, 60)), rng.normal(3, 1, (3, 60)) + np.array([[0.0], [0.2], [0.5]])
    row = rng.normal(1, 1, (3, 60)) + np.array([[0.1], [0.0], [0.3]])
    over = difference(panel(dpo), panel(row), of="dpo", to="row")
    under = difference(panel(dpo), panel(start, trained=False), of="dpo", to="start")
    found = ratio_interval(over, under)
    assert found is not None and found[0] < over.value / under.value < found[1]
    for r in found:
        rest = total([over, under.scaled(-r)])
        assert abs(rest.value) == pytest.approx(rest.half(), rel=1e-6)
    shared = np.cov(dpo.mean(0) - row.mean(0), dpo.mean(0) - start.mean(0))[0, 1] / 60
    assert covariance(over, under) == pytest.approx(shared + np.var(dpo.mean(1), ddof=1) / 3)


def test_without_seeds_fieller_has_its_closed_form() -> None:
    rng = np.random.default_rng(12)
    dpo, start, row = rng.normal(2, 1, (1, 40)), rng.normal(0, 1, (1, 40)), rng.normal(1, 1, (1, 40))
    over = difference(panel(dpo), panel(row), of="dpo", to="row")
    under = difference(panel(dpo), panel(start, trained=False), of="dpo", to="start")
    a, b, t2 = over.value, under.value, stats.t.ppf(0.975, 39) ** 2
    va, vb, vab = over.variance, under.variance, covariance(over, under)
    roots = np.roots([b * b - t2 * vb, -2 * (a * b - t2 * vab), a * a - t2 * va])
    assert ratio_interval(over, under) == pytest.approx(tuple(sorted(roots)), rel=1e-8)


def test_a_ratio_over_what_is_not_clearly_other_than_0_has_no_bounds() -> None:
    rng = np.random.default_rng(6)
    dpo, start, row = (rng.normal(0, 1, (3, 60)) for _ in range(3))
    over = difference(panel(dpo), panel(row), of="dpo", to="row")
    under = difference(panel(dpo), panel(start, trained=False), of="dpo", to="start")
    assert ratio_interval(over, under) is None


def test_sums_over_behaviours_share_their_policys_seeds() -> None:
    """The same shift of two behaviours in a seed adds up before it is squared."""
    x = panel(np.repeat(np.array([[0.0], [1.0], [2.0]]), 20, axis=1))
    zero = panel(np.zeros((1, 20)), trained=False)
    one = difference(x, zero, of="row", to="start")
    other = Panel(tuple(f"q{i}" for i in range(20)), x.values, x.seeds)
    two = difference(other, Panel(other.ids, zero.values, (0,), trained=False), of="row", to="start")
    assert total([one, two]).variance == pytest.approx(4 * one.variance)


@pytest.mark.parametrize(("k", "n"), [(0, 96), (1, 96), (30, 40), (40, 40), (7, 200)])
def test_wilson_is_that_of_statsmodels(k: int, n: int) -> None:
    want = proportion_confint(k, n, method="wilson")
    assert wilson(k / n, n) == pytest.approx(tuple(want), abs=1e-12)


def test_a_share_of_nothing_has_an_interval_with_width() -> None:
    got = mean_interval(panel(np.zeros((1, 96)), rate=True))
    n = 96 * (1.959964 / stats.t.ppf(0.975, 95)) ** 2
    assert got == pytest.approx(proportion_confint(0, n, method="wilson"), abs=1e-6)
    assert 0.035 < got[1] < 0.041  # the rule of three says 3/96 = 0.031


def test_repeats_of_a_prompt_do_not_narrow_the_interval_of_a_share() -> None:
    one = np.array([[1.0] * 12 + [0.0] * 28])
    alone = mean_interval(panel(one, rate=True)) or (0.0, 0.0)
    four = mean_interval(panel(np.repeat(one, 4, axis=1), rate=True, samples=4)) or (0.0, 0.0)
    assert four == pytest.approx(alone, abs=0.004)


def test_effective_n_is_n_over_the_design_effect() -> None:
    assert effective_n(0.3, 0.3 * 0.7 / 50, unknown=10, most=200) == pytest.approx(50)
    assert effective_n(0.0, 0.0, unknown=10, most=200) == 10
    assert effective_n(0.3, 1e-9, unknown=10, most=200) == 200


def test_what_is_a_share_and_what_is_not() -> None:
    assert is_rate([0.0, 1.0, 0.5], "share of pairs") and is_rate([0.0, 1.0], "nats")
    assert not is_rate([0.0, 0.25], "share of answers") and not is_rate([0.0, 0.0], "words per answer")
    assert is_rate([0.0, 0.0], "share of answers") and is_rate([0.0, 0.0]) and not is_rate([])


def test_lengths_that_are_all_the_same_have_no_interval_and_counts_none_below_0() -> None:
    assert mean_interval(panel(np.full((1, 30), 12.0))) is None
    low, high = mean_interval(panel(np.array([[0.0] * 29 + [30.0]]))) or (-1.0, -1.0)
    assert low == 0.0 and high > 2
