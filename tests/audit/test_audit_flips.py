"""p and intervals from labels swapped by whole prompts: against enumeration, closed forms and scipy, and by simulation."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.flips import FEW, flip_p, lattice_unit, refine, typical_values


@pytest.mark.parametrize("k", [5, 13, 30, 100, 1000, 5000])
def test_of_single_rows_with_or_without_a_concept_it_is_the_sign_test(k):
    for up in sorted({k, k - 1, int(0.8 * k), int(k / 2 + np.sqrt(k)), int(k / 2 + 1)}):
        sums = np.concatenate([np.ones(up), -np.ones(k - up), np.zeros(7)])[:, None]
        want = min(1.0, 2 * stats.binom.sf(up - 1, k, 0.5))
        assert flip_p(sums)[0] == pytest.approx(max(want, 1e-300), rel=0.04), up


def test_it_is_the_share_of_all_labellings_whatever_the_prompts_weigh():
    """All 2^13 labellings; sums of like size, of very different size, and one that outweighs the others."""
    rng = np.random.default_rng(0)
    signs = np.array(list(product((1, -1), repeat=13)))
    outweighs = np.r_[20.0, np.ones(12)]  # its labellings fall into two heaps, which a smooth tail cannot follow
    for scale, worst in ((np.ones(13), 0.4), (np.exp(rng.normal(size=13)), 0.4), (outweighs, 0.7)):
        sums = rng.normal(0.5, 1, (13, 40)) * scale[:, None]
        exact = (np.abs(signs @ sums) >= np.abs(sums.sum(axis=0)) * (1 - 1e-9)).mean(axis=0)
        ratio = flip_p(sums) / exact
        usual = exact > 0.002
        assert np.abs(np.log(ratio[usual])).max() < worst
        assert np.median(np.abs(np.log(ratio[usual]))) < worst / 4


def test_scipy_draws_the_same_p():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    u = rng.normal(0.12, 1, len(codes)) + rng.normal(0, 0.7, 40)[codes]
    sums = st.group_sums(u[:, None], codes, 40)
    drawn = stats.permutation_test(
        (sums[:, 0],), np.sum, permutation_type="samples", n_resamples=20_000, random_state=rng
    ).pvalue
    error = np.sqrt(drawn * (1 - drawn) / 20_000)
    assert flip_p(sums)[0] == pytest.approx(drawn, abs=4 * error)
    assert typical_values(sums, np.bincount(codes).astype(float), seed=0).p[0] == pytest.approx(
        drawn, abs=4 * np.sqrt(drawn * (1 - drawn) / 2000)
    )


def test_many_sums_at_once_and_sums_put_in_runs_change_nothing(monkeypatch):
    from offtarget.audit.statistics import flips

    rng = np.random.default_rng(2)
    sums = np.expm1(rng.normal(0.02, 1, (4000, 6)))
    totals = rng.normal(size=(60, 6)) * np.sqrt((sums**2).sum(axis=0))
    quick = flip_p(sums, totals)
    monkeypatch.setattr(flips, "KEPT", 10**6)
    for row, got in zip(totals[:8], quick[:8], strict=True):
        np.testing.assert_allclose(got, flip_p(sums, row), rtol=2e-3)


def test_the_lattice_is_that_of_the_values():
    sizes = np.array([[2.0, 0.5, 1.0, 0.0], [4.0, 1.5, np.sqrt(2), 0.0], [0.0, 2.5, 3.0, 0.0]])
    assert lattice_unit(sizes) == pytest.approx([2.0, 0.5, 0.0, 0.0])


def test_sums_as_small_as_rounding_errors_make_no_lattice():
    with np.errstate(invalid="raise"):
        assert lattice_unit(np.array([[1e-300], [1.0]])) == pytest.approx([0.0])


def test_the_interval_leaves_out_zero_exactly_where_p_is_below_005():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(30), rng.integers(1, 30, 30))
    u = rng.normal(size=(30, 400))[codes] + rng.normal(size=(len(codes), 400)) + rng.normal(0, 0.4, 400)
    sums = st.group_sums(u, codes, 30)
    for stretch in (None, np.linspace(1, 3, 400)):
        found = typical_values(sums, np.bincount(codes).astype(float), seed=1, stretch=stretch)
        p = refine(found, flip_p(sums) if stretch is None else flip_p(sums, sums.sum(axis=0) / stretch))
        outside = (found.ci[:, 0] > 0) | (found.ci[:, 1] < 0)
        assert 20 < outside.sum() < 380
        np.testing.assert_array_equal(outside, p < 0.05)
        assert (p <= found.p).all() and (p[found.beyond >= FEW] == found.p[found.beyond >= FEW]).all()


def test_the_interval_of_single_rows_is_students_up_to_its_own_noise():
    x = np.random.default_rng(4).normal(0.3, 1, (200, 50))
    want = stats.t.interval(0.95, 199, x.mean(axis=0), stats.sem(x))
    got = typical_values(x, np.ones(200), seed=0).ci
    half = (want[1] - want[0]) / 2
    assert np.abs(got - np.stack(want, axis=1)).max() < 0.25 * half.max()
    assert np.diff(got, axis=1).mean() == pytest.approx(2 * half.mean(), rel=0.03)


SIZES = {
    "equal": [4] * 20,
    "uneven": [1, 1, 1, 1, 2, 2, 3, 5, 8, 12, 15, 20, 25, 30, 35, 40, 45, 50, 50, 50],
    "three of 50 among 97 of 1": [50] * 3 + [1] * 97,
    "one holds 80 %": [116] + [1] * 29,
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("icc", [0.0, 0.7])
def test_p_and_interval_hold_however_few_prompts_hold_most_rows(sizes, icc):
    """800 null concepts: the clustered t has p < 0.05 in up to .86 of them. Monte Carlo error of .05: .0077."""
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    prompt = rng.normal(size=(len(sizes), 800))[codes]
    u = np.sqrt(icc) * prompt + np.sqrt(1 - icc) * rng.normal(size=(len(codes), 800))
    test = st.mean_test(u, codes)
    assert (test.p < 0.05).mean() <= 0.05 + 3 * 0.0077
    assert (test.p < 0.001).mean() <= 0.001 + 3 * 0.0011
    if sizes is SIZES["one holds 80 %"] and icc:
        assert (2 * stats.t.sf(np.abs(test.t), len(sizes) - 1) < 0.05).mean() > 0.5
    ci = typical_values(st.group_sums(u, codes, len(sizes)), np.array(sizes, dtype=float), seed=6).ci
    assert ((ci[:, 0] <= 0) & (ci[:, 1] >= 0)).mean() >= 0.95 - 3 * 0.0077
