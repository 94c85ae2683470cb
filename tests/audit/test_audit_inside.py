"""Inside against outside: against OLS on an indicator, and by simulation of the null."""

from math import comb

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.sparse import csr_matrix

from offtarget.audit.statistics.inside import half_differences, inside_test, partition


def crossed(seed=0, n_groups=60, n_contexts=3, columns=3):
    """Rows of prompts, most prompts within one context, some with rows in two."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_groups), rng.integers(2, 9, n_groups))
    home = rng.integers(0, n_contexts, n_groups)
    contexts = np.where(rng.random(len(codes)) < 0.8, home[codes], rng.integers(0, n_contexts, len(codes)))
    u = rng.normal(size=(n_groups, columns))[codes] + rng.normal(size=(len(codes), columns))
    return u, contexts, codes


def test_difference_and_error_are_those_of_ols_on_an_indicator_with_clustered_covariance():
    u, contexts, codes = crossed()
    test = inside_test(u, partition(contexts, 3), codes)
    for k in range(3):
        design = sm.add_constant((contexts == k).astype(float))
        for m in range(3):
            fit = sm.OLS(u[:, m], design).fit(cov_type="cluster", cov_kwds={"groups": codes})
            assert test.delta[k, m] == pytest.approx(fit.params[1])
            assert test.robust_se[k, m] == pytest.approx(fit.bse[1])


def test_welch_z_and_pooled_d_are_the_papers():
    u, contexts, codes = crossed(1)
    test = inside_test(u, partition(contexts, 3), codes)
    a, b = u[contexts == 1, 0], u[contexts != 1, 0]
    assert test.welch_z[1, 0] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).statistic)
    pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(u) - 2))
    assert test.d[1, 0] == pytest.approx((a.mean() - b.mean()) / pooled)


def test_many_columns_are_handled_in_blocks_alike():
    u, contexts, codes = crossed(2, columns=70)
    whole = inside_test(u, partition(contexts, 3), codes)
    last = inside_test(u[:, 69:], partition(contexts, 3), codes)
    np.testing.assert_allclose(whole.se[:, 69:], last.se)
    np.testing.assert_allclose(whole.p[:, 69:], last.p)


def test_perfect_separation_gets_the_p_of_the_exact_permutation_test():
    """All 12 prompts inside show it, none of the other 28: one of (40 choose 12) arrangements."""
    codes = np.repeat(np.arange(40), 3)
    contexts = (codes >= 12).astype(int)
    test = inside_test((contexts == 0).astype(float)[:, None], partition(contexts, 2), codes)
    assert test.testable[0, 0]
    assert test.delta[0, 0] == 1.0
    assert test.p[0, 0] == pytest.approx(1 / comb(40, 12))
    assert test.t[0, 0] == pytest.approx(stats.norm.isf(1 / comb(40, 12) / 2))


def test_no_row_of_a_rare_concept_inside_is_no_evidence():
    """The sandwich sees no variance inside and would call 0 of 40 against 5 % a certain difference."""
    rng = np.random.default_rng(3)
    n = 4000
    contexts = (np.arange(n) >= 40).astype(int)
    u = (rng.random((n, 1)) < 0.05).astype(float)
    u[:40] = 0
    test = inside_test(u, partition(contexts, 2), np.arange(n))
    assert abs(test.delta[0, 0]) / test.robust_se[0, 0] > 10
    assert test.p[0, 0] > 0.05
    assert not test.testable[0, 0]


def test_a_context_of_few_prompts_is_not_tested():
    rng = np.random.default_rng(4)
    codes = np.concatenate([np.repeat(np.arange(5), 20), np.arange(5, 305)])
    contexts = (np.arange(len(codes)) >= 100).astype(int)
    test = inside_test(rng.normal(size=(len(codes), 2)), partition(contexts, 2), codes)
    assert test.n_groups.tolist() == [5, 300]
    assert not test.testable[0].any()


def test_on_clustered_sparse_null_data_p_is_calibrated():
    """Presence differences, shared within prompts, contexts of 12 to 40 prompts, no topic effect."""
    rng = np.random.default_rng(5)
    n_groups, m = 300, 60
    codes = np.repeat(np.arange(n_groups), 5)
    sizes = np.array([12, 15, 20, 25, 30, 38, 40, 40, 40, 40])
    contexts = np.repeat(np.arange(10), sizes)[codes]
    lean = rng.normal(0, 1.0, (n_groups, m))[codes]
    base = rng.uniform(-2.5, 0, m)
    chosen = rng.random((len(codes), m)) < 1 / (1 + np.exp(-(base + lean)))
    rejected = rng.random((len(codes), m)) < 1 / (1 + np.exp(-(base - lean)))
    test = inside_test(chosen.astype(float) - rejected, partition(contexts, 10), codes)
    p = test.p[test.testable]
    assert len(p) > 500
    assert 0.02 < (p < 0.05).mean() < 0.08
    assert (p < 0.001).mean() < 0.005
    naive = 2 * stats.norm.sf(np.abs(test.welch_z[test.testable]))
    assert (naive < 0.05).mean() > 0.1


def test_half_differences_are_those_of_each_half_alone():
    u, contexts, codes = crossed(6)
    half = codes % 2 == 0
    a, b = half_differences(u, partition(contexts, 3), half)
    for side, got in ((False, a), (True, b)):
        rows = half == side
        inside = contexts[rows] == 2
        want = u[rows][inside].mean(0) - u[rows][~inside].mean(0)
        np.testing.assert_allclose(got[2], want)


def test_contexts_may_overlap_and_each_is_tested_as_if_alone():
    u, contexts, codes = crossed(5)
    rows = [np.flatnonzero(contexts == 0), np.flatnonzero(contexts != 2), np.arange(0, len(u), 2)]
    inside = np.zeros((3, len(u)), dtype=bool)
    for k, mine in enumerate(rows):
        inside[k, mine] = True
    together = inside_test(u, csr_matrix(inside), codes)
    half = np.arange(len(u)) % 3 == 0
    halves = half_differences(u, csr_matrix(inside), half)
    for k in range(3):
        alone = partition(np.where(inside[k], 0, 1), 2)
        single = inside_test(u, alone, codes)
        for field in ("delta", "robust_se", "se", "p", "d", "welch_z", "df"):
            np.testing.assert_allclose(getattr(together, field)[k], getattr(single, field)[0], err_msg=field)
        for side, want in zip(halves, half_differences(u, alone, half), strict=True):
            np.testing.assert_allclose(side[k], want[0])
