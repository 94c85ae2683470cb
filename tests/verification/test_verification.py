"""Predicted against observed shift: every figure against a formula or a simulation with a known answer."""

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.statistics.length import Lengths
from offtarget.lens.features import Column, FeatureMatrix
from offtarget.verification import agreement
from offtarget.verification.agreement import (
    BLOCKS,
    Compared,
    compare,
    fit,
    held_out_r2,
    over_length,
    pearson,
    residual,
    weighted_spearman,
    with_seeds,
)
from offtarget.verification.contributions import concept_differences, spread
from offtarget.verification.records import OverLength
from offtarget.verification.sums import GroupSums
from offtarget.verification.tilt import RIDGE, Tilt

RNG = np.random.default_rng(5)


def rows(n: int = 300, groups: int = 120, columns: int = 40, seed: int = 1) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
    return rng.normal(size=(n, columns)), rng.normal(0.4, 1.0, n), codes


def test_the_value_at_equal_length_is_the_intercept_of_a_regression() -> None:
    u, length, codes = rows()
    shift = GroupSums.of(u, length, codes).shift()
    np.testing.assert_allclose(shift.raw, u.mean(0))
    intercepts = [stats.linregress(length, u[:, j]).intercept for j in range(u.shape[1])]
    np.testing.assert_allclose(shift.at_equal_length, intercepts, atol=1e-12)


def test_shuffling_labels_flips_values_and_length_of_whole_prompts() -> None:
    u, length, codes = rows()
    signs = RNG.integers(0, 2, (3, codes.max() + 1)) * 2.0 - 1.0
    drawn = GroupSums.of(u, length, codes).shuffled(signs)
    for k in range(3):
        s = signs[k][codes]
        np.testing.assert_allclose(drawn.raw[k], (u * s[:, None]).mean(0), atol=1e-12)
        want = [stats.linregress(length * s, u[:, j] * s).intercept for j in range(u.shape[1])]
        np.testing.assert_allclose(drawn.at_equal_length[k], want, atol=1e-12)


def test_a_resample_is_the_same_statistic_of_repeated_rows() -> None:
    u, length, codes = rows()
    weights = RNG.multinomial(codes.max() + 1, np.full(codes.max() + 1, 1 / (codes.max() + 1)), size=2).astype(float)
    drawn = GroupSums.of(u, length, codes).resampled(weights)
    again = np.repeat(np.arange(len(u)), weights[1][codes].astype(int))
    np.testing.assert_allclose(drawn.raw[1], u[again].mean(0), atol=1e-12)
    np.testing.assert_allclose(
        drawn.at_equal_length[1, 7], stats.linregress(length[again], u[again, 7]).intercept, atol=1e-12
    )


def test_sensitivity_to_length_is_a_slope_that_no_lean_enters() -> None:
    u, length, codes = rows()
    want = [stats.linregress(length, u[:, j]).slope for j in range(u.shape[1])]
    for lean in (0.0, 3.0):
        np.testing.assert_allclose(GroupSums.of(u + lean, length, codes).sensitivity(), want, atol=1e-12)


def test_fit_gives_the_figures_of_scipy() -> None:
    x = RNG.normal(size=60)
    y = 0.7 * x + RNG.normal(size=60)
    found, line = fit(x, y), stats.linregress(x, y)
    assert found.r == pytest.approx(line.rvalue)
    assert found.slope == pytest.approx(line.slope)
    assert found.intercept == pytest.approx(line.intercept)
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic)


def test_held_out_r2_is_that_of_leaving_one_out() -> None:
    x = RNG.normal(size=25)
    y = 0.5 * x + RNG.normal(size=25)
    sse = sst = 0.0
    for i in range(25):
        rest = np.arange(25) != i
        line = stats.linregress(x[rest], y[rest])
        sse += (y[i] - line.intercept - line.slope * x[i]) ** 2
        sst += (y[i] - y[rest].mean()) ** 2
    assert held_out_r2(x, y) == pytest.approx(1 - sse / sst)
    assert held_out_r2(x, 3 * x + 1) == pytest.approx(1.0)
    assert held_out_r2(RNG.normal(size=400), RNG.normal(size=400)) < 0.02


