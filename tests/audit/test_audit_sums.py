"""From the sums of two audits that share no prompt the test is that of their rows."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from offtarget.audit.diff.sums import Sums, sums_of, two_sample
from offtarget.audit.diff.test import Comparison
from offtarget.audit.workings import Workings


def workings(seed: int, n: int, per: int, shift: float = 0.0) -> Workings:
    """Prompts of up to `per` rows; concept 3 is in a handful of rows, concept 4 in none."""
    rng = np.random.default_rng(seed)
    groups = [f"{seed}-{int(g)}" for g in rng.integers(0, max(n // per, 12), n)]
    u = rng.choice([-1.0, 0.0, 1.0], size=(n, 5), p=[0.2, 0.5, 0.3])
    u[:, 1] += rng.normal(size=n) + shift
    u[:, 3] = 0.0
    u[:4, 3] = 1.0
    u[:, 4] = 0.0
    inside = csr_matrix((rng.random(n) < 0.3).reshape(1, n))
    return Workings(
        tuple(f"{seed}-{i}" for i in range(n)), tuple(groups), tuple("abcde"), u.astype(np.float32), ("x",), inside
    )


def of_rows(a: Workings, b: Workings, context: str | None) -> Any:
    names = {g: k for k, g in enumerate(dict.fromkeys([*a.groups, *b.groups]))}
    old, new = ((w.u, np.array([names[g] for g in w.groups])) for w in (a, b))
    compared = Comparison(old, new, np.full(len(a.pair_ids), -1), len(names))
    masks = (None, None) if context is None else (a.inside(context), b.inside(context))
    return compared.test(np.arange(5), *masks)


@pytest.mark.parametrize("context", [None, "x"])
@pytest.mark.parametrize(("n", "per"), [(400, 1), (300, 4), (120, 9)])
def test_the_test_is_that_of_the_rows(context: str | None, n: int, per: int) -> None:
    a, b = workings(1, n, per), workings(2, n // 2, per, shift=0.4)
    expected = of_rows(a, b, context)
    cells = [(context, np.arange(5))]
    found = two_sample(sums_of(a, cells)[0], sums_of(b, cells)[0])
    for name in ("difference", "se", "df", "d"):
        mine = getattr(found, name)[:4]
        np.testing.assert_allclose(mine, getattr(expected, name)[:4], rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.p[:4], expected.p[:4], rtol=1e-5)
    assert found.testable.tolist() == expected.testable.tolist()
    assert not found.testable[4]


def test_with_one_row_a_prompt_it_is_welchs_test() -> None:
    """The error is Welch's but for G/(G-1), which is n/(n-1) of the sum of squares over n: the same."""
    a, b = workings(3, 200, 1), workings(4, 150, 1)
    a, b = (Workings(w.pair_ids, w.pair_ids, w.concepts, w.u, w.context_ids, w.membership) for w in (a, b))
    sums = [sums_of(w, [(None, np.array([1]))])[0] for w in (a, b)]
    found = two_sample(*sums)
    theirs = stats.ttest_ind(b.u[:, 1].astype(float), a.u[:, 1].astype(float), equal_var=False)
    assert found.difference[0] / found.se[0] == pytest.approx(theirs.statistic)
    assert found.df[0] == pytest.approx(theirs.df)
    assert found.p[0] == pytest.approx(theirs.pvalue)
    assert sums[0].sd[0] == pytest.approx(a.u[:, 1].std(ddof=1))


def test_sums_are_cut_and_joined() -> None:
    a = sums_of(workings(1, 100, 2), [(None, np.arange(5)), ("x", np.arange(2))])
    whole = Sums.joined(a)
    assert whole.take(np.array([5])).effect[0] == a[1].effect[0]
    assert whole.n_outside[:5].tolist() == [0] * 5 and whole.n_outside[5] > 0


def constant(seed: int, n: int, values: tuple[float, ...]) -> Workings:
    """n prompts of a row each, in which every concept has one value."""
    rows = tuple(f"{seed}-{i}" for i in range(n))
    u = np.tile(np.array(values, dtype=np.float32), (n, 1))
    inside = csr_matrix((np.arange(n) % 2 == 0).reshape(1, n))
    return Workings(rows, rows, tuple("abcde"), u, ("x",), inside)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (37, 91)])
def test_where_nothing_varies_a_difference_is_of_the_cap_and_none_is_none(n: int, m: int) -> None:
    """0.3 before and 0.5 now in every row; the same 0.1, -0.7, 1/3 and 0 in all rows is no difference, whatever the rounding."""
    a, b = constant(1, n, (0.3, 0.1, -0.7, 1 / 3, 0.0)), constant(2, m, (0.5, 0.1, -0.7, 1 / 3, 0.0))
    cells = [(None, np.arange(5))]
    for old, new, sign in ((a, b, 1), (b, a, -1)):
        found = two_sample(sums_of(old, cells)[0], sums_of(new, cells)[0])
        expected = of_rows(old, new, None)
        for test in (found, expected):
            assert test.d.tolist() == [100 * sign, 0, 0, 0, 0]
            assert test.difference[0] == pytest.approx(0.2 * sign) and test.difference[1:].tolist() == [0] * 4
            assert test.testable[0] and test.p[0] < 1e-10
            assert test.p[1:].min() == 1


def test_an_effect_that_was_written_with_seven_digits_is_the_one_that_was_measured() -> None:
    a = constant(1, 40, (0.3, 1 / 3, 2 / 3, 1 / 7, 0.0))
    now = sums_of(a, [(None, np.arange(5))])[0]
    written = Sums(**{**vars(now), "effect": np.array([float(f"{x:.7g}") for x in now.effect])})
    assert two_sample(written, now).d.tolist() == [0] * 5
