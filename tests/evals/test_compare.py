"""Paired statistics against scipy, statsmodels and counts done by hand."""

import numpy as np
import pytest
from offtarget.errors import ConfigError
from offtarget.evals.compare import cluster_t_test, compare_runs, mcnemar_exact, paired
from offtarget.evals.scores import BehaviourScore, bootstrap_mean_ci, make_score
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar


def score(samples: dict[str, float | None], **card: str) -> BehaviourScore:
    card = {"behaviour": "b", "task_version": "1-A", "direction": "lower", "role": "target"} | card
    return make_score(samples, **card)  # type: ignore[arg-type]


def by_id(values: np.ndarray) -> dict[str, float | None]:
    return {f"s{i:03}": float(v) for i, v in enumerate(values)}


def test_one_row_a_prompt_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(5, 2, 40)
    b = a + rng.normal(0.4, 1, 40)
    got = paired(score(by_id(a)), score(by_id(b)))
    want = stats.ttest_rel(b, a)
    assert got.test == "cluster t"
    assert got.p == pytest.approx(want.pvalue, rel=1e-9)
    assert got.difference == pytest.approx(float(np.mean(b - a)))
    assert got.shift == pytest.approx(float(np.mean(b - a) / a.std(ddof=1)))
    assert (got.n, got.n_clusters, got.n_missing) == (40, 40, 0)
    low, high = want.confidence_interval()
    assert got.ci == pytest.approx((low, high), abs=0.12)


def test_epochs_are_clustered_by_prompt() -> None:
    rng = np.random.default_rng(2)
    prompt = rng.normal(0.5, 1, 12)
    ids = [f"s{i}#{e}" for i in range(12) for e in (1, 2, 3)]
    change = np.repeat(prompt, 3) + rng.normal(0, 0.1, 36)
    a = score(dict.fromkeys(ids, 0.5))
    b = score({k: 0.5 + float(d) for k, d in zip(ids, change, strict=True)})
    got = paired(a, b)
    robust = OLS(change, np.ones(36)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(12), 3)}, use_t=True
    )
    # statsmodels also scales by (n − 1)/(n − k), which is 1 here
    assert got.p == pytest.approx(float(robust.pvalues[0]), rel=1e-6)
    assert (got.n, got.n_clusters) == (36, 12)
    assert got.p > stats.ttest_1samp(change, 0).pvalue  # rows as if independent would be too sure


def test_binary_values_are_tested_by_mcnemar() -> None:
    a = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0]
    b = [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0]
    got = paired(score(by_id(np.array(a))), score(by_id(np.array(b))))
    table = [[3, 1], [6, 2]]  # both 0, up, down, both 1
    assert got.test == "exact McNemar"
    assert got.p == pytest.approx(float(mcnemar(table, exact=True).pvalue))
    assert got.difference == pytest.approx(-5 / 12)
    assert mcnemar_exact([0, 1], [0, 1]) == 1.0


def test_unscored_samples_are_left_out_and_counted() -> None:
    a = score({"x": 2.0, "y": None, "z": 4.0, "only_a": 9.0})
    b = score({"x": 3.0, "y": 7.0, "z": 4.5, "only_b": None})
    assert (a.value, a.n, a.n_unscored) == (5.0, 3, 1)
    got = paired(a, b)
    assert got.difference == pytest.approx(0.75)
    assert (got.n, got.n_missing) == (2, 3)


def test_nothing_scored_is_no_value() -> None:
    empty = score({"x": None, "y": None})
    assert (empty.value, empty.ci, empty.n, empty.n_unscored) == (None, None, 0, 2)
    got = paired(empty, score({"x": 1.0, "y": 2.0}))
    assert (got.difference, got.ci, got.p, got.shift, got.n) == (None, None, None, None, 0)


def test_a_start_that_does_not_vary_has_no_standardised_shift() -> None:
    flat = score({"x": 0.0, "y": 0.0, "z": 0.0})
    assert paired(flat, score({"x": 1.0, "y": 0.0, "z": 1.0})).shift is None
    same = paired(flat, flat)
    assert (same.shift, same.p, same.difference) == (0.0, 1.0, 0.0)


def test_other_versions_are_refused() -> None:
    with pytest.raises(ConfigError, match="1-A and 2-A cannot be compared"):
        paired(score({"x": 1.0}), score({"x": 1.0}, task_version="2-A"))
    with pytest.raises(ConfigError, match="different behaviours"):
        paired(score({"x": 1.0}), score({"x": 1.0}, behaviour="c"))


def test_q_values_run_over_the_behaviours_in_common() -> None:
    rng = np.random.default_rng(3)
    a, b = {}, {}
    for k, effect in enumerate((0.0, 0.3, 0.6, 1.0)):
        base = rng.normal(0, 1, 30)
        a[f"b{k}"] = score(by_id(base), behaviour=f"b{k}")
        b[f"b{k}"] = score(by_id(base + rng.normal(effect, 1, 30)), behaviour=f"b{k}")
    b["extra"] = score({"x": 1.0}, behaviour="extra")
    got = compare_runs(a, b)
    p = [d.p for d in got]
    assert [d.behaviour for d in got] == ["b0", "b1", "b2", "b3"]
    order = np.argsort(p)
    by_hand, running = [0.0] * 4, 1.0
    for rank in (4, 3, 2, 1):
        running = min(running, p[order[rank - 1]] * 4 / rank)
        by_hand[order[rank - 1]] = running
    assert [d.q for d in got] == pytest.approx(by_hand)


def test_a_comparison_without_p_is_not_in_the_family() -> None:
    a = {"one": score({"x": 1.0}, behaviour="one"), "many": score(by_id(np.arange(9.0)), behaviour="many")}
    b = {
        "one": score({"x": 2.0}, behaviour="one"),
        "many": score(by_id(np.arange(9.0) ** 1.1), behaviour="many"),
    }
    one, many = compare_runs(a, b)
    assert one.p is None and one.q is None
    assert many.q == many.p
    with pytest.raises(ConfigError, match="no behaviour in common"):
        compare_runs({"one": a["one"]}, {"many": b["many"]})


def test_a_constant_change_is_certain() -> None:
    assert cluster_t_test([1.0, 1.0, 1.0], ["a", "b", "c"]) == 0.0


def test_the_interval_covers_the_truth_and_widens_with_clusters() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        prompts = rng.exponential(2.0, 40)
        values = {f"s{i}#{e}": float(prompts[i] + rng.normal(0, 0.1)) for i in range(40) for e in (1, 2)}
        low, high = bootstrap_mean_ci(values, resamples=500) or (0.0, 0.0)
        covered += low <= 2.0 <= high
    assert 0.88 <= covered / 200 <= 0.98
    alone = bootstrap_mean_ci({k.replace("#", "e"): v for k, v in values.items()})
    both = bootstrap_mean_ci(values)
    assert alone and both
    assert (both[1] - both[0]) / (alone[1] - alone[0]) == pytest.approx(2**0.5, rel=0.1)
    assert bootstrap_mean_ci(values) == both  # equal input, equal output
    assert bootstrap_mean_ci({"s1#1": 1.0, "s1#2": 3.0}) is None
