"""Tests of means: against scipy, statsmodels, and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from offtarget.audit.statistics import means as st
from offtarget.audit.statistics.resampling import shuffled_means
from offtarget.errors import UndecidedError


def clustered(rng, n_groups, per_group, columns, spread=1.0, mean=0.0):
    """Rows whose group shares a random shift; group sizes vary around `per_group`."""
    codes = np.repeat(np.arange(n_groups), rng.integers(max(per_group // 2, 1), per_group * 3 // 2 + 1, n_groups))
    shift = rng.normal(0, spread, (n_groups, columns))
    return mean + shift[codes] + rng.normal(size=(len(codes), columns)), codes


def test_with_one_row_per_group_it_is_the_ordinary_t_test():
    x = np.random.default_rng(0).normal(0.1, 1, (80, 5))
    test = st.mean_test(x, np.arange(80))
    want = stats.ttest_1samp(x, 0)
    np.testing.assert_allclose(test.t, want.statistic)
    # p is not Student's but that of swapped labels; of 80 normal values they are the same to a few per cent
    np.testing.assert_allclose(test.p, want.pvalue, rtol=0.05)
    np.testing.assert_allclose(test.d, x.mean(0) / x.std(0, ddof=1))
    np.testing.assert_allclose(test.row_z, want.statistic)


@pytest.mark.parametrize("shape", [(1,), (2,), (500,), (20, 30)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_q_is_scipys_to_the_last_bit(shape, dtype):
    p = np.random.default_rng(4).beta(0.4, 1, shape).astype(dtype)
    p.flat[:: max(p.size // 7, 1)] = p.flat[0]  # ties
    assert np.array_equal(st.bh(p), stats.false_discovery_control(p, axis=None).reshape(shape))
    p.flat[0] = np.nan
    with pytest.raises(ValueError, match="no number"):
        st.bh(p)


def test_with_groups_it_is_the_cluster_sandwich_of_statsmodels():
    x, codes = clustered(np.random.default_rng(1), 25, 6, 4, mean=0.2)
    test = st.mean_test(x, codes)
    for j in range(4):
        fit = sm.OLS(x[:, j], np.ones(len(x))).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
        assert test.mean[j] == pytest.approx(fit.params[0])
        assert test.se[j] == pytest.approx(fit.bse[0])
        assert test.t[j] == pytest.approx(fit.tvalues[0])


def test_the_order_of_groups_and_rows_does_not_matter():
    x, codes = clustered(np.random.default_rng(2), 20, 5, 3)
    order = np.random.default_rng(3).permutation(len(x))
    renamed = st.group_codes([f"g{c}" for c in codes[order]])
    np.testing.assert_allclose(st.mean_test(x[order], renamed).t, st.mean_test(x, codes).t)


def test_a_column_that_is_the_same_everywhere_gets_the_p_of_a_sign_test():
    test = st.mean_test(np.full((40, 1), -1.0), np.repeat(np.arange(20), 2))
    assert test.p[0] == pytest.approx(2.0**-19)
    assert test.t[0] == pytest.approx(-stats.norm.isf(2.0**-20))
    assert np.isfinite([test.d[0], test.row_z[0]]).all()


def test_a_constant_column_over_very_many_prompts_stays_finite():
    test = st.mean_test(np.ones((1100, 1)), np.arange(1100))
    assert test.p[0] == 1e-300
    assert test.t[0] == pytest.approx(stats.norm.isf(5e-301))
    assert np.isfinite([test.t[0], test.d[0], test.row_z[0]]).all()


def test_on_clustered_null_data_p_is_calibrated_and_the_row_level_z_is_not():
    rng = np.random.default_rng(4)
    x, codes = clustered(rng, 60, 10, 400)
    test = st.mean_test(x, codes)
    low, high = stats.binom.interval(0.999, 400, 0.05)
    assert low <= (test.p < 0.05).sum() <= high
    assert (2 * stats.norm.sf(np.abs(test.row_z)) < 0.05).mean() > 0.3
    null = np.abs(shuffled_means(x, codes, seed=0))
    p = (1 + (null >= np.abs(test.mean)).sum(0)) / 201
    assert low <= (p < 0.05).sum() <= high


def test_shuffling_labels_by_prompt_has_the_variance_of_independent_group_signs():
    x, codes = clustered(np.random.default_rng(5), 30, 4, 2)
    sums = st.group_sums(x, codes, 30)
    null = shuffled_means(x, codes, seed=1, n=20_000)
    np.testing.assert_allclose(null.std(0), np.sqrt((sums**2).sum(0)) / len(x), rtol=0.03)


def test_the_shuffle_null_of_many_prompts_is_not_widened_by_their_common_lean():
    """With one sign for a bin of prompts, a mean of 0.3 would add (m² - m)·0.09 a bin of m prompts."""
    x = np.random.default_rng(7).normal(0.3, 0.5, (12_000, 1))
    null = shuffled_means(x, np.arange(12_000), seed=2, n=2000)
    assert null.std() == pytest.approx(np.sqrt((x**2).sum()) / len(x), rel=0.05)
    assert null.mean() == pytest.approx(0.0, abs=4 * null.std() / np.sqrt(2000))


def test_q_values_are_benjamini_hochberg_over_the_whole_family():
    p = np.random.default_rng(8).uniform(size=(6, 7)) ** 3
    np.testing.assert_allclose(st.bh(p).ravel(), multipletests(p.ravel(), method="fdr_bh")[1])
    part = np.sort(p.ravel())[:5]
    padded = np.concatenate([part, np.ones(37)])
    np.testing.assert_allclose(st.bh_of_part(part, 42), multipletests(padded, method="fdr_bh")[1][:5])
    assert st.bh(np.zeros(0)).shape == (0,)


def test_halves_keep_prompts_whole_and_agreement_needs_one_sign():
    groups = [f"g{i % 40}" for i in range(200)]
    half = st.half_by_group(groups)
    assert len({(g, bool(h)) for g, h in zip(groups, half, strict=True)}) == 40
    assert 10 <= sum(half[:40]) <= 30
    agree, least = st.agreement(np.array([0.2, -0.2, 1e-7, -0.3]), np.array([0.1, 0.4, 0.2, -0.5]))
    assert agree.tolist() == [True, False, False, True]
    assert least.tolist() == [0.1, 0.2, 1e-7, 0.3]


def test_too_few_rows_or_prompts_are_undecided():
    with pytest.raises(UndecidedError, match=r"29 pairs from 29 prompts.*at least 30 pairs"):
        st.require_enough(np.arange(29))
    with pytest.raises(UndecidedError, match="10 different prompts"):
        st.require_enough(np.repeat(np.arange(9), 50))
    st.require_enough(np.repeat(np.arange(10), 3))


def test_few_large_prompts_are_undecided_with_the_number_that_they_are_worth():
    one = np.array([0] * 116 + list(range(1, 30)))
    # Kish: 145² / (116² + 29)
    with pytest.raises(UndecidedError, match=r"145 pairs from 30 prompts, but as good as 1.6 .*holds 80%"):
        st.require_enough(one)
    st.require_enough(np.array([0] * 9 + list(range(1, 30))))


def test_effective_groups_counts_dominant_prompts_as_few():
    assert st.effective_groups(np.repeat(np.arange(8), 5)) == pytest.approx(8)
    assert st.effective_groups(np.array([0] * 90 + list(range(1, 11)))) == pytest.approx(100**2 / (90**2 + 10))
