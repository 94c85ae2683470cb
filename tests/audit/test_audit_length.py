"""The effect at equal length: against direct maxima, planted truths, laws of taste that only length has, and coins."""

import numpy as np
import pytest
from scipy import optimize, stats

from offtarget.audit.statistics.arrays import group_sums
from offtarget.audit.statistics.length import (
    Choice,
    Lengths,
    answer_basis,
    at_equal_length,
    fit_choice,
    is_length,
    odd_basis,
    scores,
)
from offtarget.audit.statistics.length_inside import FEW, inside_at_equal_length
from offtarget.audit.statistics.means import bh, mean_test


def lengths_of(rng, n, spread=0.7):
    return Lengths(*np.exp(rng.normal(5, spread, (2, n))).round())


def turned(u, lengths, chosen_first):
    """The rows as a labeller leaves them: where he does not choose the first answer, the sides change places."""
    flip = np.where(chosen_first, 1.0, -1.0)
    a, b = lengths.chosen, lengths.rejected
    return u * flip[:, None], Lengths(np.where(chosen_first, a, b), np.where(chosen_first, b, a))


def test_the_basis_is_odd_and_has_the_difference_of_log_length_first():
    a = lengths_of(np.random.default_rng(0), 300)
    z = a.basis()
    assert z.shape == (300, 6)
    np.testing.assert_allclose(z[:, 0], np.log1p(a.chosen) - np.log1p(a.rejected))
    other = odd_basis(Lengths(a.rejected, a.chosen))
    # the same space with the other sign: what one says, the other says
    tell = np.linalg.lstsq(other, -z, rcond=None)[0]
    np.testing.assert_allclose(other @ tell, -z, atol=1e-8)


def test_two_lengths_that_never_differ_have_no_basis_and_few_lengths_have_a_small_one():
    assert Lengths(np.full(50, 80.0), np.full(50, 80.0)).basis().shape == (50, 0)
    few = Lengths(np.tile([50.0, 90.0, 200.0], 20), np.tile([50.0, 200.0, 90.0], 20))
    z = few.basis()
    assert z.shape[1] == 3 and np.isfinite(z).all()


def test_differences_of_the_functions_of_single_answers_span_the_basis():
    a = lengths_of(np.random.default_rng(1), 200)
    x = answer_basis(a)
    pair = x[:200] - x[200:]
    z = a.basis()
    np.testing.assert_allclose(pair @ np.linalg.lstsq(pair, z, rcond=None)[0], z, atol=1e-8)


def test_the_choice_is_the_maximum_of_the_conditional_likelihood():
    rng = np.random.default_rng(2)
    a = lengths_of(rng, 400)
    first = rng.random(400) < 1 / (1 + np.exp(-1.5 * a.difference))
    _, a = turned(np.zeros((400, 1)), a, first)
    z = a.basis()
    best = optimize.minimize(lambda g: np.logaddexp(0, -z @ g).sum(), np.zeros(6), tol=1e-12).x
    np.testing.assert_allclose(fit_choice(z).p, 1 / (1 + np.exp(-z @ best)), atol=2e-4)


def test_scores_are_those_of_the_conditional_logit_with_length_profiled_out():
    """The derivative of the log likelihood by β at β = 0, with γ moved along as the information matrix says."""
    rng = np.random.default_rng(3)
    n = 300
    a, u = lengths_of(rng, n), rng.normal(size=(n, 1))
    z, codes = a.basis(), np.repeat(np.arange(60), 5)
    choice = fit_choice(z)
    w = choice.p * (1 - choice.p)
    slope = np.linalg.lstsq(z * np.sqrt(w)[:, None], u[:, 0] * np.sqrt(w), rcond=None)[0]
    want = (u[:, 0] - z @ slope) * (1 - choice.p)
    got = scores(u, choice, codes, 60)
    np.testing.assert_allclose(got.sums[:, 0], group_sums(want[:, None], codes, 60)[:, 0], atol=1e-8)


def test_where_no_lengths_differ_it_is_the_overall_effect_and_its_p():
    rng = np.random.default_rng(4)
    u = rng.normal(0.15, 1, (300, 3))
    codes = np.repeat(np.arange(100), 3)
    same = Lengths(np.full(300, 90.0), np.full(300, 90.0))
    found, plain = at_equal_length(u, same, codes, seed=0), mean_test(u, codes)
    np.testing.assert_allclose(found.effect, plain.mean)
    assert found.p == pytest.approx(plain.p, abs=0.06)
    assert ((found.ci[:, 0] < plain.mean) & (plain.mean < found.ci[:, 1])).all()