def test_the_correlation_of_residuals_is_the_partial_correlation() -> None:
    z = RNG.normal(size=200)
    x, y = z + RNG.normal(size=200), z + RNG.normal(size=200)
    r = np.corrcoef([x, y, z])
    want = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert float(pearson(residual(x, z), residual(y, z))) == pytest.approx(want)


def simulated(effect: float, by_length: float, seed: int) -> Compared:
    """150 concepts; those of the data move the policy by `effect`, length moves both sides by `by_length`."""
    rng = np.random.default_rng(seed)
    true, slope = rng.normal(0, 0.3, 150), rng.normal(0, 1.0, 150)
    sides = []
    for n, size, longer in ((800, 1.0, 0.5), (400, effect, 0.8)):
        length = rng.normal(longer, 0.6, n)
        noise = rng.normal(size=(n, 150))
        values = size * true + by_length * np.outer(length, slope) + noise
        sides.append(GroupSums.of(values, length, np.arange(n)))
    return Compared(sides[0], sides[1], sides[0].sensitivity())


def test_a_true_prediction_is_found_with_and_without_length() -> None:
    found = compare(simulated(1.0, 0.0, 1), seed=0, shuffles=200, resamples=200)
    for one, null in ((found.raw, found.raw_null), (found.by_row, found.by_row_null)):
        assert one.r > 0.8
        assert null.q95_r2 < 0.3
        assert null.p == pytest.approx(1 / 201)
        assert one.ci_concepts and one.ci_prompts
        assert one.ci_concepts[0] < one.r < one.ci_concepts[1]
        assert one.ci_prompts[0] < one.r < one.ci_prompts[1]
    assert found.surest.right > 0.95


def test_length_alone_predicts_raw_and_shuffled_but_not_at_equal_length() -> None:
    found = compare(simulated(0.0, 1.0, 2), seed=0, shuffles=200, resamples=100)
    assert found.raw.r2 > 0.5
    assert found.raw_null.mean_r2 > 0.2, "any imbalance in length predicts a shift"
    assert found.by_row.r2 < 0.05
    assert found.by_concept.r2 < 0.2
    assert found.by_row_null.mean_r2 < 0.1


def test_the_interval_over_prompts_covers_the_correlation_of_many_prompts() -> None:
    rng = np.random.default_rng(11)
    effect = rng.normal(0, 0.12, 60)
    found = []
    for _ in range(40):
        sides = [GroupSums.of(effect + rng.normal(size=(n, 60)), np.zeros(n), np.arange(n)) for n in (300, 200)]
        raw = compare(Compared(*sides, np.zeros(60)), seed=1, shuffles=2, resamples=2).raw
        found.append(raw)
    centre = np.mean([f.r for f in found])
    hits = sum(f.ci_prompts[0] < centre < f.ci_prompts[1] for f in found)
    assert hits >= 34, "95 % of 40 is 38; 34 is four standard errors below"


def test_a_predictor_that_is_all_length_says_nothing_at_equal_length() -> None:
    rng = np.random.default_rng(2)
    length, slope = rng.normal(0.5, 1, 400), rng.normal(size=80).astype(np.float32)
    alone = GroupSums.of(length[:, None] * slope, length, np.arange(400))
    assert not alone.shift().at_equal_length.any()
    seen = GroupSums.of(rng.normal(size=(100, 80)), rng.normal(size=100), np.arange(100))
    found = compare(Compared(alone, seen, slope.astype(float)), seed=0, shuffles=50, resamples=10)
    assert found.by_row.r == 0.0
    assert found.by_row_null.p == 1.0


