"""p and intervals in contexts, from contexts dealt out again over prompts: against the test itself, and by simulation."""

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from offtarget.audit.statistics import dealing_t
from offtarget.audit.statistics.arrays import group_sums
from offtarget.audit.statistics.dealing import DRAWS, NULL_DRAWS, few_prompts, judge, unlike_contexts
from offtarget.audit.statistics.dealing_t import draw_z, normal_of_t, t_of_normal
from offtarget.audit.statistics.inside import inside_test, partition
from offtarget.audit.statistics.means import bh


def rows(rng, sizes, icc, m):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    z = np.sqrt(icc) * rng.normal(size=(len(sizes), m))[codes]
    return z + np.sqrt(1 - icc) * rng.normal(size=(len(codes), m)), codes


def judged(u, membership, codes, seed=0):
    test = inside_test(u, membership, codes)
    return test, judge(u, membership, codes, test, seed=seed)


@pytest.mark.parametrize("mixed", [False, True], ids=["a context is all of a prompt", "or some of its rows"])
def test_a_draw_is_the_test_of_the_contexts_that_were_dealt(monkeypatch, mixed):
    """One draw in which every prompt keeps its own contexts, and of its rows those that it had."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 9, 60)
    u, codes = rows(rng, sizes, 0.5, 4)
    contexts = rng.integers(0, 3, 60)[codes]
    if mixed:
        contexts = np.where(rng.random(len(codes)) < 0.8, contexts, rng.integers(0, 3, len(codes)))
    membership = partition(contexts, 3)
    test = inside_test(u, membership, codes)
    monkeypatch.setattr(dealing_t, "_change_places", lambda _, prompts, n, __: np.tile(prompts, (n, 1)))
    for k in range(3):

        def own_rows_first(x, codes, rng, k=k):
            order = np.lexsort((contexts != k, codes))
            total = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x[:, order], axis=1)], axis=1)
            return total, np.concatenate([[0], np.cumsum(sizes)])

        class First:
            def random(self, shape):
                return np.zeros(shape)

            def permuted(self, x, axis):
                return x

        monkeypatch.setattr(dealing_t, "_running", own_rows_first)
        monkeypatch.setattr(np.random, "default_rng", lambda seed=None: First())
        z = draw_z(u, membership, codes, test, [(k, m) for m in range(4)], draws=2, seed=0)
        np.testing.assert_allclose(z[0], normal_of_t(test.t[k], test.df[k]), rtol=1e-5)
        monkeypatch.undo()
        monkeypatch.setattr(dealing_t, "_change_places", lambda _, prompts, n, __: np.tile(prompts, (n, 1)))


@pytest.mark.parametrize("n", [5, 48], ids=["most of a class", "a few of a class"])
def test_prompts_change_places_within_their_class_and_each_arrangement_is_as_likely(n):
    classes = np.array([7] * n + [3] * 4)
    prompts = np.array([1, n + 2, 0, 3])
    to = dealing_t._change_places(classes, prompts, 60_000, np.random.default_rng(0))
    assert (classes[to] == classes[prompts]).all()
    np.testing.assert_allclose(np.bincount(to[:, 1] - n, minlength=4) / 60_000, 0.25, atol=0.01)
    three = to[:, [0, 2, 3]]
    assert all(len(set(row)) == 3 for row in three[:500].tolist())
    arranged, counts = np.unique(three, axis=0, return_counts=True)
    if n == 5:
        assert len(arranged) == 60 and counts.min() > 850 and counts.max() < 1150  # 1,000 each, sd 31
    for a, b in ((0, 1), (1, 2)):  # of 48: pairs of neighbours, each of 48 · 47
        seen = np.bincount(three[:, a] * n + three[:, b], minlength=n * n).reshape(n, n)
        assert (np.diag(seen) == 0).all()
        off = seen[~np.eye(n, dtype=bool)]
        assert stats.chisquare(off).pvalue > 0.001


def test_the_normal_quantile_of_t_and_back():
    t, df = np.linspace(-8, 8, 41)[:, None], np.array([4.0, 9.0, 30.0, 500.0])
    t = t + 0 * df
    want = np.sign(t) * stats.norm.isf(stats.t.sf(np.abs(t), df))
    assert np.abs(normal_of_t(t, df) - want).max() < 0.06
    np.testing.assert_allclose(t_of_normal(normal_of_t(t, df), df), t, atol=1e-9)


def test_of_single_rows_it_is_the_permutation_test_of_scipy():
    rng = np.random.default_rng(1)
    u = rng.normal(size=(120, 3)) + np.where(np.arange(120) < 40, 0.35, 0.0)[:, None]
    membership = csr_matrix((np.arange(120) < 40)[None])
    test, found = judged(u, membership, np.arange(120))
    for m in range(3):
        want = stats.permutation_test(
            (u[:40, m], u[40:, m]), lambda x, y, axis: stats.ttest_ind(x, y, axis=axis).statistic, n_resamples=2000,
            random_state=rng, vectorized=True,
        ).pvalue  # fmt: skip
        error = np.sqrt(want * (1 - want) * (1 / 2000 + 2 / DRAWS))
        assert found.p[0, m] == pytest.approx(want, abs=4 * error + 0.002)
    assert test.testable.all() and found.dealt.z.shape == (DRAWS, 3)


def lopsided(rng, sizes, m):
    """A concept that only chosen answers have, in few prompts: u is 0 or 1, and rows of a prompt go together."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    lean = np.sqrt(0.5) * rng.normal(size=(len(sizes), m))[codes] + np.sqrt(0.5) * rng.normal(size=(len(codes), m))
    return (lean > stats.norm.isf(0.1)).astype(float), codes