def test_a_direct_effect_is_recovered_under_confounding_and_a_length_proxy_has_none():
    """At equal length a taste β per unit brings E[u] = E[u·tanh(βu/2)], the concept's part that length does not explain."""
    rng = np.random.default_rng(5)
    n, codes = 6000, np.arange(6000)
    a = lengths_of(rng, n)
    d = a.difference
    own = rng.normal(size=n)
    u = np.stack([0.6 * d + own, d + 0.6 * rng.normal(size=n)], axis=1)
    first = rng.random(n) < 1 / (1 + np.exp(-(0.4 * u[:, 0] + 0.8 * d)))
    found = at_equal_length(*turned(u, a, first), codes, seed=0)
    assert found.effect[0] == pytest.approx((own * np.tanh(0.4 * own / 2)).mean(), abs=0.045)
    assert found.p[0] < 1e-10 and found.ci[0, 0] > 0.1
    assert abs(found.effect[1]) < 0.03 and found.p[1] > 0.01
    raw = mean_test(turned(u, a, first)[0], codes)
    assert raw.t[1] > 10, "without the control the proxy leans as well"


def responses(rng, n, m):
    """Answers of one writer who is long and of others of all lengths, and concepts that set in at some length."""
    a = Lengths(*np.exp(np.stack([rng.normal(6, 0.4, n), rng.normal(4.8, 0.9, n)])).round())
    at = rng.uniform(3.5, 6.5, m)
    shows = [
        rng.random((n, m)) < 0.8 / (1 + np.exp(-6 * (np.log(side)[:, None] - at))) for side in (a.chosen, a.rejected)
    ]
    return shows[0].astype(float) - shows[1], a


LAWS = {
    "logistic in log length": lambda a: 1.2 * a.difference,
    "a step": lambda a: 1.386 * np.sign(a.difference),
    "logistic in characters": lambda a: (a.chosen - a.rejected) / 300,
    "up to 200 characters": lambda a: 3 * (np.log(np.minimum(a.chosen, 200) / np.minimum(a.rejected, 200))),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_labels_by_length_alone_leave_nothing_at_equal_length(law):
    """Four data sets of 40 concepts each, which raw nearly all lean. Monte Carlo error of .05 in 160 correlated p: about .03."""
    p, any_finding, raw = [], 0, 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        u, a = responses(rng, 1200, 40)
        u, a = turned(u, a, rng.random(1200) < 1 / (1 + np.exp(-law(a))))
        codes = np.repeat(np.arange(600), 2)
        found = at_equal_length(u, a, codes, seed=0)
        p.append(found.p)
        any_finding += bool((bh(found.p) < 0.05).any())
        raw += (bh(mean_test(u, codes).p) < 0.05).sum()
    assert raw > 60
    assert (np.concatenate(p) < 0.05).mean() < 0.05 + 3 * 0.03
    assert any_finding <= 1


def test_labels_like_coins_in_the_rows_of_one_prompt_are_no_evidence():
    """A sandwich is zero there and calls p 1e-39; of the flips of one prompt hardly any is below 0.4."""
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(32), 90)
    for prompts, lowest in ((1, 0.3), (3, 0.05)):
        u = np.zeros((len(codes), 60))
        for j in range(60):
            for g in rng.choice(32, prompts, replace=False):
                u[rng.choice(np.flatnonzero(codes == g), 12, replace=False), j] = rng.choice([-1.0, 1.0], 12)
        found = at_equal_length(u, lengths_of(rng, len(codes)), codes, seed=0)
        assert found.p.min() > lowest


def test_what_goes_with_length_in_a_few_pairs_is_not_taken_for_more_than_length():
    """Twelve pairs, in each of which the longer answer has the concept and is chosen with probability .9: all alike by luck."""
    rng = np.random.default_rng(7)
    n = 800
    a = Lengths(np.exp(rng.normal(6, 0.1, n)), np.exp(rng.normal(5, 0.1, n)))
    u = np.zeros((n, 1))
    u[:12] = 1.0
    first = rng.random(n) < 0.9
    first[:12] = True
    u, a = turned(u, a, first)
    choice = fit_choice(a.basis())
    found = scores(u, choice, np.arange(n), n)
    assert found.stretch[0] > 1.8
    assert at_equal_length(u, a, np.arange(n), seed=0).p[0] > 0.05