def test_the_shuffle_p_is_nominal_when_nothing_is_learned() -> None:
    p = [compare(simulated(0.0, 0.0, s), seed=s, shuffles=99, resamples=2).by_row_null.p for s in range(60)]
    assert 0.3 < np.mean(p) < 0.7
    assert np.mean(np.array(p) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 60)


def test_reliability_of_halves_is_the_share_of_true_variance() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(0, 0.1, 600)
    values = true + rng.normal(size=(100, 600))  # variance of a mean of 100: 0.01, as large as the true one
    sums = GroupSums.of(values, np.zeros(100), np.arange(100))
    assert agreement.halves(sums, np.zeros(600), "raw", seed=0) == pytest.approx(0.5, abs=0.06)
    other = GroupSums.of(true + rng.normal(size=(100, 600)), np.zeros(100), np.arange(100))
    assert agreement.ceiling(sums, other, np.zeros(600), "raw") == pytest.approx(0.5, abs=0.06)


def test_latent_values_average_a_transform_over_members() -> None:
    chosen = csr_matrix([[0.25, 0.0, 0.005], [0.0, 0.04, 0.0]])
    rejected = csr_matrix([[0.0, 0.01, 0.0], [0.16, 0.0, 0.0]])
    part = FeatureMatrix(
        "x",
        tuple(Column(f"x:{j}", "", "", "presence", 0.01) for j in range(3)),
        {("chosen", "freq"): chosen, ("rejected", "freq"): rejected},
        ("a", "b"),
        ("a", "b"),
        kind="latent",
        reads_model=True,
    )
    specs = [ConceptSpec("x:01", "cluster", "x", ("x:0", "x:1")), ConceptSpec("x:2", "feature", "x", ("x:2",))]
    np.testing.assert_allclose(concept_differences(part, specs, "presence"), [[0.5, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(concept_differences(part, specs, "frequency"), [[0.12, 0.005], [-0.06, 0.0]], atol=1e-7)
    np.testing.assert_allclose(concept_differences(part, specs, "sqrt_frequency")[0, 0], (0.5 - 0.1) / 2, rtol=1e-6)
    assert chosen.data[0] == 0.25, "the features are left as they were"


def test_columns_of_different_units_are_brought_to_one() -> None:
    np.testing.assert_allclose(spread(np.array([[3.0, 0.0], [-4.0, 0.0]])), [np.sqrt(12.5), 1.0])


def tilted(n: int = 60, m: int = 9, seed: int = 4) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    chosen, rejected = rng.normal(0.2, 1, (n, m)), rng.normal(0, 1, (n, m))
    return chosen, rejected, rng.normal(0.5, 1, n), rng.integers(0, 20, n)


def test_tilt_is_the_covariance_with_a_ridge_reward() -> None:
    chosen, rejected, length, codes = tilted()
    codes[:20] = np.arange(20)
    found = Tilt(chosen, rejected, length, codes).shift()
    u = chosen - rejected
    sd = np.sqrt((u**2).mean(0))
    z = u / sd
    # primal form of the same ridge: min |1 - z v|^2 + lambda m |v|^2
    w = np.linalg.solve(z.T @ z + RIDGE * 9 * np.eye(9), z.T @ np.ones(60)) / sd
    both = np.concatenate([chosen, rejected])
    np.testing.assert_allclose(found.raw, 9 * np.cov(both.T, bias=True) @ w, rtol=1e-9)
    # with length as a regressor that is not penalised
    x = np.column_stack([z, length])
    v = np.linalg.solve(x.T @ x + np.diag([RIDGE * 9] * 9 + [0.0]), x.T @ np.ones(60))[:9] / sd
    np.testing.assert_allclose(found.at_equal_length, 9 * np.cov(both.T, bias=True) @ v, rtol=1e-9)


def test_the_tilt_of_a_cluster_is_the_mean_of_its_latents() -> None:
    chosen, rejected, length, codes = tilted()
    codes[:20] = np.arange(20)
    fit = Tilt(chosen, rejected, length, codes)
    member = csr_matrix(np.repeat(np.eye(3), 3, axis=0) / 3)
    np.testing.assert_allclose(fit.of(member).shift().raw, fit.shift().raw.reshape(3, 3).mean(1))
    assert fit.shift().raw.shape == (9,), "the fit itself stays one of latents"


def test_shuffled_tilt_is_the_tilt_of_swapped_pairs() -> None:
    chosen, rejected, length, codes = tilted()
    codes[:20] = np.arange(20)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (2, 20))
    drawn = Tilt(chosen, rejected, length, codes).shuffled(signs)
    for k in range(2):
        swap = (signs[k][codes] < 0)[:, None]
        turned = Tilt(
            np.where(swap, rejected, chosen), np.where(swap, chosen, rejected), length * signs[k][codes], codes
        ).shift()
        np.testing.assert_allclose(drawn.raw[k], turned.raw, rtol=1e-9)
        np.testing.assert_allclose(drawn.at_equal_length[k], turned.at_equal_length, rtol=1e-9)


def test_what_goes_along_with_the_reward_is_predicted_to_move_and_what_never_varies_is_not() -> None:
    rng = np.random.default_rng(9)
    n = 500
    rewarded = rng.random((2, n)) < np.array([[0.6], [0.3]])
    companion = np.where(rng.random((2, n)) < 0.9, rewarded, ~rewarded)  # goes along within a response
    alone = rng.random((2, n)) < 0.5
    values = np.stack([rewarded, companion, alone, np.ones((2, n))], axis=2).astype(float)
    x = Tilt(values[0], values[1], np.zeros(n), np.arange(n)).shift().raw
    assert x[0] > x[1] > 5 * abs(x[2])
    assert x[3] == 0.0


def test_ranks_with_equal_weights_are_spearmans_and_a_concept_without_weight_counts_nothing() -> None:
    x, y = RNG.normal(size=50), RNG.normal(size=50)
    assert weighted_spearman(x, y, np.ones(50)) == pytest.approx(stats.spearmanr(x, y).statistic)
    order = np.arange(50.0)
    spoiled = order.copy()
    spoiled[[0, 49]] = 100, -100  # out of order
    weight = np.ones(50)
    weight[[0, 49]] = 0
    assert weighted_spearman(order, spoiled, weight) == pytest.approx(1.0)
    assert weighted_spearman(order, spoiled, np.ones(50)) < 0.8


@pytest.mark.parametrize(("groups", "copies"), [(120, 1), (12, 10)])
def test_concepts_that_go_together_are_worth_as_many_as_there_are_groups(groups: int, copies: int) -> None:
    # r of k independent values has variance 1/(k - 1); 500 shuffles know it to 6 %
    rng = np.random.default_rng(3)
    n = 400
    values = np.repeat(rng.normal(size=(n, groups)), copies, axis=1)
    seen = np.repeat(rng.normal(size=(n, groups)), copies, axis=1)
    length = rng.normal(size=n)
    sides = [GroupSums.of(v, length, np.arange(n)) for v in (values, seen)]
    found = compare(Compared(sides[0], sides[1], sides[0].sensitivity()), seed=0, resamples=20)
    assert found.scale is not None
    assert found.scale.effective_n == pytest.approx(groups - 1, rel=0.25)


def test_the_surest_concepts_have_the_range_that_a_coin_gives() -> None:
    rng = np.random.default_rng(4)
    sides = [GroupSums.of(rng.normal(size=(300, 400)), rng.normal(size=300), np.arange(300)) for _ in range(2)]
    found = compare(Compared(sides[0], sides[1], sides[0].sensitivity()), seed=0, resamples=20)
    assert found.surest.n == 20 and found.surest.chance is not None
    want = stats.binom.ppf([0.05, 0.95], 20, 0.5) / 20
    assert found.surest.chance == pytest.approx(want, abs=0.051)  # a step of one concept


def test_firing_bands_have_the_correlation_of_their_own_concepts() -> None:
    c = simulated(1.0, 0.0, 2)
    frequency = np.linspace(0.01, 0.6, 150)
    found = compare(Compared(c.predicted, c.observed, c.sensitivity, frequency), seed=0, shuffles=50, resamples=20)
    assert found.scale is not None
    x, y = c.predicted.shift().at_equal_length, c.observed.shift().at_equal_length
    bands = {b.up_to: b for b in found.scale.bands}
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 1.0)):
        inside = (frequency > low) & (frequency <= high)
        assert bands[high].n == inside.sum()
        assert bands[high].r2 == pytest.approx(np.corrcoef(x[inside], y[inside])[0, 1] ** 2)


