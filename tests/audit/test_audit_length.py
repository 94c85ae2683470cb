"""The effect at equal length: against a direct maximum, planted truths, and what cannot be estimated."""

import numpy as np
import pytest
from offtarget.audit.statistics import length as controls
from offtarget.audit.statistics.means import mean_test
from scipy import optimize, stats


def preferences(u, length, beta, gamma, rng):
    """Turn each pair so that the side with larger β·u/sd + γ·length is chosen with logistic probability."""
    score = beta * u / u.std() + gamma * length
    turn = np.where(rng.random(len(u)) < 1 / (1 + np.exp(-score)), 1.0, -1.0)
    return turn * u, turn * length


def test_it_is_the_maximum_of_the_conditional_likelihood_with_the_cluster_sandwich():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(60), 5)
    u, length = preferences(rng.integers(-1, 2, 300).astype(float), rng.normal(size=300), 0.5, 0.7, rng)
    design = np.stack([u / u.std(ddof=1), length / length.std()], axis=1)
    best = optimize.minimize(lambda b: np.logaddexp(0, -design @ b).sum(), np.zeros(2), tol=1e-10).x
    p = 1 / (1 + np.exp(-design @ best))
    bread = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    scores = np.zeros((60, 2))
    np.add.at(scores, codes, design * (1 - p)[:, None])
    se = np.sqrt(60 / 59 * 299 / 298 * (bread @ (scores.T @ scores) @ bread)[0, 0])
    got = [controls.length_controlled(u, length, codes, seed=s) for s in (0, 1, 2)]
    for beta, p_value in got:
        assert beta == pytest.approx(best[0], abs=1e-5)
        assert p_value == pytest.approx(2 * stats.t.sf(abs(best[0] / se), 59), rel=1e-3)


def test_a_planted_effect_is_recovered_under_confounding_and_a_length_proxy_is_not_one():
    rng = np.random.default_rng(1)
    n = 6000
    length = rng.normal(size=n)
    real = 0.6 * length + rng.normal(size=n)
    proxy = length + 0.6 * rng.normal(size=n)
    score = 0.4 * real / real.std() + 0.8 * length
    turn = np.where(rng.random(n) < 1 / (1 + np.exp(-score)), 1.0, -1.0)
    codes = np.arange(n)
    beta, p = controls.length_controlled(turn * real, turn * length, codes)
    assert beta == pytest.approx(0.4, abs=0.1)
    assert p < 1e-10
    beta, p = controls.length_controlled(turn * proxy, turn * length, codes)
    # the proxy shares length with the real concept but adds only noise of its own
    assert abs(beta) < 0.1
    assert p > 0.01
    assert mean_test((turn * proxy)[:, None], codes).t[0] > 10


def test_inside_the_effect_is_the_surplus_over_outside():
    rng = np.random.default_rng(2)
    n = 8000
    inside = rng.random(n) < 0.3
    u, length = rng.normal(size=n), rng.normal(size=n)
    score = (0.2 + 0.6 * inside) * u + 0.5 * length
    turn = np.where(rng.random(n) < 1 / (1 + np.exp(-score)), 1.0, -1.0)
    beta, p = controls.length_controlled(turn * u, turn * length, np.arange(n), inside=inside)
    assert beta == pytest.approx(0.6, abs=0.15)
    assert p < 1e-8
    score = 0.4 * u + 0.5 * length
    turn = np.where(rng.random(n) < 1 / (1 + np.exp(-score)), 1.0, -1.0)
    beta, p = controls.length_controlled(turn * u, turn * length, np.arange(n), inside=inside)
    assert abs(beta) < 0.15
    assert p > 0.01


def test_separation_and_collinearity_are_said_not_raised():
    rng = np.random.default_rng(3)
    length, codes = rng.normal(size=200), np.arange(200)
    one_sided = (rng.random(200) < 0.2).astype(float)
    assert controls.length_controlled(one_sided, length, codes) == controls.SEPARATED
    both = np.where(np.arange(200) % 3 == 0, -1.0, 1.0) * (rng.random(200) < 0.5)
    inside = np.arange(200) < 40
    both[:40] = np.abs(both[:40])
    assert controls.length_controlled(both, length, codes, inside=inside) == controls.SEPARATED
    # u has both signs, but u and length together order every pair
    u = rng.normal(size=200)
    assert controls.length_controlled(u, np.abs(u) * 2 + 0.5 - u, codes) == controls.NO_FIT
    assert controls.length_controlled(np.zeros(200), length, codes) == controls.SEPARATED


def test_pairs_of_equal_length_need_no_control():
    rng = np.random.default_rng(4)
    u, _ = preferences(rng.normal(size=2000), np.zeros(2000), 0.5, 0.0, rng)
    beta, _ = controls.length_controlled(u, np.zeros(2000), np.arange(2000))
    assert beta == pytest.approx(0.5, abs=0.12)


def test_measures_of_length_are_recognised():
    rng = np.random.default_rng(5)
    length = rng.normal(size=500)
    u = np.stack([length, -2 * length + 0.1 * rng.normal(size=500), rng.normal(size=500)], axis=1)
    assert controls.is_length(u, length).tolist() == [True, True, False]
    assert not controls.is_length(u, np.zeros(500)).any()


def test_the_mean_at_equal_length_is_the_intercept_of_ols():
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(50), 4)
    length = rng.normal(0.5, 1, 200)
    u = (0.3 * length + rng.normal(size=200) + rng.normal(size=50)[codes])[:, None]
    fit = sm.OLS(u[:, 0], sm.add_constant(length)).fit(cov_type="cluster", cov_kwds={"groups": codes})
    mean, se = controls.equal_length_mean(u, length, codes)
    assert mean[0] == pytest.approx(fit.params[0])
    assert se[0] == pytest.approx(fit.bse[0])
    mean, _ = controls.equal_length_mean(u, np.zeros(200), codes)
    assert mean[0] == pytest.approx(u.mean())