def test_power_at_equal_length_is_that_of_the_fitted_logit():
    """A taste of 0.3 log-odds per sd on top of one for length: found as often as by statsmodels' Wald test of the true model."""
    from statsmodels.discrete.discrete_model import Logit

    ours = theirs = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = 600
        a = lengths_of(rng, n)
        u = 0.5 * a.difference + rng.normal(size=n)
        first = rng.random(n) < 1 / (1 + np.exp(-(0.3 * u + 1.2 * a.difference)))
        rows, lengths = turned(u[:, None], a, first)
        ours += at_equal_length(rows, lengths, np.arange(n), seed=0).p[0] < 0.05
        x = np.stack([u, a.difference], axis=1)
        theirs += Logit(first.astype(float), x).fit(disp=0).pvalues[0] < 0.05
    assert theirs >= 15
    assert ours >= theirs - 3


def test_where_length_decides_every_choice_there_is_nothing_to_say():
    rng = np.random.default_rng(8)
    a = lengths_of(rng, 200)
    long = Lengths(np.maximum(a.chosen, a.rejected) + 5, np.minimum(a.chosen, a.rejected))
    found = at_equal_length(rng.normal(size=(200, 2)), long, np.arange(200), seed=0)
    assert found.decided and found.reason(0) == "not estimable: length alone decides the choice"
    assert (found.p == 1).all() and (found.effect == 0).all()


def test_measures_of_length_are_recognised():
    rng = np.random.default_rng(9)
    a = lengths_of(rng, 500)
    d = a.difference
    bent = np.log1p(np.minimum(a.chosen, 100)) - np.log1p(np.minimum(a.rejected, 100))
    u = np.stack([d, -2 * d + 0.1 * rng.normal(size=500), rng.normal(size=500), bent], axis=1)
    assert is_length(u, d).tolist() == [True, True, False, False]
    found = at_equal_length(u, a, np.arange(500), seed=0)
    # a concept that is a function of both lengths is a measure of length too, if it does not go straight along with it
    assert found.is_length.tolist() == [True, True, False, True]
    assert found.reason(0) == "a measure of length itself" and found.reason(2) is None


def test_the_interval_leaves_out_zero_where_p_is_below_005():
    rng = np.random.default_rng(10)
    u, a = responses(rng, 600, 40)
    u = u + np.where(rng.random(u.shape) < 0.1, 1.0, 0.0) * (np.arange(40) % 2)
    found = at_equal_length(u, a, np.repeat(np.arange(200), 3), seed=0)
    outside = (found.ci[:, 0] > 0) | (found.ci[:, 1] < 0)
    assert 5 < outside.sum() < 39
    np.testing.assert_array_equal(outside, found.p < 0.05)


def test_inside_the_effect_is_the_surplus_over_outside():
    rng = np.random.default_rng(11)
    n, codes = 8000, np.arange(8000)
    inside = rng.random(n) < 0.3
    a = lengths_of(rng, n)
    own = rng.normal(size=(n, 2))
    u = own + 0.5 * a.difference[:, None]
    taste = (0.2 + 0.6 * inside) * own[:, 0] + 0.4 * own[:, 1] + (0.3 + 1.2 * inside) * a.difference
    rows, lengths = turned(u, a, rng.random(n) < 1 / (1 + np.exp(-taste)))
    found = inside_at_equal_length(rows, lengths.basis(), inside, codes)

    def at(beta, column, mask):
        return (own[mask, column] * np.tanh(beta * own[mask, column] / 2)).mean()

    assert found.effect[0] == pytest.approx(at(0.8, 0, inside) - at(0.2, 0, ~inside), abs=0.08)
    assert abs(found.effect[0] / found.se[0]) > 5
    assert abs(found.effect[1] / found.se[1]) < 3


def test_inside_a_context_too_few_prompts_with_a_difference_are_not_tested():
    rng = np.random.default_rng(12)
    codes = np.repeat(np.arange(100), 5)
    inside = codes < 40
    u = np.where(rng.random((500, 2)) < 0.3, rng.choice([-1.0, 1.0], (500, 2)), 0.0)
    u[inside & (codes >= 4), 1] = 0
    found = inside_at_equal_length(u, lengths_of(rng, 500).basis(), inside, codes)
    assert found.reason == (None, FEW)
    assert found.effect[1] == found.se[1] == 0


def test_a_choice_without_lengths_is_a_coin():
    choice = fit_choice(np.zeros((40, 0)))
    assert isinstance(choice, Choice) and (choice.p == 0.5).all() and choice.worth == 40
    assert stats.binom.sf(30, 40, 0.5) < 0.001