def test_contexts_that_mean_nothing_have_no_findings_however_lopsided_the_concepts():
    """40 sets: 120 prompts of one to twelve rows in six contexts. A clustered t finds something in .15 of such sets."""
    any_dealt, small, total = 0, 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        u, codes = lopsided(rng, rng.integers(1, 13, 120), 12)
        contexts = rng.integers(0, 6, 120)[codes]
        _, found = judged(u, partition(contexts, 6), codes, seed=seed)
        p = found.p[found.testable]
        any_dealt += bool((bh(p) < 0.05).any())
        small, total = small + (p < 0.05).sum(), total + len(p)
        assert len(found.dealt.findings) == NULL_DRAWS
    assert any_dealt <= 5  # 5 % of 40 and two Monte Carlo errors
    assert 0.03 < small / total < 0.06


DESIGNS = {
    "10 prompts of 3 rows among 300 of 1": ([3] * 10, [1] * 300),
    "12 uneven prompts among 60 uneven ones": (
        [1, 2, 4, 7, 11, 16, 20, 26, 31, 37, 43, 50],
        list(range(1, 51)) + [5] * 10,
    ),
    "30 prompts, 100 of 1 and one of 500 outside": ([1] * 30, [500] + [1] * 100),
    "one prompt of 20 rows and 30 of 1": ([20] + [1] * 30, [1] * 300),
}


@pytest.mark.parametrize("sizes", DESIGNS.values(), ids=DESIGNS.keys())
def test_size_and_coverage_hold_inside_uneven_contexts(sizes):
    """400 null concepts, the sizes of the prompts inside fixed. Monte Carlo error of .05: .011."""
    rng = np.random.default_rng(2)
    inside, outside = sizes
    u, codes = rows(rng, [*inside, *outside], 0.5, 400)
    membership = csr_matrix((codes < len(inside))[None])
    _, found = judged(u, membership, codes)
    ok = found.testable[0]
    assert ok.all()
    p, ci = found.p[0], found.ci[0]
    assert (p < 0.05).mean() <= 0.05 + 3 * 0.011
    assert (p < 0.001).mean() <= 0.001 + 3 * 0.0016
    assert ((ci[:, 0] <= 0) & (ci[:, 1] >= 0)).mean() >= 0.95 - 3 * 0.011
    np.testing.assert_array_equal((ci[:, 0] > 0) | (ci[:, 1] < 0), p < 0.05)


def test_a_context_that_few_prompts_fill_is_not_tested():
    rng = np.random.default_rng(3)
    u, codes = rows(rng, [60] + [1] * 9 + [1] * 300, 0.5, 5)
    membership = csr_matrix((codes < 10)[None])
    test, found = judged(u, membership, codes)
    assert test.testable.all()
    assert found.uneven.tolist() == [True] and not found.testable.any()
    assert few_prompts(membership, codes, 10).tolist() == [True]
    assert unlike_contexts(membership, codes).tolist() == [True]


def test_a_real_difference_is_found_and_small_p_are_not_cut_off_at_the_number_of_draws():
    rng = np.random.default_rng(4)
    u, codes = rows(rng, [2] * 400, 0.3, 6)
    inside = codes < 120
    u[inside, 0] += 0.8
    test, found = judged(u, csr_matrix(inside[None]), codes)
    assert found.p[0, 0] < 1e-8
    assert found.ci[0, 0, 0] < 0.8 < found.ci[0, 0, 1]
    # prompts of equal size and normal values: nearly the clustered t
    assert np.log10(found.p[0, 0]) == pytest.approx(np.log10(test.p[0, 0]), rel=0.25)
    half = (found.ci[0, :, 1] - found.ci[0, :, 0]) / 2 / test.se[0]
    assert half.mean() == pytest.approx(stats.t.isf(0.025, test.df[0].mean()), rel=0.08)


def test_contexts_that_change_within_prompts_are_compared_within_them():
    """Four rows a prompt, two by either source; prompts differ much, sources within a prompt little."""
    rng = np.random.default_rng(5)
    prompt = 3 * rng.normal(size=(80, 300))
    codes = np.repeat(np.arange(80), 4)
    source = np.tile([True, True, False, False], 80)
    u = prompt[codes] + rng.normal(size=(320, 300))
    u[source, :20] += 0.5
    test, found = judged(u, csr_matrix(np.stack([source, ~source])), codes)
    assert found.testable.all()
    null = found.p[0, 20:]
    assert (null < 0.05).mean() <= 0.05 + 3 * np.sqrt(0.0475 / 280)
    assert (found.p[0, :20] < 0.05).mean() > 0.8
    np.testing.assert_allclose(test.delta[0], -test.delta[1])


def test_too_large_a_view_deals_its_first_cells_and_says_which(monkeypatch):
    from offtarget.audit.statistics import dealing

    monkeypatch.setattr(dealing, "BUDGET", 30 * 300.0)
    monkeypatch.setattr(dealing, "FIRST", 5)
    rng = np.random.default_rng(6)
    u, codes = rows(rng, [2] * 60, 0.3, 12)
    u[codes < 30, 3] += 1.5
    test, found = judged(u, partition((codes >= 30).astype(np.int64), 2), codes)
    assert len(found.drawn) == 5 and {(0, 3), (1, 3)} <= set(found.drawn)
    assert found.dealt.z.shape == (199, 5) and found.dealt.findings == ()
    left = [(k, m) for k in range(2) for m in range(12) if (k, m) not in found.drawn]
    for cell in left:
        assert found.p[cell] == test.p[cell]


def test_sums_are_those_of_the_rows():
    u, codes = rows(np.random.default_rng(7), [3, 1, 2], 0.0, 2)
    np.testing.assert_allclose(group_sums(u, codes, 3)[0], u[:3].sum(axis=0))