@pytest.mark.parametrize(("effect", "by_length"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_prediction_says_more_than_length_where_it_does_and_not_where_length_is_all(
    effect: float, by_length: float
) -> None:
    c = simulated(effect, by_length, 5)
    rng = np.random.default_rng(5)
    rng.normal(0, 0.3, 150), rng.normal(0, 1.0, 150)
    length = rng.normal(0.5, 0.6, 800)  # the lengths of the data in `simulated`
    alone = Compared(GroupSums.of(np.outer(length, c.sensitivity), length, np.arange(800)), c.observed, c.sensitivity)
    found = over_length(c, alone, seed=0)
    assert found.ci[0] < found.difference < found.ci[1]
    if effect:
        assert found.ci[0] > 0.3
    else:
        assert found.ci[0] < 0.05


def test_a_prediction_from_other_prompts_than_the_rows_is_held_against_length_all_the_same() -> None:
    """Its noise is its own: with a sixteenth of the prompts the interval is wider than that of all of them."""
    c = simulated(1.0, 0.0, 5)
    few = GroupSums.of(c.predicted.values[:50], c.predicted.basis[:50], np.arange(50))  # type: ignore[union-attr]
    rng = np.random.default_rng(7)
    length = rng.normal(0.5, 0.6, 800)
    alone = Compared(GroupSums.of(np.outer(length, c.sensitivity), length, np.arange(800)), c.observed, c.sensitivity)
    whole = over_length(c, alone, seed=0)
    part = over_length(Compared(few, c.observed, c.sensitivity), alone, seed=0)
    y = c.observed.shift().raw
    known = [np.corrcoef(v, y)[0, 1] ** 2 for v in (few.values.mean(axis=0), alone.predicted.shift().raw)]
    assert part.difference == pytest.approx(known[0] - known[1])
    assert part.ci[1] - part.ci[0] > 1.3 * (whole.ci[1] - whole.ci[0])


def threshold_world(
    rng: np.random.Generator, n: int, mean: tuple[float, float], sd: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences of 100 concepts that set in at some length, and both log lengths; nothing but length counts."""
    at = np.linspace(3.5, 7, 100)
    a, b = rng.normal(mean, sd, (n, 2)).T
    shows = [rng.random((n, 100)) < 1 / (1 + np.exp(-6 * (x[:, None] - at))) for x in (a, b)]
    return shows[0].astype(float) - shows[1], a, b


def test_concepts_that_set_in_at_some_length_say_no_more_than_length_does() -> None:
    """A straight line through log length falls short of them, so that anything would beat it; smooth functions do not."""
    bent, straight = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        u, a, b = threshold_world(rng, 800, (6, 4.6), (0.4, 1))  # one long writer, and others
        first = rng.random(800) < 1 / (1 + np.exp(-1.5 * (a - b)))  # the labels like length, and nothing else
        u = np.where(first, 1.0, -1.0)[:, None] * u
        basis = Lengths(np.exp(np.where(first, a, b)), np.exp(np.where(first, b, a))).basis()
        predicted = GroupSums.of(u, basis, np.arange(800))
        y, c, d = threshold_world(rng, 400, (5.5, 5), (0.7, 0.7))
        seen = GroupSums.of(y, Lengths(np.exp(c), np.exp(d)).basis(), np.arange(400))
        sensitivity = predicted.sensitivity()

        def gap(alone: np.ndarray) -> OverLength:
            length = GroupSums.of(alone, basis, np.arange(800))  # noqa: B023
            sides = (Compared(x, seen, sensitivity) for x in (predicted, length))  # noqa: B023
            return over_length(*sides, seed=0)

        bent.append(gap(basis @ predicted.slopes()).ci[0] > 0)
        straight.append(gap(basis[:, :1] * sensitivity).ci[0] > 0)
    assert sum(straight) >= 6
    assert sum(bent) <= 1


def test_slopes_are_those_of_least_squares_with_an_intercept() -> None:
    rng = np.random.default_rng(6)
    u, basis = rng.normal(size=(200, 4)), rng.normal(0.3, 1, (200, 3))
    want = np.linalg.lstsq(np.column_stack([np.ones(200), basis]), u, rcond=None)[0][1:]
    np.testing.assert_allclose(GroupSums.of(u, basis, np.arange(200)).slopes(), want, atol=1e-10)


def test_seeds_widen_an_interval_by_their_own_variance() -> None:
    one = fit(RNG.normal(size=60), RNG.normal(size=60)).model_copy(update={"r": 0.5, "ci_prompts": (0.4, 0.5889)})
    other = one.model_copy(update={"r": 0.3})
    assert with_seeds([one]) == [one]
    found, _ = with_seeds([one, other])
    z = np.arctanh([0.5, 0.3])
    t19 = stats.t.ppf(0.975, BLOCKS - 1)
    prompts, seeds = ((np.arctanh(0.5889) - np.arctanh(0.4)) / 2 / t19) ** 2, z.var(ddof=1)
    df = (prompts + seeds) ** 2 / (prompts**2 / (BLOCKS - 1) + seeds**2)
    half = stats.t.ppf(0.975, df) * np.sqrt(prompts + seeds)
    assert found.ci_seeds == pytest.approx((np.tanh(z[0] - half), np.tanh(z[0] + half)))


def test_a_tilt_without_some_prompts_is_the_one_fitted_without_them() -> None:
    rng = np.random.default_rng(6)
    n, m = 60, 15
    chosen, rejected, length = rng.normal(size=(n, m)), rng.normal(size=(n, m)), rng.normal(size=n)
    codes = np.repeat(np.arange(20), 3)
    tilt = Tilt(chosen, rejected, length, codes)
    weights = np.ones((2, 20))
    weights[1, :4] = 0
    found = tilt.resampled(weights)
    whole = tilt.shift()
    np.testing.assert_allclose(found.raw[0], whole.raw)
    np.testing.assert_allclose(found.at_equal_length[0], whole.at_equal_length)

    u = chosen - rejected
    sd = np.sqrt((u**2).mean(0))
    z = u / sd
    kept = codes >= 4
    inverse = np.linalg.inv(z[kept] @ z[kept].T / m + RIDGE * np.eye(kept.sum()))
    both = np.concatenate([chosen, rejected]) - np.concatenate([chosen, rejected]).mean(0)
    covariance = both.T @ both / len(both)

    def reward(of: np.ndarray) -> np.ndarray:
        return covariance @ (z[kept] / sd).T @ of

    target = inverse @ np.ones(kept.sum())
    np.testing.assert_allclose(found.raw[1], reward(target), atol=1e-9)
    along = inverse @ length[kept]
    partial = target - along * (length[kept] @ target) / (length[kept] @ along)
    np.testing.assert_allclose(found.at_equal_length[1], reward(partial), atol=1e-9)
    with pytest.raises(ValueError, match="not repeat them"):
        tilt.resampled(weights * 2)
